//! The inbox: one row per conversation with everything a list of them shows.

use domain::lifecycle::Lifecycle;
use domain::sla::{Clocks, TimerState};
use event_schemas::conversation::{ConversationOpened, MessageReceived, MessageSent};
use event_schemas::message::{ChannelType, Content, Priority, SenderType, SlaMetric, Status};
use event_schemas::{
    AccountId, AssignmentEvent, BotEvent, ChannelId, ContactId, ConversationEvent, ConversationId,
    DetailsEvent, LifecycleEvent, MessageEvent, Position, SlaEvent, SlaPolicyId, TeamId, Timestamp, UserId,
    Version,
};
use follower::runner::DecodedEvent;
use follower::table::Json;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

follower::table! {
    /// A conversation as a list shows it.
    #[derive(Serialize, JsonSchema)]
    pub struct ConversationRow in "conversations" key (id: ConversationId) {
        /// The number of the conversation, in the order in which they were opened.
        #[serde(skip)]
        seq: i64,
        account_id: AccountId,
        channel_id: ChannelId,
        channel_type: ChannelType,
        contact_id: ContactId,
        contact_identifier: String,
        display_name: Option<String>,
        /// Which conversation of this contact on this channel it is, from 0.
        ordinal: u32,
        assignee_id: Option<UserId>,
        assignee_name: Option<String>,
        team_id: Option<TeamId>,
        status: Status,
        priority: Priority,
        subject: Option<String>,
        language: Option<String>,
        labels: Json<Vec<String>>,
        /// The fields that the bot collected before it handed over.
        bot_context: Option<Json<Map<String, Value>>>,
        #[serde(serialize_with = "or_empty")]
        #[schemars(with = "Map<String, Value>")]
        metadata: Option<Json<Map<String, Value>>>,
        created_at: Timestamp,
        resolved_at: Option<Timestamp>,
        closed_at: Option<Timestamp>,
        snoozed_until: Option<Timestamp>,
        reopened_count: u32,
        /// The version of the assignment that holds now.
        #[serde(skip)]
        assignment_version: Option<Version>,
        sla_policy_id: Option<SlaPolicyId>,
    }
    volatile {
        updated_at: Timestamp,
        /// When an agent first answered.
        first_reply_at: Option<Timestamp>,
        last_message_at: Timestamp,
        last_message_preview: Option<String>,
        last_message_sender_type: Option<SenderType>,
        /// Since when the customer waits for an agent's answer.
        unanswered_since: Option<Timestamp>,
        message_count: u32,
        received_count: u32,
        sent_count: u32,
        note_count: u32,
        /// The promise whose deadline is next, and when that is.
        sla_metric: Option<SlaMetric>,
        sla_due_at: Option<Timestamp>,
        /// Of its clocks the one that needs most attention: `breached`, `running`, `paused`, `met`, `cancelled`.
        sla_state: Option<String>,
        sla_breached_count: u32,
        /// The version of its stream; of a single conversation also the `ETag`.
        version: Version,
        /// The place of its last event in the log.
        position: Position,
        /// The row as JSON. It is put together when the row is written, which is far less often than a list
        /// shows it.
        #[serde(skip)]
        list_json: String,
    }
}

fn or_empty<S: Serializer>(
    metadata: &Option<Json<Map<String, Value>>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match metadata {
        Some(metadata) => metadata.serialize(serializer),
        None => Map::new().serialize(serializer),
    }
}

impl ConversationRow {
    /// A conversation begins.
    pub fn opened(seq: i64, opened: &ConversationOpened, happened: &DecodedEvent) -> Self {
        let at = happened.metadata.occurred_at;
        Self {
            id: opened.conversation_id,
            seq,
            account_id: opened.account_id,
            channel_id: opened.channel_id,
            channel_type: opened.channel_type,
            contact_id: opened.contact_id,
            contact_identifier: opened.contact_identifier.clone(),
            display_name: opened.display_name.clone(),
            ordinal: opened.ordinal,
            assignee_id: None,
            assignee_name: None,
            team_id: None,
            status: Status::Open,
            priority: opened.priority,
            subject: opened.subject.clone(),
            language: opened.language.clone(),
            labels: Json(Vec::new()),
            bot_context: None,
            metadata: (!opened.metadata.is_empty()).then(|| Json(opened.metadata.clone())),
            created_at: at,
            updated_at: at,
            first_reply_at: None,
            resolved_at: None,
            closed_at: None,
            snoozed_until: None,
            last_message_at: at,
            last_message_preview: None,
            last_message_sender_type: None,
            unanswered_since: None,
            message_count: 0,
            received_count: 0,
            sent_count: 0,
            note_count: 0,
            reopened_count: 0,
            assignment_version: None,
            sla_policy_id: None,
            sla_metric: None,
            sla_due_at: None,
            sla_state: None,
            sla_breached_count: 0,
            version: happened.version,
            position: happened.position,
            list_json: String::new(),
        }
    }

    /// Remembers what happened.
    pub fn apply(&mut self, event: &ConversationEvent, happened: &DecodedEvent) {
        use ConversationEvent as E;
        let at = happened.metadata.occurred_at;
        self.version = happened.version;
        self.position = happened.position;
        self.live_through(event);
        match event {
            E::Message(MessageEvent::MessageReceived(message)) => self.received(message, at),
            E::Message(MessageEvent::MessageSent(message)) => self.sent(message, at),
            E::Message(MessageEvent::NoteAdded(_)) => self.note_count += 1,
            E::Bot(BotEvent::BotContextCollected(collected)) => {
                let context = self.bot_context.get_or_insert_default();
                context.0.extend(collected.fields.clone());
            }
            E::Assignment(AssignmentEvent::Assigned(_)) => self.assignment_version = Some(happened.version),
            E::Assignment(AssignmentEvent::Unassigned(_)) => self.assignment_version = None,
            E::Lifecycle(event) => self.apply_lifecycle(event, at),
            E::Details(DetailsEvent::SeenByAgent(_)) => return,
            E::Details(event) => self.apply_details(event),
            E::Sla(SlaEvent::SlaApplied(applied)) => self.sla_policy_id = Some(applied.policy.id),
            E::Sla(SlaEvent::SlaBreached(_)) => self.sla_breached_count += 1,
            E::Sla(SlaEvent::SlaWarned(_))
            | E::Bot(BotEvent::BotEngaged(_) | BotEvent::InfoRequested(_) | BotEvent::HandoffRequested(_))
            | E::Assignment(AssignmentEvent::AssignmentDropped(_))
            | E::Delivery(_)
            | E::Routing(_)
            | E::Automation(_) => {}
        }
        self.updated_at = self.updated_at.max(at);
    }

    fn apply_lifecycle(&mut self, event: &LifecycleEvent, at: Timestamp) {
        match event {
            LifecycleEvent::Resolved(_) => {
                self.resolved_at = Some(at);
                self.unanswered_since = None;
            }
            LifecycleEvent::Reopened(_) => {
                // A pending one that goes on was never resolved.
                if self.resolved_at.take().is_some() {
                    self.reopened_count += 1;
                }
            }
            LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_) => {
                self.closed_at = Some(at);
                self.unanswered_since = None;
                self.assignment_version = None;
            }
            LifecycleEvent::ConversationOpened(_) | LifecycleEvent::MarkedPending(_) => {}
        }
    }

    fn apply_details(&mut self, event: &DetailsEvent) {
        match event {
            DetailsEvent::PriorityChanged(change) => self.priority = change.new,
            DetailsEvent::LabelsChanged(change) => {
                self.labels.0.retain(|label| !change.removed.contains(label));
                for label in &change.added {
                    if let Err(place) = self.labels.0.binary_search(label) {
                        self.labels.0.insert(place, label.clone());
                    }
                }
            }
            DetailsEvent::SubjectChanged(change) => self.subject.clone_from(&change.new),
            DetailsEvent::LanguageDetected(detected) => self.language = Some(detected.language.clone()),
            DetailsEvent::SeenByAgent(_) => {}
        }
    }

    /// Shows what the clocks say.
    pub fn show_clocks(&mut self, clocks: &Clocks) {
        let next = clocks.next_deadline();
        self.sla_metric = next.map(|(metric, _)| metric);
        self.sla_due_at = next.map(|(_, due_at)| due_at);
        let worst = clocks.timers().map(|timer| timer.state).max_by_key(urgency);
        self.sla_state = worst.map(|state| state.as_str().to_owned());
    }

    /// Status, assignee and team follow the one rule there is for them.
    fn live_through(&mut self, event: &ConversationEvent) {
        let mut lifecycle = Lifecycle {
            status: self.status,
            assignee_id: self.assignee_id,
            assignee_name: self.assignee_name.take(),
            team_id: self.team_id,
            snoozed_until: self.snoozed_until,
        };
        lifecycle.evolve(event);
        self.status = lifecycle.status;
        self.assignee_id = lifecycle.assignee_id;
        self.assignee_name = lifecycle.assignee_name;
        self.team_id = lifecycle.team_id;
        self.snoozed_until = lifecycle.snoozed_until;
    }

    fn received(&mut self, message: &MessageReceived, at: Timestamp) {
        self.received_count += 1;
        self.unanswered_since = self.unanswered_since.or(Some(at));
        self.show_last(&message.body, SenderType::Contact, at);
    }

    fn sent(&mut self, message: &MessageSent, at: Timestamp) {
        self.sent_count += 1;
        if message.sender_type == SenderType::Agent {
            self.first_reply_at = self.first_reply_at.or(Some(at));
            self.unanswered_since = None;
        }
        self.show_last(&message.body, message.sender_type, at);
    }

    fn show_last(&mut self, body: &Content, sender: SenderType, at: Timestamp) {
        self.message_count += 1;
        self.last_message_at = self.last_message_at.max(at);
        self.last_message_preview = Some(preview(body));
        self.last_message_sender_type = Some(sender);
    }

    /// The row as a list shows it. The reader's count of unread messages is added when the row is read.
    pub fn to_list_json(&self) -> String {
        let text = serde_json::to_string(self);
        text.unwrap_or_else(|impossible| unreachable!("a row always serialises: {impossible}"))
    }
}

/// Of several clocks the one to show.
fn urgency(state: &TimerState) -> u8 {
    match state {
        TimerState::Breached { .. } => 4,
        TimerState::Running => 3,
        TimerState::Paused { .. } => 2,
        TimerState::Met { .. } => 1,
        TimerState::Cancelled { .. } => 0,
    }
}

const PREVIEW: usize = 120;

/// The beginning of a message on one line; where there are no words, what it is.
fn preview(body: &Content) -> String {
    let mut words = body.content.split_whitespace();
    let Some(first) = words.next() else { return format!("[{}]", body.content_type) };
    let mut line = first.to_owned();
    for word in words {
        if line.len() > 4 * PREVIEW {
            break;
        }
        line.push(' ');
        line.push_str(word);
    }
    if let Some((cut, _)) = line.char_indices().nth(PREVIEW) {
        line.truncate(cut);
        line.push('…');
    }
    line
}
