//! Where providers knock. What they send is taken in by [`commands::inbound_webhook`].

use super::AppState;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::transform::TransformOperation;
use axum::extract::State;
use axum::http::HeaderMap;
use commands::Commands;
use commands::inbound_webhook::InboundWebhook;
use event_schemas::ChannelId;
use event_schemas::message::ChannelType;
use gate::{Caller, Json, Path, Query, RateLimits, RawBody, RequestContext, Role};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/webhooks/{channel_type}/{channel_id}",
        get_with(handshake, |op| {
            op.id("verifyWebhook").tag("webhooks").summary("The provider asks whether this webhook is ours")
        })
        .post_with(receive_webhook, |op| {
            unguarded(op.id("receiveWebhook").tag("webhooks").summary("The provider reports, signed"))
        }),
    )
}

/// A token is one way to be believed, a signature the other.
fn unguarded(mut op: TransformOperation<'_>) -> TransformOperation<'_> {
    op.inner_mut().security.push(Default::default());
    op
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Address {
    channel_type: ChannelType,
    channel_id: ChannelId,
}

async fn handshake(
    State(commands): AppState,
    limits: RateLimits,
    Path(Address { channel_type, channel_id }): Path<Address>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Result<String, CommandProblem> {
    limits.check_channel(channel_id)?;
    let query: Vec<_> = query.into_iter().collect();
    Ok(commands.handshake(channel_type, channel_id, &query).await?)
}

/// What the webhook held.
#[derive(Debug, Serialize, JsonSchema)]
struct Receipt {
    messages: usize,
    statuses: usize,
    /// Parts that could not be read: they are kept, and `GET /v1/webhook-rejections` lists them.
    rejected: usize,
}

async fn receive_webhook(
    State(commands): AppState,
    limits: RateLimits,
    caller: Option<Caller>,
    request: RequestContext,
    Path(Address { channel_type, channel_id }): Path<Address>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<Json<Receipt>, CommandProblem> {
    limits.check_channel(channel_id)?;
    let webhook = InboundWebhook {
        channel_type,
        channel_id,
        headers: &headers,
        body: &body,
        correlation_id: request.correlation_id,
        traceparent: request.traceparent,
        token_account: caller.filter(|caller| caller.role == Role::Service).map(|caller| caller.account),
    };
    let taken = commands.receive_webhook(webhook).await?;
    Ok(Json(Receipt { messages: taken.messages, statuses: taken.statuses, rejected: taken.rejected }))
}
