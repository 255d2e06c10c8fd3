//! How agents are found: an account's queues, and why somebody was chosen or passed over.

use crate::message::words;
use crate::{QueueId, TeamId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

words! {
    /// How one of the eligible agents is chosen.
    RoutingStrategy {
        /// One after the other.
        RoundRobin = "round_robin",
        /// Who has the fewest conversations; of those, who has been idle the longest.
        LeastBusy = "least_busy",
        /// Nobody is chosen: agents take from the queue themselves.
        ManualQueue = "manual_queue",
        /// Who was given a conversation the longest ago.
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

words! {
    /// What becomes of an agent's conversations when they go offline.
    WhenOffline {
        /// They stay the agent's.
        Keep = "keep",
        /// They go back to the queue after a while.
        GiveBack = "give_back",
    }
}

/// Where conversations wait for an agent, and how one is found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queue {
    pub id: QueueId,
    /// Unique in the account.
    pub name: String,
    /// Whose conversations; none: those of no team, and of teams without a queue of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub strategy: RoutingStrategy,
    /// An agent with a penalty is only asked when nobody with a lower one can take it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub penalties: BTreeMap<UserId, u32>,
    /// How many may wait at once. None: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_waiting: Option<u32>,
    /// Who gets those that come when so many wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overflow_team_id: Option<TeamId>,
    /// How long an agent may think about an offer.
    #[serde(default = "thirty")]
    pub offer_seconds: u32,
    /// How long an agent who did not take an offer is not asked about that conversation again.
    #[serde(default = "two_minutes")]
    pub ask_again_seconds: u32,
    #[serde(default = "keep")]
    pub when_offline: WhenOffline,
    #[serde(default = "two_minutes")]
    pub give_back_seconds: u32,
    /// What a customer who has to wait is told: may name `{{position}}` and `{{wait_minutes}}`. None:
    /// nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announcement: Option<String>,
}

fn thirty() -> u32 {
    30
}

fn two_minutes() -> u32 {
    120
}

fn keep() -> WhenOffline {
    WhenOffline::Keep
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueDefined {
    pub queue: Queue,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QueueRetired {
    pub id: QueueId,
}

/// Who could have taken a conversation and who could not, when somebody was looked for.
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
    /// When they were last given or rid of one. None: never yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_since: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub penalty: u32,
}
