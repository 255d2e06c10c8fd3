//! The shapes that answers share.

use crate::asking::parsed;
use aide::OperationOutput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use event_schemas::{AccountId, Version};
use gate::Json;
use projections::queries::list::Page;
use projections::queries::{BadLimit, Cursor, Limit, Listed};
use schemars::JsonSchema;
use serde::de;
use serde::{Deserialize, Deserializer, Serialize};

/// A page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    pub data: Vec<T>,
    /// Send it as `cursor` for the next page. None: this was the last.
    pub next_cursor: Option<String>,
}

impl<T> List<T> {
    pub fn page<R>(listed: Listed<R>, show: impl FnMut(R) -> T) -> Json<Self> {
        let next_cursor = listed.next.map(|cursor| cursor.to_string());
        Json(Self { data: listed.rows.into_iter().map(show).collect(), next_cursor })
    }

    /// Everything at once.
    pub fn whole<R>(rows: Vec<R>, show: impl FnMut(R) -> T) -> Json<Self> {
        Json(Self { data: rows.into_iter().map(show).collect(), next_cursor: None })
    }
}

/// One thing, with its version as the `ETag`.
pub struct Tagged<T> {
    pub version: Version,
    pub what: T,
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.what).into_response();
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

/// Which page of a plain list.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Paging {
    /// Between 1 and 200; 50 where nothing is said.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    pub limit: Limit,
    /// The `next_cursor` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    pub cursor: Option<Cursor>,
}

impl Paging {
    pub fn of(&self, account: AccountId) -> Page {
        Page { account, limit: self.limit, after: self.cursor }
    }
}

/// How many rows a page holds, as it is asked for.
pub fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Limit, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = text.parse::<usize>().map_err(|_| BadLimit);
    number.and_then(Limit::new).map_err(de::Error::custom)
}
