//! The settings of an account's bot and of its conversations' inactivity. An account has one item of this
//! kind; until it is changed it has the defaults.

use super::AppState;
use super::answer::Completed;
use super::catalogue::{ItemRoutes, Retired, patch_item, retire};
use super::command_headers::CommandHeaders;
use super::merge_patch::PatchBody;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::patch_with;
use axum::extract::State;
use commands::Commands;
use event_schemas::AccountId;
use event_schemas::bot::BotSettings;
use event_schemas::catalogue::Item;
use gate::{Json, Supervisor};
use std::sync::Arc;

impl ItemRoutes for BotSettings {
    type Author = Supervisor;
    /// `null` means never.
    const NULL_IS_A_VALUE: &'static [&'static str] =
        &["low_confidence_answers", "expire_after_seconds", "close_resolved_after_seconds"];

    fn routes() -> ApiRouter<Arc<Commands>> {
        ApiRouter::new().api_route(
            &Self::path(),
            patch_with(update, |op| {
                op.id("updateBotSettings").tag("bot").summary("Change the bot's settings").description(
                    "`null` means never for a number of answers or seconds, and the default for other settings.",
                )
            })
            .delete_with(reset, |op| {
                op.id("resetBotSettings").tag("bot").summary("Reset the bot's settings to the defaults")
            }),
        )
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    headers: CommandHeaders,
    Json(patch): Json<PatchBody<BotSettings>>,
) -> Result<Completed<BotSettings>, CommandProblem> {
    let account = caller.account;
    let settings = (account, Some(BotSettings::usual(account)));
    patch_item(&commands, &caller, &headers.of(&caller), settings, &patch).await
}

async fn reset(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    headers: CommandHeaders,
) -> Result<Completed<Retired<AccountId>>, CommandProblem> {
    retire::<BotSettings>(&commands, &caller, &headers.of(&caller), caller.account).await
}
