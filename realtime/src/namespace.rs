//! The namespaces of Socket.IO, and for whom their clients act.

use crate::packet;
use crate::push::Room;
use event_schemas::{AccountId, Credential};
use gate::Caller;
use gate::auth::CustomerSession;
use projections::read_models::inbox::ConversationRow;
use std::time::Instant;

/// A namespace, which decides the events of its clients and the words in which they are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    Agents,
    Customers,
    /// The root: the clients of another system's contract.
    Contract,
}

impl Namespace {
    const ALL: [Self; 3] = [Self::Agents, Self::Customers, Self::Contract];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Agents => "/agents",
            Self::Customers => "/customers",
            Self::Contract => packet::ROOT,
        }
    }

    /// `None` when no namespace has the name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|namespace| namespace.name() == name)
    }
}

/// For whom a client acts.
#[derive(Clone, Debug)]
pub enum Party {
    Agent(Caller),
    Customer(Customer),
    /// A service that knows a contract.
    Service(Caller),
}

/// A customer, and the end of the customer's session.
#[derive(Clone, Debug)]
pub struct Customer {
    pub session: CustomerSession,
    pub until: Instant,
}

impl Customer {
    /// Whether the conversation is this customer's, on the session's channel.
    pub fn may_see(&self, conversation: &ConversationRow) -> bool {
        let CustomerSession { account, channel, contact, conversation: only } = &self.session;
        conversation.account_id == *account
            && conversation.channel_id == *channel
            && conversation.contact_id == *contact
            && only.is_none_or(|only| only == conversation.id)
    }
}

impl Party {
    pub const fn namespace(&self) -> Namespace {
        match self {
            Self::Agent(_) => Namespace::Agents,
            Self::Customer(_) => Namespace::Customers,
            Self::Service(_) => Namespace::Contract,
        }
    }

    pub const fn account(&self) -> AccountId {
        match self {
            Self::Agent(caller) | Self::Service(caller) => caller.account,
            Self::Customer(customer) => customer.session.account,
        }
    }

    /// The end of its token. `None` when a gateway has authenticated it.
    pub const fn until(&self) -> Option<Instant> {
        match self {
            Self::Agent(caller) | Self::Service(caller) => caller.until,
            Self::Customer(customer) => Some(customer.until),
        }
    }

    /// The rooms in which a client is from the start.
    pub fn rooms(&self) -> Vec<Room> {
        match self {
            Self::Agent(caller) => {
                let rooms = [Room::Account(caller.account), Room::User(caller.account, caller.user)];
                rooms.into_iter().chain(room_of_credential(caller)).collect()
            }
            Self::Customer(Customer { session, .. }) => vec![match session.conversation {
                Some(id) => Room::CustomerConversation(session.account, id),
                None => Room::Customer(session.account, session.channel, session.contact),
            }],
            // It joins its tenant by an event.
            Self::Service(caller) => room_of_credential(caller).into_iter().collect(),
        }
    }
}

/// The Socket.IO room of those who are sent away when the caller's credential ends.
fn room_of_credential(caller: &Caller) -> Option<Room> {
    match caller.credential {
        Credential::Session(session) => Some(Room::Session(session)),
        Credential::ApiKey(key) => Some(Room::ApiKey(key)),
        Credential::Token | Credential::Gateway => None,
    }
}
