//! Requests for a handoff from the bot to a human agent (requirement 001).

use super::AppState;
use super::answer::Completed;
use super::command_headers::CommandHeaders;
use super::conversations::{View, by, given, named, opened};
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
            op.id("requestHandoff").tag("conversations").summary("A person is to take over from the bot")
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
    asking: CommandHeaders,
    Path(id): Path<ConversationId>,
    OptionalJson(wanted): OptionalJson<Handoff>,
) -> Result<Completed<View>, CommandProblem> {
    let context = asking.of(&caller);
    let conversation = opened(&commands, &caller, id).await?;
    let reason = wanted.reason.as_deref().map(str::trim).filter(|reason| !reason.is_empty());
    let command = RequestHandoff {
        reason: reason.unwrap_or(NO_REASON).to_owned(),
        agent: match wanted.agent_id {
            Some(agent) => Some(named(&commands, &caller, agent).await?),
            None => None,
        },
        by: by(&caller, &context),
        playbook: commands.playbook(caller.account).await?,
        message_id: context.further_message_id(&commands.clock, "told"),
        reply_window: commands.providers.reply_window(conversation.channel_type, SenderType::Bot),
    };
    given(&commands, id, &command, &context, AssignOptions::by(caller.user)).await
}
