//! The response to a refused request: problem details (RFC 9457) with a `type` that never changes.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{MediaType, Operation, Response as ApiResponse, SchemaObject};
pub use axum::http::StatusCode;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde_json::{Map, Value};
use std::time::Duration;

/// Defines kinds of problem, each as a static, and the list of all of them.
#[macro_export]
macro_rules! problem_kinds {
    ($all:ident { $($constant:ident: $status:ident $name:literal, $title:literal, $explanation:literal;)+ }) => {
        $(pub static $constant: $crate::problem::Kind = $crate::problem::Kind {
            name: $name,
            status: $crate::problem::StatusCode::$status,
            title: $title,
            explanation: $explanation,
        };)+
        /// All kinds of problem of this module.
        pub static $all: &[&$crate::problem::Kind] = &[$(&$constant),+];
    };
}

pub mod kinds;

/// A kind of problem. Its name is part of the API: clients compare it.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub name: &'static str,
    pub status: StatusCode,
    pub title: &'static str,
    /// The meaning of the problem and its remedy, shown at the URL that `type` names.
    pub explanation: &'static str,
}

/// One of several errors in a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FieldError {
    /// The path of the field, such as `credentials.app_secret` or `labels[2]`.
    pub field: String,
    pub detail: String,
}

/// The refusal of a request, sent to the client as problem details.
#[derive(Clone, Debug)]
pub struct Problem(Box<Parts>);

#[derive(Clone, Debug)]
struct Parts {
    kind: &'static Kind,
    body: Body,
    retry_after: Option<u64>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The problem document that clients receive.
#[derive(Clone, Debug, Serialize, JsonSchema)]
#[schemars(rename = "Problem")]
struct Body {
    /// The kind of problem, `/problems/<name>`. This path explains the problem and its remedy.
    #[serde(rename = "type")]
    kind: String,
    title: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    /// The part of the request that caused the problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// All errors of the request, when it has more than one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(default)]
    errors: Vec<FieldError>,
    /// Seconds to wait before trying again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Further members that a client can act on, such as `current_version` and `winner`.
    #[serde(flatten)]
    extensions: Map<String, Value>,
}

/// The members that each problem document has (RFC 9457, section 3.1).
const STANDARD_MEMBERS: [&str; 5] = ["type", "title", "status", "detail", "instance"];

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
    /// 401: the request is not authenticated. `detail` says what to send.
    pub fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(&kinds::UNAUTHENTICATED, detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"verbatim\""))
    }
    /// 403: the caller is authenticated and lacks the permission.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(&kinds::FORBIDDEN, detail)
    }
    /// 404: the resource does not exist in the caller's account. `what` is the noun for the resource, such as
    /// "conversation".
    pub fn not_found(what: &str) -> Self {
        Self::new(&kinds::NOT_FOUND, format!("This account has no such {what}."))
    }
    /// 409: another request changed the resource first, or the name is in use.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(&kinds::CONFLICT, detail)
    }
    /// 412: the resource has another version than the one in `If-Match`.
    pub fn version_mismatch(detail: impl Into<String>) -> Self {
        Self::new(&kinds::VERSION_MISMATCH, detail)
    }
    /// 422: the request can be read and a value in it is invalid.
    pub fn unprocessable(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(&kinds::UNPROCESSABLE, detail).field(field)
    }
    /// Whether the problem is of this kind.
    pub fn is(&self, kind: &'static Kind) -> bool {
        std::ptr::eq(self.0.kind, kind)
    }
    /// 429: the caller sent more requests than the rate limit allows.
    pub fn too_many_requests(wait: Duration) -> Self {
        Self::new(&kinds::TOO_MANY_REQUESTS, "The caller sent more requests than the rate limit allows.")
            .retry_after(wait)
    }
    /// 503: the server cannot handle the request now, and expects to after `wait`.
    pub fn unavailable(detail: impl Into<String>, wait: Duration) -> Self {
        Self::new(&kinds::UNAVAILABLE, detail).retry_after(wait)
    }
    /// 500: an error of the server. The log has the details, the client gets none.
    pub fn internal() -> Self {
        Self::new(
            &kinds::INTERNAL,
            "Verbatim could not handle this request because of an internal error. The log has the details.",
        )
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
    /// Adds a further member to the document. It cannot have the name of one that RFC 9457 defines.
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        debug_assert!(!STANDARD_MEMBERS.contains(&name), "`{name}` is a standard member");
        self.0.body.extensions.insert(name.to_owned(), value.into());
        self
    }
    /// The time to wait before another request, rounded up to whole seconds and at least one.
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
    /// The schema of a problem document.
    pub fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<Body>()
    }
    /// The problem document, for an answer that is not an HTTP response.
    pub fn document(&self) -> Value {
        // A document always serialises.
        serde_json::to_value(&self.0.body).unwrap_or_default()
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
        // For the access log; see `context`.
        response.extensions_mut().insert(kind);
        response
    }
}

/// A response with a problem document, for the API's description.
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
        Some(problem_response(ctx, "The request was refused. The problem document has the reason."))
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
    fn retry_after_is_in_whole_seconds_and_at_least_one() {
        for (millis, seconds) in [(0, "1"), (1, "1"), (1000, "1"), (1001, "2")] {
            let response = Problem::too_many_requests(Duration::from_millis(millis)).into_response();
            assert_eq!(response.headers()[header::RETRY_AFTER], seconds);
        }
    }

    #[test]
    fn a_problem_document_has_the_standard_members_and_its_own() {
        let problem = Problem::conflict("Ana has it.").with("winner", "Ana").field("assignee_id");
        let body = serde_json::to_value(&problem.0.body).unwrap();
        let expected = serde_json::json!({
            "type": "/problems/conflict",
            "title": "Another request was first",
            "status": 409,
            "detail": "Ana has it.",
            "field": "assignee_id",
            "winner": "Ana",
        });
        assert_eq!(body, expected);
    }
}
