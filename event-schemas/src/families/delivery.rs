//! The provider's reports on outgoing messages.

use crate::ConversationEvent;
use crate::events::events;
use crate::{MessageId, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// The provider's reports on an outgoing message.
    pub enum DeliveryEvent in ConversationEvent::Delivery {
        MessageDispatched = 1,
        MessageDelivered = 1,
        MessageRead = 1,
        MessageFailed = 1,
    }
}

impl DeliveryEvent {
    /// The outgoing message that the report is about.
    pub fn message_id(&self) -> MessageId {
        match self {
            Self::MessageDispatched(report) => report.message_id,
            Self::MessageDelivered(report) => report.message_id,
            Self::MessageRead(report) => report.message_id,
            Self::MessageFailed(report) => report.message_id,
        }
    }
}

/// The provider accepted an outgoing message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageDispatched {
    pub message_id: MessageId,
    pub provider_message_id: String,
    pub time: Timestamp,
}

/// The message reached the customer's device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageDelivered {
    pub message_id: MessageId,
    pub provider_message_id: String,
    pub time: Timestamp,
}

/// The customer read the message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageRead {
    pub message_id: MessageId,
    pub provider_message_id: String,
    pub time: Timestamp,
}

/// The message could not be delivered, and is not sent again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageFailed {
    pub message_id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    pub time: Timestamp,
    /// The provider's code, or Verbatim's: `gave_up`, `unreachable`, `channel_retired`.
    pub code: String,
    pub reason: String,
}
