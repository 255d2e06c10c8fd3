//! The messages of the customer, the agents, the bot and the system, and internal notes.

use crate::ConversationEvent;
use crate::events::events;
use crate::message::{Content, SenderType, Template};
use crate::{ChannelId, MessageId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

events! {
    /// Messages and notes.
    pub enum MessageEvent in ConversationEvent::Message {
        MessageReceived = 1,
        MessageSent = 2,
        NoteAdded = 1,
    }
}

/// A message of the customer was received.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceived {
    pub message_id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    /// The provider's id of the message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When the customer sent it, by the provider's clock.
    pub sent_at: Timestamp,
    /// Further data: intent, confidence, data of the provider.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The channel and the contact of an outgoing message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addressee {
    pub channel_id: ChannelId,
    /// The contact's identifier on the channel: a phone number, an address.
    pub contact_identifier: String,
}

/// A message of an agent, the bot or the system to the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    pub message_id: MessageId,
    /// The addressee. Absent in events of version 1, whose addressee is in the event that opened the
    /// conversation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Addressee>,
    pub sender_type: SenderType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// The message that this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// The provider's id of that message, for the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to_provider_id: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// An internal note of an agent. It is never sent to the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoteAdded {
    pub message_id: MessageId,
    pub author_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    pub content: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
}
