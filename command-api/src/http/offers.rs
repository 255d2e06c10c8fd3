//! Agents answer whether they take what they are offered.

use super::AppState;
use super::answer::Completed;
use super::command_headers::CommandHeaders;
use super::conversations::{View, ask, given, named};
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
                op.id("acceptOffer").tag("conversations").summary("Take what you are offered").description(
                    "Of several who were asked the first has it; the others get 409 with the `winner`. When \
                         the offer's time has passed: 409 `offer-over`.",
                )
            }),
        )
        .api_route(
            "/v1/conversations/{id}/offers/{offer_id}/decline",
            post_with(decline, |op| {
                op.id("declineOffer").tag("conversations").summary("Leave it to the next agent")
            }),
        )
}

async fn accept(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path((id, offer_id)): Path<(ConversationId, OfferId)>,
) -> Result<Completed<View>, CommandProblem> {
    let command = AcceptOffer { offer_id, agent: named(&commands, &caller, caller.user).await? };
    let options = AssignOptions { counts: true, forced: false, taker: Some(caller.user) };
    given(&commands, id, &command, &asking.of(&caller), options).await
}

async fn decline(
    State(commands): AppState,
    Agent(caller): Agent,
    asking: CommandHeaders,
    Path((id, offer_id)): Path<(ConversationId, OfferId)>,
) -> Result<Completed<View>, CommandProblem> {
    let command = DeclineOffer { offer_id, agent_id: caller.user };
    ask(&commands, id, &command, &asking.of(&caller)).await
}
