//! Bulk changes: one request changes many conversations, and one takes all of it back.

use super::AppState;
use super::actions::check_references;
use super::answer::{Accepted, Answer};
use super::command_headers::CommandHeaders;
use super::conversations::by;
use crate::problem::{CommandProblem, Refusal, TOO_MANY_BULK_CHANGES};
use aide::axum::ApiRouter;
use aide::axum::routing::{get_with, post_with};
use axum::extract::State;
use commands::Commands;
use commands::bulk::{MOST_IN_A_PERIOD, NewBulk, PERIOD, StartError};
use commands::execute::{CommandError, Context, Outcome};
use domain::bulk::{Bulk, MOST_CONVERSATIONS, Progress, Rejection, Running};
use event_schemas::automation::Action;
use event_schemas::bulk::BulkRefusal;
use event_schemas::{Actor, BulkId, ConversationId, StreamId, Timestamp};
use gate::{Agent, Caller, Json, Path, Problem, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/bulk",
            post_with(start, |op| {
                op.id("startBulkChange").tag("conversations").summary("Change many conversations").description(&format!(
                    "The actions are executed in each of up to {MOST_CONVERSATIONS} conversations, in your name: in one \
                     conversation all of them or none. The answer comes at once, and `GET /v1/bulk/{{id}}` says how far it \
                     is. Nothing is sent to customers. An account can start {MOST_IN_A_PERIOD} in {} minutes.",
                    PERIOD.as_secs() / 60
                ))
            }),
        )
        .api_route(
            "/v1/bulk/{id}",
            get_with(progress, |op| {
                op.id("getBulkChange").tag("conversations").summary("How far a bulk change is, and what was refused")
            }),
        )
        .api_route(
            "/v1/bulk/{id}/undo",
            post_with(undo, |op| {
                op.id("undoBulkChange").tag("conversations").summary("Take back a whole bulk change").description(
                    "Each conversation that it changed is as before, unless something later depends on the change: this \
                     is listed with its reason. Who started it takes it back, or a supervisor, once and when it is done.",
                )
            }),
        )
}

/// The actions of a bulk change, and its conversations.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewBulkChange {
    /// Each at most once.
    conversation_ids: Vec<ConversationId>,
    /// `assign_agent`, `assign_team`, `unassign`, `add_labels`, `remove_labels`, `set_priority`, `snooze`, `resolve` and
    /// `reopen`.
    actions: Vec<Action>,
}

/// How far a bulk change is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum BulkStatus {
    Running,
    Done,
    /// It is being taken back.
    Undoing,
    Undone,
}

#[derive(Debug, Serialize, JsonSchema)]
struct BulkProgress {
    /// How many conversations are done.
    done: usize,
    /// How many of them were changed, or taken back. The others were as wanted before, or are refused.
    changed: usize,
    /// The conversations that were not changed, each with the reason.
    refused: Vec<BulkRefusal>,
}

impl From<&Progress> for BulkProgress {
    fn from(Progress { done, changed, refused }: &Progress) -> Self {
        Self { done: *done, changed: *changed, refused: refused.clone() }
    }
}

/// A bulk change.
#[derive(Debug, Serialize, JsonSchema)]
struct BulkChange {
    id: BulkId,
    status: BulkStatus,
    started_by: Actor,
    started_at: Timestamp,
    actions: Vec<Action>,
    /// The number of its conversations.
    total: usize,
    #[serde(flatten)]
    progress: BulkProgress,
    /// How far the undo is. `null` when there is none.
    undo: Option<BulkProgress>,
}

impl From<&Running> for BulkChange {
    fn from(running: &Running) -> Self {
        let status = match (running.is_done(), &running.undo) {
            (false, None) => BulkStatus::Running,
            (true, None) => BulkStatus::Done,
            (false, Some(_)) => BulkStatus::Undoing,
            (true, Some(_)) => BulkStatus::Undone,
        };
        Self {
            id: running.started.bulk_id,
            status,
            started_by: running.started.started_by.clone(),
            started_at: running.started_at,
            actions: running.started.actions.clone(),
            total: running.total(),
            progress: BulkProgress::from(&running.changes),
            undo: running.undo.as_ref().map(|undo| BulkProgress::from(&undo.progress)),
        }
    }
}

impl Refusal for Rejection {
    fn problem(&self) -> Problem {
        match self {
            Self::NotStarted => not_found(),
            Self::Invalid { field, reason } => Problem::unprocessable(field, format!("`{field}` {reason}.")),
            Self::Started | Self::NotDone | Self::NothingChanged | Self::UndoneAlready => {
                Problem::conflict(format!("It cannot be done: {self}."))
            }
        }
    }
}

fn not_found() -> Problem {
    Problem::not_found("bulk change")
}

/// The bulk change, if it belongs to the caller's account.
async fn of_account(commands: &Commands, caller: &Caller, id: BulkId) -> Result<Running, CommandProblem> {
    let bulk = commands.bulks.current(&StreamId::bulk(id)).await?;
    let running = bulk.state.started().ok().filter(|running| running.started.account_id == caller.account);
    Ok(running.cloned().ok_or_else(not_found)?)
}

async fn accepted(
    commands: &Commands,
    outcome: &Outcome<Bulk>,
) -> Result<Accepted<BulkChange>, CommandProblem> {
    let running = outcome.state.state.started().map_err(CommandError::Rejected)?;
    let location = format!("/v1/bulk/{}", running.started.bulk_id);
    Ok(Accepted(Answer::of(commands, outcome, BulkChange::from(running)).await?, location))
}

/// Whether the caller takes the conversations.
fn takes(action: &Action, caller: &Caller) -> bool {
    let is_own = matches!(action, Action::AssignAgent { agent_id } if *agent_id == caller.user);
    is_own && caller.role != Role::Service
}

async fn start(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Json(body): Json<NewBulkChange>,
) -> Result<Accepted<BulkChange>, CommandProblem> {
    let context = headers.of(&caller);
    if body.actions.iter().any(|action| takes(action, &caller)) {
        // Who takes a conversation becomes an agent, as when taking one.
        let context = Context { key: None, if_match: None, ..context.clone() };
        commands.join(caller.user, caller.name.clone(), &context).await?;
    }
    check_references(&commands, caller.account, &body.actions).await?;
    let NewBulkChange { conversation_ids, actions } = body;
    let new = NewBulk { actions, conversation_ids, by: by(&caller, &context) };
    match commands.start_bulk(&new, &context).await {
        Ok(outcome) => accepted(&commands, &outcome).await,
        Err(StartError::Command(error)) => Err(error.into()),
        Err(error @ StartError::TooMany { retry_after }) => {
            let problem = Problem::new(&TOO_MANY_BULK_CHANGES, format!("Wait: {error}."));
            Err(problem.retry_after(retry_after).into())
        }
    }
}

async fn progress(
    State(commands): AppState,
    Agent(caller): Agent,
    Path(id): Path<BulkId>,
) -> Result<Json<BulkChange>, CommandProblem> {
    Ok(Json(BulkChange::from(&of_account(&commands, &caller, id).await?)))
}

async fn undo(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<BulkId>,
) -> Result<Accepted<BulkChange>, CommandProblem> {
    let context = headers.of(&caller);
    let running = of_account(&commands, &caller, id).await?;
    let is_own = running.started.started_by.id == Some(caller.user.0);
    if !is_own && !caller.role.is_supervisor() {
        let detail = "Only who started a bulk change, or a supervisor, takes it back.";
        return Err(Problem::forbidden(detail).into());
    }
    let outcome = commands.undo_bulk(id, by(&caller, &context), &context).await?;
    accepted(&commands, &outcome).await
}
