//! The tokens with which browsers open event streams.

use crate::events::parse_types;
use crate::state::{Auditor, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use event_schemas::Timestamp;
use gate::auth::StreamToken;
use gate::{Authenticator, Created, OptionalJson, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(
        "/v1/events/tokens",
        post_with(issue_token, |op| {
        op.id("createEventStreamToken")
            .tag("events")
            .summary("A token with which a browser's EventSource opens an event stream")
            .description(
                "An `EventSource` cannot send `Authorization`: it opens `/v1/events?token=…`. The token opens streams \
                 for two minutes, of your account and the types that it selects, and nothing else. A stream goes on \
                 until your own token ends. When an `EventSource` reports an error, get another token and open \
                 a stream with `after` and the last event's id.",
            )
    }),
    )
}

/// The events of which a token opens a stream.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct StreamSelection {
    /// Event types, such as `MessageReceived`. Empty for all.
    #[serde(default)]
    types: Vec<String>,
}

/// A token that opens event streams.
#[derive(Debug, Serialize, JsonSchema)]
struct EventStreamToken {
    /// The query parameter `token` of `GET /v1/events`.
    token: String,
    /// The time until which it opens streams.
    expires_at: Timestamp,
    /// The time at which its streams end, because your own token ends. `null` when a gateway has authenticated you.
    streams_until: Option<Timestamp>,
}

async fn issue_token(
    caller: Auditor,
    authenticator: Authenticator,
    OptionalJson(selection): OptionalJson<StreamSelection>,
) -> Result<Created<EventStreamToken>, Problem> {
    parse_types(&selection.types)?;
    let issued = authenticator.issue_stream_token(&caller, selection.types).map_err(|error| {
        tracing::error!(%error, "a stream token cannot be signed");
        Problem::internal()
    })?;
    let StreamToken { token, expires_at, streams_until } = issued;
    Ok(Created(EventStreamToken { token, expires_at, streams_until }))
}
