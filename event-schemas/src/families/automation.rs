//! The runs of macros and automation rules, and the webhooks that they call.

use crate::ConversationEvent;
use crate::automation::{ActionKind, AutomationEvent};
use crate::events::events;
use crate::{AutomationRuleId, EventId, MacroId, Timestamp, WebhookId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// The runs of macros and automation rules, and the webhooks that they call.
    pub enum ActionEvent in ConversationEvent::Automation {
        MacroRan = 1,
        AutomationRan = 2,
        WebhookRequested = 1,
        WebhookDelivered = 1,
        WebhookFailed = 1,
    }
}

/// An agent ran a macro: what it did follows in the same append, under the agent's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MacroRan {
    pub macro_id: MacroId,
    pub name: String,
}

/// A rule was set off: what it did follows in the same append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutomationRan {
    pub rule_id: AutomationRuleId,
    pub name: String,
    pub event: AutomationEvent,
    /// The event that set it off; none: time did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Whether Verbatim itself, and not a person or another program, brought that about.
    #[serde(default)]
    pub by_itself: bool,
    /// Since when the customer had waited, where it was the waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_since: Option<Timestamp>,
    /// The actions that could not be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// An action of a rule's that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// Its place in the list, from 0.
    pub index: u32,
    pub action: ActionKind,
    pub reason: String,
}

/// Another program is to be told. Its address is called until it answers, under this id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookRequested {
    pub webhook_id: WebhookId,
    pub url: String,
    /// The event that the webhook reports. `None` when it reports this request itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macro_id: Option<MacroId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<AutomationRuleId>,
}

/// The other program took it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDelivered {
    pub webhook_id: WebhookId,
    /// As it answered: between 200 and 299.
    pub status: u16,
    /// How often it was called.
    pub attempts: u32,
}

/// The webhook was given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookFailed {
    pub webhook_id: WebhookId,
    /// `refused`, `gave_up`, `forbidden_address`, `no_secret`.
    pub code: String,
    pub reason: String,
    pub attempts: u32,
}
