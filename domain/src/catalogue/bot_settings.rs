//! The validity of the bot's settings.

use super::bot_checks::check_settings;
use super::{CatalogueItem, Rejection};
use event_schemas::bot::BotSettings;

/// An account has one item of this kind, with the account's own id, so no name has to be unique.
impl CatalogueItem for BotSettings {
    fn name(&self) -> (&'static str, &str) {
        ("account_id", "")
    }
    fn validate(&self) -> Result<(), Rejection> {
        check_settings(self)
    }
}
