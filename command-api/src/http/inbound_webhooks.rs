//! The webhooks of the channels. The write side hands the request to the channel's provider
//! ([`commands::inbound_webhook`]), and the answer is the one that the provider expects.

use super::AppState;
use crate::problem::CommandProblem;
use aide::OperationOutput;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse, SchemaObject};
use aide::transform::TransformOperation;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use commands::Commands;
use commands::inbound_webhook::{InboundWebhook, InboundWebhookError, WebhookAnswer, WebhookReceipt};
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ChannelId};
use gate::{Caller, Json, Path, RateLimits, RequestContext, UnreadBody};
use providers::Request;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/webhooks/{channel_type}/{channel_id}",
        get_with(verify, |op| {
            let op =
                op.id("verifyWebhook").tag("webhooks").summary("Answer a provider's verification request");
            op.response::<200, String>()
        })
        .post_with(receive, |op| {
            let op = op.id("receiveWebhook").tag("webhooks").description(
                "Each provider has a form of its own, which its documentation describes. The body of the channel type \
                 `api` is described here: a message, a status, or an array of them.",
            );
            let op = op.summary("Receive a provider's signed request with messages and statuses");
            with_body_of_the_api_channel(without_token(op))
        }),
    )
}

/// A request is authenticated by its signature or by a token.
fn without_token(mut op: TransformOperation<'_>) -> TransformOperation<'_> {
    op.inner_mut().security.push(Default::default());
    op
}

/// Describes the body. The route reads it as bytes, because signatures are computed over them.
fn with_body_of_the_api_channel(mut op: TransformOperation<'_>) -> TransformOperation<'_> {
    let json_schema = aide::generate::in_context(|ctx| ctx.schema.subschema_for::<api_channel::Body>());
    let media = op.inner_mut().request_body.as_mut().and_then(|body| body.as_item_mut());
    if let Some(media) = media.and_then(|body| body.content.get_mut("application/json")) {
        media.schema = Some(SchemaObject { json_schema, example: None, external_docs: None });
    }
    op
}

/// The description of the body of the channel type `api`, which `providers::api` reads.
#[expect(dead_code, reason = "only described")]
mod api_channel {
    use event_schemas::message::{Attachment, ContentType, Delivery};
    use event_schemas::{ConversationId, MessageId, Timestamp};
    use schemars::JsonSchema;
    use serde_json::{Map, Value};

    /// The body of a webhook: of the channel type `api`, or as the provider of another channel type sends it.
    #[derive(JsonSchema)]
    #[schemars(untagged, rename = "WebhookBody")]
    pub enum Body {
        Message(Box<Message>),
        Status(Status),
        Several(Vec<Part>),
        /// As the provider of another channel type sends it.
        OfAnotherProvider(Map<String, Value>),
    }

    /// A message or a status of the channel type `api`.
    #[derive(JsonSchema)]
    #[schemars(untagged, rename = "ApiChannelPart")]
    pub enum Part {
        Message(Box<Message>),
        Status(Status),
    }

    /// A customer's message in a channel of the type `api`.
    #[derive(JsonSchema)]
    #[schemars(rename = "ApiChannelMessage")]
    pub struct Message {
        /// Your id of the message. A repeated message with the same id changes nothing.
        id: String,
        /// Your name for the customer.
        from: String,
        /// The name that agents see.
        name: Option<String>,
        /// The text. `text` is another name of this field.
        #[schemars(default)]
        content: String,
        /// `text`, or the type of the first attachment, when it is absent.
        content_type: Option<ContentType>,
        #[schemars(default)]
        attachments: Vec<Attachment>,
        /// The contents of a message that is neither text nor a file, such as a location.
        details: Option<Value>,
        /// Your id of the message that this one answers.
        reply_to: Option<String>,
        /// When the customer sent it. The time of arrival when it is absent.
        sent_at: Option<Timestamp>,
        #[schemars(default)]
        metadata: Map<String, Value>,
    }

    /// A report on an outgoing message in a channel of the type `api`.
    #[derive(JsonSchema)]
    #[schemars(rename = "ApiChannelStatus")]
    pub struct Status {
        /// `dispatched`, `delivered`, `read` or `failed`.
        status: Delivery,
        conversation_id: ConversationId,
        message_id: MessageId,
        /// Your id of the message.
        id: Option<String>,
        /// The time of arrival when it is absent.
        time: Option<Timestamp>,
        /// The reason of `failed`.
        error: Option<Failure>,
    }

    /// The reason why a message could not be delivered.
    #[derive(JsonSchema)]
    #[schemars(rename = "ApiChannelFailure")]
    pub struct Failure {
        code: String,
        #[schemars(default)]
        reason: String,
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "WebhookAddress")]
struct Address {
    channel_type: ChannelType,
    channel_id: ChannelId,
}

/// The numbers of the parts of the request.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "WebhookReceipt")]
struct Receipt {
    messages: usize,
    /// Edits, deletions, reactions and notices.
    changes: usize,
    statuses: usize,
    /// Parts that could not be read. They are stored, and `GET /v1/webhook-rejections` lists them.
    rejected: usize,
}

/// Answers GET, and HEAD without the body.
async fn verify(
    State(commands): AppState,
    limits: RateLimits,
    context: RequestContext,
    Path(address): Path<Address>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<WebhookResponse, CommandProblem> {
    let url = full_url(commands.public_url.as_deref(), &uri, &headers);
    let request = Request { method: Method::GET, url: &url, headers: &headers, body: b"" };
    receive_webhook(&commands, &limits, address, request, context, None).await
}

#[expect(clippy::too_many_arguments, reason = "each is an extractor")]
async fn receive(
    State(commands): AppState,
    limits: RateLimits,
    caller: Option<Caller>,
    context: RequestContext,
    Path(address): Path<Address>,
    uri: Uri,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<WebhookResponse, CommandProblem> {
    let found = commands.find_webhook(address.channel_type, address.channel_id).await;
    if let Err(error) = found {
        body.discard().await;
        return Err(refused(&limits, error));
    }
    let body = body.read(&limits).await?;
    let url = full_url(commands.public_url.as_deref(), &uri, &headers);
    let request = Request { method: Method::POST, url: &url, headers: &headers, body: &body.bytes };
    let service = caller.filter(Caller::is_program).map(|service| service.account);
    receive_webhook(&commands, &limits, address, request, context, service).await
}

async fn receive_webhook(
    commands: &Commands,
    limits: &RateLimits,
    Address { channel_type, channel_id }: Address,
    request: Request<'_>,
    RequestContext { correlation_id, traceparent }: RequestContext,
    token_account: Option<AccountId>,
) -> Result<WebhookResponse, CommandProblem> {
    let webhook =
        InboundWebhook { channel_type, channel_id, request, correlation_id, traceparent, token_account };
    let received =
        commands.receive_webhook(webhook, |account| limits.check_channel(account, channel_id)).await;
    received.map(WebhookResponse).map_err(|error| refused(limits, error))
}

/// The problem of a refused request. It counts against the sender's address when the sender is not known.
fn refused(limits: &RateLimits, error: InboundWebhookError) -> CommandProblem {
    match error {
        stranger @ (InboundWebhookError::NoSuchChannel
        | InboundWebhookError::Refused(_)
        | InboundWebhookError::Unopenable(_)
        | InboundWebhookError::TokenNeeded) => {
            limits.refuse_stranger(CommandProblem::from(stranger).into()).into()
        }
        known @ (InboundWebhookError::TooMany { .. }
        | InboundWebhookError::Unavailable(_)
        | InboundWebhookError::Contended
        | InboundWebhookError::Failed(_)) => known.into(),
    }
}

/// The URL that the client requested. The operator's public URL says how clients reach this server. Without
/// one, the host is the one of the request: in the URL (HTTP/2) or in a header (HTTP/1.1). Headers such as
/// X-Forwarded-Host are not trusted, because any client can send them.
fn full_url(public_url: Option<&str>, uri: &Uri, headers: &HeaderMap) -> String {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if let Some(base) = public_url {
        return format!("{}{path}", base.trim_end_matches('/'));
    }
    let host = uri.authority().map(|authority| authority.as_str());
    let host = host.or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
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
            WebhookAnswer::Receipt(WebhookReceipt { messages, changes, statuses, rejected }) => {
                Json(Receipt { messages, changes, statuses, rejected }).into_response()
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

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_url_is_the_operators_or_the_requests_and_not_from_x_forwarded_headers() {
        let path = Uri::from_static("/v1/webhooks/sms/7?a=1&b=%20");
        let headers = HeaderMap::from_iter([
            (header::HOST, HeaderValue::from_static("127.0.0.1:8080")),
            ("x-forwarded-host".parse().unwrap(), HeaderValue::from_static("evil.example.com")),
            ("x-forwarded-proto".parse().unwrap(), HeaderValue::from_static("https")),
        ]);
        let url = |public_url, uri| full_url(public_url, uri, &headers);
        assert_eq!(url(None, &path), "http://127.0.0.1:8080/v1/webhooks/sms/7?a=1&b=%20");
        let absolute = Uri::from_static("https://support.example.com/hook");
        assert_eq!(url(None, &absolute), "https://support.example.com/hook");
        assert_eq!(
            url(Some("https://example.com/support/"), &path),
            "https://example.com/support/v1/webhooks/sms/7?a=1&b=%20"
        );
    }
}
