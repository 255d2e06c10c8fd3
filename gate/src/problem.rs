//! What a refused request is answered with: problem details (RFC 9457), under a name that never changes.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as ApiResponse, SchemaObject};
pub use axum::http::StatusCode;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// Names kinds of problem, each as a constant, and the list of them.
#[macro_export]
macro_rules! problem_kinds {
    ($all:ident { $($constant:ident: $status:ident $name:literal, $title:literal, $explanation:literal;)+ }) => {
        $(pub static $constant: $crate::problem::Kind = $crate::problem::Kind {
            name: $name,
            status: $crate::problem::StatusCode::$status,
            title: $title,
            explanation: $explanation,
        };)+
        /// All of the above.
        pub static $all: &[&$crate::problem::Kind] = &[$(&$constant),+];
    };
}

pub mod kinds;

/// One sort of problem. Its name is part of the API: clients compare it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// What it means and what to do about it, for who opens the problem's address.
    pub explanation: &'static str,
}

/// One of several things that are wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// Where: `credentials.app_secret`, `labels[2]`.
    pub field: String,
    pub detail: String,
}

/// A refusal on its way to the client.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: &'static Kind,
    body: Body,
    retry_after: Option<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The document as clients see it.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
struct Body {
    /// `/problems/<name>`: which sort of problem it is. Open it to read what to do.
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The part of the request that is to blame.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// All that is wrong, when it is more than one thing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    errors: Vec<FieldError>,
    /// Seconds to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// What else a client may act on: `current_version`, `winner`.
    #[serde(flatten)]
    extensions: Map<String, Value>,
}

impl Problem {
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        let body = Body {
            kind: format!("/problems/{}", kind.name),
            title: kind.title.to_owned(),
            status: kind.status.as_u16(),
            detail: Some(detail.into()),
            field: None,
            errors: Vec::new(),
            retry_after: None,
            extensions: Map::new(),
        };
        Self(Box::new(Parts { kind, body, retry_after: None, headers: Vec::new() }))
    }

    /// 400: the request cannot be read.
    pub fn unreadable(detail: impl Into<String>) -> Self {
        Self::new(&kinds::UNREADABLE, detail)
    }
    /// 401: nobody knows who is asking. `detail` says what to send.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(&kinds::UNAUTHENTICATED, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"verbatim\""))
    }
    /// 403: the caller is known and may not.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(&kinds::FORBIDDEN, detail)
    }
    /// 404: there is no such thing in the caller's account. `what` is its name in a sentence: "conversation".
    pub fn not_found(what: &str) -> Self {
        Self::new(&kinds::NOT_FOUND, format!("This account has no such {what}."))
    }
    /// 409: somebody else was there first.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(&kinds::CONFLICT, detail)
    }
    /// 412: the thing has changed since the caller looked.
    pub fn version_mismatch(detail: impl Into<String>) -> Self {
        Self::new(&kinds::VERSION_MISMATCH, detail)
    }
    /// 422: it can be read and makes no sense.
    pub fn unprocessable(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(&kinds::UNPROCESSABLE, detail).field(field)
    }
    /// 429: too much in too little time.
    pub fn too_many_requests(wait: Duration) -> Self {
        Self::new(&kinds::TOO_MANY_REQUESTS, "More requests came than are allowed in this time.")
            .retry_after(wait)
    }
    /// 503: it would work another time.
    pub fn unavailable(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(&kinds::UNAVAILABLE, detail).retry_after(wait)
    }
    /// 500: a fault of ours. What exactly is for the log, not for the client.
    pub fn internal() -> Self {
        Self::new(&kinds::INTERNAL, "Verbatim failed at this request. Its log knows more.")
    }

    pub fn field_name(&self) -> Option<&str> {
        self.0.body.field.as_deref()
    }
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.0.body.field = Some(field.into());
        self
    }
    pub fn errors(mut self, errors: Vec<FieldError>) -> Self {
        self.0.body.errors = errors;
        self
    }
    /// A further member of the document.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.body.extensions.insert(name.to_owned(), value.into());
        self
    }
    /// When to come again, in whole seconds and at least one.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        let seconds = (wait.as_millis().div_ceil(1000) as u64).max(1);
        self.0.body.retry_after = Some(seconds);
        self.0.retry_after = Some(seconds);
        self
    }
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    pub fn status(&self) -> StatusCode {
        self.0.kind.status
    }
    pub fn kind(&self) -> &'static Kind {
        self.0.kind
    }
    pub fn detail(&self) -> &str {
        self.0.body.detail.as_deref().unwrap_or_default()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let Parts { kind, body, retry_after, headers } = *self.0;
        let mut response = (
            kind.status,
            [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))],
            serde_json::to_vec(&body).unwrap_or_default(),
        )
            .into_response();
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The access log names it; see `context`.
        response.extensions_mut().insert(kind);
        response
    }
}

/// A problem as the API's description shows it.
pub(crate) fn problem_response(ctx: &mut GenContext, description: &str) -> ApiResponse {
    let schema = ctx.schema.subschema_for::<Body>();
    let content = MediaType {
        schema: Some(SchemaObject { json_schema: schema, example: None, external_docs: None }),
        ..MediaType::default()
    };
    ApiResponse {
        description: description.to_owned(),
        content: [("application/problem+json".to_owned(), content)].into_iter().collect(),
        ..ApiResponse::default()
    }
}

impl OperationOutput for Problem {
    type Inner = Problem;

    fn operation_response(ctx: &mut GenContext, _: &mut Operation) -> Option<ApiResponse> {
        Some(problem_response(ctx, "It was refused; the document says why."))
    }

    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (None, response)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_told_in_whole_seconds_and_at_least_one() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
            let response = Problem::too_many_requests(Duration::from_millis(millis)).into_response();
            assert_eq!(response.headers()[header::RETRY_AFTER], seconds);
        }
    }

    #[test]
    fn a_problem_is_a_document_with_its_own_members_beside_the_known_ones() {
        let problem = Problem::conflict("Ana has it.").with("winner", "Ana").field("assignee_id");
        let body = serde_json::to_value(&problem.0.body).unwrap();
        let expected = serde_json::json!({
            "type": "/problems/conflict",
            "title": "Somebody else was there first",
            "status": 409,
            "detail": "Ana has it.",
            "field": "assignee_id",
            "winner": "Ana",
        });
        assert_eq!(body, expected);
    }
}
