//! The accounts: streams `account-<account>`. Each decides who works in the account, with which role.

use crate::events::events;
use crate::message::words;
use crate::secrets::Secret;
use crate::{AccountId, Timestamp, UserId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `account-<account>`.
    pub enum AccountEvent {
        AccountOpened = 1,
        PersonInvited = 1,
        PersonJoined = 1,
        RoleGiven = 1,
        PersonRemoved = 1,
    }
}

words! {
    /// The permissions of a person in an account. Each role has the permissions of the one before it.
    PersonRole {
        Agent = "agent",
        Supervisor = "supervisor",
        Administrator = "administrator",
        /// An administrator who also makes other owners.
        Owner = "owner",
    }
}

/// The account was opened: it has a name, and people of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AccountOpened {
    pub account_id: AccountId,
    pub name: String,
}

/// A person was invited to work in the account, or got another link. The link before it is no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonInvited {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub email: String,
    /// The name that colleagues see, until the person chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub role: PersonRole,
    /// The hash of the secret in the link.
    pub link_hash: Secret,
    pub expires_at: Timestamp,
}

/// The person has accepted the invitation. Its link is no longer accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonJoined {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub name: String,
}

/// The person has another role from now on. Their sessions in the account end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RoleGiven {
    pub account_id: AccountId,
    pub user_id: UserId,
    pub role: PersonRole,
}

/// The person does not work in the account any more, or the invitation was withdrawn. Their sessions in the account end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PersonRemoved {
    pub account_id: AccountId,
    pub user_id: UserId,
}
