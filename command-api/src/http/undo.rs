//! Undoing what an event has changed.

use super::AppState;
use super::answer::Completed;
use super::command_headers::CommandHeaders;
use super::conflicts::{Change, explained};
use super::conversations::{View, answered_before, by, problem_of_agent};
use crate::problem::{CommandProblem, cannot_undo};
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::assignment::AssignError;
use commands::undo::UndoError;
use event_schemas::{ConversationId, EventId};
use gate::{Agent, Json, Path, Problem};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/conversations/{id}/undo",
        post_with(undo, |op| {
            op.id("undoChange")
                .tag("conversations")
                .summary("Take back what an event has changed")
                .description(
                    "Status, assignment, snooze, priority, labels, subject, SLA policy and facts of the bot can be \
                     taken back while nothing later depends on them. The event of a macro or of an automation rule \
                     takes back all that its actions have changed; messages and notes stay. An undo is itself an \
                     event (`ChangeUndone`) and can be undone. `GET …/events?undo=true` says for each event whether \
                     it can be undone.",
                )
        }),
    )
}

/// The event whose change is taken back.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UndoneEvent {
    /// The `id` of an event of this conversation.
    event_id: EventId,
}

async fn undo(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    Json(body): Json<UndoneEvent>,
) -> Result<Completed<View>, CommandProblem> {
    let context = headers.of(&caller);
    if let Some(answer) = answered_before(&commands, id, &context).await? {
        return Ok(answer);
    }
    match commands.undo(id, body.event_id, by(&caller, &context), &context).await {
        Ok(outcome) => Ok(Completed(View::after(&commands, &outcome).await?)),
        Err(error) => Err(problem_of_undo(&commands, id, error).await.into()),
    }
}

async fn problem_of_undo(commands: &Commands, id: ConversationId, error: UndoError) -> Problem {
    match error {
        UndoError::NoSuchEvent => Problem::unprocessable("event_id", "This conversation has no such event."),
        UndoError::Impossible { obstacle, event } => {
            let problem = cannot_undo(&obstacle);
            match &event {
                Some(event) => problem.with("event", json!(Change::of(event))),
                None => problem,
            }
        }
        UndoError::Assign(AssignError::Conversation(error)) => explained(commands, id, error).await,
        UndoError::Assign(AssignError::Agent(error)) => problem_of_agent(error),
    }
}
