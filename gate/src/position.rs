//! The response header `Verbatim-Position`: the position of the log that a query's tables held.

use aide::openapi::Operation;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use event_schemas::Position;
use serde_json::{Map, Value, json};
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};

pub(crate) const NAME: HeaderName = HeaderName::from_static("verbatim-position");

/// Holds the position at which a request's tables were read, once they were.
#[derive(Clone, Debug, Default)]
pub struct AnsweredAt(Arc<OnceLock<Position>>);

impl AnsweredAt {
    /// Sets the position. `None` when the tables have no event.
    pub fn set(&self, position: Option<Position>) {
        self.0.get_or_init(|| position.unwrap_or(Position::at(0)));
    }

    /// Says in an operation's description that its answer has the header.
    pub fn describe(operation: &mut Operation) {
        operation.extensions.insert(EXTENSION.to_owned(), true.into());
    }
}

/// An answer is sent without the header when no router has called [`answer_position`].
impl<S: Send + Sync> FromRequestParts<S> for AnsweredAt {
    type Rejection = Infallible;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// Adds the header to the answers of requests that have set their position.
pub async fn answer_position(mut request: Request, next: Next) -> Response {
    let answered_at = AnsweredAt::default();
    request.extensions_mut().insert(answered_at.clone());
    let mut response = next.run(request).await;
    let position = answered_at.0.get().and_then(|position| HeaderValue::from_str(&position.to_string()).ok());
    if let Some(position) = position {
        response.headers_mut().insert(NAME, position);
    }
    response
}

/// Marks an operation until its responses are complete.
const EXTENSION: &str = "x-answers-position";

/// Describes the header in the responses of a marked operation.
pub(crate) fn complete(operation: &mut Map<String, Value>) {
    if operation.remove(EXTENSION).is_none() {
        return;
    }
    if let Some(headers) = operation
        .get_mut("responses")
        .and_then(|responses| responses.get_mut("200")?.as_object_mut())
        .and_then(|response| response.entry("headers").or_insert_with(|| json!({})).as_object_mut())
    {
        headers.insert("Verbatim-Position".to_owned(), json!({
            "description": "The position of the log that the tables held: the answer has every event up to it and none \
                            after it. A response that was not read from the tables has no such header: a stream, and \
                            a view of the past.",
            "schema": { "type": "string", "pattern": "^[0-9]{1,19}(\\.[0-9]{1,19})?$" },
        }));
    }
}
