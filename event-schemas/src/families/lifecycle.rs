//! The lifecycle of a conversation: opened, pending, resolved, reopened, closed.

use crate::ConversationEvent;
use crate::events::events;
use crate::message::{ChannelType, Priority};
use crate::{AccountId, ChannelId, ContactId, ConversationId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

events! {
    /// The lifecycle of a conversation: opened, pending, resolved, reopened, closed.
    pub enum LifecycleEvent in ConversationEvent::Lifecycle {
        ConversationOpened = 1,
        MarkedPending = 1,
        Resolved = 1,
        Reopened = 1,
        Closed = 1,
        Expired = 2,
    }
}

/// The conversation begins with a contact's message, or because an agent or a program writes to a contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationOpened {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    pub channel_id: ChannelId,
    pub channel_type: ChannelType,
    pub contact_id: ContactId,
    pub contact_identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// The number of this conversation among those of the contact on this channel, from 0.
    pub ordinal: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The conversation is pending: the agent waits for the customer. With `until` it is a snooze, which ends
/// then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarkedPending {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The conversation is resolved. A further message of the customer reopens it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a conversation is reopened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReopenCause {
    /// The customer wrote after the conversation was resolved.
    CustomerMessage,
    /// The time of the snooze has passed.
    SnoozeEnded,
    /// An agent reopened it.
    Agent,
}

/// The conversation is reopened. A pending conversation returns to its agent; a resolved one is open.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reopened {
    pub cause: ReopenCause,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The conversation is closed for ever. The contact's next message begins another conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The conversation was inactive for so long that it is closed. The contact's next message begins another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expired {
    pub inactive_since: Timestamp,
    pub after_seconds: u32,
}
