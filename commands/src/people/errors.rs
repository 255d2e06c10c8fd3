//! Why a person is not let in, or a change of an account's people was refused.

use crate::credentials::OpenError;
use crate::execute::{CommandError, LoadError};
use domain::{account, agent, person};

#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The same for an unknown mail address.
    #[error("the mail address or the password is wrong")]
    WrongPassword,
    #[error("{0}")]
    WeakPassword(&'static str),
    #[error("no person has joined an account with this mail address")]
    NoSuchPerson,
    #[error("this is no link of Verbatim")]
    NoLink,
    #[error("the hash of the password cannot be opened")]
    Sealed(#[from] OpenError),
    #[error("the password cannot be hashed")]
    Hashing(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Account(#[from] CommandError<account::Rejection>),
    #[error(transparent)]
    Person(#[from] CommandError<person::Rejection>),
    #[error(transparent)]
    Agent(#[from] CommandError<agent::Rejection>),
    #[error(transparent)]
    Load(#[from] LoadError),
}
