//! Where conversations wait for an agent (requirement 002, queue management).

use super::item;
use crate::message::words;
use crate::routing::RoutingStrategy;
use crate::{QueueId, TeamId, UserId};
use std::collections::BTreeMap;

words! {
    /// The treatment of an agent's conversations when the agent goes offline.
    WhenOffline {
        /// The agent keeps them.
        Keep = "keep",
        /// They return to the queue after `give_back_seconds`.
        GiveBack = "give_back",
    }
}

item! {
    one: "a queue", all: "Queues, as they are defined", tag: "queues", order: name;

    /// Where conversations wait for an agent, and how one is found.
    pub struct Queue: QueueSpec {
        id id: QueueId,
        /// Unique in the account.
        pub name: String,
        /// The team whose conversations wait here. `None`: conversations of no team, and of teams without a
        /// queue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub team_id: Option<TeamId>,
        pub strategy: RoutingStrategy,
        /// By agent. An agent with a penalty is asked only when no agent with a lower one can take the
        /// conversation.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub penalties: BTreeMap<UserId, u32>,
        /// How many conversations may wait at once. `None`: any number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_waiting: Option<u32>,
        /// The team that gets the conversations that arrive while `max_waiting` wait.
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
        /// How long after an agent went offline the agent's conversations return to the queue.
        #[serde(default = "two_minutes")]
        pub give_back_seconds: u32,
        /// The message to a customer who has to wait: may name `{{position}}` and `{{wait_minutes}}`. `None`:
        /// no message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub announcement: Option<String>,
    }
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
