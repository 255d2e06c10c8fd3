//! The namespaces of Socket.IO, and for whom their clients act.

use crate::packet;
use crate::push::Room;
use event_schemas::AccountId;
use gate::Caller;
use std::time::Instant;

/// A namespace, which decides the events of its clients and the words in which they are put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Namespace {
    Agents,
    /// The root: the clients of another system's contract.
    Contract,
}

impl Namespace {
    const ALL: [Self; 2] = [Self::Agents, Self::Contract];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Agents => "/agents",
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
    /// A service that knows a contract.
    Service(Caller),
}

impl Party {
    pub const fn namespace(&self) -> Namespace {
        match self {
            Self::Agent(_) => Namespace::Agents,
            Self::Service(_) => Namespace::Contract,
        }
    }

    pub const fn account(&self) -> AccountId {
        match self {
            Self::Agent(caller) | Self::Service(caller) => caller.account,
        }
    }

    /// The end of its token. `None` when a gateway has authenticated it.
    pub const fn until(&self) -> Option<Instant> {
        match self {
            Self::Agent(caller) | Self::Service(caller) => caller.until,
        }
    }

    /// The rooms in which a client is from the start.
    pub fn rooms(&self) -> Vec<Room> {
        match self {
            Self::Agent(caller) => {
                vec![Room::Account(caller.account), Room::User(caller.account, caller.user)]
            }
            // It joins its tenant by an event.
            Self::Service(_) => Vec::new(),
        }
    }
}
