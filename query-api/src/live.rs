//! Responses that go on: Server-Sent Events until the token ends or the program stops.

use crate::state::QueryState;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream::{Stream, StreamExt};
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// Whether the request asks for a stream of events.
pub fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|kind| kind.trim().starts_with("text/event-stream"))
}

/// A response with these events. It ends when the caller's token is no longer accepted (`until`), and when the program
/// stops.
pub fn live_response<S>(events: S, state: &QueryState, until: Option<Instant>) -> Response
where
    S: Stream<Item = Event> + Send + 'static,
{
    let stop = state.stop.clone();
    let events = events.take_until(async move { stop.cancelled().await });
    let events = events.take_until(async move {
        match until {
            Some(until) => tokio::time::sleep_until(until.into()).await,
            None => std::future::pending().await,
        }
    });
    let stream = Sse::new(events.map(Ok::<_, Infallible>))
        .keep_alive(KeepAlive::new().interval(Duration::from_secs(15)).text("still here"));
    // Otherwise nginx collects the events before it passes them on.
    ([("x-accel-buffering", "no")], stream).into_response()
}
