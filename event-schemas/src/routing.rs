//! Routing: an account's queues, and the reasons of a decision.

pub use crate::catalogue::{QueueDefined, QueueRetired};
pub use crate::items::queue::*;
use crate::message::words;
use crate::{Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// How one of the eligible agents is chosen.
    RoutingStrategy {
        /// One after the other.
        RoundRobin = "round_robin",
        /// The agent with the fewest conversations; of those, the one idle the longest.
        LeastBusy = "least_busy",
        /// No agent is chosen: agents take from the queue themselves.
        ManualQueue = "manual_queue",
        /// The agent whose last assignment is the longest ago.
        LeastRecent = "least_recent",
        Random = "random",
        /// It is offered to all of them, and the first to accept has it.
        RingAll = "ring_all",
    }
}

words! {
    /// Why an agent cannot take a conversation.
    Ineligible {
        /// They have switched themselves off.
        Unavailable = "unavailable",
        Offline = "offline",
        Away = "away",
        OnLeave = "on_leave",
        OutsideHours = "outside_hours",
        Channel = "channel",
        Topic = "topic",
        Language = "language",
        AtCapacity = "at_capacity",
        /// They were offered it just now and did not take it.
        Declined = "declined",
    }
}

/// The candidates of a decision, and the reasons of the other agents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// In the order in which they are asked.
    pub eligible: Vec<Candidate>,
    /// By reason. Who has several is under the first that was found.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_eligible: BTreeMap<Ineligible, Vec<UserId>>,
    /// How many more were looked at than are named here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_named: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An agent who could take it, as they stood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    pub user_id: UserId,
    /// How many conversations they had.
    pub active: u32,
    /// The time of the last assignment or release. `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub penalty: u32,
}
