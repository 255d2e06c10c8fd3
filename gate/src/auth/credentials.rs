//! The port to the credentials that this program gives out itself.

use super::{ApiKey, Session};
use crate::problem::Problem;
use event_schemas::{AccountId, ApiKeyId};
use futures::future::BoxFuture;

/// Finds sessions and API keys. The write side keeps them.
pub trait Credentials: Send + Sync {
    /// The session with this secret. `None` when it has ended, or never was.
    fn session<'s>(&'s self, token: &'s str) -> BoxFuture<'s, Result<Option<Session>, Problem>>;

    /// The API key of this text. `None` when it was revoked, has expired, or never was.
    fn api_key<'s>(&'s self, text: &'s str) -> BoxFuture<'s, Result<Option<ApiKey>, Problem>>;

    /// Whether an API key that was accepted is valid still.
    fn still_has(&self, account: AccountId, key: ApiKeyId) -> BoxFuture<'_, Result<bool, Problem>>;
}
