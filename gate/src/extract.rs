//! Extractors for bodies, queries and paths. When one cannot be read, the problem names the field.

use crate::headers::BodyDigest;
use crate::plain::sentence;
use crate::problem::{Problem, kinds, problem_response};
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use aide::{OperationInput, OperationOutput};
use axum::extract::path::ErrorKind;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_path_to_error as located;

/// A JSON body of a request or a response.
#[derive(Clone, Copy, Debug)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json_content(request.headers());
        let RawBody(body) = RawBody::from_request(request, state).await?;
        if !is_json {
            return Err(Problem::new(
                &kinds::UNSUPPORTED_MEDIA_TYPE,
                "Send the body as `Content-Type: application/json`.",
            ));
        }
        parse(&body).map(Self)
    }
}

/// An optional JSON body. An empty body reads as `T::default()`.
#[derive(Clone, Copy, Debug)]
pub struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let is_json = is_json_content(request.headers());
        let RawBody(body) = RawBody::from_request(request, state).await?;
        match (body.is_empty(), is_json) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => parse(&body).map(Self),
            (false, false) => Err(Problem::new(
                &kinds::UNSUPPORTED_MEDIA_TYPE,
                "Send the body as `Content-Type: application/json`.",
            )),
        }
    }
}

fn is_json_content(headers: &HeaderMap) -> bool {
    let Some(kind) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

/// Parses JSON as request bodies are parsed: the problem names the field with the error.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let value = located::deserialize(&mut json).map_err(|error| invalid_field(&error))?;
    json.end().map_err(|error| Problem::unreadable(sentence(&error.to_string())))?;
    Ok(value)
}

/// Parses a JSON value as request bodies are parsed: the problem names the field with the error.
pub fn parse_value<T: DeserializeOwned>(value: serde_json::Value) -> Result<T, Problem> {
    located::deserialize(value).map_err(|error| invalid_field(&error))
}

fn invalid_field<E: std::fmt::Display>(error: &located::Error<E>) -> Problem {
    let text = error.inner().to_string();
    let mut field = error.path().to_string();
    // serde names a missing or duplicate field only in its message, and not in the path.
    let named = ["missing field `", "duplicate field `"].iter().find_map(|words| text.strip_prefix(words));
    match named.and_then(|rest| rest.split('`').next()) {
        Some(name) if field == "." => field = name.to_owned(),
        Some(name) if !field.ends_with(name) => field = format!("{field}.{name}"),
        _ => {}
    }
    let problem = Problem::unreadable(sentence(&text));
    if field == "." || field == "?" { problem } else { problem.field(field) }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The body as received, byte for byte. Signatures are computed over it.
#[derive(Clone, Debug)]
pub struct RawBody(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for RawBody {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let digest = request.extensions().get::<BodyDigest>().cloned();
        match Bytes::from_request(request, state).await {
            Ok(body) => {
                if let Some(digest) = digest {
                    digest.set(&body);
                }
                Ok(Self(body))
            }
            Err(rejection) => Err(invalid_body(rejection)),
        }
    }
}

fn invalid_body(rejection: BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(&kinds::TOO_LARGE, "The body is larger than this server accepts.")
    } else {
        Problem::unreadable("The connection ended before the whole body was received.")
    }
}

/// The query parameters of the URL.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        let pairs = serde_urlencoded::Deserializer::new(form_urlencoded::parse(query.as_bytes()));
        located::deserialize(pairs).map(Self).map_err(|error| invalid_field(&error))
    }
}

/// The path parameters of the URL.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(value)) => Ok(Self(value)),
            Err(PathRejection::FailedToDeserializePathParams(failure)) => {
                let raw = RawPathParams::from_request_parts(parts, state).await.ok();
                Err(invalid_path(failure.into_kind(), raw.as_ref()))
            }
            Err(_) => Err(Problem::internal()),
        }
    }
}

fn invalid_path(kind: ErrorKind, raw: Option<&RawPathParams>) -> Problem {
    match kind {
        ErrorKind::ParseErrorAtKey { key, expected_type, .. } => {
            let expected = sentence(&format!("invalid type: string, expected {expected_type}"));
            Problem::unreadable(format!("`{key}` in the path: {expected}")).field(key)
        }
        ErrorKind::DeserializeError { key, message, .. } => {
            Problem::unreadable(format!("`{key}` in the path: {}", sentence(&message))).field(key)
        }
        ErrorKind::InvalidUtf8InPathParam { key } => {
            Problem::unreadable(format!("`{key}` in the path is not UTF-8.")).field(key)
        }
        other => {
            let text = other.to_string();
            // The message quotes a word that is not allowed, and does not name the parameter.
            let quoted = |value: &str| text.contains(&format!("`{value}`"));
            let parameter = raw.and_then(|raw| raw.iter().find(|(_, value)| quoted(value)));
            let problem = Problem::unreadable(sentence(&text));
            match parameter {
                Some((key, _)) => problem.field(key),
                None => problem,
            }
        }
    }
}

impl<T: JsonSchema> OperationInput for Json<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::Json::<T>::operation_input(ctx, operation);
    }
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        body_error_responses(ctx)
    }
}

impl<T: JsonSchema> OperationInput for OptionalJson<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::Json::<T>::operation_input(ctx, operation);
        if let Some(body) = operation.request_body.as_mut().and_then(|body| body.as_item_mut()) {
            body.required = false;
        }
    }
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        body_error_responses(ctx)
    }
}

impl OperationInput for RawBody {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::Json::<serde_json::Value>::operation_input(ctx, operation);
    }
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        body_error_responses(ctx)
    }
}

fn body_error_responses(ctx: &mut GenContext) -> Vec<(Option<u16>, ApiResponse)> {
    vec![
        (Some(400), problem_response(ctx, "The request cannot be read. `field` names the part.")),
        (Some(413), problem_response(ctx, "The body is larger than this server accepts.")),
        (Some(415), problem_response(ctx, "The body is not JSON.")),
    ]
}

impl<T: JsonSchema> OperationOutput for Json<T> {
    type Inner = T;

    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        axum::Json::<T>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Self::operation_response(ctx, operation).map(|response| (Some(200), response)).into_iter().collect()
    }
}

impl<T: JsonSchema> OperationInput for Query<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        axum::extract::Query::<T>::operation_input(ctx, operation);
    }
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        vec![(Some(400), problem_response(ctx, "The request cannot be read. `field` names the part."))]
    }
}

/// The extension of an operation that holds the schema of its path parameters until [`crate::docs`] knows
/// their names.
pub(crate) const PATH_SCHEMA: &str = "x-path-schema";

impl<T: JsonSchema> OperationInput for Path<T> {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        let schema = ctx.schema.subschema_for::<T>();
        let schema = ctx.resolve_schema(&schema).clone();
        operation.extensions.insert(PATH_SCHEMA.to_owned(), schema.into());
    }
    fn inferred_early_responses(ctx: &mut GenContext, _: &mut Operation) -> Vec<(Option<u16>, ApiResponse)> {
        vec![(Some(400), problem_response(ctx, "The request cannot be read. `field` names the part."))]
    }
}

/// A field of a partial change: absent, null or set. The field needs `#[serde(default)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Change<T> {
    #[default]
    Keep,
    Clear,
    Set(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Change<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

impl<T: JsonSchema> JsonSchema for Change<T> {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Option::<T>::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Option::<T>::json_schema(generator)
    }
}

/// A field of a partial change that cannot be null. The field needs `#[serde(default)]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotNull<T>(Change<T>);

impl<T> Default for NotNull<T> {
    fn default() -> Self {
        Self(Change::Keep)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for NotNull<T> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Change::deserialize(deserializer).map(Self)
    }
}

impl<T: JsonSchema> JsonSchema for NotNull<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }
    // With another id the schema would get a second name, with a number.
    fn schema_id() -> std::borrow::Cow<'static, str> {
        T::schema_id()
    }
    fn schema_name() -> std::borrow::Cow<'static, str> {
        T::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        T::json_schema(generator)
    }
}

impl<T> NotNull<T> {
    /// The new value. `None` when the field is absent.
    ///
    /// # Errors
    ///
    /// The field is null.
    pub fn value(self, field: &str) -> Result<Option<T>, Problem> {
        match self.0 {
            Change::Keep => Ok(None),
            Change::Clear => Err(not_null(field)),
            Change::Set(value) => Ok(Some(value)),
        }
    }
}

/// The problem of a field that cannot be null.
pub fn not_null(field: &str) -> Problem {
    Problem::unprocessable(field, format!("`{field}` cannot be null: leave it out to keep its value."))
}

impl<T> Change<T> {
    /// Applies the change to `to`.
    pub fn apply(self, to: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *to = None,
            Self::Set(value) => *to = Some(value),
        }
    }
    /// `None` for `Keep`, `Some(None)` for `Clear`, `Some(Some(value))` for `Set(value)`.
    pub fn into_option(self) -> Option<Option<T>> {
        match self {
            Self::Keep => None,
            Self::Clear => Some(None),
            Self::Set(value) => Some(Some(value)),
        }
    }
}
