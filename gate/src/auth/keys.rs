//! The keys of tokens that this server issues for one purpose. Each purpose has a key of its own, so that a token of
//! one is none of another, and no bearer token.

use super::{AuthConfig, TokenError};
use event_schemas::Clock;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

/// Signs and checks the tokens of one purpose.
pub(super) struct Keys {
    signs: EncodingKey,
    checks: DecodingKey,
}

impl Keys {
    /// The key follows from a configured secret, so that every process has the same. Without a secret the tokens are
    /// valid at the process that has issued them.
    pub(super) fn of(config: &AuthConfig, clock: &Clock, purpose: &str) -> Self {
        let secret = config.stream_secret.as_ref().or(config.secret.as_ref());
        let key = match secret {
            Some(secret) => {
                Sha256::new().chain_update(purpose).chain_update(b"\n").chain_update(secret).finalize().into()
            }
            None => clock.fresh_key(),
        };
        Self { signs: EncodingKey::from_secret(&key), checks: DecodingKey::from_secret(&key) }
    }

    pub(super) fn sign(&self, claims: &impl Serialize) -> Result<String, TokenError> {
        Ok(encode(&Header::new(Algorithm::HS256), claims, &self.signs)?)
    }

    /// The claims of a token. `None` when it was not signed with this key. Its times are checked by the caller, by a
    /// clock that tests can set.
    pub(super) fn read<C: DeserializeOwned>(&self, token: &str) -> Option<C> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.validate_exp = false;
        validation.required_spec_claims.clear();
        decode::<C>(token, &self.checks, &validation).ok().map(|decoded| decoded.claims)
    }
}
