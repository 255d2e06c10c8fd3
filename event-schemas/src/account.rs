//! The accounts: streams `account-<account>`. Each decides who works in the account, with which role.

use crate::events::events;
use crate::message::words;
use crate::secrets::Secret;
use crate::{AccountId, ApiKeyId, Timestamp, UserId};
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
        ApiKeyCreated = 1,
        ApiKeyRevoked = 1,
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

words! {
    /// The permissions of the program that has an API key. No program is an owner.
    ApiKeyRole {
        /// Another program: it writes as a bot or the system, and hands in what customers write.
        Service = "service",
        Agent = "agent",
        Supervisor = "supervisor",
        Administrator = "administrator",
    }
}

words! {
    /// A permission of an API key, within its role: to read or to change one part of the account.
    Permission {
        /// Conversations, their messages, queues and the search.
        ConversationsRead = "conversations:read",
        ConversationsWrite = "conversations:write",
        ContactsRead = "contacts:read",
        ContactsWrite = "contacts:write",
        /// Agents, their preferences and their presence.
        AgentsRead = "agents:read",
        AgentsWrite = "agents:write",
        /// The definitions of the account: channels, teams, queues, rules, policies.
        SettingsRead = "settings:read",
        SettingsWrite = "settings:write",
        /// The people of the account, its API keys and its audit.
        PeopleRead = "people:read",
        PeopleWrite = "people:write",
        /// All events of the account, as they are or as pushes.
        EventsRead = "events:read",
        /// Acting for customers: their sessions, and the webhooks of channels without a secret.
        CustomersWrite = "customers:write",
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

/// A program got a key to the account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyCreated {
    pub account_id: AccountId,
    pub api_key_id: ApiKeyId,
    /// Colleagues see it as the name of the program.
    pub name: String,
    pub role: ApiKeyRole,
    /// The key may do only this. `None` when it may do all that its role may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Vec<Permission>>,
    /// The hash of the secret in the key.
    pub token_hash: Secret,
    /// `None` when the key is valid until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// The key is no longer accepted, and its connections end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKeyRevoked {
    pub account_id: AccountId,
    pub api_key_id: ApiKeyId,
}
