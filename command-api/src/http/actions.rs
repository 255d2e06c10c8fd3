//! Lists of actions as requests bring them, for macros and for automation rules.

use super::bot_rules::{known_team, known_template};
use crate::problem::CommandProblem;
use commands::Commands;
use event_schemas::automation::{Action, ActionKind};
use event_schemas::catalogue::Secret;
use event_schemas::{AccountId, StreamId, UserId};
use gate::Problem;
use providers::outgoing_webhook::{check_secret, secret_of};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

/// Read one by one, so that a fault is told by its place.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
pub(super) struct NewActions(#[schemars(with = "Vec<Action>", length(min = 1, max = 20))] Vec<Value>);

impl NewActions {
    pub(super) fn read(&self) -> Result<Vec<Action>, CommandProblem> {
        self.0.iter().enumerate().map(|(index, action)| read(index, action)).collect()
    }
}

fn read(index: usize, action: &Value) -> Result<Action, CommandProblem> {
    let field = format!("actions[{index}].type");
    let kind = action.get("type").and_then(Value::as_str);
    let kind = kind.ok_or_else(|| Problem::unprocessable(&*field, "Every action names its `type`."))?;
    kind.parse::<ActionKind>().map_err(|unknown| Problem::unprocessable(&*field, format!("{unknown}.")))?;
    serde_json::from_value(action.clone()).map_err(|fault| {
        let fault = fault.to_string();
        let named = ["missing field `", "unknown field `", "duplicate field `"]
            .iter()
            .find_map(|words| fault.strip_prefix(words)?.split('`').next());
        let field = match named {
            Some(name) => format!("actions[{index}].{name}"),
            None => format!("actions[{index}]"),
        };
        Problem::unprocessable(field, format!("The action {kind}: {fault}.")).into()
    })
}

/// Whether what the actions name is there, and may be called.
pub(super) async fn known(
    commands: &Commands,
    account: AccountId,
    actions: &[Action],
) -> Result<(), CommandProblem> {
    for (index, action) in actions.iter().enumerate() {
        let at = |part: &str| format!("actions[{index}].{part}");
        match action {
            Action::Reply { canned_response_id: Some(id), .. } => {
                known_template(commands, account, &at("canned_response_id"), *id).await?;
            }
            Action::AssignTeam { team_id } | Action::Route { team_id: Some(team_id), .. } => {
                known_team(commands, account, &at("team_id"), *team_id).await?;
            }
            Action::AssignAgent { agent_id } => {
                known_agent(commands, account, &at("agent_id"), *agent_id).await?;
            }
            Action::Webhook { url } => {
                commands
                    .webhook_addresses
                    .check(url)
                    .map(|_| ())
                    .map_err(|bad| Problem::unprocessable(at("url"), format!("`{}` {bad}.", at("url"))))?;
            }
            _names_nothing => {}
        }
    }
    Ok(())
}

async fn known_agent(
    commands: &Commands,
    account: AccountId,
    field: &str,
    agent: UserId,
) -> Result<(), CommandProblem> {
    let known = commands.agents.current(&StreamId::agent(agent)).await?;
    if known.state.is_known_to(account) {
        return Ok(());
    }
    Err(Problem::unprocessable(field, "This account knows no such agent: register them first.").into())
}

/// What its webhooks are signed with.
#[derive(Clone, Debug)]
pub(super) struct Signing {
    given: Option<Secret>,
    fresh: Secret,
}

impl Signing {
    pub(super) fn of(commands: &Commands, given: Option<&Secret>) -> Result<Self, CommandProblem> {
        if let Some(given) = given {
            check_secret(given).map_err(|bad| {
                Problem::unprocessable("webhook_secret", format!("`webhook_secret` {bad}."))
            })?;
        }
        Ok(Self { given: given.cloned(), fresh: secret_of(commands.clock.fresh_key()) })
    }

    /// What was given, what there was, or, where webhooks need one, a new one.
    pub(super) fn settle(&self, before: Option<Secret>, actions: &[Action]) -> Option<Secret> {
        let calls = actions.iter().any(|action| matches!(action, Action::Webhook { .. }));
        self.given.clone().or(before).or_else(|| calls.then(|| self.fresh.clone()))
    }

    /// It is shown once: to whom it is new.
    pub(super) fn show(&self, secret: Option<Secret>) -> Option<Secret> {
        secret.filter(|secret| *secret == self.fresh)
    }
}
