//! The browser that sends a request, in its own words.

use aide::OperationInput;
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;
use commands::people::Browser;
use std::convert::Infallible;

pub(super) struct BrowserOf(pub Browser);

impl<S: Send + Sync> FromRequestParts<S> for BrowserOf {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let words = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self(Browser { user_agent: words.map(str::to_owned) }))
    }
}

impl OperationInput for BrowserOf {}
