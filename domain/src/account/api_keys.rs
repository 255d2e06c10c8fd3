//! The keys with which programs work in an account.

use super::{Account, Rejection, check_name};
use crate::aggregate::{Decide, Evolve};
use event_schemas::account::{ApiKeyCreated, ApiKeyRevoked, ApiKeyRole, Permission};
use event_schemas::api_key::ApiKeyUsed;
use event_schemas::catalogue::Secret;
use event_schemas::{AccountEvent, AccountId, ApiKeyEvent, ApiKeyId, Timestamp};
use std::time::Duration;

/// The most keys of an account, those that have expired included.
pub(super) const MOST_KEYS: usize = 100;
/// The use of a key is recorded at most once in this time.
const RECORDED_EVERY: Duration = Duration::from_secs(3_600);

/// A key that was not revoked.
#[derive(Clone, Debug)]
pub struct ApiKey {
    pub name: String,
    pub role: ApiKeyRole,
    /// `None` when it may do all that its role may.
    pub permissions: Option<Vec<Permission>>,
    pub created_at: Timestamp,
    /// `None` when it is valid until it is revoked.
    pub expires_at: Option<Timestamp>,
    token_hash: Secret,
}

impl ApiKey {
    pub(super) fn created(created: &ApiKeyCreated, at: Timestamp) -> Self {
        let ApiKeyCreated { name, role, permissions, token_hash, expires_at, .. } = created.clone();
        Self { name, role, permissions, created_at: at, expires_at, token_hash }
    }

    /// Whether the key has expired.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

impl Account {
    /// The keys that were not revoked, those that have expired included.
    pub fn api_keys(&self) -> impl Iterator<Item = (ApiKeyId, &ApiKey)> {
        self.api_keys.iter().map(|(id, key)| (*id, key))
    }

    /// The key, when it is valid.
    pub fn api_key(&self, id: ApiKeyId, now: Timestamp) -> Option<&ApiKey> {
        self.api_keys.get(&id).filter(|key| !key.has_expired(now))
    }

    /// The key, when it is valid and this is the hash of its secret.
    pub fn api_key_of(&self, id: ApiKeyId, token_hash: &Secret, now: Timestamp) -> Option<&ApiKey> {
        self.api_key(id, now).filter(|key| key.token_hash == *token_hash)
    }
}

/// Gives a program a key.
#[derive(Clone, Debug)]
pub struct CreateApiKey {
    pub account_id: AccountId,
    pub api_key_id: ApiKeyId,
    pub name: String,
    pub role: ApiKeyRole,
    pub permissions: Option<Vec<Permission>>,
    pub token_hash: Secret,
    pub expires_at: Option<Timestamp>,
}

impl Decide<Account> for CreateApiKey {
    type Rejection = Rejection;

    fn decide(&self, state: &Account, now: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        let Self { account_id, api_key_id, name, role, mut permissions, token_hash, expires_at } =
            self.clone();
        let invalid = |field, reason: &str| Err(Rejection::Invalid { field, reason: reason.to_owned() });
        check_name("name", &name)?;
        if permissions.as_ref().is_some_and(Vec::is_empty) {
            return invalid("permissions", "names at least one permission; leave it out for all of the role");
        }
        if expires_at.is_some_and(|at| at <= now) {
            return invalid("expires_at", "is in the future");
        }
        if state.api_keys.len() >= MOST_KEYS {
            return Err(Rejection::TooManyApiKeys);
        }
        if let Some(permissions) = &mut permissions {
            permissions.sort_unstable();
            permissions.dedup();
        }
        let created =
            ApiKeyCreated { account_id, api_key_id, name, role, permissions, token_hash, expires_at };
        Ok(vec![created.into()])
    }
}

/// Revokes a key.
#[derive(Clone, Copy, Debug)]
pub struct RevokeApiKey {
    pub account_id: AccountId,
    pub api_key_id: ApiKeyId,
}

impl Decide<Account> for RevokeApiKey {
    type Rejection = Rejection;

    fn decide(&self, state: &Account, _: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
        let Self { account_id, api_key_id } = *self;
        match state.api_keys.contains_key(&api_key_id) {
            true => Ok(vec![ApiKeyRevoked { account_id, api_key_id }.into()]),
            false => Err(Rejection::NoSuchApiKey),
        }
    }
}

/// When a key was used last.
#[derive(Clone, Copy, Debug, Default)]
pub struct ApiKeyUse {
    /// The last recorded use. `None` when there is none.
    pub used_at: Option<Timestamp>,
}

impl Evolve for ApiKeyUse {
    type Event = ApiKeyEvent;

    fn evolve(&mut self, event: &ApiKeyEvent, at: Timestamp) {
        match event {
            ApiKeyEvent::ApiKeyUsed(_) => self.used_at = Some(at),
        }
    }
}

/// Records that a key is in use, unless that was recorded a short time ago.
#[derive(Clone, Copy, Debug)]
pub struct UseApiKey {
    pub account_id: AccountId,
    pub api_key_id: ApiKeyId,
}

impl UseApiKey {
    /// Whether the use has to be recorded.
    pub fn is_due(used: &ApiKeyUse, now: Timestamp) -> bool {
        used.used_at.is_none_or(|at| now.since(at) >= RECORDED_EVERY)
    }
}

impl Decide<ApiKeyUse> for UseApiKey {
    type Rejection = Rejection;

    fn decide(&self, used: &ApiKeyUse, now: Timestamp) -> Result<Vec<ApiKeyEvent>, Rejection> {
        let Self { account_id, api_key_id } = *self;
        match Self::is_due(used, now) {
            true => Ok(vec![ApiKeyUsed { account_id, api_key_id }.into()]),
            false => Ok(Vec::new()),
        }
    }
}
