//! The claims of a token.

use crate::caller::Role;
use event_schemas::{AccountId, Timestamp, UserId};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The claims that Verbatim reads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Claims {
    pub sub: UserId,
    #[serde(default)]
    pub accounts: Vec<AccountId>,
    pub role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Seconds since 1970; the standard allows fractions.
    pub exp: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nbf: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub iss: Option<String>,
    /// A string or a list of strings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub aud: Option<serde_json::Value>,
}

impl Claims {
    /// The claims of a user in one account. [`issue_token`] sets `exp`.
    pub fn of(user: UserId, account: AccountId, role: Role) -> Self {
        Self {
            sub: user,
            accounts: vec![account],
            role,
            name: None,
            exp: 0.0,
            nbf: None,
            iss: None,
            aud: None,
        }
    }
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    pub(super) fn check_times(&self, now: Timestamp, leeway: Duration) -> Result<(), &'static str> {
        let (now, leeway) = (seconds(now), leeway.as_secs_f64());
        if self.exp + leeway < now {
            return Err("The token has expired: get a new one.");
        }
        if self.nbf.is_some_and(|from| from - leeway > now) {
            return Err("The token is not valid yet.");
        }
        Ok(())
    }

    /// The time for which the token is still accepted.
    pub(super) fn remaining(&self, now: Timestamp, leeway: Duration) -> Duration {
        let seconds = self.exp + leeway.as_secs_f64() - seconds(now);
        Duration::from_secs_f64(seconds.clamp(0.0, LONGEST))
    }
}

/// A token's lifetime is limited to ten years: more cannot be waited for.
const LONGEST: f64 = 10.0 * 365.0 * 86_400.0;

fn seconds(moment: Timestamp) -> f64 {
    moment.as_micros() as f64 / 1e6
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token cannot be signed")]
pub struct TokenError(#[from] jsonwebtoken::errors::Error);

/// An HS256 token that is valid from `now` for `lifetime`.
pub fn issue_token(
    secret: &str,
    mut claims: Claims,
    now: Timestamp,
    lifetime: Duration,
) -> Result<String, TokenError> {
    claims.exp = seconds(now + lifetime).floor();
    let key = EncodingKey::from_secret(secret.as_bytes());
    Ok(encode(&Header::new(Algorithm::HS256), &claims, &key)?)
}
