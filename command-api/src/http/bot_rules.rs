//! What the bot does with which message.

use super::AppState;
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::bot::{BotActions, BotConditions, BotRule, BotTrigger};
use event_schemas::catalogue::CannedResponse;
use event_schemas::{AccountId, BotRuleId, CannedResponseId, TeamId};
use gate::{Json, Path, Problem, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/bot-rules",
            post_with(create, |op| op.id("createBotRule").tag("bot").summary("Define a bot rule")),
        )
        .api_route(
            "/v1/bot-rules/{id}",
            patch_with(update, |op| {
                op.id("updateBotRule").tag("bot").summary("Change a bot rule").description(
                    "`conditions` and `actions` are replaced whole. A conversation in which the rule has asked \
                     for something goes on as it was asked.",
                )
            })
            .delete_with(remove, |op| op.id("deleteBotRule").tag("bot").summary("Retire a bot rule")),
        )
}

/// A rule to be.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewBotRule {
    /// Unique in the account.
    pub(super) name: String,
    /// The lowest is tried first.
    #[serde(default)]
    pub(super) priority: i32,
    #[serde(default = "yes")]
    pub(super) is_active: bool,
    #[schemars(with = "BotTrigger")]
    pub(super) trigger_type: String,
    #[serde(default)]
    pub(super) conditions: BotConditions,
    #[serde(default)]
    pub(super) actions: BotActions,
    /// At most once in a conversation.
    #[serde(default = "yes")]
    pub(super) run_once: bool,
}

fn yes() -> bool {
    true
}

impl NewBotRule {
    pub(super) fn rule(&self, id: BotRuleId) -> Result<BotRule, CommandProblem> {
        Ok(BotRule {
            id,
            name: self.name.trim().to_owned(),
            priority: self.priority,
            is_active: self.is_active,
            trigger_type: trigger(&self.trigger_type)?,
            conditions: self.conditions.clone(),
            actions: self.actions.clone(),
            run_once: self.run_once,
        })
    }
}

fn trigger(word: &str) -> Result<BotTrigger, CommandProblem> {
    word.parse().map_err(|unknown| Problem::unprocessable("trigger_type", format!("{unknown}.")).into())
}

async fn create(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(new): Json<NewBotRule>,
) -> Result<Created<BotRule>, CommandProblem> {
    let context = asking.of(&caller);
    let rule = new.rule(BotRuleId(fresh_id(&commands, &context)))?;
    known(&commands, caller.account, &rule.actions).await?;
    define(&commands, rule, &context).await
}

/// Whether what the actions name is there.
pub(super) async fn known(
    commands: &Commands,
    account: AccountId,
    actions: &BotActions,
) -> Result<(), CommandProblem> {
    if let Some(template) = actions.reply_template_id {
        known_template(commands, account, "actions.reply_template_id", template).await?;
    }
    match actions.assign_team_id {
        Some(team) => known_team(commands, account, "actions.assign_team_id", team).await,
        None => Ok(()),
    }
}

pub(super) async fn known_template(
    commands: &Commands,
    account: AccountId,
    field: &str,
    template: CannedResponseId,
) -> Result<(), CommandProblem> {
    let responses = commands.catalogue::<CannedResponse>(account).current().await?;
    match responses.state.get(template) {
        Some(response) if response.content.chars().count() > domain::conversation::LONGEST_MESSAGE => {
            Err(Problem::unprocessable(field, "It is too long to be a message.").into())
        }
        Some(_) => Ok(()),
        None => Err(Problem::unprocessable(field, "This account has no such canned response.").into()),
    }
}

pub(super) async fn known_team(
    commands: &Commands,
    account: AccountId,
    field: &str,
    team: TeamId,
) -> Result<(), CommandProblem> {
    if commands.knows_team(account, team).await? {
        return Ok(());
    }
    Err(Problem::unprocessable(field, "This account has no such team.").into())
}

/// What changes; what is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BotRuleChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    priority: Option<i32>,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    #[schemars(with = "Option<BotTrigger>")]
    trigger_type: Option<String>,
    /// All of them, as they are to be.
    #[serde(default)]
    conditions: Option<BotConditions>,
    /// All of them, as they are to be.
    #[serde(default)]
    actions: Option<BotActions>,
    #[serde(default)]
    run_once: Option<bool>,
}

impl BotRuleChange {
    fn apply(&self, trigger: Option<BotTrigger>, rule: &mut BotRule) {
        if let Some(name) = &self.name {
            rule.name = name.trim().to_owned();
        }
        rule.priority = self.priority.unwrap_or(rule.priority);
        rule.is_active = self.is_active.unwrap_or(rule.is_active);
        rule.trigger_type = trigger.unwrap_or(rule.trigger_type);
        if let Some(conditions) = &self.conditions {
            rule.conditions.clone_from(conditions);
        }
        if let Some(actions) = &self.actions {
            rule.actions.clone_from(actions);
        }
        rule.run_once = self.run_once.unwrap_or(rule.run_once);
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<BotRuleId>,
    Json(changes): Json<BotRuleChange>,
) -> Result<Completed<BotRule>, CommandProblem> {
    if let Some(actions) = &changes.actions {
        known(&commands, caller.account, actions).await?;
    }
    let trigger = changes.trigger_type.as_deref().map(trigger).transpose()?;
    change(&commands, id, &asking.of(&caller), |rule| changes.apply(trigger, rule)).await
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<BotRuleId>,
) -> Result<Completed<Retired<BotRuleId>>, CommandProblem> {
    retire::<BotRule>(&commands, id, &asking.of(&caller)).await
}
