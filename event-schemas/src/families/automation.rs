//! The runs of macros and automation rules, the webhooks that they call, and undone changes.

use crate::ConversationEvent;
use crate::automation::{ActionKind, AutomationEvent};
use crate::events::events;
use crate::{AutomationRuleId, BulkId, EventId, MacroId, Timestamp, WebhookId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// The runs of macros and automation rules, the webhooks that they call, and undone changes.
    pub enum ActionEvent in ConversationEvent::Automation {
        MacroRan = 1,
        AutomationRan = 2,
        BulkActionRan = 1,
        WebhookRequested = 1,
        WebhookDelivered = 1,
        WebhookFailed = 1,
        ChangeUndone = 1,
    }
}

/// An agent ran a macro. The events of its actions follow in the same append, with the agent as actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MacroRan {
    pub macro_id: MacroId,
    pub name: String,
}

/// An automation rule ran. The events of its actions follow in the same append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutomationRan {
    pub rule_id: AutomationRuleId,
    pub name: String,
    pub event: AutomationEvent,
    /// The event that triggered the rule. `None` when time did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Whether Verbatim itself, and not a person or another program, caused the trigger.
    #[serde(default)]
    pub by_itself: bool,
    /// Since when the customer had waited. `None` when the rule is not about waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unanswered_since: Option<Timestamp>,
    /// The actions that could not be executed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// An action of a rule that was skipped.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// The index of the action, from 0.
    pub index: u32,
    pub action: ActionKind,
    pub reason: String,
}

/// A bulk change came to this conversation. The events of its actions follow in the same append, with who started it as
/// actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BulkActionRan {
    pub bulk_id: BulkId,
}

/// A webhook is to be sent to another program. It is repeated with this id until the program accepts it.
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

/// The other program accepted the webhook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDelivered {
    pub webhook_id: WebhookId,
    /// The HTTP status of the answer, between 200 and 299.
    pub status: u16,
    /// The number of attempts.
    pub attempts: u32,
}

/// The webhook failed finally.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookFailed {
    pub webhook_id: WebhookId,
    /// `refused`, `gave_up`, `forbidden_address`, `no_secret`.
    pub code: String,
    pub reason: String,
    pub attempts: u32,
}

/// A person took back what earlier events had changed. The events that restore the state before follow in the same
/// append, with the person as actor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeUndone {
    /// The events that were undone, of this conversation.
    pub event_ids: Vec<EventId>,
}
