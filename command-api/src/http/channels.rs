//! Channels: only administrators define them, and no answer shows their credentials.

use super::catalogue::{ItemRoutes, Request};
use crate::problem::{CommandProblem, bad_setting, not_opened};
use event_schemas::catalogue::Channel;
use gate::{Administrator, Problem};

impl ItemRoutes for Channel {
    type Author = Administrator;
    const FIXED: &'static [&'static str] = &["channel_type"];

    /// Checks the settings of the channel with its provider.
    async fn check(&self, request: &Request<'_>) -> Result<(), CommandProblem> {
        let Some(provider) = request.commands.providers.of(self.channel_type) else {
            let detail = format!("Channels of type {} are not supported yet.", self.channel_type);
            return Err(Problem::unprocessable("channel_type", detail).into());
        };
        let channel = match request.commands.opened(request.caller.account, self) {
            Ok(channel) => channel,
            // A channel whose key is lost can still be renamed and switched off.
            Err(_) if !request.sets("credentials") && !request.sets("base_url") => return Ok(()),
            Err(unopenable) => return Err(not_opened(&unopenable).into()),
        };
        provider.check(&channel).map_err(|setting| bad_setting(&setting).into())
    }
}
