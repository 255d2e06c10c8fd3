//! The validity of an account's settings.

use super::{CatalogueItem, Rejection};
use event_schemas::catalogue::AccountSettings;

/// The longest time for which an agent can take a reply back, in seconds.
const LONGEST_UNDO: u32 = 60;

/// An account has one item of this kind, with the account's own id, so no name has to be unique.
impl CatalogueItem for AccountSettings {
    fn name(&self) -> (&'static str, &str) {
        ("account_id", "")
    }
    fn validate(&self) -> Result<(), Rejection> {
        match self.undo_send_seconds {
            0..=LONGEST_UNDO => Ok(()),
            _ => {
                Err(Rejection::invalid("undo_send_seconds", "is between 0 and 60; 0 to send replies at once"))
            }
        }
    }
}
