//! The actions of macros and of automation rules, and the key that their webhooks are signed with.

use super::merge_patch::Members;
use super::references::{check_canned_response, check_team};
use crate::problem::CommandProblem;
use commands::Commands;
use event_schemas::automation::{Action, ActionKind};
use event_schemas::catalogue::Secret;
use event_schemas::{AccountId, StreamId, UserId};
use gate::Problem;
use providers::outgoing_webhook;
use serde_json::Value;

/// Reads the actions one by one, so that a fault is named by its place.
pub(super) fn check_actions(members: &Members) -> Result<(), Problem> {
    let actions = members.get("actions").and_then(Value::as_array);
    for (index, action) in actions.into_iter().flatten().enumerate() {
        read(index, action)?;
    }
    Ok(())
}

fn read(index: usize, action: &Value) -> Result<Action, Problem> {
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
        Problem::unprocessable(field, format!("The action {kind}: {fault}."))
    })
}

/// Whether what the actions refer to exists, and may be called.
pub(super) async fn check_references(
    commands: &Commands,
    account: AccountId,
    actions: &[Action],
) -> Result<(), CommandProblem> {
    for (index, action) in actions.iter().enumerate() {
        let at = |part: &str| format!("actions[{index}].{part}");
        match action {
            Action::Reply { canned_response_id: Some(id), .. } => {
                check_canned_response(commands, account, &at("canned_response_id"), *id).await?;
            }
            Action::AssignTeam { team_id } | Action::Route { team_id: Some(team_id), .. } => {
                check_team(commands, account, &at("team_id"), *team_id).await?;
            }
            Action::AssignAgent { agent_id } => {
                check_agent(commands, account, &at("agent_id"), *agent_id).await?;
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

async fn check_agent(
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

/// Whether webhooks can be signed with this key.
pub(super) fn check_secret(secret: Option<&Secret>) -> Result<(), Problem> {
    secret
        .map_or(Ok(()), outgoing_webhook::check_secret)
        .map_err(|bad| Problem::unprocessable("webhook_secret", format!("`webhook_secret` {bad}.")))
}

pub(super) fn needs_secret(actions: &[Action]) -> bool {
    actions.iter().any(|action| matches!(action, Action::Webhook { .. }))
}

/// A key is shown once, in the answer to the request that made it.
pub(super) fn fresh_or_none(secret: Option<&Secret>, fresh: &Secret) -> Option<Secret> {
    secret.filter(|secret| *secret == fresh).cloned()
}
