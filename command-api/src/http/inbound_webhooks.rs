//! The webhooks of the channels. The write side hands the request to the channel's provider
//! ([`commands::inbound_webhook`]), and the answer is the one that the provider expects.

use super::AppState;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use aide::transform::TransformOperation;
use aide::{OperationInput, OperationOutput};
use axum::extract::{FromRequestParts, OriginalUri, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use commands::Commands;
use commands::inbound_webhook::{InboundWebhook, WebhookAnswer, WebhookReceipt};
use event_schemas::ChannelId;
use event_schemas::message::ChannelType;
use gate::{Caller, Json, Path, RateLimits, RawBody, RequestContext, Role};
use providers::Request;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/webhooks/{channel_type}/{channel_id}",
        get_with(receive, |op| {
            let op =
                op.id("verifyWebhook").tag("webhooks").summary("Answer a provider's verification request");
            unguarded(op.response::<200, String>())
        })
        .post_with(receive, |op| {
            let op = op.id("receiveWebhook").tag("webhooks");
            unguarded(op.summary("Receive a provider's messages and statuses, signed"))
        }),
    )
}

/// A request is authenticated by its signature or by a token.
fn unguarded(mut op: TransformOperation<'_>) -> TransformOperation<'_> {
    op.inner_mut().security.push(Default::default());
    op
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Address {
    channel_type: ChannelType,
    channel_id: ChannelId,
}

/// The numbers of parts that the webhook held.
#[derive(Debug, Serialize, JsonSchema)]
struct Receipt {
    messages: usize,
    statuses: usize,
    /// Parts that could not be read: they are kept, and `GET /v1/webhook-rejections` lists them.
    rejected: usize,
}

async fn receive(
    State(commands): AppState,
    limits: RateLimits,
    caller: Option<Caller>,
    context: RequestContext,
    Path(Address { channel_type, channel_id }): Path<Address>,
    SentRequest { method, url, headers }: SentRequest,
    RawBody(body): RawBody,
) -> Result<WebhookResponse, CommandProblem> {
    limits.check_channel(channel_id)?;
    let webhook = InboundWebhook {
        channel_type,
        channel_id,
        request: Request { method, url: &url, headers: &headers, body: &body },
        correlation_id: context.correlation_id,
        traceparent: context.traceparent,
        token_account: caller.filter(|caller| caller.role == Role::Service).map(|caller| caller.account),
    };
    commands.receive_webhook(webhook).await.map(WebhookResponse).map_err(CommandProblem::from)
}

/// The request as the provider sent it, but for its body.
struct SentRequest {
    method: Method,
    url: String,
    headers: HeaderMap,
}

impl<S: Send + Sync> FromRequestParts<S> for SentRequest {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self { method: parts.method.clone(), url: full_url(parts), headers: parts.headers.clone() })
    }
}

impl OperationInput for SentRequest {}

/// The URL that the client requested. A request has its host in the URL (HTTP/2) or in a header (HTTP/1.1); the
/// scheme is the one that this server speaks. Headers of proxies are not trusted.
fn full_url(parts: &Parts) -> String {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |OriginalUri(uri)| uri);
    let host = uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    format!("{}://{}{path}", uri.scheme_str().unwrap_or("http"), host.unwrap_or_default())
}

/// The response that the provider expects, or the receipt.
struct WebhookResponse(WebhookAnswer);

impl IntoResponse for WebhookResponse {
    fn into_response(self) -> Response {
        match self.0 {
            WebhookAnswer::Response(response) => {
                let status = StatusCode::from_u16(response.status).unwrap_or(StatusCode::OK);
                (status, [(header::CONTENT_TYPE, response.content_type)], response.body).into_response()
            }
            WebhookAnswer::Receipt(WebhookReceipt { messages, statuses, rejected }) => {
                Json(Receipt { messages, statuses, rejected }).into_response()
            }
        }
    }
}

impl OperationOutput for WebhookResponse {
    type Inner = Receipt;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        Json::<Receipt>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        let response = Self::operation_response(ctx, operation);
        response.map(|response| (Some(200), response)).into_iter().collect()
    }
}
