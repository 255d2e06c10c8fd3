//! The follower that turns the log into pushes, one for all clients of the process.
//!
//! A push goes out only when this process's tables hold its event, so that what a client then asks for is at least as
//! new as the push.

use crate::hub::Hub;
use crate::push::{Offset, Push, Room};
use crate::summaries::Summaries;
use event_schemas::{
    AccountId, AgentEvent, AssignmentEvent, CatalogueEvent, Clock, ConversationEvent, ConversationId,
    DetailsEvent, Event, LifecycleEvent, MessageEvent, MessageId, Position, Recorded, SlaEvent,
};
use event_store::{Filter, ReadError, Subscription};
use follower::DecodedLog;
use follower::runner::{Chain, DecodedEvent};
use follower::{Health, NotYet};
use projections::queries::conversations;
use projections::queries::message::Message;
use projections::read_models::messages::{self, MessageRow};
use projections::{NoTables, Tables};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The events that are read at once.
pub const PAGE: usize = 200;
/// The pause after an error.
const PAUSE: Duration = Duration::from_millis(500);
/// How long one wait for the tables takes. It is repeated.
const FENCE: Duration = Duration::from_secs(5);

/// The reason why events are not pushed at the moment. They are pushed later.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    #[error("the tables cannot be read")]
    Tables(#[from] follower::DbError),
    #[error(transparent)]
    NoTables(#[from] NoTables),
    #[error("the tables are behind the log")]
    Behind(#[from] NotYet),
}

/// Makes pushes of events.
#[derive(Clone)]
pub struct Pushes {
    pub tables: Tables,
    pub log: DecodedLog,
}

/// The parts of an event's pushes, in the order in which they are sent.
mod part {
    pub const MESSAGE: u16 = 0;
    pub const CONVERSATION: u16 = 1;
    pub const NOTIFICATION: u16 = 2;
}

impl Pushes {
    /// Follows the log from the hub's position on until `stop`.
    pub async fn follow(self, hub: Arc<Hub>, health: Health, stop: CancellationToken) {
        let store = self.log.store().clone();
        let mut subscription = Subscription::new(store, Some(hub.through()), Filter::all(), PAGE);
        let mut summaries = Summaries::default();
        let delays = metrics::histogram!("verbatim_realtime_push_delay_seconds");
        loop {
            let next = tokio::select! {
                () = stop.cancelled() => return,
                () = until(summaries.next()) => {
                    self.push_summaries(&mut summaries, &hub).await;
                    continue;
                }
                next = subscription.next() => next,
            };
            let page = match next {
                Ok(page) => page,
                Err(error) => {
                    self.pause(&PushError::from(error), &health).await;
                    continue;
                }
            };
            let through = page.through.or(page.events.last().map(|event| event.position));
            let Some(through) = through else { continue };
            let decoded = self.decode_all(&page.events);
            let pushes = loop {
                let made = stop.run_until_cancelled(self.fenced(&decoded, through)).await;
                match made {
                    None => return,
                    Some(Ok(pushes)) => break pushes,
                    Some(Err(error)) => self.pause(&error, &health).await,
                }
            };
            health.clear_error();
            let now = Clock::System.now();
            for event in &page.events {
                delays.record(now.since(event.recorded_at).as_secs_f64());
            }
            hub.give_out(pushes, through);
            summaries.changed_by(decoded.iter().map(|event| &**event));
        }
    }

    /// Pushes the summaries that are due. When the tables cannot be read, those of the next change are pushed.
    async fn push_summaries(&self, summaries: &mut Summaries, hub: &Hub) {
        let through = hub.through();
        let taken = async { Ok::<_, PushError>(summaries.take(&self.tables.db()?, hub, through).await?) };
        match taken.await {
            Ok(pushes) => hub.give_out(pushes, through),
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "counts and queues were not pushed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    async fn pause(&self, error: &PushError, health: &Health) {
        let reason = Chain(error).to_string();
        tracing::warn!(error = %reason, "pushes are late");
        health.set_error(reason);
        tokio::time::sleep(PAUSE).await;
    }

    /// The pushes of these events, when the tables hold them all.
    async fn fenced(&self, events: &[Arc<DecodedEvent>], through: Position) -> Result<Vec<Push>, PushError> {
        while self.tables.wait_for(through, FENCE).await.is_err() {
            tracing::debug!(%through, "pushes wait for the tables");
        }
        self.of(events).await
    }

    fn decode_all(&self, events: &[Recorded]) -> Vec<Arc<DecodedEvent>> {
        events.iter().filter_map(|event| self.decode(event)).collect()
    }

    /// The pushes of these events, unless the tables do not hold them within seconds.
    pub async fn of_past(&self, events: &[Recorded]) -> Result<Vec<Push>, PushError> {
        if let Some(last) = events.last() {
            self.tables.wait_for(last.position, FENCE).await?;
        }
        self.of(&self.decode_all(events)).await
    }

    /// The pushes of these events. Of several events of one conversation only the last shows the whole conversation.
    async fn of(&self, decoded: &[Arc<DecodedEvent>]) -> Result<Vec<Push>, PushError> {
        let mut last = HashMap::new();
        for event in decoded {
            if let Some(id) = event.stream.as_conversation() {
                last.insert(id, event.position);
            }
        }
        let ids: Vec<ConversationId> = last.keys().copied().collect();
        let db = self.tables.db()?;
        let rows = conversations::rows_json(db.readers(), &ids).await?;
        let mut pushes = Vec::with_capacity(decoded.len() * 2);
        for event in decoded {
            match &event.event {
                Event::Conversation(change) => {
                    let Some(id) = event.stream.as_conversation() else { continue };
                    let draft = Draft { event, account: event.metadata.account_id };
                    pushes.extend(self.of_message(&draft, id, change, &db).await?);
                    let is_last = last.get(&id) == Some(&event.position);
                    pushes.extend(draft.of_conversation(id, change, rows.get(&id), is_last));
                    pushes.extend(draft.of_notification(id, change));
                }
                Event::Agent(change) => {
                    let draft = Draft { event, account: event.metadata.account_id };
                    pushes.extend(draft.of_agent(change));
                }
                Event::Catalogue(change) => {
                    let draft = Draft { event, account: event.metadata.account_id };
                    pushes.push(draft.of_catalogue(change));
                }
                Event::Contact(_) | Event::Inbound(_) | Event::Log(_) => {}
            }
        }
        Ok(pushes)
    }

    /// An event that this version cannot read causes no push; the read models report it.
    fn decode(&self, event: &Recorded) -> Option<Arc<DecodedEvent>> {
        self.log.decode(event.clone()).unwrap_or_else(|error| {
            tracing::warn!(position = %event.position, error = %Chain(&error), "an event was not pushed");
            None
        })
    }

    /// `conversation:message` of a new message or note, and `conversation:message:updated` of one that changed.
    async fn of_message(
        &self,
        draft: &Draft<'_>,
        id: ConversationId,
        change: &ConversationEvent,
        db: &follower::Db,
    ) -> Result<Option<Push>, PushError> {
        let (name, row) = match (MessageRow::begun(0, change, draft.event), MessageRow::changed_by(change)) {
            (Some(row), _) => ("conversation:message", Some(row)),
            (None, Some(message)) => {
                ("conversation:message:updated", self.message(draft, id, message, db).await?)
            }
            (None, None) => return Ok(None),
        };
        let Some(row) = row else { return Ok(None) };
        let room = Room::Conversation(draft.account, id);
        Ok(Some(draft.push(part::MESSAGE, vec![room], name, &Message::of(id, row))))
    }

    async fn message(
        &self,
        draft: &Draft<'_>,
        id: ConversationId,
        message: MessageId,
        db: &follower::Db,
    ) -> Result<Option<MessageRow>, PushError> {
        Ok(messages::find(db.readers(), draft.account, id, message).await?)
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// An event of which pushes are made.
struct Draft<'e> {
    event: &'e DecodedEvent,
    account: AccountId,
}

impl Draft<'_> {
    /// A push with the fields of a value, the version of the event's stream, and its position.
    fn push(&self, part: u16, rooms: Vec<Room>, name: &str, value: &impl Serialize) -> Push {
        let mut fields = match serde_json::to_value(value) {
            Ok(Value::Object(fields)) => fields,
            Ok(_) | Err(_) => Map::new(),
        };
        fields.insert("version".to_owned(), json!(self.event.version));
        fields.insert("position".to_owned(), json!(self.event.position));
        let offset = Offset { position: self.event.position, part };
        Push::new(offset, rooms, name, &Value::Object(fields).to_string())
    }

    /// `conversation:new` and `conversation:updated`, with the row as a list shows it. Of the changes of a page only the
    /// last one has the row: it shows them all.
    fn of_conversation(
        &self,
        id: ConversationId,
        change: &ConversationEvent,
        row: Option<&String>,
        is_last: bool,
    ) -> Option<Push> {
        let account = Room::Account(self.account);
        let offset = Offset { position: self.event.position, part: part::CONVERSATION };
        if let ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(_)) = change {
            return row.map(|row| Push::new(offset, vec![account], "conversation:new", row));
        }
        let rooms = vec![account, Room::Conversation(self.account, id)];
        row.filter(|_| is_last).map(|row| Push::new(offset, rooms, "conversation:updated", row))
    }

    /// A push to one agent, or one that says more than that the conversation changed.
    fn of_notification(&self, id: ConversationId, change: &ConversationEvent) -> Option<Push> {
        let account = vec![Room::Account(self.account)];
        let of = |value: Value| {
            let mut fields = json!({ "conversation_id": id });
            if let (Value::Object(fields), Value::Object(more)) = (&mut fields, value) {
                fields.extend(more);
            }
            fields
        };
        match change {
            ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) => {
                let user = Room::User(self.account, assigned.assignee_id?);
                let fields = of(json!({
                    "assignee_id": assigned.assignee_id,
                    "team_id": assigned.team_id,
                    "strategy": assigned.strategy,
                    "assigned_by": assigned.assigned_by,
                    "reason": assigned.reason,
                }));
                Some(self.push(part::NOTIFICATION, vec![user], "notification:assignment", &fields))
            }
            ConversationEvent::Sla(SlaEvent::SlaWarned(warned)) => {
                Some(self.push(part::NOTIFICATION, account, "sla:warned", &of(json!(warned))))
            }
            ConversationEvent::Sla(SlaEvent::SlaBreached(breached)) => {
                Some(self.push(part::NOTIFICATION, account, "sla:breached", &of(json!(breached))))
            }
            ConversationEvent::Message(MessageEvent::NoteAdded(note)) => {
                let users: HashSet<_> = note.mentions.iter().copied().collect();
                let rooms: Vec<_> = users.into_iter().map(|user| Room::User(self.account, user)).collect();
                let fields = of(json!({ "message_id": note.message_id, "author_id": note.author_id }));
                (!rooms.is_empty())
                    .then(|| self.push(part::NOTIFICATION, rooms, "notification:mention", &fields))
            }
            ConversationEvent::Details(DetailsEvent::SeenByAgent(seen)) => {
                let user = Room::User(self.account, seen.agent_id);
                let fields = of(json!({ "agent_id": seen.agent_id, "received": seen.received }));
                Some(self.push(part::NOTIFICATION, vec![user], "conversation:seen", &fields))
            }
            ConversationEvent::Assignment(
                AssignmentEvent::Unassigned(_) | AssignmentEvent::AssignmentDropped(_),
            )
            | ConversationEvent::Sla(SlaEvent::SlaApplied(_) | SlaEvent::SlaRemoved(_))
            | ConversationEvent::Message(
                MessageEvent::MessageReceived(_)
                | MessageEvent::MessageSent(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | ConversationEvent::Delivery(_)
            | ConversationEvent::Lifecycle(_)
            | ConversationEvent::Routing(_)
            | ConversationEvent::Bot(_)
            | ConversationEvent::Automation(_)
            | ConversationEvent::Details(
                DetailsEvent::PriorityChanged(_)
                | DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_),
            ) => None,
        }
    }

    /// `agent:presence`.
    fn of_agent(&self, change: &AgentEvent) -> Option<Push> {
        let (user, status) = match change {
            AgentEvent::WentOnline(event) => (event.user_id, "online"),
            AgentEvent::WentAway(event) => (event.user_id, "away"),
            AgentEvent::WentOffline(event) => (event.user_id, "offline"),
            AgentEvent::AgentRegistered(_)
            | AgentEvent::PreferencesChanged(_)
            | AgentEvent::CapacityReserved(_)
            | AgentEvent::CapacityReleased(_) => return None,
        };
        let fields = json!({ "user_id": user, "status": status });
        Some(self.push(part::NOTIFICATION, vec![Room::Account(self.account)], "agent:presence", &fields))
    }

    /// `catalogue:changed`: what was fetched of this kind is to be fetched again.
    fn of_catalogue(&self, change: &CatalogueEvent) -> Push {
        let fields = json!({ "kind": change.kind() });
        self.push(part::NOTIFICATION, vec![Room::Account(self.account)], "catalogue:changed", &fields)
    }
}
