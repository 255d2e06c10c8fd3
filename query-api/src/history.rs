//! The history of a conversation: each event with its actor, time and reason.

use crate::params::{limit, parsed};
use crate::response::List;
use crate::snapshot::{history as whole_history, stream};
use crate::state::{FreshLog, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use axum::extract::State;
use domain::undo::{History, Obstacle, Plan};
use event_schemas::{CloudEvent, ConversationId, Event, EventId, Version, summary};
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::Limit;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route(
        "/v1/conversations/{id}/events",
        get_with(history, |op| {
            op.id("listConversationEvents")
                .tag("events")
                .summary("The whole history of a conversation: who did what, when and why")
        }),
    )
}

/// An event, and a sentence that describes it.
#[derive(Debug, Serialize, JsonSchema)]
struct HistoryEvent {
    summary: String,
    /// Whether the event can be undone. Only with `undo=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    undo: Option<Undo>,
    #[serde(flatten)]
    event: CloudEvent,
}

/// Whether an event can be undone (`POST /v1/conversations/{id}/undo`), and why not.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EventUndo")]
struct Undo {
    is_possible: bool,
    /// `final`, `closed`, `undone`, `part_of_undo`, `depended_on`, `resolved` or `snooze_over`. `null` when it is possible.
    reason: Option<&'static str>,
    /// The reason in words.
    detail: Option<String>,
    /// The event that is the reason: the later one that depends on it, or the undo. `null` when no single event is.
    event_id: Option<EventId>,
}

impl From<Result<Plan, Obstacle>> for Undo {
    fn from(plan: Result<Plan, Obstacle>) -> Self {
        let obstacle = plan.err();
        Self {
            is_possible: obstacle.is_none(),
            reason: obstacle.as_ref().map(Obstacle::as_str),
            detail: obstacle.as_ref().map(Obstacle::to_string),
            event_id: obstacle.as_ref().and_then(Obstacle::event),
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct HistoryParams {
    /// Whether each event says if it can be undone. The whole history is then read for each page.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<bool>")]
    undo: Option<bool>,
    /// Between 1 and 200. The default is 50.
    #[serde(default, deserialize_with = "limit")]
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
    FreshLog: FreshLog,
    Path(id): Path<ConversationId>,
    Query(params): Query<HistoryParams>,
) -> Result<Json<List<HistoryEvent>>, Problem> {
    let from = params.cursor.map_or(Version::FIRST, |last| Version(u64::from(last)).next());
    let mut page = stream(&state, caller.account, id, from, params.limit.get() + 1).await?;
    let more = page.len() > params.limit.get();
    page.truncate(params.limit.get());
    let next_cursor = if more { page.last().map(|event| event.version.to_string()) } else { None };
    let past = match params.undo {
        Some(true) => whole_history(&state, caller.account, id).await?.1,
        Some(false) | None => Vec::new(),
    };
    let (undos, now) = (History::of(&past), state.clock.now());
    let data = page.iter().map(|recorded| HistoryEvent {
        undo: past
            .iter()
            .position(|event| event.id == recorded.id)
            .map(|index| undos.plan(index, now).into()),
        summary: match Event::read(recorded) {
            Ok(Event::Conversation(event)) => summary(&event, &recorded.metadata.actor),
            // An event of another kind of stream, or one that this version cannot read.
            Ok(
                Event::Catalogue(_)
                | Event::Agent(_)
                | Event::Contact(_)
                | Event::Inbound(_)
                | Event::Log(_)
                | Event::Account(_)
                | Event::Person(_)
                | Event::ApiKey(_)
                | Event::Bulk(_),
            )
            | Err(_) => recorded.event_type.clone().into_owned(),
        },
        event: CloudEvent::of(recorded, &state.schemas_url),
    });
    Ok(Json(List { data: data.collect(), next_cursor }))
}
