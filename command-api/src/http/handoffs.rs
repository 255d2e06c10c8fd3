//! Requests for a handoff from the bot to a human agent (requirement 001).

use super::AppState;
use super::answer::Completed;
use super::command_headers::CommandHeaders;
use super::conversations::{View, answered_before, assign_by, assignee_named, by, opened};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::assignment::AssignOptions;
use domain::conversation::RequestHandoff;
use event_schemas::message::SenderType;
use event_schemas::{ConversationId, UserId};
use gate::{Agent, OptionalJson, Path};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/conversations/{id}/handoff",
        post_with(handoff, |op| {
            op.id("requestHandoff")
                .tag("conversations")
                .summary("Request a handoff from the bot to a human agent")
        }),
    )
}

/// The reason, and the requested agent.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Handoff {
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    agent_id: Option<UserId>,
}

const NO_REASON: &str = "Customer requested human agent";

async fn handoff(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ConversationId>,
    OptionalJson(body): OptionalJson<Handoff>,
) -> Result<Completed<View>, CommandProblem> {
    let context = headers.of(&caller);
    if let Some(answer) = answered_before(&commands, id, &context).await? {
        return Ok(answer);
    }
    let conversation = opened(&commands, &caller, id).await?;
    let reason = body.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let command = RequestHandoff {
        reason: reason.unwrap_or(NO_REASON).to_owned(),
        agent: match body.agent_id {
            Some(agent) => Some(assignee_named(&commands, &caller, agent).await?),
            None => None,
        },
        by: by(&caller, &context),
        playbook: commands.playbook(caller.account).await?,
        // The message, if there is one, is the first event.
        message_id: context.message_id(&commands.clock),
        reply_window: commands.providers.reply_window(conversation.channel_type, SenderType::Bot),
    };
    let assigned = assign_by(&commands, id, &command, &context, AssignOptions::by(command.by)).await;
    // Only the agent who is requested by name can be refused.
    assigned.map_err(|problem| match problem.is_about("assignee_id") {
        true => problem.field("agent_id"),
        false => problem,
    })
}
