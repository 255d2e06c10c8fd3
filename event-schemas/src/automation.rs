//! The actions of macros and automation rules.

use crate::bot::BotStrategy;
pub use crate::catalogue::{AutomationRuleDefined, AutomationRuleRetired, MacroDefined, MacroRetired};
pub use crate::items::automation_rule::*;
pub use crate::items::macro_::*;
use crate::items::yes;
use crate::message::{Priority, words};
use crate::{CannedResponseId, TeamId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An action in a conversation.
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
    /// Assign the conversation as over the API: only to an agent who can take it.
    AssignAgent {
        agent_id: UserId,
    },
    /// Remove the assignee, the team, or both.
    Unassign {
        #[serde(default = "yes")]
        agent: bool,
        #[serde(default)]
        team: bool,
    },
    /// Let routing assign an agent, whether or not the conversation has an assignee.
    Route {
        strategy: BotStrategy,
        /// The team whose agents can get it. Absent for the conversation's own team, or all agents when it
        /// has none.
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
    /// Add an internal note.
    Note {
        text: String,
    },
    /// Set the conversation to pending: until a moment, for so many seconds, or until the customer writes.
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
    /// Send a webhook to another program at this address.
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
