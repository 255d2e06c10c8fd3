//! What providers sent and Verbatim could not read, for the administrator.

use crate::answer::{List, Paging};
use crate::asking::{Fresh, QueryState, unlisted, unreadable};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::message::ChannelType;
use event_schemas::{ChannelId, EventId, Timestamp};
use gate::{Administrator, Json, Path, Problem, Query};
use projections::queries::list;
use projections::read_models::webhook_rejections::WebhookRejectionRow;
use schemars::JsonSchema;
use serde::Serialize;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/webhook-rejections",
            get_with(rejections, |op| {
                op.id("listWebhookRejections").tag("webhooks").summary("What could not be read, newest first")
            }),
        )
        .api_route(
            "/v1/webhook-rejections/{id}",
            get_with(rejection, |op| {
                op.id("getWebhookRejection").tag("webhooks").summary("One webhook that could not be read")
            }),
        )
}

/// A webhook, or a part of one, whole.
#[derive(Debug, Serialize, JsonSchema)]
struct WebhookRejection {
    id: EventId,
    channel_id: ChannelId,
    channel_type: ChannelType,
    reason: String,
    body: String,
    /// The bytes, where they were no text.
    body_base64: Option<String>,
    received_at: Timestamp,
}

impl From<WebhookRejectionRow> for WebhookRejection {
    fn from(row: WebhookRejectionRow) -> Self {
        Self {
            id: row.id,
            channel_id: row.channel_id,
            channel_type: row.channel_type,
            reason: row.reason,
            body: row.body,
            body_base64: row.body_base64,
            received_at: row.received_at,
        }
    }
}

async fn rejections(
    caller: Administrator,
    Fresh(tables): Fresh,
    Query(paging): Query<Paging>,
) -> Result<Json<List<WebhookRejection>>, Problem> {
    let page = paging.of(caller.account);
    let listed = list::rejections(tables.readers(), page).await.map_err(unlisted)?;
    Ok(List::page(listed, WebhookRejection::from))
}

async fn rejection(
    caller: Administrator,
    Fresh(tables): Fresh,
    Path(id): Path<EventId>,
) -> Result<Json<WebhookRejection>, Problem> {
    let found = list::rejection(tables.readers(), caller.account, id).await.map_err(unreadable)?;
    found.map(|row| Json(row.into())).ok_or_else(|| Problem::not_found("webhook rejection"))
}
