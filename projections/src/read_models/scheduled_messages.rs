//! The messages that agents have scheduled and that were neither sent nor cancelled.

use super::registry::ReadModel;
use crate::queries::rows;
use event_schemas::conversation::{HoldReason, IfWritten, MessageScheduled, ScheduleReason};
use event_schemas::message::{Attachment, ContentType, Template};
use event_schemas::{
    AccountId, ConversationEvent, ConversationId, Event, MessageEvent, MessageId, ScheduleEvent, Timestamp,
    UserId,
};
use follower::db::{DbError, Readers};
use follower::runner::DecodedEvent;
use follower::table::{Json, Rows, Values};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

follower::table! {
    /// A message that waits for its time, or is held.
    pub struct ScheduledMessageRow in "scheduled_messages" key (id: MessageId) {
        account_id: AccountId,
        conversation_id: ConversationId,
        sender_id: UserId,
        /// As it was scheduled.
        message: Json<MessageScheduled>,
        created_at: Timestamp,
        send_at: Timestamp,
        if_written: IfWritten,
        /// When it was held. `None` while it waits for its time.
        held_at: Option<Timestamp>,
        held_because: Option<HoldReason>,
        held_detail: Option<String>,
    }
}

impl ScheduledMessageRow {
    /// The row that an event adds. `None` when the event schedules no message.
    pub fn begun(
        conversation_id: ConversationId,
        event: &ScheduleEvent,
        decoded: &DecodedEvent,
    ) -> Option<Self> {
        let ScheduleEvent::MessageScheduled(message) = event else { return None };
        Some(Self {
            id: message.message_id,
            account_id: decoded.metadata.account_id,
            conversation_id,
            sender_id: message.sender_id,
            message: Json(message.clone()),
            created_at: decoded.metadata.occurred_at,
            send_at: message.send_at,
            if_written: message.if_written,
            held_at: None,
            held_because: None,
            held_detail: None,
        })
    }

    fn change(&mut self, event: &ScheduleEvent, at: Timestamp) {
        match event {
            ScheduleEvent::MessageRescheduled(change) => {
                self.send_at = change.send_at;
                self.if_written = change.if_written;
                (self.held_at, self.held_because, self.held_detail) = (None, None, None);
            }
            ScheduleEvent::ScheduledMessageHeld(held) => {
                self.held_at = Some(at);
                self.held_because = Some(held.reason);
                self.held_detail = Some(held.detail.clone());
            }
            ScheduleEvent::MessageScheduled(_) | ScheduleEvent::ScheduledMessageCancelled(_) => {}
        }
    }
}

/// The scheduled message that an event is about. `None` when it is about none.
fn message_of(event: &DecodedEvent) -> Option<MessageId> {
    use ConversationEvent as E;
    let Event::Conversation(event) = &event.event else { return None };
    match event {
        E::Schedule(change) => Some(change.message_id()),
        E::Message(MessageEvent::MessageSent(sent)) => sent.scheduled_at.map(|_| sent.message_id),
        E::Message(
            MessageEvent::MessageReceived(_)
            | MessageEvent::NoteAdded(_)
            | MessageEvent::MessageEdited(_)
            | MessageEvent::MessageRevoked(_)
            | MessageEvent::ReactionChanged(_)
            | MessageEvent::NoticeReceived(_),
        )
        | E::Delivery(_)
        | E::Lifecycle(_)
        | E::Assignment(_)
        | E::Routing(_)
        | E::Sla(_)
        | E::Bot(_)
        | E::Automation(_)
        | E::Details(_) => None,
    }
}

impl ReadModel for ScheduledMessageRow {
    const CACHED: usize = 1_024;

    fn keys(event: &DecodedEvent) -> impl IntoIterator<Item = Self::Key> {
        message_of(event).map(|id| (id,))
    }

    fn apply(rows: &mut Rows<Self>, event: &DecodedEvent) {
        let (Some(id), Some(conversation)) = (message_of(event), event.stream.as_conversation()) else {
            return;
        };
        let Event::Conversation(ConversationEvent::Schedule(change)) = &event.event else {
            rows.remove(&(id,));
            return;
        };
        match change {
            ScheduleEvent::MessageScheduled(_) => {
                Self::begun(conversation, change, event).into_iter().for_each(|row| rows.put(row));
            }
            ScheduleEvent::ScheduledMessageCancelled(_) => rows.remove(&(id,)),
            ScheduleEvent::MessageRescheduled(_) | ScheduleEvent::ScheduledMessageHeld(_) => {
                if let Some(row) = rows.change(&(id,)) {
                    row.change(change, event.metadata.occurred_at);
                }
            }
        }
    }
}

/// The state of a scheduled message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledState {
    /// It waits for its time.
    Scheduled,
    /// Its time has come and it was not sent. It waits until an agent sends, changes or cancels it.
    Held,
}

/// A message that an agent has scheduled.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct ScheduledMessage {
    /// The id of the message when it is sent.
    pub id: MessageId,
    pub conversation_id: ConversationId,
    pub state: ScheduledState,
    pub send_at: Timestamp,
    pub reason: ScheduleReason,
    pub if_written: IfWritten,
    pub held_at: Option<Timestamp>,
    /// Why it was not sent. `null` while it waits for its time.
    pub held_because: Option<HoldReason>,
    /// The reason in words.
    pub held_detail: Option<String>,
    pub sender_id: UserId,
    pub sender_name: Option<String>,
    pub content: String,
    pub content_type: ContentType,
    pub attachments: Vec<Attachment>,
    pub details: Option<Value>,
    pub template: Option<Template>,
    pub in_reply_to: Option<MessageId>,
    pub metadata: Map<String, Value>,
    pub created_at: Timestamp,
}

impl From<ScheduledMessageRow> for ScheduledMessage {
    fn from(row: ScheduledMessageRow) -> Self {
        let message = row.message.0;
        let state = match row.held_at {
            Some(_) => ScheduledState::Held,
            None => ScheduledState::Scheduled,
        };
        Self {
            id: row.id,
            conversation_id: row.conversation_id,
            state,
            send_at: row.send_at,
            reason: message.reason,
            if_written: row.if_written,
            held_at: row.held_at,
            held_because: row.held_because,
            held_detail: row.held_detail,
            sender_id: message.sender_id,
            sender_name: message.sender_name,
            content: message.body.content,
            content_type: message.body.content_type,
            attachments: message.body.attachments,
            details: message.body.details,
            template: message.template,
            in_reply_to: message.in_reply_to,
            metadata: message.metadata,
            created_at: row.created_at,
        }
    }
}

/// The scheduled messages of a conversation, the next one first.
pub async fn of_conversation(
    readers: &Readers,
    account: AccountId,
    conversation: ConversationId,
) -> Result<Vec<ScheduledMessageRow>, DbError> {
    let values = Values::default().with(&account).with(&conversation);
    rows(readers, "where account_id = $1 and conversation_id = $2 order by send_at, id", values).await
}

/// The messages that an agent has scheduled: those that are held first, then the next ones. At most 200.
pub async fn of_sender(
    readers: &Readers,
    account: AccountId,
    sender: UserId,
) -> Result<Vec<ScheduledMessageRow>, DbError> {
    const OWN: &str = "where account_id = $1 and sender_id = $2
        order by case when held_at is null then 1 else 0 end, send_at, id limit 200";
    rows(readers, OWN, Values::default().with(&account).with(&sender)).await
}

/// A scheduled message. `None` when it was sent or cancelled, or when there never was one.
pub async fn find(
    readers: &Readers,
    account: AccountId,
    id: MessageId,
) -> Result<Option<ScheduledMessageRow>, DbError> {
    let values = Values::default().with(&account).with(&id);
    rows(readers, "where account_id = $1 and id = $2", values).await.map(|rows| rows.into_iter().next())
}
