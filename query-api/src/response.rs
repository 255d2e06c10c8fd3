//! The common shapes of responses.

use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use event_schemas::Version;
use gate::Json;
use projections::queries::Listed;
use schemars::JsonSchema;
use serde::Serialize;

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    pub data: Vec<T>,
    /// The `cursor` of the next page. `null` when this page is the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub fn page<R>(listed: Listed<R>, show: impl FnMut(R) -> T) -> Json<Self> {
        let next_cursor = listed.next.map(|cursor| cursor.to_string());
        Json(Self { data: listed.rows.into_iter().map(show).collect(), next_cursor })
    }

    /// A page of rows that serialise as the API shows them.
    pub fn rows(listed: Listed<T>) -> Json<Self> {
        Self::page(listed, |row| row)
    }

    /// A list without pages.
    pub fn whole<R>(rows: Vec<R>, show: impl FnMut(R) -> T) -> Json<Self> {
        Json(Self { data: rows.into_iter().map(show).collect(), next_cursor: None })
    }
}

/// A resource, with its version as the `ETag`.
pub struct Tagged<T> {
    pub version: Version,
    pub body: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.body).into_response();
        if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", self.version)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

impl<T: JsonSchema> OperationOutput for Tagged<T> {
    type Inner = T;
    fn operation_response(ctx: &mut GenContext, operation: &mut Operation) -> Option<ApiResponse> {
        Json::<T>::operation_response(ctx, operation)
    }
    fn inferred_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Json::<T>::inferred_responses(ctx, operation)
    }
}
