//! Messages and notes, the delivery of outgoing messages, and edits, deletions and reactions.

use crate::queries::{Cursor, Limit, ListError, Listed, json_bytes, list_of, row, rows};
use event_schemas::conversation::{
    MessageEdited, MessageReceived, MessageRevoked, MessageSent, MessageVersion, NoteAdded, ReactionChanged,
};
use event_schemas::message::{Attachment, Content, ContentType, Delivery, SenderType, Template};
use event_schemas::{
    AccountId, ConversationEvent, ConversationId, DeliveryEvent, MessageEvent, MessageId, Timestamp, UserId,
    Version,
};
use follower::db::{DbError, Readers};
use follower::runner::DecodedEvent;
use follower::table::{Json, Values};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

follower::table! {
    /// A message, or a note when `is_private` is true.
    pub struct MessageRow in "messages" key (conversation_seq: i64, version: Version) {
        id: MessageId,
        sender_type: SenderType,
        sender_id: Option<UserId>,
        sender_name: Option<String>,
        is_private: bool,
        template: Option<Json<Template>>,
        mentions: Option<Json<Vec<UserId>>>,
        metadata: Option<Json<Map<String, Value>>>,
        /// The provider's id of the message that this one answers.
        reply_to: Option<String>,
        in_reply_to: Option<MessageId>,
        /// The time at which its author sent it. Verbatim recorded it at `created_at`.
        sent_at: Timestamp,
        /// Its place in the conversation: a message that came late is where it was said.
        said_at: Timestamp,
        created_at: Timestamp,
        /// Its number in the search index. 0 in a view of the past.
        search_no: i64,
    }
    volatile {
        /// Empty when the message was deleted.
        content: String,
        content_type: ContentType,
        attachments: Option<Json<Vec<Attachment>>>,
        details: Option<Json<Value>>,
        /// When its sender last changed it.
        edited_at: Option<Timestamp>,
        /// When its sender deleted it.
        revoked_at: Option<Timestamp>,
        reactions: Option<Json<Vec<Reaction>>>,
        provider_message_id: Option<String>,
        /// The state of the delivery of an outgoing message. `None` for the customer's messages and for notes.
        delivery: Option<Delivery>,
        dispatched_at: Option<Timestamp>,
        delivered_at: Option<Timestamp>,
        read_at: Option<Timestamp>,
        failed_at: Option<Timestamp>,
        error_code: Option<String>,
        error_reason: Option<String>,
    }
}

/// The present reaction of one sender to a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reaction {
    pub sender_type: SenderType,
    pub emoji: String,
    /// When they reacted, by the provider's clock.
    pub reacted_at: Timestamp,
}

impl MessageRow {
    /// The row that an event adds. `None` when the event is not a message or a note.
    pub fn begun(conversation_seq: i64, event: &ConversationEvent, decoded: &DecodedEvent) -> Option<Self> {
        use ConversationEvent as E;
        match event {
            E::Message(MessageEvent::MessageReceived(message)) => {
                Some(Self::received(conversation_seq, message, decoded))
            }
            E::Message(MessageEvent::MessageSent(message)) => {
                Some(Self::sent(conversation_seq, message, decoded))
            }
            E::Message(MessageEvent::NoteAdded(note)) => Some(Self::note(conversation_seq, note, decoded)),
            E::Message(
                MessageEvent::MessageEdited(_)
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
            | E::Schedule(_)
            | E::Details(_) => None,
        }
    }

    fn received(conversation_seq: i64, message: &MessageReceived, decoded: &DecodedEvent) -> Self {
        Self {
            provider_message_id: message.provider_message_id.clone(),
            reply_to: message.reply_to.clone(),
            metadata: some_map(&message.metadata),
            sent_at: message.sent_at,
            said_at: message.said_at(decoded.metadata.occurred_at),
            ..Self::of(conversation_seq, message.message_id, SenderType::Contact, &message.body, decoded)
        }
    }

    fn sent(conversation_seq: i64, message: &MessageSent, decoded: &DecodedEvent) -> Self {
        Self {
            sender_id: message.sender_id,
            sender_name: message.sender_name.clone(),
            template: message.template.clone().map(Json),
            metadata: some_map(&message.metadata),
            reply_to: message.in_reply_to_provider_id.clone(),
            in_reply_to: message.in_reply_to,
            delivery: Some(Delivery::Queued),
            ..Self::of(conversation_seq, message.message_id, message.sender_type, &message.body, decoded)
        }
    }

    fn note(conversation_seq: i64, note: &NoteAdded, decoded: &DecodedEvent) -> Self {
        let body = Content::text(&*note.content);
        Self {
            sender_id: Some(note.author_id),
            sender_name: note.author_name.clone(),
            is_private: true,
            mentions: (!note.mentions.is_empty()).then(|| Json(note.mentions.clone())),
            ..Self::of(conversation_seq, note.message_id, SenderType::Agent, &body, decoded)
        }
    }

    fn of(
        conversation_seq: i64,
        id: MessageId,
        sender_type: SenderType,
        body: &Content,
        decoded: &DecodedEvent,
    ) -> Self {
        Self {
            conversation_seq,
            version: decoded.version,
            id,
            sender_type,
            sender_id: None,
            sender_name: None,
            is_private: false,
            content: body.content.clone(),
            content_type: body.content_type,
            attachments: (!body.attachments.is_empty()).then(|| Json(body.attachments.clone())),
            details: body.details.clone().map(Json),
            template: None,
            mentions: None,
            metadata: None,
            edited_at: None,
            revoked_at: None,
            reactions: None,
            provider_message_id: None,
            reply_to: None,
            in_reply_to: None,
            delivery: None,
            dispatched_at: None,
            delivered_at: None,
            read_at: None,
            failed_at: None,
            error_code: None,
            error_reason: None,
            sent_at: decoded.metadata.occurred_at,
            said_at: decoded.metadata.occurred_at,
            created_at: decoded.recorded_at,
            search_no: 0,
        }
    }

    /// The message that an event changes. `None` when the event changes no message.
    pub fn changed_by(event: &ConversationEvent) -> Option<MessageId> {
        use ConversationEvent as E;
        match event {
            E::Delivery(event) => Some(event.message_id()),
            E::Message(MessageEvent::MessageEdited(edited)) => Some(edited.message_id),
            E::Message(MessageEvent::MessageRevoked(revoked)) => Some(revoked.message_id),
            E::Message(MessageEvent::ReactionChanged(reaction)) => Some(reaction.message_id),
            E::Message(
                MessageEvent::MessageReceived(_)
                | MessageEvent::MessageSent(_)
                | MessageEvent::NoteAdded(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Automation(_)
            | E::Schedule(_)
            | E::Details(_) => None,
        }
    }

    /// The order of a conversation: as it was said. Of messages that were said at the same time the first recorded one
    /// is first.
    pub fn order(&self) -> (Timestamp, Version) {
        (self.said_at, self.version)
    }

    /// Applies an event that changes the message.
    pub fn apply(&mut self, event: &ConversationEvent) {
        use ConversationEvent as E;
        match event {
            E::Delivery(event) => self.apply_report(event),
            E::Message(MessageEvent::MessageEdited(edited)) => self.edit(edited),
            E::Message(MessageEvent::MessageRevoked(revoked)) => self.revoke(revoked),
            E::Message(MessageEvent::ReactionChanged(reaction)) => self.react(reaction),
            E::Message(
                MessageEvent::MessageReceived(_)
                | MessageEvent::MessageSent(_)
                | MessageEvent::NoteAdded(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Lifecycle(_)
            | E::Assignment(_)
            | E::Routing(_)
            | E::Sla(_)
            | E::Bot(_)
            | E::Automation(_)
            | E::Schedule(_)
            | E::Details(_) => {}
        }
    }

    fn edit(&mut self, edited: &MessageEdited) {
        match edited.version {
            MessageVersion::Newest | MessageVersion::First => {
                self.set_body(&edited.body);
                self.edited_at = Some(edited.sent_at);
            }
            MessageVersion::Earlier => {}
        }
    }

    /// The words of a deleted message are in the history alone.
    fn revoke(&mut self, revoked: &MessageRevoked) {
        self.set_body(&Content { content_type: self.content_type, ..Content::text("") });
        self.revoked_at = Some(revoked.sent_at);
    }

    fn set_body(&mut self, body: &Content) {
        self.content.clone_from(&body.content);
        self.content_type = body.content_type;
        self.attachments = (!body.attachments.is_empty()).then(|| Json(body.attachments.clone()));
        self.details = body.details.clone().map(Json);
    }

    fn react(&mut self, change: &ReactionChanged) {
        if change.superseded {
            return;
        }
        let mut reactions = self.reactions.take().unwrap_or_default();
        reactions.0.retain(|reaction| reaction.sender_type != change.sender_type);
        reactions.0.extend(change.emoji.clone().map(|emoji| Reaction {
            sender_type: change.sender_type,
            emoji,
            reacted_at: change.sent_at,
        }));
        self.reactions = Some(reactions).filter(|reactions| !reactions.0.is_empty());
    }

    fn apply_report(&mut self, event: &DeliveryEvent) {
        match event {
            DeliveryEvent::MessageDispatched(report) => {
                self.provider_message_id = Some(report.provider_message_id.clone());
                self.dispatched_at = Some(report.time);
                self.delivery = Some(Delivery::Dispatched);
            }
            DeliveryEvent::MessageDelivered(report) => {
                self.provider_message_id = Some(report.provider_message_id.clone());
                self.delivered_at = Some(report.time);
                self.delivery = Some(Delivery::Delivered);
            }
            DeliveryEvent::MessageRead(report) => {
                self.provider_message_id = Some(report.provider_message_id.clone());
                self.read_at = Some(report.time);
                self.delivery = Some(Delivery::Read);
            }
            DeliveryEvent::MessageFailed(report) => {
                if report.provider_message_id.is_some() {
                    self.provider_message_id.clone_from(&report.provider_message_id);
                }
                self.failed_at = Some(report.time);
                self.error_code = Some(report.code.clone());
                self.error_reason = Some(report.reason.clone());
                self.delivery = Some(Delivery::Failed);
            }
        }
    }
}

fn some_map(map: &Map<String, Value>) -> Option<Json<Map<String, Value>>> {
    (!map.is_empty()).then(|| Json(map.clone()))
}

/// A page of a conversation's messages.
#[derive(Clone, Copy, Debug)]
pub struct Messages {
    pub account: AccountId,
    pub conversation: ConversationId,
    pub from: PageFrom,
    pub limit: Limit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageFrom {
    /// The newest messages.
    End,
    /// The messages before the one of this cursor.
    Before(Cursor),
    /// The messages after the one of this cursor.
    After(Cursor),
}

/// Marks the cursors of this list. Those of earlier versions, which had another order, are not taken.
const LIST: u32 = list_of("messages as they were said");

/// The cursor of a message, for the pages before and after it.
pub fn cursor(message: &MessageRow) -> Cursor {
    let (said_at, version) = message.order();
    Cursor::new(LIST, false, said_at.as_micros(), Uuid::from_u128(version.0.into()))
}

/// The values of the message at which a page begins: when it was said, and its version.
fn place(cursor: Cursor, values: &mut Values) -> Result<(), ListError> {
    let cursor = cursor.of_list(LIST)?;
    values.put(&cursor.key);
    values.put(&i64::try_from(cursor.id.as_u128()).unwrap_or(i64::MAX));
    Ok(())
}

/// The bytes of the parts that may be large.
fn bytes(row: &MessageRow) -> usize {
    row.content.len() + json_bytes(&(&row.attachments, &row.details, &row.template, &row.metadata))
}

/// Messages and notes in the order in which they were said, oldest first. `next` continues in the direction of the query.
pub async fn list(readers: &Readers, query: Messages) -> Result<Listed<MessageRow>, ListError> {
    let mut values = Values::default().with(&query.conversation).with(&query.account);
    let wanted = query.limit.get() as i64 + 1;
    values.put(&wanted);
    let mut listed = match query.from {
        PageFrom::End => rows(readers, NEWEST, values).await?,
        PageFrom::Before(cursor) => {
            place(cursor, &mut values)?;
            rows(readers, BEFORE, values).await?
        }
        PageFrom::After(cursor) => {
            place(cursor, &mut values)?;
            rows(readers, AFTER, values).await?
        }
    };
    let mut listed = Listed::of(std::mem::take(&mut listed), query.limit, cursor).within_bytes(bytes, cursor);
    if !matches!(query.from, PageFrom::After(_)) {
        listed.rows.reverse();
    }
    Ok(listed)
}

/// A message of a conversation. `None` when the account's conversation has no such message.
pub async fn find(
    readers: &Readers,
    account: AccountId,
    conversation: ConversationId,
    message: MessageId,
) -> Result<Option<MessageRow>, DbError> {
    let values = Values::default().with(&conversation).with(&account).with(&message);
    row(readers, ONE, values).await
}

const ONE: &str =
    "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) and id = $3";
const NEWEST: &str = "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) order by said_at desc, version desc limit 0 + $3";
const BEFORE: &str = "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) and (said_at, version) < ($4, $5) order by said_at desc, version desc limit 0 + $3";
const AFTER: &str = "where conversation_seq = (select seq from conversations where id = $1 and account_id = $2) and (said_at, version) > ($4, $5) order by said_at, version limit 0 + $3";
