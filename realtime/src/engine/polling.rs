//! The transport over HTTP long-polling: a GET waits for packets, a POST brings some.

use super::Refusal;
use super::packet::{Packet, SEPARATOR};
use super::session::{Session, Transport};
use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

/// The bytes of a response. The rest waits for the next request.
const LARGEST_RESPONSE: usize = 128 * 1024;

pub fn text(payload: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=UTF-8"), (header::CACHE_CONTROL, "no-store")], payload)
        .into_response()
}

/// Waits until there are packets, and returns them.
pub async fn receive(session: &Arc<Session>) -> Result<Response, Refusal> {
    let busy = session.begin_poll().map_err(|_| Refusal::Request)?;
    let response = next_payload(session).await;
    busy.answered();
    response
}

async fn next_payload(session: &Session) -> Result<Response, Refusal> {
    loop {
        let mut payload = String::new();
        while payload.len() < LARGEST_RESPONSE
            && let Some(packet) = session.next()
        {
            if !payload.is_empty() {
                payload.push(SEPARATOR);
            }
            payload.push_str(&packet);
        }
        if !payload.is_empty() {
            return Ok(text(payload));
        }
        if session.end_reason().is_some() {
            return Err(Refusal::Session);
        }
        // The client ends its polling when a WebSocket works, and waits for this response.
        if session.transport() != Transport::Polling {
            return Ok(text(Packet::Noop.to_string()));
        }
        session.something_to_send().await;
    }
}

/// Takes the packets of a request.
pub async fn send(session: &Arc<Session>, body: Body, largest: usize) -> Result<Response, Refusal> {
    let busy = session.begin_post().map_err(|_| Refusal::Request)?;
    let refuse = |reason| {
        session.end(reason);
        Refusal::Request
    };
    let read = tokio::time::timeout(session.longest_request(), axum::body::to_bytes(body, largest)).await;
    let bytes = read.map_err(|_| refuse("a request took too long"))?;
    let bytes = bytes.map_err(|_| refuse("a request was too large"))?;
    let payload = std::str::from_utf8(&bytes).map_err(|_| refuse("a request was not UTF-8"))?;
    let packets = Packet::parse_all(payload).map_err(|_| refuse("a packet was malformed"))?;
    for packet in packets {
        if session.receive(packet).await.is_err() {
            break;
        }
    }
    busy.answered();
    Ok(text("ok".to_owned()))
}
