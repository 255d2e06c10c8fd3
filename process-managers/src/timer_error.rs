//! The error of timer handlers that execute commands, and whether the timer is tried again.

use commands::execute::{CommandError, LoadError};
use domain::conversation::Rejection;
use follower::timers::{Recovery, TimerError};

/// The error of every timer handler that executes commands on conversations.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct HandlerError(#[from] CommandError<Rejection>);

impl From<LoadError> for HandlerError {
    fn from(error: LoadError) -> Self {
        Self(error.into())
    }
}

impl TimerError for HandlerError {
    fn recovery(&self) -> Recovery {
        match self.0 {
            CommandError::Unavailable(_) => Recovery::RetryAll,
            CommandError::Contended | CommandError::Rejected(_) | CommandError::VersionMismatch { .. } => {
                Recovery::RetryThis
            }
            CommandError::Damaged { .. } | CommandError::NotFound | CommandError::KeyReused => {
                Recovery::WaitForEvent
            }
        }
    }
}
