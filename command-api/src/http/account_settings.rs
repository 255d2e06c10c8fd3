//! The settings of an account that concern all its agents. An account has one item of this kind; until it is changed it
//! has the defaults.

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
use event_schemas::catalogue::{AccountSettings, Item};
use gate::{Administrator, Json};
use std::sync::Arc;

impl ItemRoutes for AccountSettings {
    type Author = Administrator;

    fn routes() -> ApiRouter<Arc<Commands>> {
        ApiRouter::new().api_route(
            &Self::path(),
            patch_with(update, |op| {
                op.id("updateAccountSettings")
                    .tag("account")
                    .summary("Change the account's settings")
                    .description("`null` gives a setting its default.")
            })
            .delete_with(reset, |op| {
                op.id("resetAccountSettings")
                    .tag("account")
                    .summary("Reset the account's settings to the defaults")
            }),
        )
    }
}

async fn update(
    State(commands): AppState,
    Administrator(caller): Administrator,
    headers: CommandHeaders,
    Json(patch): Json<PatchBody<AccountSettings>>,
) -> Result<Completed<AccountSettings>, CommandProblem> {
    let account = caller.account;
    let settings = (account, Some(AccountSettings::usual(account)));
    patch_item(&commands, &caller, &headers.of(&caller), settings, &patch).await
}

async fn reset(
    State(commands): AppState,
    Administrator(caller): Administrator,
    headers: CommandHeaders,
) -> Result<Completed<Retired<AccountId>>, CommandProblem> {
    retire::<AccountSettings>(&commands, &caller, &headers.of(&caller), caller.account).await
}
