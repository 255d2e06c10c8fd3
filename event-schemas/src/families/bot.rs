//! The acts of the bot, including the handoff to a human agent.

use super::assignment::AssignStrategy;
use crate::ConversationEvent;
use crate::bot::{HandoffCause, InfoField};
use crate::events::events;
use crate::{BotRuleId, HandoffRuleId, MessageId, TeamId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

events! {
    /// The acts of the bot, including the handoff to a human agent.
    pub enum BotEvent in ConversationEvent::Bot {
        BotEngaged = 1,
        BotContextCollected = 1,
        BotContextRemoved = 1,
        InfoRequested = 1,
        HandoffRequested = 1,
    }
}

/// The bot answers in the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotEngaged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<BotRuleId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The bot collected information for the agent. A later value of a field replaces an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotContextCollected {
    pub fields: Map<String, Value>,
}

/// Information that the bot had collected was removed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotContextRemoved {
    /// The names of the removed fields.
    pub fields: Vec<String>,
}

/// The bot asked the customer a question and waits for the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InfoRequested {
    pub rule_id: BotRuleId,
    /// The question.
    pub message_id: MessageId,
    /// The field of the bot's context that the answer fills.
    pub field: String,
    /// The questions that follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remaining: Vec<InfoField>,
    /// The team that gets the conversation with the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<AssignStrategy>,
}

/// A human agent is needed. Routing assigns one, and the bot does not answer any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffRequested {
    pub trigger: HandoffCause,
    /// The reason, for the agent.
    pub reason: String,
    /// The message that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The bot rule that handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<BotRuleId>,
    /// The handoff rule that applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff_rule_id: Option<HandoffRuleId>,
    /// The requested team. `None` keeps the conversation's team, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// The requested strategy. `None` for the queue's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<AssignStrategy>,
    /// The agent who was requested by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<UserId>,
    /// The user who requested the handoff. `None` when the bot or a program did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<UserId>,
}
