//! The uses of API keys: streams `apikey-<key>`. The account's stream decides which keys there are.

use crate::events::events;
use crate::{AccountId, ApiKeyId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `apikey-<key>`.
    pub enum ApiKeyEvent {
        ApiKeyUsed = 1,
    }
}

/// The key is in use. It is recorded at most once in an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyUsed {
    pub account_id: AccountId,
    pub api_key_id: ApiKeyId,
}
