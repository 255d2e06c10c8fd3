//! Responses that go on: Server-Sent Events until the token ends or the program stops.

use crate::state::QueryState;
use axum::http::{HeaderMap, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::future;
use futures::stream::{self, Stream, StreamExt};
use gate::{Authenticator, Caller};
use std::convert::Infallible;
use std::time::{Duration, Instant};

/// Whether the request asks for a stream of events.
pub fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.split(',').any(|kind| kind.trim().starts_with("text/event-stream"))
}

/// How long before its end a response says that it ends.
const WARNING: Duration = Duration::from_secs(30);

/// The caller for whom a response goes on.
pub struct Listener {
    pub authenticator: Authenticator,
    pub caller: Caller,
}

/// A response with these events. It ends when the caller's token is no longer accepted, after an event `expiring` with the
/// seconds until then; when the caller's API key is revoked; and when the program stops.
pub fn live_response<S>(events: S, state: &QueryState, listener: Listener) -> Response
where
    S: Stream<Item = Event> + Send + 'static,
{
    let stop = state.stop.clone();
    let Listener { authenticator, caller } = listener;
    let until = caller.until;
    // The warning alone does not keep a response open.
    let events = events.map(Some).chain(stream::once(async { None }));
    let events = stream::select(events, warning(until).map(Some));
    let events = events.take_while(|event| future::ready(event.is_some())).filter_map(future::ready);
    let events = events.take_until(async move { stop.cancelled().await });
    let events = events.take_until(authenticator.until_revoked(caller));
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

/// The event before the end.
fn warning(until: Option<Instant>) -> impl Stream<Item = Event> {
    stream::iter(until).then(async |until: Instant| {
        let at = until.checked_sub(WARNING).unwrap_or(until);
        tokio::time::sleep_until(at.into()).await;
        let seconds = until.saturating_duration_since(Instant::now()).as_secs();
        Event::default().event("expiring").data(format!("{{\"seconds\":{seconds}}}"))
    })
}
