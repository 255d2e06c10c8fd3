//! Agents change, cancel or send the messages that are to be sent later.

use super::AppState;
use super::answer::{Answer, Completed};
use super::command_headers::CommandHeaders;
use super::conflicts::explained;
use super::conversations::{opened, problem_of_command};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{delete_with, post_with};
use axum::extract::State;
use commands::Commands;
use commands::execute::Context;
use domain::Decide;
use domain::conversation::{CancelScheduled, Conversation, Rejection, Reschedule, SendScheduled};
use event_schemas::conversation::IfWritten;
use event_schemas::{ConversationId, MessageId, StreamId, Timestamp};
use gate::{Agent, Caller, Json, Path, Problem, RequestContext, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations/{id}/scheduled-messages/{message_id}",
            delete_with(cancel, |op| {
                op.id("cancelScheduledMessage").tag("messages").summary("Cancel a scheduled message").description(
                    "Every agent can. Of a cancellation and a sending at the same moment one happens: when the message \
                     was sent, the answer is 409 `already-sent`.",
                )
            })
            .patch_with(change, |op| {
                op.id("updateScheduledMessage")
                    .tag("messages")
                    .summary("Change the time of a scheduled message")
                    .description("A message that is held waits again. Only its sender and supervisors can.")
            }),
        )
        .api_route(
            "/v1/conversations/{id}/scheduled-messages/{message_id}/send",
            post_with(send, |op| {
                op.id("sendScheduledMessage").tag("messages").summary("Send a scheduled message now").description(
                    "Also one that is held, and when others have written meanwhile. Only its sender and supervisors can.",
                )
            }),
        )
}

/// A scheduled message that was changed, cancelled or sent.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ScheduledMessageState")]
struct View {
    id: MessageId,
    conversation_id: ConversationId,
    /// When it is sent. `null` when it was cancelled or sent.
    send_at: Option<Timestamp>,
}

/// The change of a scheduled message. A field that is absent stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ScheduledMessageChange {
    /// A time to come, at most a year ahead.
    #[serde(default)]
    send_at: Option<Timestamp>,
    /// The fate of the message when others write from now on, before it is sent.
    #[serde(default)]
    if_written: Option<IfWritten>,
}

async fn cancel(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path((id, message_id)): Path<(ConversationId, MessageId)>,
) -> Result<Completed<View>, CommandProblem> {
    execute(&commands, id, message_id, &CancelScheduled { message_id }, &headers.of(&caller)).await
}

async fn change(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path((id, message_id)): Path<(ConversationId, MessageId)>,
    Json(body): Json<ScheduledMessageChange>,
) -> Result<Completed<View>, CommandProblem> {
    check_may_change(&commands, &caller, id, message_id).await?;
    let ScheduledMessageChange { send_at, if_written } = body;
    let command = Reschedule { message_id, send_at, if_written };
    execute(&commands, id, message_id, &command, &headers.of(&caller)).await
}

/// Without a key: a message is sent once, however often it is asked for.
async fn send(
    State(commands): AppState,
    Agent(caller): Agent,
    request: RequestContext,
    Path((id, message_id)): Path<(ConversationId, MessageId)>,
) -> Result<Completed<View>, CommandProblem> {
    check_may_change(&commands, &caller, id, message_id).await?;
    let channel = commands.channel_state(caller.account, &StreamId::conversation(id)).await?;
    let command = SendScheduled { message_id, channel };
    let context = Context {
        traceparent: request.traceparent,
        ..Context::of(caller.account, caller.actor(), request.correlation_id)
    };
    execute(&commands, id, message_id, &command, &context).await
}

/// A message is sent in the name of its sender, so no other agent decides when.
async fn check_may_change(
    commands: &Commands,
    caller: &Caller,
    id: ConversationId,
    message_id: MessageId,
) -> Result<(), CommandProblem> {
    let conversation = opened(commands, caller, id).await?;
    let is_of_another = conversation
        .scheduled(message_id)
        .is_some_and(|scheduled| scheduled.message().sender_id != caller.user);
    match caller.role {
        Role::Agent | Role::Service if is_of_another => {
            Err(Problem::forbidden("Only its sender and supervisors decide when a message is sent.").into())
        }
        Role::Agent | Role::Service | Role::Supervisor | Role::Administrator | Role::Owner => Ok(()),
    }
}

async fn execute(
    commands: &Commands,
    conversation_id: ConversationId,
    id: MessageId,
    command: &impl Decide<Conversation, Rejection = Rejection>,
    context: &Context,
) -> Result<Completed<View>, CommandProblem> {
    let stream = StreamId::conversation(conversation_id);
    let before = commands.conversations.answered_before(&stream, context).await;
    let outcome = match before.map_err(problem_of_command)? {
        Some(outcome) => outcome,
        None => match commands.conversations.execute(&stream, command, context).await {
            Ok(outcome) => outcome,
            Err(error) => return Err(explained(commands, conversation_id, error).await.into()),
        },
    };
    let conversation = outcome.state.state.opened().ok();
    let scheduled = conversation.and_then(|conversation| conversation.scheduled(id));
    let view = View { id, conversation_id, send_at: scheduled.map(|scheduled| scheduled.send_at) };
    Ok(Completed(Answer::of(commands, &outcome, view).await?))
}
