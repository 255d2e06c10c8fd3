//! The caller of a request for an event stream.

use crate::auth::Authenticator;
use crate::caller::{Caller, refuse};
use crate::problem::Problem;
use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::{Operation, Response as ApiResponse};
use axum::extract::FromRequestParts;
use axum::http::header;
use axum::http::request::Parts;

/// A caller who is authenticated as for every route, or by a stream token in the query parameter `token`.
#[derive(Clone, Debug)]
pub struct StreamCaller {
    pub caller: Caller,
    /// The event types that the stream token selects; empty for all. `None` without a stream token.
    pub selected: Option<Vec<String>>,
}

impl<S: Send + Sync> FromRequestParts<S> for StreamCaller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Some(token) = token_of(parts) else {
            let caller = <Caller as FromRequestParts<S>>::from_request_parts(parts, state).await?;
            return Ok(Self { caller, selected: None });
        };
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(
                Problem::unreadable("Send either `Authorization` or `token`, not both.").field("token")
            );
        }
        let authenticator = Authenticator::from_request_parts(parts, state).await?;
        match authenticator.identify_stream(&token) {
            Ok((caller, selected)) => {
                Ok(Self { caller: caller.admit(parts).await?, selected: Some(selected) })
            }
            Err(refusal) => Err(refuse(parts, refusal)),
        }
    }
}

fn token_of(parts: &Parts) -> Option<String> {
    let query = parts.uri.query()?;
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters.find(|(name, _)| name == "token").map(|(_, token)| token.into_owned())
}

impl OperationInput for StreamCaller {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        Caller::operation_input(ctx, operation);
        operation.security.push([(SECURITY_SCHEME.to_owned(), Vec::new())].into_iter().collect());
    }
    fn inferred_early_responses(
        ctx: &mut GenContext,
        operation: &mut Operation,
    ) -> Vec<(Option<u16>, ApiResponse)> {
        Caller::inferred_early_responses(ctx, operation)
    }
}

/// The name of the scheme in the API's description.
pub(crate) const SECURITY_SCHEME: &str = "streamToken";
