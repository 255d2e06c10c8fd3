//! The whole history of a conversation: who did what, why and when.

use crate::answer;
use crate::asking::{QueryState, parsed};
use crate::snapshot::stream;
use crate::story::line;
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use event_schemas::{CloudEvent, ConversationId, Event, Version};
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::Limit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(
        "/v1/conversations/{id}/events",
        get_with(history, |op| {
            op.id("listConversationEvents").tag("events").summary("Its whole history: who, what, why, when")
        }),
    )
}

/// An event, and a line that says in words what happened.
#[derive(Debug, Serialize, JsonSchema)]
struct HistoryEvent {
    summary: String,
    #[serde(flatten)]
    event: CloudEvent,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Between 1 and 200; 50 where nothing is said.
    #[serde(default, deserialize_with = "answer::limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
    /// The `next_cursor` of the page before: an event's `streamversion`.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<u32>,
}

async fn history(
    State(state): State<QueryState>,
    caller: Agent,
    Path(id): Path<ConversationId>,
    Query(asked): Query<Asked>,
) -> Result<Json<answer::List<HistoryEvent>>, Problem> {
    let from = asked.cursor.map_or(Version::FIRST, |last| Version(u64::from(last)).next());
    let mut page = stream(&state, caller.account, id, from, asked.limit.get() + 1).await?;
    let more = page.len() > asked.limit.get();
    page.truncate(asked.limit.get());
    let next_cursor = if more { page.last().map(|event| event.version.to_string()) } else { None };
    let data = page.iter().map(|recorded| HistoryEvent {
        summary: match Event::read(recorded) {
            Ok(Event::Conversation(event)) => line(&event, &recorded.metadata.actor),
            // What is no conversation's, or this version cannot read.
            Ok(Event::Catalogue(_) | Event::Agent(_) | Event::Contact(_) | Event::Inbound(_)) | Err(_) => {
                recorded.event_type.clone().into_owned()
            }
        },
        event: CloudEvent::of(recorded, &state.schemas_url),
    });
    Ok(Json(answer::List { data: data.collect(), next_cursor }))
}
