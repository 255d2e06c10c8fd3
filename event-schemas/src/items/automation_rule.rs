//! Rules whose actions are executed when an event occurs.

use super::{item, yes};
use crate::automation::Action;
use crate::bot::{MatchMode, TimeRange};
use crate::catalogue::Secret;
use crate::message::{ChannelType, Priority, SlaMetric, Status, words};
use crate::{AutomationRuleId, TeamId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

words! {
    /// The event that triggers a rule.
    AutomationEvent {
        ConversationCreated = "conversation_created",
        /// Status, assignee, team, labels, priority or subject changed.
        ConversationUpdated = "conversation_updated",
        ConversationResolved = "conversation_resolved",
        /// A message of the customer arrived.
        MessageReceived = "message_received",
        /// An agent, the bot or another program sent a message.
        MessageSent = "message_sent",
        /// The customer has waited for an answer for `waiting_seconds`.
        WaitingLongerThan = "waiting_longer_than",
        SlaWarning = "sla_warning",
        SlaBreached = "sla_breached",
    }
}

words! {
    /// Whether the conversation has an assignee.
    Held { None = "none", Any = "any" }
}

/// The conditions of a rule. An absent condition is not checked. All conditions except the keywords are
/// compared with the conversation's state when the rule runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutomationConditions {
    /// Whole words and phrases of the message; case does not matter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<String>>,
    #[serde(default)]
    pub match_mode: MatchMode,
    /// The conversation is on one of these channels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<ChannelType>>,
    /// The event occurred in this part of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_range: Option<TimeRange>,
    /// The customer writes in this language: `en`, `am`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The conversation has all of these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// The conversation has none of these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_labels: Option<Vec<String>>,
    /// The conversation has one of these statuses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Vec<Status>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priorities: Option<Vec<Priority>>,
    /// The conversation is assigned to one of these teams.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_ids: Option<Vec<TeamId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Held>,
    /// The event is about one of these metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_metrics: Option<Vec<SlaMetric>>,
}

item! {
    one: "an automation rule", all: "Automation rules, in the order in which they run", tag: "automation",
    order: priority, public: AutomationRule, by AutomationRule::without_secret;

    /// A rule whose actions are executed when an event occurs.
    pub struct AutomationRule: AutomationRuleSpec {
        id id: AutomationRuleId,
        /// Unique in the account.
        pub name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// The rule with the lowest number runs first.
        pub priority: i32 => #[serde(default)],
        #[serde(default = "yes")]
        pub is_active: bool,
        pub event: AutomationEvent,
        /// How long the customer has waited, for `waiting_longer_than`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub waiting_seconds: Option<u32>,
        #[serde(default)]
        pub conditions: AutomationConditions,
        /// Executed in their order. An action that cannot be executed is skipped.
        pub actions: Vec<Action>,
        /// The key with which its webhooks are signed: `whsec_` and Base64. Created when the rule has
        /// webhooks and no key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub webhook_secret: Option<Secret>,
    }
}

impl AutomationRule {
    fn without_secret(&self) -> Self {
        Self { webhook_secret: None, ..self.clone() }
    }
}
