//! The JSON Schema of every event's data, at the address its CloudEvents name.

use crate::asking::QueryState;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::{AgentEvent, CatalogueEvent, ContactEvent, ConversationEvent, InboundEvent};
use gate::{Json, Path, Problem};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::LazyLock;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(
        "/schemas/{name}",
        get_with(schema, |op| {
            op.id("getEventSchema")
                .tag("events")
                .summary("The JSON Schema of an event's data: `MessageReceived.v1.json`")
        }),
    )
}

static SCHEMAS: LazyLock<BTreeMap<String, Value>> = LazyLock::new(|| {
    let families = [
        ConversationEvent::schemas(),
        CatalogueEvent::schemas(),
        AgentEvent::schemas(),
        ContactEvent::schemas(),
        InboundEvent::schemas(),
    ];
    let named = families.into_iter().flatten();
    named.map(|(name, version, schema)| (format!("{name}.v{version}.json"), schema.to_value())).collect()
});

async fn schema(Path(name): Path<String>) -> Result<Json<Value>, Problem> {
    SCHEMAS.get(&name).cloned().map(Json).ok_or_else(|| Problem::not_found("schema"))
}
