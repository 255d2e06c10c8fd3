//! The health of the service, in the words of its contract.

use super::tables::tables_unavailable;
use super::{AppState, ConversationService};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use command_api::problem::unavailable_log;
use gate::{Json, Problem};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<ConversationService>> {
    ApiRouter::new().api_route(
        "/health",
        get_with(health, |op| {
            op.id("getConversationServiceHealth")
                .tag("conversation service")
                .summary("Whether the conversation service is healthy")
        }),
    )
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ConversationServiceHealth")]
struct Health {
    status: Healthy,
    service: ServiceName,
    /// The version of the contract.
    version: &'static str,
    database: Connected,
    websocket: Websocket,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Healthy {
    Healthy,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ServiceName {
    ConversationService,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Connected {
    Connected,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Websocket {
    Active,
    Inactive,
}

async fn health(State(service): AppState) -> Result<Json<Health>, Problem> {
    service.commands.store.check().await.map_err(|error| unavailable_log(&error))?;
    service.tables.check().await.map_err(tables_unavailable)?;
    Ok(Json(Health {
        status: Healthy::Healthy,
        service: ServiceName::ConversationService,
        version: "1.0.0",
        database: Connected::Connected,
        websocket: if service.websocket { Websocket::Active } else { Websocket::Inactive },
    }))
}
