//! The assignment of a conversation, and the agents who have read it.

use super::AppState;
use super::answer::Completed;
use super::command_headers::CommandHeaders;
use super::conversations::{View, answered_before, assign_by, assignee_named, by, execute, known_team};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::assignment::AssignOptions;
use domain::conversation::{Assign, See, Unassign};
use event_schemas::conversation::AssignStrategy;
use event_schemas::{ConversationId, TeamId, UserId};
use gate::{Agent, OptionalJson, Path, Problem};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations/{id}/assign",
            post_with(assign, |op| {
                op.id("assignConversation")
                    .tag("conversations")
                    .summary("Take a conversation, or assign it to an agent, a team, or both")
                    .description(
                        "Without a body, or with your own id, you take an unassigned conversation. When several \
                         agents take it at the same time one of them gets it, and the others get 409 with the \
                         `winner`.",
                    )
            }),
        )
        .api_route(
            "/v1/conversations/{id}/unassign",
            post_with(unassign, |op| {
                op.id("unassignConversation").tag("conversations").summary("Unassign a conversation")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/seen",
            post_with(seen, |op| {
                op.id("markConversationSeen").tag("conversations").summary("Mark a conversation as read by you")
            }),
        )
}

/// The new assignment. Without an agent and a team you take the conversation yourself.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "NewAssignment")]
struct Assignment {
    #[serde(default)]
    assignee_id: Option<UserId>,
    #[serde(default)]
    team_id: Option<TeamId>,
    /// The reason, for the history.
    #[serde(default)]
    reason: Option<String>,
    /// Assigns the conversation although the agent is not eligible. Only supervisors may do this, and it is
    /// recorded.
    #[serde(default)]
    force: bool,
}

async fn assign(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    OptionalJson(body): OptionalJson<Assignment>,
) -> Result<Completed<View>, CommandProblem> {
    let context = headers.of(&caller);
    if let Some(answer) = answered_before(&commands, id, &context).await? {
        return Ok(answer);
    }
    let is_empty = body.assignee_id.is_none() && body.team_id.is_none();
    // A service is no agent, so it must name the assignee.
    let claims = is_empty && !caller.is_program();
    let assignee_id = body.assignee_id.or(claims.then_some(caller.user));
    let command = Assign {
        assignee: match assignee_id {
            Some(id) => Some(assignee_named(&commands, &caller, id).await?),
            None => None,
        },
        team_id: match body.team_id {
            Some(team) => Some(known_team(&commands, &caller, team).await?),
            None => None,
        },
        strategy: Some(match assignee_id {
            Some(id) if id == caller.user => AssignStrategy::Claimed,
            Some(_) | None => AssignStrategy::Manual,
        }),
        route_by: None,
        by: by(&caller, &context),
        reason: body.reason,
    };
    if body.force && !caller.role.is_supervisor() {
        return Err(Problem::forbidden("Only a supervisor may use `force`.").field("force").into());
    }
    let options = AssignOptions { forced: body.force, ..AssignOptions::by(command.by) };
    assign_by(&commands, id, &command, &context, options).await
}

/// The parts of the assignment to remove.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Unassignment {
    /// Removes the agent.
    #[serde(default = "yes")]
    agent: bool,
    /// Removes the team.
    #[serde(default)]
    team: bool,
    /// The reason, for the history.
    #[serde(default)]
    reason: Option<String>,
}

fn yes() -> bool {
    true
}

impl Default for Unassignment {
    fn default() -> Self {
        Self { agent: true, team: false, reason: None }
    }
}

async fn unassign(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    OptionalJson(body): OptionalJson<Unassignment>,
) -> Result<Completed<View>, CommandProblem> {
    let context = headers.of(&caller);
    let command =
        Unassign { agent: body.agent, team: body.team, by: by(&caller, &context), reason: body.reason };
    execute(&commands, id, &command, &context).await
}

async fn seen(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
) -> Result<Completed<View>, CommandProblem> {
    execute(&commands, id, &See { agent_id: caller.user }, &headers.of(&caller)).await
}
