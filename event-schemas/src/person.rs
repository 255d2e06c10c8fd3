//! The people who sign in: streams `person-<user>`. Each has a person's password and sessions, which are of no account.

use crate::events::events;
use crate::message::words;
use crate::secrets::Secret;
use crate::{AccountId, SessionId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `person-<user>`.
    pub enum PersonEvent {
        AccountJoined = 1,
        PasswordSet = 1,
        SignInLinkIssued = 1,
        SignedIn = 1,
        SessionUsed = 1,
        SessionEnded = 1,
    }
}

words! {
    /// How a person proved who they are.
    SignInMethod {
        Password = "password",
        /// A link that is valid once.
        Link = "link",
        /// The link of an invitation, and the password.
        Invitation = "invitation",
    }
}

words! {
    /// Why a session ended.
    SessionEnd {
        SignedOut = "signed_out",
        /// From another session of the person.
        EndedElsewhere = "ended_elsewhere",
        PasswordChanged = "password_changed",
    }
}

/// The person works in this account, once the account says so too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountJoined {
    pub user_id: UserId,
    pub account_id: AccountId,
}

/// The person has set a password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PasswordSet {
    pub user_id: UserId,
    /// Argon2id in the PHC string format, sealed.
    pub password_hash: Secret,
}

/// A link was made that signs the person in, once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignInLinkIssued {
    pub user_id: UserId,
    /// The hash of the secret in the link.
    pub link_hash: Secret,
    pub expires_at: Timestamp,
}

/// The person has signed in: a session began. A link that was used is no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SignedIn {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// The hash of the secret in the session's cookie.
    pub token_hash: Secret,
    pub method: SignInMethod,
    /// The browser, in its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_agent: Option<String>,
    /// The end of the session, however often it is used.
    pub expires_at: Timestamp,
}

/// The session is in use. It is recorded only now and then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionUsed {
    pub user_id: UserId,
    pub session_id: SessionId,
}

/// The session has ended before its time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SessionEnded {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub cause: SessionEnd,
}
