//! The assignment of a conversation, and the agents who have read it.

use super::AppState;
use super::answer::Completed;
use super::command_headers::CommandHeaders;
use super::conversations::{View, ask, by, given, known_team, named};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::assignment::AssignOptions;
use domain::conversation::{Assign, See, Unassign};
use event_schemas::conversation::AssignStrategy;
use event_schemas::{ConversationId, TeamId, UserId};
use gate::{Agent, OptionalJson, Path, Problem, Role};
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
                    .summary("Take it, or give it to an agent, a team, or both")
                    .description(
                        "Without a body, or with your own id, you take an unassigned conversation; of several who try one \
                         wins, and the others get 409 with the `winner`.",
                    )
            }),
        )
        .api_route(
            "/v1/conversations/{id}/unassign",
            post_with(unassign, |op| {
                op.id("unassignConversation").tag("conversations").summary("Give it back")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/seen",
            post_with(seen, |op| {
                op.id("markConversationSeen").tag("conversations").summary("You have read it up to here")
            }),
        )
}

/// The assignee. Without one, you.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Assignment {
    #[serde(default)]
    assignee_id: Option<UserId>,
    #[serde(default)]
    team_id: Option<TeamId>,
    /// Why, for the history.
    #[serde(default)]
    reason: Option<String>,
    /// The agent gets it whatever there is to be said against it; a supervisor's right, and recorded.
    #[serde(default)]
    force: bool,
}

async fn assign(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path(id): Path<ConversationId>,
    OptionalJson(to): OptionalJson<Assignment>,
) -> Result<Completed<View>, CommandProblem> {
    let context = asking.of(&caller);
    let is_bare = to.assignee_id.is_none() && to.team_id.is_none();
    // A service is not an agent and cannot claim a conversation: it must name the assignee.
    let claims = is_bare && caller.role != Role::Service;
    let assignee_id = to.assignee_id.or(claims.then_some(caller.user));
    let command = Assign {
        assignee: match assignee_id {
            Some(id) => Some(named(&commands, &caller, id).await?),
            None => None,
        },
        team_id: match to.team_id {
            Some(team) => Some(known_team(&commands, &caller, team).await?),
            None => None,
        },
        strategy: Some(match assignee_id {
            Some(id) if id == caller.user => AssignStrategy::Claimed,
            Some(_) | None => AssignStrategy::Manual,
        }),
        route_by: None,
        by: by(&caller, &context),
        reason: to.reason,
    };
    if to.force && !caller.role.is_supervisor() {
        return Err(Problem::forbidden("Only a supervisor may insist with `force`.").field("force").into());
    }
    let options = AssignOptions { forced: to.force, ..AssignOptions::by(caller.user) };
    given(&commands, id, &command, &context, options).await
}

/// The assignment that is taken away.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Return {
    /// The agent has it no longer.
    #[serde(default = "yes")]
    agent: bool,
    /// The team has it no longer.
    #[serde(default)]
    team: bool,
    /// Why, for the history.
    #[serde(default)]
    reason: Option<String>,
}

fn yes() -> bool {
    true
}

impl Default for Return {
    fn default() -> Self {
        Self { agent: true, team: false, reason: None }
    }
}

async fn unassign(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path(id): Path<ConversationId>,
    OptionalJson(back): OptionalJson<Return>,
) -> Result<Completed<View>, CommandProblem> {
    let context = asking.of(&caller);
    let command =
        Unassign { agent: back.agent, team: back.team, by: by(&caller, &context), reason: back.reason };
    ask(&commands, id, &command, &context).await
}

async fn seen(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path(id): Path<ConversationId>,
) -> Result<Completed<View>, CommandProblem> {
    ask(&commands, id, &See { agent_id: caller.user }, &asking.of(&caller)).await
}
