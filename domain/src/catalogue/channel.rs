//! The validity of a channel.

use super::{CatalogueItem, Rejection, check_name};
use event_schemas::catalogue::Channel;

impl CatalogueItem for Channel {
    fn name(&self) -> (&'static str, &str) {
        ("name", &self.name)
    }
    /// The credentials are checked by the channel's provider.
    fn validate(&self) -> Result<(), Rejection> {
        check_name("name", &self.name)
    }
    fn validate_change(&self, before: &Self) -> Result<(), Rejection> {
        if self.channel_type != before.channel_type {
            return Err(Rejection::invalid("channel_type", "cannot change; define another channel"));
        }
        Ok(())
    }
}
