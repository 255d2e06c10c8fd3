//! The settings of an account that concern all its agents.

use super::item;
use crate::AccountId;

item! {
    one: "an account setting", all: "The account's settings", tag: "account", order: account_id;

    /// The settings of an account. The defaults apply to an account that has defined none.
    pub struct AccountSettings: AccountSettingsSpec {
        id account_id: AccountId,
        /// For so many seconds an agent can take a reply back before it is sent. Between 0 and 60; 0 to send it at once.
        #[serde(default)]
        pub undo_send_seconds: u32,
    }
}

impl AccountSettings {
    /// The settings of an account that has defined none.
    pub fn usual(account_id: AccountId) -> Self {
        Self { account_id, undo_send_seconds: 0 }
    }
}
