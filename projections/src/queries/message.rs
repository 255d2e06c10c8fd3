//! A message as queries and pushes show it.

use crate::read_models::messages::{self, MessageRow, Reaction};
use event_schemas::message::{Attachment, ContentType, Delivery, SenderType, Template};
use event_schemas::{ConversationId, MessageId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

/// A message, or a note that only agents see.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Message {
    pub id: MessageId,
    pub conversation_id: ConversationId,
    /// `inbound` for the customer's messages, `outbound` for all others and for notes.
    pub direction: Direction,
    pub sender_type: SenderType,
    pub sender_id: Option<UserId>,
    pub sender_name: Option<String>,
    /// Whether the message is an internal note.
    pub is_private: bool,
    /// Empty when the message was deleted; the conversation's history has its words.
    pub content: String,
    pub content_type: ContentType,
    pub attachments: Vec<Attachment>,
    pub details: Option<Value>,
    pub template: Option<Template>,
    pub mentions: Vec<UserId>,
    pub provider_message_id: Option<String>,
    /// The provider's id of the message that this one answers.
    pub reply_to: Option<String>,
    pub in_reply_to: Option<MessageId>,
    /// When its sender last changed it. The conversation's history has the earlier versions.
    pub edited_at: Option<Timestamp>,
    /// When its sender deleted it.
    pub revoked_at: Option<Timestamp>,
    /// At most one of each sender.
    pub reactions: Vec<Reaction>,
    /// The state of the delivery. `null` for the customer's messages and for notes.
    pub delivery: Option<DeliveryState>,
    pub metadata: Map<String, Value>,
    pub sent_at: Timestamp,
    pub created_at: Timestamp,
    /// The value of `before` or `after` for the page before or after this message.
    pub cursor: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MessageDirection")]
pub enum Direction {
    Inbound,
    Outbound,
}

/// The state of the delivery of an outgoing message.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DeliveryState {
    pub state: Delivery,
    pub dispatched_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    pub error_code: Option<String>,
    pub error_reason: Option<String>,
}

impl Message {
    pub fn of(conversation_id: ConversationId, row: MessageRow) -> Self {
        let cursor = messages::cursor(&row).to_string();
        let direction = match row.sender_type {
            SenderType::Contact => Direction::Inbound,
            SenderType::Agent | SenderType::Bot | SenderType::System => Direction::Outbound,
        };
        Self {
            id: row.id,
            conversation_id,
            direction,
            sender_type: row.sender_type,
            sender_id: row.sender_id,
            sender_name: row.sender_name,
            is_private: row.is_private,
            content: row.content,
            content_type: row.content_type,
            attachments: row.attachments.map(|attachments| attachments.0).unwrap_or_default(),
            details: row.details.map(|details| details.0),
            template: row.template.map(|template| template.0),
            mentions: row.mentions.map(|mentions| mentions.0).unwrap_or_default(),
            provider_message_id: row.provider_message_id,
            reply_to: row.reply_to,
            in_reply_to: row.in_reply_to,
            edited_at: row.edited_at,
            revoked_at: row.revoked_at,
            reactions: row.reactions.map(|reactions| reactions.0).unwrap_or_default(),
            delivery: row.delivery.map(|state| DeliveryState {
                state,
                dispatched_at: row.dispatched_at,
                delivered_at: row.delivered_at,
                read_at: row.read_at,
                failed_at: row.failed_at,
                error_code: row.error_code,
                error_reason: row.error_reason,
            }),
            metadata: row.metadata.map(|metadata| metadata.0).unwrap_or_default(),
            sent_at: row.sent_at,
            created_at: row.created_at,
            cursor,
        }
    }
}
