//! The attributes of a conversation: priority, labels, subject, language, the customer's name, and the messages that
//! agents have read.

use crate::ConversationEvent;
use crate::events::events;
use crate::message::Priority;
use crate::{MessageId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Priority, labels, subject and language of a conversation, the customer's name, and what agents have read.
    pub enum DetailsEvent in ConversationEvent::Details {
        PriorityChanged = 1,
        LabelsChanged = 1,
        SubjectChanged = 1,
        LanguageDetected = 1,
        SeenByAgent = 1,
        DisplayNameChanged = 1,
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriorityChanged {
    pub old: Priority,
    pub new: Priority,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelsChanged {
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectChanged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// The customer has another name: a person gave it, or the customer's profile has it and no person gave one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DisplayNameChanged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// The language of the customer's message, as the detection reported it. A replay does not detect again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LanguageDetected {
    /// ISO 639-1 where there is such a code, else 639-3: `en`, `am`.
    pub language: String,
    /// Between 0 and 1.
    pub confidence: f64,
    /// The message whose language was detected.
    pub message_id: MessageId,
}

/// An agent has read the conversation up to the `received`th message of the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenByAgent {
    pub agent_id: UserId,
    pub received: u32,
}
