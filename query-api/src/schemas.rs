//! The JSON Schema of every event's data, at the address in `dataschema` of its CloudEvents.

use crate::state::QueryState;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gate::{Path, Problem};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(
        "/schemas/{name}",
        get_with(schema, |op| {
            op.id("getEventSchema")
                .tag("events")
                .summary("The JSON Schema of an event's data, for example `MessageReceived.v1.json`")
                .response_with::<200, gate::Json<serde_json::Value>, _>(|response| {
                    response.description("A JSON Schema, as `application/schema+json`.")
                })
        }),
    )
}

async fn schema(Path(name): Path<String>) -> Result<Response, Problem> {
    let known = name.strip_suffix(".json").and_then(event_schemas::schemas::find);
    let schema = known.ok_or_else(|| Problem::not_found("schema"))?;
    Ok(([(header::CONTENT_TYPE, "application/schema+json")], schema).into_response())
}
