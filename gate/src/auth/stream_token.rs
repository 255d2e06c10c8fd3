//! Tokens that open an event stream.
//!
//! The `EventSource` of a browser sends no header of the page's choice, so its token is in the URL, which browsers and
//! proxies keep. Therefore it opens streams only, for a short time, of one account and one selection of events. It is
//! signed with a key of its own: it is no bearer token, and a bearer token opens no stream.

use super::{Authenticator, TokenError};
use crate::caller::{Caller, Role};
use crate::problem::Problem;
use event_schemas::{AccountId, Credential, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long a token opens streams.
const OPENS_FOR: Duration = Duration::from_secs(120);

/// A token that was issued.
#[derive(Clone, Debug)]
pub struct StreamToken {
    pub token: String,
    /// The moment until which it opens streams.
    pub expires_at: Timestamp,
    /// The moment at which its streams end, because the caller's own token ends. `None` when a gateway has
    /// authenticated the caller.
    pub streams_until: Option<Timestamp>,
}

/// The claims of a token.
#[derive(Serialize, Deserialize)]
struct StreamClaims {
    account: AccountId,
    user: UserId,
    role: Role,
    /// Empty for all types.
    types: Vec<String>,
    expires_at: Timestamp,
    streams_until: Option<Timestamp>,
    /// The credential of the caller who got the token.
    credential: Credential,
}

impl Authenticator {
    /// A token that opens streams of these event types, or of all types when there are none, as this caller.
    pub fn issue_stream_token(&self, caller: &Caller, types: Vec<String>) -> Result<StreamToken, TokenError> {
        let now = self.0.clock.now();
        let streams_until = caller.until.map(|until| now + until.saturating_duration_since(Instant::now()));
        let expires_at = now + OPENS_FOR;
        let expires_at = streams_until.map_or(expires_at, |until| until.min(expires_at));
        let claims = StreamClaims {
            account: caller.account,
            user: caller.user,
            role: caller.role,
            types,
            expires_at,
            streams_until,
            credential: caller.credential,
        };
        let token = self.0.stream_keys.sign(&claims)?;
        Ok(StreamToken { token, expires_at, streams_until })
    }

    /// The caller of a stream token, and the event types that it selects.
    pub(crate) fn identify_stream(&self, token: &str) -> Result<(Caller, Vec<String>), Problem> {
        let refused = |detail: &str| Problem::unauthenticated(detail).field("token");
        let claims: Option<StreamClaims> = self.0.stream_keys.read(token);
        let claims = claims.ok_or_else(|| refused("This is not a stream token of this server."))?;
        let now = self.0.clock.now();
        if claims.expires_at < now {
            return Err(refused("The stream token has expired: get a new one."));
        }
        let until = claims.streams_until.and_then(|until| Instant::now().checked_add(until.since(now)));
        let StreamClaims { account, user, role, types, credential, .. } = claims;
        Ok((Caller { until, ..Caller::of(account, user, role, credential) }, types))
    }
}
