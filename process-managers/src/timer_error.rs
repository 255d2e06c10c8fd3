//! The error of timer handlers that execute commands, and whether the timer is tried again.

use commands::execute::{CommandError, LoadError};
use domain::conversation::Rejection;
use follower::timers::{Recovery, TimerError};
use std::error::Error;

/// The error of every timer handler that executes commands, most of them on conversations.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) struct HandlerError<R: Error + 'static = Rejection>(#[from] CommandError<R>);

impl<R: Error + 'static> From<LoadError> for HandlerError<R> {
    fn from(error: LoadError) -> Self {
        Self(error.into())
    }
}

impl<R: Error + Send + Sync + 'static> TimerError for HandlerError<R> {
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
