//! Reads the messages and statuses that a developer sends, one or an array of them.

use crate::lenient_json::{Json, moment, object};
use crate::{CallbackData, Inbound, InboundMessage, InboundReaction, InboundStatus, UnreadablePart};
use event_schemas::message::{Attachment, Content, ContentType, Delivery};
use event_schemas::{ConversationId, MessageId, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A customer's message.
#[derive(Deserialize)]
struct Message {
    /// The developer's id of the message. A repeated message with the same id changes nothing.
    id: String,
    from: String,
    name: Option<String>,
    #[serde(alias = "text", default)]
    content: String,
    content_type: Option<ContentType>,
    #[serde(default)]
    attachments: Vec<Attachment>,
    details: Option<Value>,
    reply_to: Option<String>,
    sent_at: Option<Value>,
    #[serde(default)]
    metadata: Map<String, Value>,
}

/// A report on an outgoing message.
#[derive(Deserialize)]
struct Status {
    status: Delivery,
    conversation_id: ConversationId,
    message_id: MessageId,
    /// The developer's id of the message.
    id: Option<String>,
    time: Option<Value>,
    error: Option<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct Kind {
    #[serde(default)]
    status: Option<serde::de::IgnoredAny>,
}

pub(super) fn posted(body: &[u8], received_at: Timestamp) -> Result<Vec<Inbound>, UnreadablePart> {
    let whole = |reason: String| UnreadablePart { part: body.to_owned(), reason };
    let json = Json::of(body);
    let raw: &RawValue =
        serde_json::from_str(json.text()).map_err(|error| whole(format!("not JSON: {error}")))?;
    let elements: Vec<&RawValue> = match raw.get().as_bytes().first() {
        Some(b'[') => {
            serde_json::from_str(raw.get()).map_err(|error| whole(format!("not an array: {error}")))?
        }
        _ => vec![raw],
    };
    let read = |raw: &RawValue| {
        element(&json, raw.get(), received_at).unwrap_or_else(|reason| {
            Inbound::Unreadable(UnreadablePart { part: json.original(raw.get()).to_owned(), reason })
        })
    };
    Ok(elements.into_iter().map(read).collect())
}

fn element(json: &Json, raw: &str, received_at: Timestamp) -> Result<Inbound, String> {
    let Kind { status: named } = object(raw).map_err(|error| format!("not an object: {error}"))?;
    if named.is_some() { status(json, raw, received_at) } else { message(json, raw, received_at) }
}

fn message(json: &Json, raw: &str, received_at: Timestamp) -> Result<Inbound, String> {
    let mut message: Message = object(raw).map_err(|error| format!("a message: {error}"))?;
    if message.id.is_empty() || message.from.is_empty() {
        return Err("a message: 'id' or 'from' is empty".into());
    }
    if message.content_type == Some(ContentType::Reaction) {
        return reaction(json, raw, message, received_at);
    }
    message.metadata.extend(json.as_received(raw));
    let first_file = message.attachments.first().map(|file| file.content_type);
    Ok(Inbound::Message(InboundMessage {
        provider_message_id: message.id,
        from: message.from,
        also_known_as: Vec::new(),
        display_name: message.name.filter(|name| !name.is_empty()),
        body: Content {
            content: message.content,
            content_type: message.content_type.or(first_file).unwrap_or(ContentType::Text),
            attachments: message.attachments,
            details: message.details,
        },
        reply_to: message.reply_to,
        sent_at: moment(message.sent_at.as_ref(), received_at),
        metadata: message.metadata,
    }))
}

/// A reaction is no message of its own.
fn reaction(json: &Json, raw: &str, message: Message, received_at: Timestamp) -> Result<Inbound, String> {
    let to = message.reply_to.ok_or("a reaction: 'reply_to' does not name the message that it is to")?;
    Ok(Inbound::Reaction(InboundReaction {
        provider_reaction_id: message.id,
        from: message.from,
        also_known_as: Vec::new(),
        message: to,
        emoji: Some(message.content).filter(|emoji| !emoji.is_empty()),
        sent_at: moment(message.sent_at.as_ref(), received_at),
        as_received: json.original(raw).to_owned(),
    }))
}

fn status(json: &Json, raw: &str, received_at: Timestamp) -> Result<Inbound, String> {
    let status: Status = object(raw).map_err(|error| format!("a status: {error}"))?;
    let failure = status.error.map(|failure| (failure.code, failure.reason));
    let error = match status.status {
        Delivery::Queued => return Err("a status: a receiver cannot report 'queued'".into()),
        Delivery::Failed => {
            Some(failure.unwrap_or_else(|| ("unknown".into(), "the receiver gives no reason".into())))
        }
        Delivery::Dispatched | Delivery::Delivered | Delivery::Read => None,
    };
    Ok(Inbound::Status(InboundStatus {
        provider_message_id: status.id.unwrap_or_else(|| status.message_id.to_string()),
        recipient: None,
        recipient_also_known_as: Vec::new(),
        status: status.status,
        time: moment(status.time.as_ref(), received_at),
        error,
        about: Some(CallbackData { conversation_id: status.conversation_id, message_id: status.message_id }),
        metadata: Map::new(),
        as_received: json.original(raw).to_owned(),
    }))
}
