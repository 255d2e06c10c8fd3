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
        /// The agents get conversations in turn.
        RoundRobin = "round_robin",
        /// The agent with the fewest conversations; of those, the one idle the longest.
        LeastBusy = "least_busy",
        /// No agent is chosen: agents take conversations from the queue.
        ManualQueue = "manual_queue",
        /// The agent whose last assignment is the longest ago.
        LeastRecent = "least_recent",
        Random = "random",
        /// The conversation is offered to all eligible agents, and the first to accept gets it.
        RingAll = "ring_all",
    }
}

words! {
    /// Why an agent cannot take a conversation.
    Ineligible {
        /// They have set themselves unavailable.
        Unavailable = "unavailable",
        Offline = "offline",
        Away = "away",
        OnLeave = "on_leave",
        OutsideHours = "outside_hours",
        Channel = "channel",
        Topic = "topic",
        Language = "language",
        AtCapacity = "at_capacity",
        /// They got an offer of the conversation a short time ago, and did not accept it.
        Declined = "declined",
    }
}

impl Ineligible {
    /// The reason as a part of a sentence about the agent.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Unavailable => "they have set themselves unavailable",
            Self::Offline => "they are offline",
            Self::Away => "they are away",
            Self::OnLeave => "they are on leave",
            Self::OutsideHours => "it is outside their working hours",
            Self::Channel => "they do not take conversations on this channel",
            Self::Topic => "they do not take conversations on this topic",
            Self::Language => "they do not speak the language",
            Self::AtCapacity => "they have as many conversations as they can take",
            Self::Declined => "they declined the offer or let it expire",
        }
    }
}

/// The candidates of a decision, and the reasons of the other agents.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decision {
    /// The agents who can take the conversation, best first.
    pub eligible: Vec<Candidate>,
    /// The other agents by reason. An agent with several reasons is listed under the first that was found.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_eligible: BTreeMap<Ineligible, Vec<UserId>>,
    /// The number of agents that are not listed here.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub not_named: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// An agent who could take the conversation, at the time of the decision.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Candidate {
    pub user_id: UserId,
    /// The number of conversations that the agent had.
    pub active: u32,
    /// The time of the last assignment or release. `None` before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub penalty: u32,
}
