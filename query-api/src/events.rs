//! All events of an account, from any position of the log on: as pages of NDJSON, or as an endless stream of Server-Sent
//! Events.

use crate::live::{Listener, live_response, wants_stream};
use crate::params::{comma_separated, parsed};
use crate::problem::log_unavailable;
use crate::state::{Auditor, FreshLog, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use aide::openapi::{MediaType, Response as ApiResponse};
use aide::transform::TransformOperation;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::sse::Event as SseEvent;
use axum::response::{IntoResponse, Response};
use event_schemas::{CloudEvent, Event, EventId, Position, Recorded, stored_names};
use event_store::{Filter, Page, Subscription};
use futures::stream::{self, StreamExt};
use gate::{Authenticator, Json, Path, Problem, Query, StreamCaller};
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::str::FromStr;

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new().api_route("/v1/events", get_with(events, described)).api_route(
        "/v1/events/{id}",
        get_with(event, |op| {
            op.id("getEvent").tag("events").summary("One event as a CloudEvent").description(
                "The `dataref` of an event that was published without its data, because it was too large for \
                 the broker, names this resource.",
            )
        }),
    )
}

fn described(op: TransformOperation) -> TransformOperation {
    op.id("listEvents")
        .tag("events")
        .summary("The account's events as CloudEvents, from any position on")
        .description(
            "With `Accept: text/event-stream` the response is an endless stream: each event's id is its position, \
             and `Last-Event-ID` resumes the stream after it. The stream ends when its token ends; up to thirty seconds \
             before, an event `expiring` has the `seconds` until then. Otherwise the response is one page of \
             `application/x-ndjson`; `Verbatim-Next` is the `after` of the next page, and `Verbatim-At-End` says \
             whether this page reached the end of the log.",
        )
        .with(|mut op| {
            let mut response = ApiResponse { description: "CloudEvents.".to_owned(), ..Default::default() };
            response.content.insert("application/x-ndjson".to_owned(), MediaType::default());
            response.content.insert("text/event-stream".to_owned(), MediaType::default());
            let responses = op.inner_mut().responses.get_or_insert_default();
            let ok = aide::openapi::StatusCode::Code(200);
            responses.responses.insert(ok, aide::openapi::ReferenceOr::Item(response));
            op
        })
}

/// The position after which the events begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After {
    Position(Position),
    /// The current end of the log.
    End,
}

impl FromStr for After {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        if text == "end" {
            return Ok(Self::End);
        }
        text.parse().map(Self::Position).map_err(|_| "neither a position of the log nor 'end'")
    }
}

/// The name of an event's type.
#[derive(Clone, Debug)]
pub struct TypeName(&'static str);

impl FromStr for TypeName {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let known = Event::types().map(|(name, _)| name).find(|name| *name == text);
        known.map(Self).ok_or_else(|| format!("there is no event type '{text}'"))
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct EventParams {
    /// A position of the log, or `end`. By default the events begin at the beginning of the log.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    after: Option<After>,
    /// One or several event types, separated by commas: `MessageReceived,Assigned`.
    #[serde(default, deserialize_with = "comma_separated")]
    #[schemars(with = "Option<String>")]
    types: Vec<TypeName>,
    /// The maximum number of lines in a page, between 1 and 1000. The default is 200.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<u16>", range(min = 1, max = 1000))]
    limit: Option<Lines>,
    /// A token of `POST /v1/events/tokens`, in place of the header `Authorization`. It opens a stream only.
    // The caller's extractor reads it.
    #[serde(default, rename = "token")]
    #[schemars(with = "Option<String>")]
    _token: Option<IgnoredAny>,
}

#[derive(Clone, Copy, Debug)]
struct Lines(usize);

impl FromStr for Lines {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, &'static str> {
        match text.parse() {
            Ok(lines @ 1..=1000) => Ok(Self(lines)),
            _ => Err("a page has between 1 and 1000 lines"),
        }
    }
}

async fn events(
    State(state): State<QueryState>,
    StreamCaller { caller, selected }: StreamCaller,
    authenticator: Authenticator,
    FreshLog: FreshLog,
    headers: HeaderMap,
    Query(params): Query<EventParams>,
) -> Result<Response, Problem> {
    let Auditor(caller) = Auditor::of(caller)?;
    let types = match selected {
        None => params.types,
        Some(_) if !wants_stream(&headers) => {
            return Err(Problem::unreadable(
                "A stream token opens streams only: send `Accept: text/event-stream`.",
            )
            .field("Accept"));
        }
        Some(_) if !params.types.is_empty() => {
            return Err(Problem::unreadable("The stream token selects the types.").field("types"));
        }
        Some(selected) => parse_types(&selected)?,
    };
    let mut filter = Filter::account(caller.account);
    filter.event_types = stored_names(&types.iter().map(|name| name.0).collect::<Vec<_>>());
    let last = last_event_id(&headers)?;
    let field = if last.is_some() { LAST_EVENT_ID } else { "after" };
    let after = match last.or(params.after) {
        None => None,
        Some(After::Position(position)) => Some(within_log(&state, position, field).await?),
        Some(After::End) => state.store.end().await.map_err(log_unavailable)?,
    };
    if wants_stream(&headers) {
        return Ok(stream_events(&state, filter, after, Listener { authenticator, caller }));
    }
    let limit = params.limit.map_or(200, |lines| lines.0);
    page(&state, filter, after, limit).await
}

/// The event types of these names.
pub fn parse_types(names: &[String]) -> Result<Vec<TypeName>, Problem> {
    let parsed = names.iter().enumerate().map(|(index, name)| {
        let unknown =
            |reason: String| Problem::unprocessable(format!("types[{index}]"), format!("{reason}."));
        name.parse().map_err(unknown)
    });
    parsed.collect()
}

async fn event(
    State(state): State<QueryState>,
    caller: Auditor,
    FreshLog: FreshLog,
    Path(id): Path<EventId>,
) -> Result<Json<CloudEvent>, Problem> {
    let found = state.store.find(id).await.map_err(log_unavailable)?;
    found
        .filter(|event| event.metadata.account_id == caller.account)
        .map(|event| Json(CloudEvent::of(&event, &state.schemas_url)))
        .ok_or_else(|| Problem::not_found("event"))
}

const LAST_EVENT_ID: &str = "Last-Event-ID";

/// The position in `Last-Event-ID`.
fn last_event_id(headers: &HeaderMap) -> Result<Option<After>, Problem> {
    let Some(id) = headers.get(LAST_EVENT_ID) else { return Ok(None) };
    let position = id.to_str().ok().and_then(|id| id.trim().parse().ok()).map(After::Position);
    position.map(Some).ok_or_else(|| {
        Problem::unreadable(format!("`{LAST_EVENT_ID}` must be the id of an event.")).field(LAST_EVENT_ID)
    })
}

/// A position that the log has reached. A later one is of another log, or of this one before an older state was
/// restored: waiting for it would be silence without an end.
async fn within_log(state: &QueryState, position: Position, field: &str) -> Result<Position, Problem> {
    let end = state.store.end().await.map_err(log_unavailable)?;
    if end.is_some_and(|end| position <= end) || position == Position::at(0) {
        return Ok(position);
    }
    let end = end.map_or("is empty".to_owned(), |end| format!("ends at {end}"));
    Err(Problem::unreadable(format!(
        "The log {end}: no event can have had the position {position}. Begin again from a position that you have, or \
         from the beginning."
    ))
    .field(field))
}

/// A page ends with the event with which it has so many bytes.
const LARGEST_PAGE: usize = 8 << 20;
/// The events that a page reads at once, so that only so many are in memory beside the page.
const LINES_AT_ONCE: usize = 50;

/// A page with one event per line.
async fn page(
    state: &QueryState,
    filter: Filter,
    mut after: Option<Position>,
    limit: usize,
) -> Result<Response, Problem> {
    let mut lines = Vec::new();
    let (mut rounds, mut bytes) = (0, 0);
    let at_end = 'page: loop {
        let wanted = LINES_AT_ONCE.min(limit - lines.len());
        let Page { events, through, at_end } =
            state.store.read_all(after, &filter, wanted).await.map_err(log_unavailable)?;
        for event in &events {
            let line = document(event, &state.schemas_url);
            bytes += line.len();
            lines.push(line);
            if bytes >= LARGEST_PAGE {
                after = Some(event.position);
                break 'page false;
            }
        }
        after = through.or(after);
        rounds += 1;
        // When few events match the filter, one request does not read the whole log.
        if at_end || lines.len() >= limit || rounds == 40 {
            break at_end;
        }
    };
    let mut body = lines.join("\n");
    if !body.is_empty() {
        body.push('\n');
    }
    let mut response =
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"))], body).into_response();
    let headers = response.headers_mut();
    if let Some(next) = after.and_then(|next| HeaderValue::from_str(&next.to_string()).ok()) {
        headers.insert(HeaderName::from_static("verbatim-next"), next);
    }
    let at_end = HeaderValue::from_static(if at_end { "true" } else { "false" });
    headers.insert(HeaderName::from_static("verbatim-at-end"), at_end);
    Ok(response)
}

fn document(recorded: &Recorded, schemas_url: &str) -> String {
    serde_json::to_string(&CloudEvent::of(recorded, schemas_url)).unwrap_or_default()
}

/// The number of events that are read at once.
const READ_AT_ONCE: usize = 200;

fn stream_events(
    state: &QueryState,
    filter: Filter,
    after: Option<Position>,
    listener: Listener,
) -> Response {
    let subscription =
        Subscription::woken_by(state.growth.waiter(), state.store.clone(), after, filter, READ_AT_ONCE);
    let schemas_url = state.schemas_url.clone();
    let pages = stream::unfold(subscription, |mut subscription| async {
        match subscription.next().await {
            Ok(page) => Some((page.events, subscription)),
            Err(error) => {
                // The client reconnects with the id of the last event that it received.
                tracing::warn!(%error, "an event stream ended early");
                None
            }
        }
    });
    let events = pages.flat_map(stream::iter);
    let events = events.map(move |event| sse_event(&event, &schemas_url));
    live_response(events, state, listener)
}

fn sse_event(recorded: &Recorded, schemas_url: &str) -> SseEvent {
    SseEvent::default().id(recorded.position.to_string()).data(document(recorded, schemas_url))
}
