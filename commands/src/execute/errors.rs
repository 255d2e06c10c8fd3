//! The reasons for which a command is not executed and a state not loaded.

use event_schemas::{StreamId, Version};
use event_store::{ReadError, Unavailable};

/// Why a command was not executed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R: std::error::Error + 'static> {
    #[error(transparent)]
    Rejected(R),
    /// The account has no such item.
    #[error("there is no such item")]
    NotFound,
    #[error("the version is {actual:?}, not {expected}")]
    VersionMismatch { expected: Version, actual: Option<Version> },
    /// The same key was used for another request.
    #[error("this idempotency key was used for another request")]
    KeyReused,
    #[error("too many callers change it at the same time; try again")]
    Contended,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("the history of {stream} cannot be read")]
    Damaged {
        stream: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// Why an aggregate could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    #[error("the history of {stream} cannot be read")]
    Damaged {
        stream: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl<R: std::error::Error + 'static> CommandError<R> {
    /// Ignores a rejection: what was to be done is done already, or is not possible any more.
    pub(crate) fn unless_rejected<Q: std::error::Error + 'static>(self) -> Result<(), CommandError<Q>> {
        Err(match self {
            Self::Rejected(_) => return Ok(()),
            Self::NotFound => CommandError::NotFound,
            Self::VersionMismatch { expected, actual } => CommandError::VersionMismatch { expected, actual },
            Self::KeyReused => CommandError::KeyReused,
            Self::Contended => CommandError::Contended,
            Self::Unavailable(unavailable) => CommandError::Unavailable(unavailable),
            Self::Damaged { stream, source } => CommandError::Damaged { stream, source },
        })
    }
}

impl<R: std::error::Error + 'static> From<LoadError> for CommandError<R> {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            LoadError::Damaged { stream, source } => Self::Damaged { stream, source },
        }
    }
}

impl LoadError {
    pub fn of(stream: &StreamId, error: ReadError) -> Self {
        match error {
            ReadError::Unavailable(unavailable) => Self::Unavailable(unavailable),
            damaged @ ReadError::Damaged { .. } => {
                Self::Damaged { stream: stream.to_string(), source: Box::new(damaged) }
            }
        }
    }
}
