//! API keys: what a program of an account sends in place of a token.

use super::{Authenticator, selected_account};
use crate::caller::{Caller, Role};
use crate::permissions::Permissions;
use crate::problem::Problem;
use event_schemas::{AccountId, ApiKeyId, Credential, Timestamp, UserId};
use std::time::{Duration, Instant};

/// The beginning of every API key, and of no JWT.
const PREFIX: &str = "vbt_";
/// How often it is looked up whether the key of a response that goes on was revoked.
const LOOK_UP_EVERY: Duration = Duration::from_secs(1);

/// A valid API key.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub account: AccountId,
    pub name: String,
    pub role: Role,
    /// `None` when the key may do all that its role may.
    pub permissions: Option<Permissions>,
    /// `None` when it is valid until it is revoked.
    pub expires_at: Option<Timestamp>,
}

pub(super) fn is_api_key(token: &str) -> bool {
    token.starts_with(PREFIX)
}

impl Authenticator {
    pub(super) async fn caller_of_api_key(
        &self,
        text: &str,
        requested: Option<AccountId>,
        field: &'static str,
    ) -> Result<Caller, Problem> {
        let found = match &self.0.credentials {
            Some(credentials) => credentials.api_key(text).await?,
            None => None,
        };
        let refused = "The API key is not valid: it was revoked, has expired, or was not copied as a whole.";
        let key = found.ok_or_else(|| Problem::unauthenticated(refused))?;
        let account = selected_account(requested, &[key.account], field, "API key")?;
        let remaining = key.expires_at.map(|at| at.since(self.0.clock.now()));
        Ok(Caller {
            account,
            // The id is the program's, so that events, limits and idempotency keys are its own.
            user: UserId(key.id.0),
            role: key.role,
            name: Some(key.name),
            until: remaining.and_then(|remaining| Instant::now().checked_add(remaining)),
            credential: Credential::ApiKey(key.id),
            permissions: key.permissions,
        })
    }

    /// Whether an API key is valid now. It is, while that cannot be found out.
    pub(super) async fn still_accepts(&self, text: &str) -> bool {
        match &self.0.credentials {
            Some(credentials) => credentials.api_key(text).await.map_or(true, |found| found.is_some()),
            None => false,
        }
    }

    /// Waits until the API key of the caller is revoked; for ever of a caller with another credential.
    pub async fn until_revoked(self, caller: Caller) {
        let (Some(key), Some(credentials)) = (caller.api_key(), &self.0.credentials) else {
            return std::future::pending().await;
        };
        while credentials.still_has(caller.account, key).await.unwrap_or(true) {
            tokio::time::sleep(LOOK_UP_EVERY).await;
        }
    }
}
