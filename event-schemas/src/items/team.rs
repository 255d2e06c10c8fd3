//! Groups of agents.

use super::item;
use crate::{TeamId, UserId};

item! {
    one: "a team", all: "Teams", tag: "teams", order: name;

    /// A group of agents.
    pub struct Team: TeamSpec {
        id id: TeamId,
        /// Unique in the account.
        pub name: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub lead_id: Option<UserId>,
        #[serde(default)]
        pub member_ids: Vec<UserId>,
    }
}
