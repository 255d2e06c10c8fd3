//! The settings of an account's bot and of its conversations' silences.

use super::AppState;
use super::answer::Completed;
use super::catalogue::{Retired, ask, retire, settled};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::patch_with;
use axum::extract::State;
use commands::Commands;
use domain::Decide;
use domain::catalogue::{Catalogue, Define, Rejection};
use event_schemas::bot::BotSettings;
use event_schemas::{AccountId, CatalogueEvent, Timestamp};
use gate::{Change, Json, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/bot-settings",
        patch_with(update, |op| op.id("updateBotSettings").tag("bot").summary("Change the bot's settings"))
            .delete_with(remove, |op| {
                op.id("resetBotSettings").tag("bot").summary("Go back to the usual settings")
            }),
    )
}

/// What changes; what is left out stays as it is, and `null` means never.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BotSettingsChange {
    /// Words by which a customer asks for a person; an empty list for none.
    #[serde(default)]
    handoff_keywords: Option<Vec<String>>,
    #[serde(default)]
    low_confidence_answers: Change<u32>,
    #[serde(default)]
    confidence_threshold: Option<f64>,
    #[serde(default)]
    expire_after_seconds: Change<u32>,
    #[serde(default)]
    close_resolved_after_seconds: Change<u32>,
}

/// The change, and whose settings it is about.
struct Changing {
    account: AccountId,
    change: BotSettingsChange,
}

impl Decide<Catalogue<BotSettings>> for Changing {
    type Rejection = Rejection;

    fn decide(&self, all: &Catalogue<BotSettings>, now: Timestamp) -> Result<Vec<CatalogueEvent>, Rejection> {
        let mut settings = all.get(self.account).cloned().unwrap_or_else(|| BotSettings::usual(self.account));
        let change = &self.change;
        if let Some(keywords) = &change.handoff_keywords {
            settings.handoff_keywords.clone_from(keywords);
        }
        change.low_confidence_answers.apply(&mut settings.low_confidence_answers);
        settings.confidence_threshold = change.confidence_threshold.unwrap_or(settings.confidence_threshold);
        change.expire_after_seconds.apply(&mut settings.expire_after_seconds);
        change.close_resolved_after_seconds.apply(&mut settings.close_resolved_after_seconds);
        Define(settings).decide(all, now)
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(change): Json<BotSettingsChange>,
) -> Result<Completed<BotSettings>, CommandProblem> {
    let changing = Changing { account: caller.account, change };
    let outcome = ask(&commands, &changing, &asking.of(&caller)).await?;
    Ok(Completed(settled(&commands, &outcome, caller.account).await?))
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
) -> Result<Completed<Retired<AccountId>>, CommandProblem> {
    retire::<BotSettings>(&commands, caller.account, &asking.of(&caller)).await
}
