//! The headers of every command: the request context, the idempotency key and the expected version.

use aide::OperationInput;
use aide::generate::GenContext;
use aide::openapi::Operation;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use commands::execute::Context;
use gate::{Caller, IdempotencyKey, IfMatch, KeyedRequest, Problem, RequestContext};

/// The part of a command that is in the request's headers.
pub struct CommandHeaders {
    request: RequestContext,
    key: IdempotencyKey,
    if_match: IfMatch,
}

impl CommandHeaders {
    /// The context of the command. The caller's id is part of the key, so that two users can use the same
    /// key.
    pub fn of(&self, caller: &Caller) -> Context {
        let keyed = self.key.0.as_ref();
        Context {
            account: caller.account,
            actor: caller.actor(),
            correlation_id: self.request.correlation_id,
            causation_id: None,
            traceparent: self.request.traceparent.clone(),
            occurred_at: None,
            key: keyed.map(|keyed| format!("request:{}:{}", caller.user, keyed.key)),
            request: keyed.map(KeyedRequest::hash),
            credential: Some(caller.credential),
            if_match: self.if_match.0,
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CommandHeaders {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Ok(Self {
            request: RequestContext::from_request_parts(parts, state).await?,
            key: IdempotencyKey::from_request_parts(parts, state).await?,
            if_match: IfMatch::from_request_parts(parts, state).await?,
        })
    }
}

impl OperationInput for CommandHeaders {
    fn operation_input(ctx: &mut GenContext, operation: &mut Operation) {
        IdempotencyKey::operation_input(ctx, operation);
        IfMatch::operation_input(ctx, operation);
    }
}
