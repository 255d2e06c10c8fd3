//! What is done by a list rather than by hand: macros, which an agent runs, and automation rules, which run by
//! themselves when something happens.

use crate::bot::{BotStrategy, MatchMode, TimeRange};
use crate::catalogue::{Secret, yes};
use crate::message::{ChannelType, Priority, SlaMetric, Status, words};
use crate::{AutomationRuleId, CannedResponseId, MacroId, TeamId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One thing to do in a conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// Answer the customer: with a text, or with a canned response. May name variables: `{{contact_name}}`.
    Reply {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        canned_response_id: Option<CannedResponseId>,
    },
    AssignTeam {
        team_id: TeamId,
    },
    /// As by hand: an agent who cannot take it does not get it.
    AssignAgent {
        agent_id: UserId,
    },
    /// Take it off its agent, its team, or both.
    Unassign {
        #[serde(default = "yes")]
        agent: bool,
        #[serde(default)]
        team: bool,
    },
    /// Have an agent found for it, whoever has it now.
    Route {
        strategy: BotStrategy,
        /// Whose agents; none: those of the team that has it, or anybody.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team_id: Option<TeamId>,
    },
    AddLabels {
        labels: Vec<String>,
    },
    RemoveLabels {
        labels: Vec<String>,
    },
    SetPriority {
        priority: Priority,
    },
    /// Leave an internal note.
    Note {
        text: String,
    },
    /// Set it aside: until a moment, for so many seconds, or until the customer writes.
    Snooze {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        for_seconds: Option<u32>,
    },
    Resolve {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    Reopen {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// Tell another program, at this address.
    Webhook {
        url: String,
    },
}

words! {
    /// The kinds of action.
    ActionKind {
        Reply = "reply",
        AssignTeam = "assign_team",
        AssignAgent = "assign_agent",
        Unassign = "unassign",
        Route = "route",
        AddLabels = "add_labels",
        RemoveLabels = "remove_labels",
        SetPriority = "set_priority",
        Note = "note",
        Snooze = "snooze",
        Resolve = "resolve",
        Reopen = "reopen",
        Webhook = "webhook",
    }
}

impl Action {
    pub const fn kind(&self) -> ActionKind {
        match self {
            Self::Reply { .. } => ActionKind::Reply,
            Self::AssignTeam { .. } => ActionKind::AssignTeam,
            Self::AssignAgent { .. } => ActionKind::AssignAgent,
            Self::Unassign { .. } => ActionKind::Unassign,
            Self::Route { .. } => ActionKind::Route,
            Self::AddLabels { .. } => ActionKind::AddLabels,
            Self::RemoveLabels { .. } => ActionKind::RemoveLabels,
            Self::SetPriority { .. } => ActionKind::SetPriority,
            Self::Note { .. } => ActionKind::Note,
            Self::Snooze { .. } => ActionKind::Snooze,
            Self::Resolve { .. } => ActionKind::Resolve,
            Self::Reopen { .. } => ActionKind::Reopen,
            Self::Webhook { .. } => ActionKind::Webhook,
        }
    }
}

words! {
    /// Who sees a macro and may run it.
    MacroVisibility {
        Everyone = "everyone",
        /// Who made it, and nobody else.
        Personal = "personal",
    }
}

/// A list of actions that an agent runs at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Macro {
    pub id: MacroId,
    /// Unique among everyone's, or among those of who made it.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub visibility: MacroVisibility,
    pub created_by: UserId,
    /// Done one after the other; all of them, or none.
    pub actions: Vec<Action>,
    /// What its webhooks are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MacroDefined {
    #[serde(rename = "macro")]
    pub defined: Macro,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MacroRetired {
    pub id: MacroId,
}

words! {
    /// What sets a rule off.
    AutomationEvent {
        ConversationCreated = "conversation_created",
        /// Status, assignee, team, labels, priority or subject changed.
        ConversationUpdated = "conversation_updated",
        ConversationResolved = "conversation_resolved",
        /// The customer wrote.
        MessageReceived = "message_received",
        /// An agent, the bot or another program answered.
        MessageSent = "message_sent",
        /// Nobody has answered the customer for so long.
        WaitingLongerThan = "waiting_longer_than",
        SlaWarning = "sla_warning",
        SlaBreached = "sla_breached",
    }
}

words! {
    /// Whether an agent has it.
    Held { None = "none", Any = "any" }
}

/// What must be so for a rule to do something. What is left out is not asked. All but the words of a message
/// is asked of the conversation as it is when the rule acts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AutomationConditions {
    /// Whole words and phrases of the message, whatever their case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keywords: Option<Vec<String>>,
    #[serde(default)]
    pub match_mode: MatchMode,
    /// The conversation is on one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channels: Option<Vec<ChannelType>>,
    /// It happened in this stretch of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_range: Option<TimeRange>,
    /// The customer writes in this language: `en`, `am`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// The conversation has all of these labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<String>>,
    /// And none of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub without_labels: Option<Vec<String>>,
    /// It stands at one of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statuses: Option<Vec<Status>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priorities: Option<Vec<Priority>>,
    /// One of these teams has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_ids: Option<Vec<TeamId>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee: Option<Held>,
    /// It is one of these promises that is or was to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla_metrics: Option<Vec<SlaMetric>>,
}

/// What happens by itself when something happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutomationRule {
    pub id: AutomationRuleId,
    /// Unique in the account.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The lowest acts first.
    pub priority: i32,
    #[serde(default = "yes")]
    pub is_active: bool,
    pub event: AutomationEvent,
    /// How long the customer waits, for `waiting_longer_than`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_seconds: Option<u32>,
    #[serde(default)]
    pub conditions: AutomationConditions,
    /// Done one after the other; what cannot be done is left out.
    pub actions: Vec<Action>,
    /// What its webhooks are signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook_secret: Option<Secret>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutomationRuleDefined {
    pub automation_rule: AutomationRule,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutomationRuleRetired {
    pub id: AutomationRuleId,
}
