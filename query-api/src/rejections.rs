//! Providers' webhooks that Verbatim could not read, for the administrator.

use crate::params::Paging;
use crate::problem::{list_problem, tables_unavailable};
use crate::response::List;
use crate::state::{Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::EventId;
use gate::{Administrator, Json, Path, Problem, Query};
use projections::read_models::webhook_rejections::{self, WebhookRejectionRow};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/webhook-rejections",
            get_with(list, |op| {
                op.id("listWebhookRejections").tag("webhooks").summary("Rejected webhooks, newest first")
            }),
        )
        .api_route(
            "/v1/webhook-rejections/{id}",
            get_with(one, |op| op.id("getWebhookRejection").tag("webhooks").summary("A rejected webhook")),
        )
}

async fn list(
    caller: Administrator,
    Fresh(tables): Fresh,
    Query(paging): Query<Paging>,
) -> Result<Json<List<WebhookRejectionRow>>, Problem> {
    let page = paging.of(caller.account);
    webhook_rejections::list(tables.readers(), page).await.map(List::rows).map_err(list_problem)
}

async fn one(
    caller: Administrator,
    Fresh(tables): Fresh,
    Path(id): Path<EventId>,
) -> Result<Json<WebhookRejectionRow>, Problem> {
    let found = webhook_rejections::find(tables.readers(), caller.account, id).await;
    found.map_err(tables_unavailable)?.map(Json).ok_or_else(|| Problem::not_found("webhook rejection"))
}
