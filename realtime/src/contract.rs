//! The root namespace: the clients of another system's contract. A contract says who its clients are and puts what
//! happens into its own words; the order and the resumption are those of all clients.

use crate::argument::answer;
use crate::clients::{Clients, Connected};
use crate::events::Name;
use crate::push::{Offset, Push, Room, part};
use axum::http::HeaderMap;
use event_schemas::{AccountId, ConversationId, Position};
use follower::runner::DecodedEvent;
use follower::{Db, DbError};
use futures::future::BoxFuture;
use gate::{Caller, Problem};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::HashMap;
use std::sync::Arc;

/// The Socket.IO events of a contract.
pub trait Contract: Send + Sync {
    /// The service that a client is, in one tenant. `handshake` has the headers of the request that opened the
    /// connection; the token and the tenant are what the client sent to be let in.
    ///
    /// # Errors
    ///
    /// The client is not let in, for this reason.
    fn identify<'c>(
        &'c self,
        handshake: &'c HeaderMap,
        token: Option<&'c str>,
        tenant: Option<AccountId>,
    ) -> BoxFuture<'c, Result<Caller, Problem>>;

    /// Handles an event of a client.
    ///
    /// # Errors
    ///
    /// The event is refused. The problem is the answer.
    fn event<'c>(
        &'c self,
        caller: &'c Caller,
        name: &'c str,
        argument: Option<&'c RawValue>,
    ) -> BoxFuture<'c, Result<Action, Problem>>;

    /// The pushes of these events of the log, in the order of the events. The tables hold the events.
    ///
    /// # Errors
    ///
    /// The tables cannot be read.
    fn pushes<'c>(
        &'c self,
        events: &'c [Arc<DecodedEvent>],
        tables: &'c Db,
    ) -> BoxFuture<'c, Result<Vec<ContractPush>, DbError>>;
}

/// The effect of an event of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// It gets what is for the tenant's room.
    EnterTenant,
    /// It gets what is for the conversation's room, if the tenant has the conversation.
    Enter(ConversationId),
    Leave(ConversationId),
    /// The event was handled; this is the answer.
    Answer(Value),
}

/// The answer to [`Action::EnterTenant`].
#[derive(Serialize, JsonSchema)]
pub struct JoinedTenant {
    pub tenant_id: AccountId,
    /// Events come from here on.
    pub position: Position,
}

/// The answer to [`Action::Enter`].
#[derive(Serialize, JsonSchema)]
pub struct JoinedConversation {
    pub conversation_id: ConversationId,
    /// Events come from here on.
    pub position: Position,
}

/// The answer to [`Action::Leave`].
#[derive(Serialize, JsonSchema)]
pub struct LeftConversation {
    pub conversation_id: ConversationId,
}

/// An event for clients of the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct ContractPush {
    /// The position of the event of the log.
    pub position: Position,
    pub tenant: AccountId,
    pub conversation: ConversationId,
    pub to: Audience,
    pub name: Name,
    /// A JSON object. It is sent as it is.
    pub object: String,
}

/// The Socket.IO rooms whose clients get a push. A client in both gets it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    Tenant,
    Conversation,
    Both,
}

impl ContractPush {
    fn rooms(&self) -> Vec<Room> {
        let tenant = Room::Tenant(self.tenant);
        let conversation = Room::TenantConversation(self.tenant, self.conversation);
        match self.to {
            Audience::Tenant => vec![tenant],
            Audience::Conversation => vec![conversation],
            Audience::Both => vec![tenant, conversation],
        }
    }
}

/// The pushes of a contract with their offsets.
pub fn numbered(pushes: Vec<ContractPush>) -> impl Iterator<Item = Push> {
    let mut parts = HashMap::new();
    pushes.into_iter().map(move |push| {
        let part = parts.entry(push.position).or_insert(part::CONTRACT);
        let offset = Offset { position: push.position, part: *part };
        *part += 1;
        Push::new(offset, push.rooms(), push.name, &push.object).unchained()
    })
}

impl Clients {
    /// Handles an event of a client of the contract.
    pub(crate) async fn service_event(
        &self,
        connected: &Connected,
        caller: &Caller,
        name: &str,
        argument: Option<&RawValue>,
    ) -> Result<Value, Problem> {
        // Only a contract lets such a client in.
        let contract = self.contract.as_ref().ok_or_else(Problem::internal)?;
        match contract.event(caller, name, argument).await? {
            Action::EnterTenant => {
                let position = self.enter(connected, Room::Tenant(caller.account), None).await?;
                answer(&JoinedTenant { tenant_id: caller.account, position })
            }
            Action::Enter(id) => {
                let room = self.conversation_room(connected, id).await?;
                let position = self.enter(connected, room, None).await?;
                answer(&JoinedConversation { conversation_id: id, position })
            }
            Action::Leave(id) => {
                self.hub.leave(&connected.client, Room::TenantConversation(caller.account, id));
                answer(&LeftConversation { conversation_id: id })
            }
            Action::Answer(answer) => Ok(answer),
        }
    }
}
