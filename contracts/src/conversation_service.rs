//! The contract of the conversation service (requirement 001): conversations and messages for a program that answers
//! customers in the bot's place, under `/api/v1` and with `X-Tenant-Id`. `docs/conversation-service.md` says how its
//! words map to Verbatim's.

mod conversation;
mod conversations;
mod health;
mod message;
mod messages;
mod sockets;
mod tables;
mod tenant;

pub use sockets::{NAMESPACE, Sockets};

use aide::axum::ApiRouter;
use axum::middleware::from_fn_with_state;
use commands::Commands;
use event_schemas::AccountId;
use gate::Places;
use gate::places::give_back;
use projections::Tables;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The group of routes in the API's description.
pub const TAGS: &[(&str, &str)] = &[(
    "conversation service",
    "The contract of a conversation service, for programs that were written for it. An outlet is a channel, a tenant an \
     account.",
)];

/// The accounts that use the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Accounts {
    All,
    Listed(BTreeSet<AccountId>),
}

impl Accounts {
    fn include(&self, account: AccountId) -> bool {
        match self {
            Self::All => true,
            Self::Listed(accounts) => accounts.contains(&account),
        }
    }
}

/// The parts and settings of the contract.
pub struct ConversationService {
    pub commands: Arc<Commands>,
    pub tables: Tables,
    pub accounts: Accounts,
    /// Whether `X-Tenant-Id` alone authenticates a request. Only behind a gateway that sets the header itself.
    pub trusts_tenant_header: bool,
    /// Whether this server serves the contract's Socket.IO events.
    pub websocket: bool,
}

type AppState = axum::extract::State<Arc<ConversationService>>;

/// The routes of the contract. An account's queries share its places with those of the query API.
pub fn router(service: Arc<ConversationService>, places: Places) -> ApiRouter {
    ApiRouter::new()
        .merge(health::routes())
        .merge(conversations::routes())
        .merge(messages::routes())
        .layer(from_fn_with_state(places, give_back))
        .with_state(service)
}
