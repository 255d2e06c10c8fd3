//! When a conversation goes from the bot to a person, as the account wants it.

use super::AppState;
use super::answer::{Completed, Created};
use super::bot_rules::known_team;
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::bot::{HandoffRule, HandoffTrigger};
use event_schemas::{HandoffRuleId, TeamId};
use gate::{Change, Json, Path, Problem, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/handoff-rules",
            post_with(create, |op| op.id("createHandoffRule").tag("bot").summary("Define a handoff rule")),
        )
        .api_route(
            "/v1/handoff-rules/{id}",
            patch_with(update, |op| op.id("updateHandoffRule").tag("bot").summary("Change a handoff rule"))
                .delete_with(remove, |op| {
                    op.id("deleteHandoffRule").tag("bot").summary("Retire a handoff rule")
                }),
        )
}

/// A rule to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewHandoffRule {
    /// Unique in the account.
    name: String,
    #[schemars(with = "HandoffTrigger")]
    trigger_type: String,
    /// The words, the intent, the number; `manual` needs none.
    #[serde(default)]
    trigger_value: Option<String>,
    /// The lowest is tried first.
    #[serde(default)]
    priority: i32,
    #[serde(default)]
    target_team_id: Option<TeamId>,
    /// What the customer is told meanwhile.
    #[serde(default)]
    message_template: Option<String>,
    #[serde(default = "yes")]
    is_active: bool,
}

fn yes() -> bool {
    true
}

fn trigger(word: &str) -> Result<HandoffTrigger, CommandProblem> {
    word.parse().map_err(|unknown| Problem::unprocessable("trigger_type", format!("{unknown}.")).into())
}

async fn create(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(new): Json<NewHandoffRule>,
) -> Result<Created<HandoffRule>, CommandProblem> {
    let context = asking.of(&caller);
    let rule = HandoffRule {
        id: HandoffRuleId(fresh_id(&commands, &context)),
        name: new.name.trim().to_owned(),
        trigger_type: trigger(&new.trigger_type)?,
        trigger_value: new.trigger_value,
        priority: new.priority,
        target_team_id: new.target_team_id,
        message_template: new.message_template,
        is_active: new.is_active,
    };
    if let Some(team) = rule.target_team_id {
        known_team(&commands, caller.account, "target_team_id", team).await?;
    }
    define(&commands, rule, &context).await
}

/// What changes; what is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HandoffRuleChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    #[schemars(with = "Option<HandoffTrigger>")]
    trigger_type: Option<String>,
    #[serde(default)]
    trigger_value: Change<String>,
    #[serde(default)]
    priority: Option<i32>,
    #[serde(default)]
    target_team_id: Change<TeamId>,
    #[serde(default)]
    message_template: Change<String>,
    #[serde(default)]
    is_active: Option<bool>,
}

impl HandoffRuleChange {
    fn apply(&self, trigger: Option<HandoffTrigger>, rule: &mut HandoffRule) {
        if let Some(name) = &self.name {
            rule.name = name.trim().to_owned();
        }
        rule.trigger_type = trigger.unwrap_or(rule.trigger_type);
        self.trigger_value.clone().apply(&mut rule.trigger_value);
        rule.priority = self.priority.unwrap_or(rule.priority);
        self.target_team_id.apply(&mut rule.target_team_id);
        self.message_template.clone().apply(&mut rule.message_template);
        rule.is_active = self.is_active.unwrap_or(rule.is_active);
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<HandoffRuleId>,
    Json(changes): Json<HandoffRuleChange>,
) -> Result<Completed<HandoffRule>, CommandProblem> {
    if let Some(Some(team)) = changes.target_team_id.into_option() {
        known_team(&commands, caller.account, "target_team_id", team).await?;
    }
    let trigger = changes.trigger_type.as_deref().map(trigger).transpose()?;
    change(&commands, id, &asking.of(&caller), |rule| changes.apply(trigger, rule)).await
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<HandoffRuleId>,
) -> Result<Completed<Retired<HandoffRuleId>>, CommandProblem> {
    retire::<HandoffRule>(&commands, id, &asking.of(&caller)).await
}
