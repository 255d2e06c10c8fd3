//! What happens by itself when something happens.

use super::AppState;
use super::actions::{NewActions, Signing, known};
use super::answer::{Completed, Created};
use super::bot_rules::known_team;
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::automation::{Action, AutomationConditions, AutomationEvent, AutomationRule};
use event_schemas::catalogue::Secret;
use event_schemas::{AccountId, AutomationRuleId};
use gate::{Change, Json, Path, Problem, Supervisor};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/automation-rules",
            post_with(create, |op| {
                op.id("createAutomationRule").tag("automation").summary("Define an automation rule").description(
                    "It acts on what happens from now on, once for each cause. `webhook_secret` is in the answer \
                     where it was made for the rule, and is never shown again.",
                )
            }),
        )
        .api_route(
            "/v1/automation-rules/{id}",
            patch_with(update, |op| {
                op.id("updateAutomationRule")
                    .tag("automation")
                    .summary("Change an automation rule")
                    .description("`conditions` and `actions` are replaced whole.")
            })
            .delete_with(remove, |op| {
                op.id("deleteAutomationRule").tag("automation").summary("Retire an automation rule")
            }),
        )
}

/// A rule to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewAutomationRule {
    /// Unique in the account.
    name: String,
    #[serde(default)]
    description: Option<String>,
    /// The lowest acts first.
    #[serde(default)]
    priority: i32,
    #[serde(default = "yes")]
    is_active: bool,
    #[schemars(with = "AutomationEvent")]
    event: String,
    /// How long the customer waits, for `waiting_longer_than`.
    #[serde(default)]
    waiting_seconds: Option<u32>,
    #[serde(default)]
    conditions: AutomationConditions,
    /// Completed one after the other; what cannot be done is left out.
    actions: NewActions,
    /// What its webhooks are signed with: `whsec_` and Base64. Created where there is none.
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

fn yes() -> bool {
    true
}

fn event(word: &str) -> Result<AutomationEvent, CommandProblem> {
    word.parse().map_err(|unknown| Problem::unprocessable("event", format!("{unknown}.")).into())
}

async fn teams_are_known(
    commands: &Commands,
    account: AccountId,
    conditions: &AutomationConditions,
) -> Result<(), CommandProblem> {
    for (index, team) in conditions.team_ids.iter().flatten().enumerate() {
        known_team(commands, account, &format!("conditions.team_ids[{index}]"), *team).await?;
    }
    Ok(())
}

async fn create(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Json(new): Json<NewAutomationRule>,
) -> Result<Created<AutomationRule>, CommandProblem> {
    let context = asking.of(&caller);
    let signing = Signing::of(&commands, new.webhook_secret.as_ref())?;
    let actions = new.actions.read()?;
    let rule = AutomationRule {
        id: AutomationRuleId(fresh_id(&commands, &context)),
        name: new.name.trim().to_owned(),
        description: new.description,
        priority: new.priority,
        is_active: new.is_active,
        event: event(&new.event)?,
        waiting_seconds: new.waiting_seconds,
        conditions: new.conditions,
        webhook_secret: signing.settle(None, &actions),
        actions,
    };
    teams_are_known(&commands, caller.account, &rule.conditions).await?;
    known(&commands, caller.account, &rule.actions).await?;
    let made = define(&commands, rule, &context).await?;
    Ok(made.map(|rule| shown(rule, &signing)))
}

fn shown(rule: AutomationRule, signing: &Signing) -> AutomationRule {
    AutomationRule { webhook_secret: signing.show(rule.webhook_secret), ..rule }
}

/// What changes; what is left out stays as it is, and `null` takes away.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct AutomationRuleChange {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    description: Change<String>,
    #[serde(default)]
    priority: Option<i32>,
    #[serde(default)]
    is_active: Option<bool>,
    #[serde(default)]
    #[schemars(with = "Option<AutomationEvent>")]
    event: Option<String>,
    #[serde(default)]
    waiting_seconds: Change<u32>,
    /// All of them, as they are to be.
    #[serde(default)]
    conditions: Option<AutomationConditions>,
    /// All of them, as they are to be.
    #[serde(default)]
    actions: Option<NewActions>,
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

impl AutomationRuleChange {
    fn apply(
        &self,
        event: Option<AutomationEvent>,
        actions: Option<&Vec<Action>>,
        signing: &Signing,
        rule: &mut AutomationRule,
    ) {
        if let Some(name) = &self.name {
            rule.name = name.trim().to_owned();
        }
        self.description.clone().apply(&mut rule.description);
        rule.priority = self.priority.unwrap_or(rule.priority);
        rule.is_active = self.is_active.unwrap_or(rule.is_active);
        rule.event = event.unwrap_or(rule.event);
        self.waiting_seconds.apply(&mut rule.waiting_seconds);
        if let Some(conditions) = &self.conditions {
            rule.conditions.clone_from(conditions);
        }
        if let Some(actions) = actions {
            rule.actions.clone_from(actions);
        }
        rule.webhook_secret = signing.settle(rule.webhook_secret.take(), &rule.actions);
    }
}

async fn update(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<AutomationRuleId>,
    Json(changes): Json<AutomationRuleChange>,
) -> Result<Completed<AutomationRule>, CommandProblem> {
    let signing = Signing::of(&commands, changes.webhook_secret.as_ref())?;
    let event = changes.event.as_deref().map(event).transpose()?;
    let actions = changes.actions.as_ref().map(NewActions::read).transpose()?;
    if let Some(actions) = &actions {
        known(&commands, caller.account, actions).await?;
    }
    if let Some(conditions) = &changes.conditions {
        teams_are_known(&commands, caller.account, conditions).await?;
    }
    let apply = |rule: &mut AutomationRule| changes.apply(event, actions.as_ref(), &signing, rule);
    let done = change(&commands, id, &asking.of(&caller), apply).await?;
    Ok(done.map(|rule| shown(rule, &signing)))
}

async fn remove(
    State(commands): AppState,
    Supervisor(caller): Supervisor,
    asking: CommandHeaders,
    Path(id): Path<AutomationRuleId>,
) -> Result<Completed<Retired<AutomationRuleId>>, CommandProblem> {
    retire::<AutomationRule>(&commands, id, &asking.of(&caller)).await
}
