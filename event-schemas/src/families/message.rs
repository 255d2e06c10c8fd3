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

/// The customer wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceived {
    pub message_id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    /// The provider's id of the message this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When the customer sent it, by the provider's clock.
    pub sent_at: Timestamp,
    /// Further facts: intent, confidence, the provider's extras.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// Where a message to a customer goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Addressee {
    pub channel_id: ChannelId,
    /// The contact's identifier on the channel: a phone number, an address.
    pub contact_identifier: String,
}

/// An agent, the bot or the system answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    pub message_id: MessageId,
    /// Where it goes. Absent in events of version 1: they go where their conversation was opened.
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
    /// The message this one answers, as the customer's app will show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// The provider's id of that message, for the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to_provider_id: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// An agent left an internal note. It is never sent to the customer.
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
