//! The tokens with which customers see their own conversations. The account's backend gets one for a customer whom it
//! knows, and gives it to the page or the app.

use super::{Authenticator, TokenError};
use crate::problem::Problem;
use event_schemas::{AccountId, ChannelId, ContactId, ConversationId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long a token is valid.
const VALID_FOR: Duration = Duration::from_secs(3_600);

/// The conversations that a customer may see: the contact's on a channel, or one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CustomerSession {
    pub account: AccountId,
    pub channel: ChannelId,
    pub contact: ContactId,
    /// The only conversation. `None` for all.
    pub conversation: Option<ConversationId>,
}

/// A token that was issued.
#[derive(Clone, Debug)]
pub struct CustomerToken {
    pub token: String,
    pub expires_at: Timestamp,
}

/// The claims of a token.
#[derive(Serialize, Deserialize)]
struct CustomerClaims {
    #[serde(flatten)]
    session: CustomerSession,
    expires_at: Timestamp,
}

impl Authenticator {
    /// A token of the customer, valid for an hour.
    pub fn issue_customer_token(&self, session: CustomerSession) -> Result<CustomerToken, TokenError> {
        let expires_at = self.0.clock.now() + VALID_FOR;
        let token = self.0.customer_keys.sign(&CustomerClaims { session, expires_at })?;
        Ok(CustomerToken { token, expires_at })
    }

    /// The customer of a token, and the moment at which it ends.
    ///
    /// # Errors
    ///
    /// 401 when this server has not issued the token, or it has expired.
    pub fn identify_customer(&self, token: &str) -> Result<(CustomerSession, Instant), Problem> {
        let claims: Option<CustomerClaims> = self.0.customer_keys.read(token);
        let claims =
            claims.ok_or_else(|| Problem::unauthenticated("This is not a token of a customer's session."))?;
        let now = self.0.clock.now();
        if claims.expires_at <= now {
            return Err(Problem::unauthenticated("The customer's session has expired: get a new token."));
        }
        Ok((claims.session, Instant::now() + claims.expires_at.since(now)))
    }
}
