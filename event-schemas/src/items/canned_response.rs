//! Texts that agents reuse (requirement 000, section 1.3).

use super::item;
use crate::{CannedResponseId, UserId};

item! {
    one: "a canned response", all: "Canned responses, by short code", tag: "canned responses", order: short_code;

    /// A text that agents reuse (requirement 000, section 1.3).
    pub struct CannedResponse: CannedResponseSpec {
        id id: CannedResponseId,
        /// `/greeting`: unique in the account.
        pub short_code: String,
        pub title: String,
        /// It may contain variables: `{{contact_name}}`.
        pub content: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub category: Option<String>,
        creator #[serde(default, skip_serializing_if = "Option::is_none")] created_by: Option<UserId>,
    }
}
