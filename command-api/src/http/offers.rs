//! Agents accept or decline offers of conversations.

use super::AppState;
use super::answer::Completed;
use super::command_headers::CommandHeaders;
use super::conversations::{View, assign_by, assignee_named, execute};
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::assignment::AssignOptions;
use domain::conversation::{AcceptOffer, DeclineOffer};
use event_schemas::{ConversationId, OfferId};
use gate::{Agent, Path};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/conversations/{id}/offers/{offer_id}/accept",
            post_with(accept, |op| {
                op.id("acceptOffer").tag("conversations").summary("Accept an offer and take the conversation").description(
                    "When the conversation is offered to several agents the first to accept gets it, and the others \
                     get 409 with the `winner`. When the offer has expired the answer is 409 `offer-over`.",
                )
            }),
        )
        .api_route(
            "/v1/conversations/{id}/offers/{offer_id}/decline",
            post_with(decline, |op| {
                op.id("declineOffer").tag("conversations").summary("Decline an offer")
            }),
        )
}

async fn accept(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path((id, offer_id)): Path<(ConversationId, OfferId)>,
) -> Result<Completed<View>, CommandProblem> {
    let command = AcceptOffer { offer_id, agent: assignee_named(&commands, &caller, caller.user).await? };
    let options = AssignOptions { counts: true, forced: false, taker: Some(caller.user) };
    assign_by(&commands, id, &command, &headers.of(&caller), options).await
}

async fn decline(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path((id, offer_id)): Path<(ConversationId, OfferId)>,
) -> Result<Completed<View>, CommandProblem> {
    let command = DeclineOffer { offer_id, agent_id: caller.user };
    execute(&commands, id, &command, &headers.of(&caller)).await
}
