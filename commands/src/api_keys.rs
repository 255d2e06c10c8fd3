//! The keys with which programs work in an account.
//!
//! The account's stream decides which keys there are, and is read for each request, so that a revoked key is refused at
//! once by every process. The uses of a key have a stream of their own: the account's would grow with each.

mod token;

pub use token::{ApiKeyToken, NotAnApiKey};

use crate::Commands;
use crate::execute::{CommandError, Context, LoadError, Outcome};
use domain::account::{Account, ApiKey, CreateApiKey, Rejection, RevokeApiKey, UseApiKey};
use event_schemas::account::{ApiKeyRole, Permission};
use event_schemas::{AccountId, Actor, ApiKeyId, StreamId, Timestamp, UserId};

/// A key that an administrator wants.
#[derive(Clone, Debug)]
pub struct NewApiKey {
    pub name: String,
    pub role: ApiKeyRole,
    /// `None` for all that the role may do.
    pub permissions: Option<Vec<Permission>>,
    /// `None` for a key that is valid until it is revoked.
    pub expires_at: Option<Timestamp>,
}

impl Commands {
    /// Creates a key. Returns it; only its hash is stored.
    pub async fn create_api_key(
        &self,
        key: NewApiKey,
        context: &Context,
    ) -> Result<(ApiKeyToken, Outcome<Account>), CommandError<Rejection>> {
        let NewApiKey { name, role, permissions, expires_at } = key;
        let (account_id, api_key_id) = (context.account, ApiKeyId(self.clock.fresh_id()));
        let token = ApiKeyToken::new(account_id, api_key_id, self.clock.fresh_key());
        let create = CreateApiKey {
            account_id,
            api_key_id,
            name: name.trim().to_owned(),
            role,
            permissions,
            token_hash: token.hash(),
            expires_at,
        };
        let outcome = self.accounts.execute(&StreamId::account(account_id), &create, context).await?;
        Ok((token, outcome))
    }

    pub async fn revoke_api_key(
        &self,
        api_key_id: ApiKeyId,
        context: &Context,
    ) -> Result<Outcome<Account>, CommandError<Rejection>> {
        let revoke = RevokeApiKey { account_id: context.account, api_key_id };
        self.accounts.execute(&StreamId::account(context.account), &revoke, context).await
    }

    /// The key with this secret. `None` when it is not valid.
    pub async fn api_key(&self, token: &ApiKeyToken) -> Result<Option<ApiKey>, LoadError> {
        let account = self.accounts.current(&StreamId::account(token.account)).await?;
        let found = account.state.api_key_of(token.id, &token.hash(), self.clock.now());
        if let Some(key) = found {
            self.note_use_of_key(token, &key.name).await;
        }
        Ok(found.cloned())
    }

    /// Whether the account has the key, and it has not expired.
    pub async fn has_api_key(&self, account: AccountId, key: ApiKeyId) -> Result<bool, LoadError> {
        let account = self.accounts.current(&StreamId::account(account)).await?;
        Ok(account.state.api_key(key, self.clock.now()).is_some())
    }

    /// When a key was used last, to an hour.
    pub async fn api_key_used_at(&self, key: ApiKeyId) -> Result<Option<Timestamp>, LoadError> {
        Ok(self.api_key_uses.current(&StreamId::api_key(key)).await?.state.used_at)
    }

    /// The request is answered, whether or not this succeeds.
    async fn note_use_of_key(&self, token: &ApiKeyToken, name: &str) {
        let stream = StreamId::api_key(token.id);
        let used = self.api_key_uses.recent(&stream).await;
        if used.is_ok_and(|used| !UseApiKey::is_due(&used.state, self.clock.now())) {
            return;
        }
        let command = UseApiKey { account_id: token.account, api_key_id: token.id };
        let actor = Actor::service(UserId(token.id.0), Some(name.to_owned()));
        let context = Context::of(token.account, actor, self.clock.fresh_id());
        if let Err(error) = self.api_key_uses.execute(&stream, &command, &context).await
            && !matches!(error, CommandError::NotFound)
        {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the use of an API key was not recorded"
            );
        }
    }
}
