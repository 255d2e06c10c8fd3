//! Queues, in which conversations wait for an agent (requirement 002, queue management).

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

    /// A queue, in which conversations wait for an agent.
    pub struct Queue: QueueSpec {
        id id: QueueId,
        /// Unique in the account.
        pub name: String,
        /// The team whose conversations wait in this queue. `null` for conversations without a team, and of
        /// teams without a queue.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub team_id: Option<TeamId>,
        pub strategy: RoutingStrategy,
        /// The penalties of agents. An agent with a penalty gets a conversation only when no agent with a
        /// lower penalty can take it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        pub penalties: BTreeMap<UserId, u32>,
        /// The most conversations that may wait. `null` for any number.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub max_waiting: Option<u32>,
        /// The team that gets further conversations while `max_waiting` conversations wait, and those that waited
        /// for `timeout_seconds`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub overflow_team_id: Option<TeamId>,
        /// How long a conversation may wait in this queue; then it goes to the team `overflow_team_id`, and goes
        /// on waiting when there is none. `null` for any time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub timeout_seconds: Option<u32>,
        /// How long an offer is open.
        #[serde(default = "Queue::offer_seconds")]
        pub offer_seconds: u32,
        /// How long an agent who did not accept an offer gets no second offer of the same conversation.
        #[serde(default = "Queue::ask_again_seconds")]
        pub ask_again_seconds: u32,
        #[serde(default = "Queue::when_offline")]
        pub when_offline: WhenOffline,
        /// How long after an agent went offline their conversations return to the queue.
        #[serde(default = "Queue::give_back_seconds")]
        pub give_back_seconds: u32,
        /// The message to a customer who has to wait. It may contain `{{position}}` and `{{wait_minutes}}`.
        /// `null` for no message.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub announcement: Option<String>,
    }
}

/// The values of the fields that a request leaves out. Routing uses them too, where no queue applies to a
/// conversation.
impl Queue {
    pub const OFFER_SECONDS: u32 = 30;
    pub const ASK_AGAIN_SECONDS: u32 = 120;
    pub const WHEN_OFFLINE: WhenOffline = WhenOffline::Keep;
    pub const GIVE_BACK_SECONDS: u32 = 120;

    fn offer_seconds() -> u32 {
        Self::OFFER_SECONDS
    }
    fn ask_again_seconds() -> u32 {
        Self::ASK_AGAIN_SECONDS
    }
    fn when_offline() -> WhenOffline {
        Self::WHEN_OFFLINE
    }
    fn give_back_seconds() -> u32 {
        Self::GIVE_BACK_SECONDS
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_queue_is_read_and_described_with_the_same_defaults() {
        let spec: QueueSpec =
            serde_json::from_value(json!({ "name": "All", "strategy": "least_busy" })).unwrap();
        assert_eq!(spec.offer_seconds, Queue::OFFER_SECONDS);
        assert_eq!(spec.ask_again_seconds, Queue::ASK_AGAIN_SECONDS);
        assert_eq!(spec.when_offline, Queue::WHEN_OFFLINE);
        assert_eq!(spec.give_back_seconds, Queue::GIVE_BACK_SECONDS);
        for schema in [schemars::schema_for!(Queue), schemars::schema_for!(QueueSpec)] {
            for (field, default) in [
                ("offer_seconds", json!(Queue::OFFER_SECONDS)),
                ("ask_again_seconds", json!(Queue::ASK_AGAIN_SECONDS)),
                ("when_offline", json!(Queue::WHEN_OFFLINE)),
                ("give_back_seconds", json!(Queue::GIVE_BACK_SECONDS)),
            ] {
                assert_eq!(
                    schema.as_value().pointer(&format!("/properties/{field}/default")),
                    Some(&default),
                    "{field}"
                );
            }
        }
    }
}
