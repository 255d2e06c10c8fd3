//! The follower that turns the log into pushes, one for all clients of the process.
//!
//! A push goes out only when this process's tables hold its event, so that what a client then asks for is at least as
//! new as the push.

use crate::contract::{self, Contract};
use crate::customers;
use crate::events::{
    AgentPresence, Assignment, CatalogueChanged, ChangedCatalogue, ConversationMessage,
    ConversationMessageUpdated, ConversationNew, ConversationScheduled, ConversationSeen,
    ConversationUpdated, Mention, NotificationAssignment, NotificationMention, OfConversation, Presence,
    PresenceStatus, Pushed, Scheduled, ScheduledChange, Seen, ServerEvent, SlaBreach, SlaWarning,
};
use crate::hub::Hub;
use crate::push::{Offset, Push, Room, part};
use crate::summaries::Summaries;
use event_schemas::message::SenderType;
use event_schemas::{
    AccountEvent, AccountId, AgentEvent, AssignmentEvent, CatalogueEvent, Clock, ConversationEvent,
    ConversationId, DetailsEvent, Event, LifecycleEvent, MessageEvent, PersonEvent, Position, Recorded,
    ScheduleEvent, SlaEvent,
};
use event_store::{Filter, ReadError, Subscription};
use follower::DecodedLog;
use follower::runner::{Chain, DecodedEvent};
use follower::{Health, NotYet};
use projections::queries::conversations::{self, ListedConversation};
use projections::queries::message::Message;
use projections::read_models::messages::{self, MessageRow};
use projections::read_models::scheduled_messages;
use projections::{NoTables, Tables};
use serde::Serialize;
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
    pub contract: Option<Arc<dyn Contract>>,
}

impl Pushes {
    /// Follows the log from the hub's position on until `stop`.
    pub async fn follow(&self, hub: &Hub, summaries: &Summaries, health: &Health, stop: &CancellationToken) {
        let store = self.log.store().clone();
        let mut subscription = Subscription::new(store, Some(hub.through()), Filter::all(), PAGE);
        let delays = metrics::histogram!("verbatim_realtime_push_delay_seconds");
        loop {
            let page = match stop.run_until_cancelled(subscription.next()).await {
                None => return,
                Some(Ok(page)) => page,
                Some(Err(error)) => {
                    self.pause(&PushError::from(error), health).await;
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
                    Some(Err(error)) => self.pause(&error, health).await,
                }
            };
            health.clear_error();
            let now = Clock::System.now();
            for event in &page.events {
                delays.record(now.since(event.recorded_at).as_secs_f64());
            }
            for (room, reason) in decoded.iter().filter_map(|event| sent_away(event)) {
                hub.send_away(room, reason);
            }
            hub.give_out(pushes, through);
            summaries.changed_by(decoded.iter().map(|event| &**event));
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
        let rows = conversations::pushed_rows(db.readers(), &ids).await?;
        let mut pushes = Vec::with_capacity(decoded.len() * 2);
        for event in decoded {
            match &event.event {
                Event::Conversation(change) => {
                    let Some(id) = event.stream.as_conversation() else { continue };
                    let draft = Draft { event, account: event.metadata.account_id };
                    let (row, message) = (rows.get(&id), self.message_of(&draft, id, change, &db).await?);
                    let of_customer = row.and_then(|row| {
                        let message = message.as_ref();
                        customers::Draft { event, conversation: id, row, message }.push_of(change)
                    });
                    pushes.extend(message.map(|message| draft.of_message(id, change, message)));
                    let is_last = last.get(&id) == Some(&event.position);
                    pushes.extend(draft.of_conversation(id, change, row.map(|row| &row.json), is_last));
                    pushes.extend(draft.of_notification(id, change));
                    pushes.extend(self.of_answer(&draft, id, change, &db).await?);
                    pushes.extend(self.of_schedule(&draft, id, change, &db).await?);
                    pushes.extend(of_customer);
                }
                Event::Agent(change) => {
                    let draft = Draft { event, account: event.metadata.account_id };
                    pushes.extend(draft.of_agent(change));
                }
                Event::Catalogue(change) => {
                    let draft = Draft { event, account: event.metadata.account_id };
                    pushes.push(draft.of_catalogue(change));
                }
                Event::Contact(_)
                | Event::Inbound(_)
                | Event::Log(_)
                | Event::Account(_)
                | Event::Person(_)
                | Event::ApiKey(_)
                | Event::Bulk(_) => {}
            }
        }
        if let Some(contract) = &self.contract {
            let more = pushes.len();
            pushes.extend(contract::numbered(contract.pushes(decoded, &db).await?));
            if pushes.len() > more {
                pushes.sort_by_key(|push| push.offset);
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

    /// The message that an event begins or changes.
    async fn message_of(
        &self,
        draft: &Draft<'_>,
        id: ConversationId,
        change: &ConversationEvent,
        db: &follower::Db,
    ) -> Result<Option<MessageRow>, PushError> {
        if let Some(row) = MessageRow::begun(0, change, draft.event) {
            return Ok(Some(row));
        }
        let Some(message) = MessageRow::changed_by(change) else { return Ok(None) };
        Ok(messages::find(db.readers(), draft.account, id, message).await?)
    }

    /// `conversation:scheduled`. A message that was sent or cancelled after the event is not shown any more.
    async fn of_schedule(
        &self,
        draft: &Draft<'_>,
        id: ConversationId,
        event: &ConversationEvent,
        db: &follower::Db,
    ) -> Result<Option<Push>, PushError> {
        let (message, sender, change) = match event {
            ConversationEvent::Message(MessageEvent::MessageSent(sent)) if sent.scheduled_at.is_some() => {
                (sent.message_id, sent.sender_id, ScheduledChange::Sent)
            }
            ConversationEvent::Schedule(event) => {
                let change = match event {
                    ScheduleEvent::MessageScheduled(_) => ScheduledChange::Scheduled,
                    ScheduleEvent::MessageRescheduled(_) => ScheduledChange::Rescheduled,
                    ScheduleEvent::ScheduledMessageHeld(_) => ScheduledChange::Held,
                    ScheduleEvent::ScheduledMessageCancelled(_) => ScheduledChange::Cancelled,
                };
                (event.message_id(), None, change)
            }
            ConversationEvent::Message(_)
            | ConversationEvent::Delivery(_)
            | ConversationEvent::Lifecycle(_)
            | ConversationEvent::Assignment(_)
            | ConversationEvent::Routing(_)
            | ConversationEvent::Sla(_)
            | ConversationEvent::Bot(_)
            | ConversationEvent::Automation(_)
            | ConversationEvent::Details(_) => return Ok(None),
        };
        let row = scheduled_messages::find(db.readers(), draft.account, message).await?;
        let sender = row.as_ref().map(|row| row.sender_id).or(sender);
        let rooms = [Room::Conversation(draft.account, id)]
            .into_iter()
            .chain(sender.map(|user| Room::User(draft.account, user)))
            .collect();
        let scheduled = Scheduled { id: message, change, message: row.map(Into::into) };
        let object = OfConversation { conversation_id: id, change: scheduled };
        Ok(Some(draft.push::<ConversationScheduled, _>(part::SCHEDULED, rooms, object)))
    }

    /// `conversation:seen` of an agent who answers: they have seen all messages before.
    async fn of_answer(
        &self,
        draft: &Draft<'_>,
        id: ConversationId,
        change: &ConversationEvent,
        db: &follower::Db,
    ) -> Result<Option<Push>, PushError> {
        let ConversationEvent::Message(MessageEvent::MessageSent(sent)) = change else { return Ok(None) };
        let agent = sent.sender_id.filter(|_| sent.sender_type == SenderType::Agent);
        let Some(agent_id) = agent else { return Ok(None) };
        let found = conversations::find(db.readers(), draft.account, id, Some(agent_id)).await?;
        Ok(found.map(|ListedConversation { conversation, unread, .. }| {
            let received = conversation.received_count.saturating_sub(unread);
            let user = vec![Room::User(draft.account, agent_id)];
            draft.notification::<ConversationSeen, _>(user, id, Seen { agent_id, received })
        }))
    }
}

/// Waits until this moment. Without one it waits for ever.
pub async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// The Socket.IO room whose clients are not let in any more because of the event, and the reason.
fn sent_away(event: &DecodedEvent) -> Option<(Room, &'static str)> {
    const REMOVED: &str = "the agent was removed from the account";
    match &event.event {
        Event::Agent(AgentEvent::AgentRemoved(removed)) => {
            Some((Room::User(removed.account_id, removed.user_id), REMOVED))
        }
        Event::Account(AccountEvent::PersonRemoved(removed)) => {
            Some((Room::User(removed.account_id, removed.user_id), REMOVED))
        }
        Event::Account(AccountEvent::RoleGiven(given)) => {
            Some((Room::User(given.account_id, given.user_id), "the agent has another role"))
        }
        Event::Person(PersonEvent::SessionEnded(ended)) => {
            Some((Room::Session(ended.session_id), "the session has ended"))
        }
        Event::Account(AccountEvent::ApiKeyRevoked(revoked)) => {
            Some((Room::ApiKey(revoked.api_key_id), "the API key was revoked"))
        }
        Event::Account(
            AccountEvent::ApiKeyCreated(_)
            | AccountEvent::AccountOpened(_)
            | AccountEvent::PersonInvited(_)
            | AccountEvent::PersonJoined(_),
        )
        | Event::Person(
            PersonEvent::AccountJoined(_)
            | PersonEvent::PasswordSet(_)
            | PersonEvent::SignInLinkIssued(_)
            | PersonEvent::SignedIn(_)
            | PersonEvent::SessionUsed(_),
        )
        | Event::Agent(_)
        | Event::Conversation(_)
        | Event::Catalogue(_)
        | Event::Contact(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => None,
    }
}

/// An event of which pushes are made.
struct Draft<'e> {
    event: &'e DecodedEvent,
    account: AccountId,
}

impl Draft<'_> {
    /// A push with the fields of an object, the version of the event's stream, and its position.
    fn push<E, T>(&self, part: u16, rooms: Vec<Room>, object: T) -> Push
    where
        E: ServerEvent<Object = Pushed<T>>,
        Pushed<T>: Serialize,
    {
        let DecodedEvent { version, position, .. } = *self.event;
        // An object always serialises.
        let fields = serde_json::to_string(&Pushed { object, version, position }).unwrap_or_default();
        Push::new(Offset { position, part }, rooms, E::NAME, &fields)
    }

    /// `conversation:message` of a new message or note, and `conversation:message:updated` of one that changed.
    fn of_message(&self, id: ConversationId, change: &ConversationEvent, row: MessageRow) -> Push {
        let (rooms, message) = (vec![Room::Conversation(self.account, id)], Message::of(id, row));
        match MessageRow::changed_by(change) {
            None => self.push::<ConversationMessage, _>(part::MESSAGE, rooms, message),
            Some(_) => self.push::<ConversationMessageUpdated, _>(part::MESSAGE, rooms, message),
        }
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
            return row.map(|row| Push::new(offset, vec![account], ConversationNew::NAME, row));
        }
        let rooms = vec![account, Room::Conversation(self.account, id)];
        row.filter(|_| is_last).map(|row| Push::new(offset, rooms, ConversationUpdated::NAME, row))
    }

    /// A push to one agent, or one that says more than that the conversation changed.
    fn of_notification(&self, id: ConversationId, change: &ConversationEvent) -> Option<Push> {
        let account = vec![Room::Account(self.account)];
        match change {
            ConversationEvent::Assignment(AssignmentEvent::Assigned(assigned)) => {
                let assignee_id = assigned.assignee_id?;
                let assignment = Assignment {
                    assignee_id,
                    team_id: assigned.team_id,
                    strategy: assigned.strategy,
                    assigned_by: assigned.assigned_by,
                    reason: assigned.reason.clone(),
                };
                let user = vec![Room::User(self.account, assignee_id)];
                Some(self.notification::<NotificationAssignment, _>(user, id, assignment))
            }
            ConversationEvent::Sla(SlaEvent::SlaWarned(warned)) => {
                Some(self.notification::<SlaWarning, _>(account, id, warned.clone()))
            }
            ConversationEvent::Sla(SlaEvent::SlaBreached(breached)) => {
                Some(self.notification::<SlaBreach, _>(account, id, breached.clone()))
            }
            ConversationEvent::Message(MessageEvent::NoteAdded(note)) => {
                let users: HashSet<_> = note.mentions.iter().copied().collect();
                let rooms: Vec<_> = users.into_iter().map(|user| Room::User(self.account, user)).collect();
                let mention = Mention { message_id: note.message_id, author_id: note.author_id };
                (!rooms.is_empty()).then(|| self.notification::<NotificationMention, _>(rooms, id, mention))
            }
            ConversationEvent::Details(DetailsEvent::SeenByAgent(seen)) => {
                let user = vec![Room::User(self.account, seen.agent_id)];
                let seen = Seen { agent_id: seen.agent_id, received: seen.received };
                Some(self.notification::<ConversationSeen, _>(user, id, seen))
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
            | ConversationEvent::Schedule(_)
            | ConversationEvent::Details(
                DetailsEvent::PriorityChanged(_)
                | DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::DisplayNameChanged(_)
                | DetailsEvent::LanguageDetected(_),
            ) => None,
        }
    }

    fn notification<E, T>(&self, rooms: Vec<Room>, conversation_id: ConversationId, change: T) -> Push
    where
        E: ServerEvent<Object = Pushed<OfConversation<T>>>,
        Pushed<OfConversation<T>>: Serialize,
    {
        self.push::<E, _>(part::NOTIFICATION, rooms, OfConversation { conversation_id, change })
    }

    /// `agent:presence`.
    fn of_agent(&self, change: &AgentEvent) -> Option<Push> {
        let (user_id, status) = match change {
            AgentEvent::WentOnline(event) => (event.user_id, PresenceStatus::Online),
            AgentEvent::WentAway(event) => (event.user_id, PresenceStatus::Away),
            AgentEvent::WentOffline(event) => (event.user_id, PresenceStatus::Offline),
            AgentEvent::AgentRemoved(event) => (event.user_id, PresenceStatus::Offline),
            AgentEvent::AgentRegistered(_)
            | AgentEvent::PreferencesChanged(_)
            | AgentEvent::CapacityReserved(_)
            | AgentEvent::CapacityReleased(_) => return None,
        };
        let account = vec![Room::Account(self.account)];
        let presence = Presence { user_id, status };
        Some(self.push::<AgentPresence, _>(part::NOTIFICATION, account, presence))
    }

    /// `catalogue:changed`: what was fetched of this kind is to be fetched again.
    fn of_catalogue(&self, change: &CatalogueEvent) -> Push {
        let account = vec![Room::Account(self.account)];
        self.push::<CatalogueChanged, _>(
            part::NOTIFICATION,
            account,
            ChangedCatalogue { kind: change.kind() },
        )
    }
}
