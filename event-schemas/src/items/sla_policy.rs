//! Promises about how quickly customers are answered.

use super::{item, yes};
use crate::message::Priority;
use crate::{CalendarId, ChannelId, SlaPolicyId, TeamId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How quickly, in seconds of business time. `None`: not promised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SlaTargets {
    /// From the opening of the conversation until the first reply of an agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_response_seconds: Option<u32>,
    /// From a customer's message after the first reply until an agent's next reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_response_seconds: Option<u32>,
    /// From the opening of the conversation until it is resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolution_seconds: Option<u32>,
}

item! {
    one: "an SLA policy", all: "SLA policies", tag: "service levels", order: name;

    /// Promises about how quickly customers are answered, per priority.
    pub struct SlaPolicy: SlaPolicySpec {
        id id: SlaPolicyId,
        /// Unique in the account.
        pub name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        #[serde(default = "yes")]
        pub is_active: bool,
        /// Of the policies that fit a conversation, the one with the lowest number is applied.
        #[serde(default)]
        pub order: i32,
        /// When empty, the policy fits every channel.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub channel_ids: Vec<ChannelId>,
        /// When empty, the policy fits every team, and conversations without a team.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        pub team_ids: Vec<TeamId>,
        /// When time counts. `None`: every hour counts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub calendar_id: Option<CalendarId>,
        /// In seconds, per priority. A priority that is missing here is promised nothing.
        pub targets: BTreeMap<Priority, SlaTargets>,
        /// How many business seconds before a deadline the warning comes. `None`: no warning.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub warn_before_seconds: Option<u32>,
        /// Whether time stops counting while the conversation is pending.
        #[serde(default = "yes")]
        pub pause_while_pending: bool,
    }
}
