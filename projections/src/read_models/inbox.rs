//! The inbox: one row per conversation, with all fields that a list of conversations shows.

use domain::lifecycle::Lifecycle;
use domain::sla::{Clocks, TimerState};
use event_schemas::conversation::{
    ConversationOpened, MessageEdited, MessageReceived, MessageRevoked, MessageSent, MessageVersion,
    ReopenCause,
};
use event_schemas::message::{ChannelType, Content, Priority, SenderType, SlaMetric, Status};
use event_schemas::{
    AccountId, AssignmentEvent, BotEvent, ChannelId, ContactId, ConversationEvent, ConversationId,
    DetailsEvent, LifecycleEvent, MessageEvent, MessageId, Position, SlaEvent, SlaPolicyId, TeamId,
    Timestamp, UserId, Version,
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
        /// The number of the conversation. Conversations are numbered in the order in which they were opened.
        #[serde(skip)]
        seq: i64,
        /// Its number in the search index. 0 in a view of the past.
        #[serde(skip)]
        search_no: i64,
        account_id: AccountId,
        channel_id: ChannelId,
        channel_type: ChannelType,
        contact_id: ContactId,
        contact_identifier: String,
        /// The number of the conversation among those of this contact on this channel, from 0.
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
        /// Whether a human agent was requested since the conversation was last with the bot.
        handoff_requested: bool,
        /// The agent who was requested by name.
        handoff_agent_id: Option<UserId>,
        handoff_reason: Option<String>,
        #[serde(serialize_with = "or_empty")]
        #[schemars(with = "Map<String, Value>")]
        metadata: Option<Json<Map<String, Value>>>,
        created_at: Timestamp,
        resolved_at: Option<Timestamp>,
        closed_at: Option<Timestamp>,
        /// When it was closed because it was inactive. `null` when it is open, or was closed for another reason.
        expired_at: Option<Timestamp>,
        snoozed_until: Option<Timestamp>,
        reopened_count: u32,
        /// The version of the current assignment.
        #[serde(skip)]
        assignment_version: Option<Version>,
        sla_policy_id: Option<SlaPolicyId>,
    }
    volatile {
        display_name: Option<String>,
        updated_at: Timestamp,
        /// The time of the first answer by an agent that did not fail.
        first_reply_at: Option<Timestamp>,
        /// When the newest message was recorded. The preview is of the message that was said last: one that came late
        /// leaves it as it is.
        last_message_at: Timestamp,
        last_message_preview: Option<String>,
        last_message_sender_type: Option<SenderType>,
        /// The message of the preview.
        #[serde(skip)]
        last_message_id: Option<MessageId>,
        /// When it was said.
        #[serde(skip)]
        last_message_said_at: Option<Timestamp>,
        /// The time since which the customer waits for an agent's answer. An answer that failed ends no wait.
        unanswered_since: Option<Timestamp>,
        message_count: u32,
        received_count: u32,
        sent_count: u32,
        note_count: u32,
        /// The SLA metric whose deadline is next.
        sla_metric: Option<SlaMetric>,
        /// The deadline that is next.
        sla_due_at: Option<Timestamp>,
        /// The state of the SLA clock that is most urgent, in this order: `breached`, `running`, `paused`, `met`,
        /// `cancelled`.
        sla_state: Option<String>,
        sla_breached_count: u32,
        /// The version of the conversation's stream. It is also the `ETag` of the response with one conversation.
        version: Version,
        /// The position of its last event in the log.
        position: Position,
        /// The number of its last change, by which a list finds what changed while it was read: the position of the
        /// event.
        #[serde(skip)]
        changed: i64,
        /// The row as JSON. It is made when the row is written, because lists read the row far more often.
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
    /// The row of a conversation that begins with this event.
    pub fn opened(seq: i64, opened: &ConversationOpened, decoded: &DecodedEvent) -> Self {
        let at = decoded.metadata.occurred_at;
        Self {
            id: opened.conversation_id,
            seq,
            search_no: 0,
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
            handoff_requested: false,
            handoff_agent_id: None,
            handoff_reason: None,
            metadata: (!opened.metadata.is_empty()).then(|| Json(opened.metadata.clone())),
            created_at: at,
            updated_at: at,
            first_reply_at: None,
            resolved_at: None,
            closed_at: None,
            expired_at: None,
            snoozed_until: None,
            last_message_at: at,
            last_message_preview: None,
            last_message_sender_type: None,
            last_message_id: None,
            last_message_said_at: None,
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
            version: decoded.version,
            position: decoded.position,
            changed: change(decoded),
            list_json: String::new(),
        }
    }

    /// Applies an event to the row.
    pub fn apply(&mut self, event: &ConversationEvent, decoded: &DecodedEvent) {
        use ConversationEvent as E;
        let at = decoded.metadata.occurred_at;
        self.version = decoded.version;
        self.position = decoded.position;
        self.evolve_lifecycle(event);
        match event {
            E::Message(MessageEvent::MessageReceived(message)) => self.received(message, at),
            E::Message(MessageEvent::MessageSent(message)) => self.sent(message, at),
            E::Message(MessageEvent::NoteAdded(_)) => self.note_count += 1,
            E::Message(MessageEvent::MessageEdited(edited)) => self.edited(edited),
            E::Message(MessageEvent::MessageRevoked(revoked)) => self.revoked(revoked),
            E::Message(MessageEvent::ReactionChanged(_) | MessageEvent::NoticeReceived(_)) => {}
            E::Bot(event) => self.apply_bot(event),
            E::Assignment(AssignmentEvent::Assigned(_)) => self.assignment_version = Some(decoded.version),
            E::Assignment(AssignmentEvent::Unassigned(_)) => self.assignment_version = None,
            E::Lifecycle(event) => self.apply_lifecycle(event, at),
            E::Details(DetailsEvent::SeenByAgent(_)) => return,
            E::Details(event) => self.apply_details(event),
            E::Sla(SlaEvent::SlaApplied(applied)) => self.sla_policy_id = Some(applied.policy.id),
            E::Sla(SlaEvent::SlaRemoved(_)) => self.sla_policy_id = None,
            E::Sla(SlaEvent::SlaBreached(_)) => self.sla_breached_count += 1,
            E::Sla(SlaEvent::SlaWarned(_))
            | E::Assignment(AssignmentEvent::AssignmentDropped(_))
            | E::Delivery(_)
            | E::Routing(_)
            | E::Automation(_)
            | E::Schedule(_) => {}
        }
        self.updated_at = self.updated_at.max(at);
        self.changed = change(decoded);
    }

    fn apply_bot(&mut self, event: &BotEvent) {
        match event {
            BotEvent::BotContextCollected(collected) => {
                let context = self.bot_context.get_or_insert_default();
                context.0.extend(collected.fields.clone());
            }
            BotEvent::BotContextRemoved(removed) => {
                if let Some(context) = &mut self.bot_context {
                    context.0.retain(|name, _| !removed.fields.contains(name));
                }
            }
            BotEvent::HandoffRequested(handoff) => {
                self.handoff_requested = true;
                self.handoff_agent_id = handoff.agent_id;
                self.handoff_reason = Some(handoff.reason.clone());
            }
            BotEvent::BotEngaged(_) => self.forget_handoff(),
            BotEvent::InfoRequested(_) => {}
        }
    }

    /// The conversation is with the bot again.
    fn forget_handoff(&mut self) {
        self.handoff_requested = false;
        self.handoff_agent_id = None;
        self.handoff_reason = None;
    }

    fn apply_lifecycle(&mut self, event: &LifecycleEvent, at: Timestamp) {
        match event {
            LifecycleEvent::Resolved(_) => self.resolved_at = Some(at),
            LifecycleEvent::Reopened(reopened) => {
                if reopened.cause == ReopenCause::CustomerMessage {
                    self.forget_handoff();
                }
                // A pending conversation was not resolved, so its reopening is not counted.
                if self.resolved_at.take().is_some() {
                    self.reopened_count += 1;
                }
            }
            LifecycleEvent::Closed(_) => self.close(at),
            LifecycleEvent::Expired(_) => {
                self.close(at);
                self.expired_at = Some(at);
            }
            LifecycleEvent::ConversationOpened(_) | LifecycleEvent::MarkedPending(_) => {}
        }
    }

    fn close(&mut self, at: Timestamp) {
        self.closed_at = Some(at);
        self.assignment_version = None;
    }

    fn apply_details(&mut self, event: &DetailsEvent) {
        match event {
            DetailsEvent::PriorityChanged(change) => self.priority = change.new,
            DetailsEvent::LabelsChanged(change) => {
                self.labels.0.retain(|label| !change.removed.contains(label));
                for label in &change.added {
                    if let Err(index) = self.labels.0.binary_search(label) {
                        self.labels.0.insert(index, label.clone());
                    }
                }
            }
            DetailsEvent::SubjectChanged(change) => self.subject.clone_from(&change.new),
            DetailsEvent::DisplayNameChanged(change) => self.display_name.clone_from(&change.new),
            DetailsEvent::LanguageDetected(detected) => self.language = Some(detected.language.clone()),
            DetailsEvent::SeenByAgent(_) => {}
        }
    }

    /// Sets the SLA fields, and those of who has answered, from the clocks.
    pub fn set_clocks(&mut self, clocks: &Clocks) {
        self.unanswered_since = clocks.unanswered().map(|unanswered| unanswered.since);
        self.first_reply_at = clocks.first_reply_at();
        let next = clocks.next_deadline();
        self.sla_metric = next.map(|(metric, _)| metric);
        self.sla_due_at = next.map(|(_, due_at)| due_at);
        let worst = clocks.timers().map(|timer| timer.state).max_by_key(urgency);
        self.sla_state = worst.map(|state| state.as_str().to_owned());
    }

    /// Applies an event to status, assignee, team and snooze by the domain's rule.
    fn evolve_lifecycle(&mut self, event: &ConversationEvent) {
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
        let said_at = message.said_at(at);
        self.count_message(at);
        self.set_last_message(message.message_id, &message.body, SenderType::Contact, said_at);
    }

    fn sent(&mut self, message: &MessageSent, at: Timestamp) {
        self.sent_count += 1;
        self.count_message(at);
        self.set_last_message(message.message_id, &message.body, message.sender_type, at);
    }

    fn edited(&mut self, edited: &MessageEdited) {
        let is_shown = edited.version != MessageVersion::Earlier;
        if is_shown && self.last_message_id == Some(edited.message_id) {
            self.last_message_preview = Some(preview(&edited.body));
        }
    }

    fn revoked(&mut self, revoked: &MessageRevoked) {
        if self.last_message_id == Some(revoked.message_id) {
            self.last_message_preview = Some(DELETED.to_owned());
        }
    }

    fn count_message(&mut self, at: Timestamp) {
        self.message_count += 1;
        self.last_message_at = self.last_message_at.max(at);
    }

    fn set_last_message(&mut self, id: MessageId, body: &Content, sender: SenderType, said_at: Timestamp) {
        if self.last_message_said_at > Some(said_at) {
            return;
        }
        self.last_message_id = Some(id);
        self.last_message_said_at = Some(said_at);
        self.last_message_preview = Some(preview(body));
        self.last_message_sender_type = Some(sender);
    }

    /// The row as JSON without the reader's count of unread messages, which is added when the row is read.
    pub fn to_list_json(&self) -> String {
        let json = |value: Result<String, _>| {
            value.unwrap_or_else(|error: serde_json::Error| unreachable!("a row always serialises: {error}"))
        };
        let mut text = json(serde_json::to_string(self));
        // The name that the field had in earlier versions.
        let since = json(serde_json::to_string(&self.unanswered_since));
        text.truncate(text.len() - 1);
        text.push_str(&format!(",\"waiting_since\":{since}}}"));
        text
    }
}

/// The number of the change that an event makes.
fn change(decoded: &DecodedEvent) -> i64 {
    i64::try_from(decoded.position.commit()).unwrap_or(i64::MAX)
}

/// The order of the states of SLA clocks: the inbox row shows the highest.
fn urgency(state: &TimerState) -> u8 {
    match state {
        TimerState::Breached { .. } => 4,
        TimerState::Running => 3,
        TimerState::Paused { .. } => 2,
        TimerState::Met { .. } => 1,
        TimerState::Cancelled { .. } => 0,
    }
}

/// The preview of a message that its sender deleted.
const DELETED: &str = "[deleted]";

/// The number of characters of a preview.
const PREVIEW: usize = 120;

/// The beginning of a message on one line, or its content type when it has no text.
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
