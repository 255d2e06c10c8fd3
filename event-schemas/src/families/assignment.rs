//! The assignment of a conversation to an agent and a team.

use crate::ConversationEvent;
use crate::events::events;
use crate::routing::{Decision, Ineligible, RoutingStrategy};
use crate::{OfferId, TeamId, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// The assignment of a conversation to an agent and a team.
    pub enum AssignmentEvent in ConversationEvent::Assignment {
        Assigned = 3,
        Unassigned = 1,
        AssignmentDropped = 1,
    }
}

/// How the agent or the team of an assignment was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssignStrategy {
    /// An agent took it.
    Claimed,
    /// A user assigned it to an agent.
    Manual,
    RoundRobin,
    LeastBusy,
    ManualQueue,
    LeastRecent,
    Random,
    RingAll,
}

impl AssignStrategy {
    /// The routing strategy of this name. `None` when a person decided.
    pub const fn routing(self) -> Option<RoutingStrategy> {
        match self {
            Self::Claimed | Self::Manual => None,
            Self::RoundRobin => Some(RoutingStrategy::RoundRobin),
            Self::LeastBusy => Some(RoutingStrategy::LeastBusy),
            Self::ManualQueue => Some(RoutingStrategy::ManualQueue),
            Self::LeastRecent => Some(RoutingStrategy::LeastRecent),
            Self::Random => Some(RoutingStrategy::Random),
            Self::RingAll => Some(RoutingStrategy::RingAll),
        }
    }
}

impl From<RoutingStrategy> for AssignStrategy {
    fn from(strategy: RoutingStrategy) -> Self {
        match strategy {
            RoutingStrategy::RoundRobin => Self::RoundRobin,
            RoutingStrategy::LeastBusy => Self::LeastBusy,
            RoutingStrategy::ManualQueue => Self::ManualQueue,
            RoutingStrategy::LeastRecent => Self::LeastRecent,
            RoutingStrategy::Random => Self::Random,
            RoutingStrategy::RingAll => Self::RingAll,
        }
    }
}

/// The conversation is assigned to an agent, a team, or both. Both fields have the values afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assigned {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// How the agent or the team was chosen: a report, which routing does not act on. `None` when no strategy
    /// and no person chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<AssignStrategy>,
    /// How an agent of the team is to be found: an order, which routing follows. `None` when the team's queue
    /// says how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_by: Option<RoutingStrategy>,
    /// The user who decided. `None` when Verbatim or a program did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_by: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The candidates, and the reasons of the other agents. `None` when Verbatim did not choose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The offer that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<OfferId>,
    /// The reason against the assignment that a supervisor overrode.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Ineligible>,
}

/// The agent, the team, or both are removed from the conversation. The fields have the removed ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unassigned {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unassigned_by: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An assignment that was interrupted between the reservation and the conversation is given up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssignmentDropped {
    pub assignee_id: UserId,
}
