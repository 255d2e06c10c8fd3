//! The decision between a retry and a skip when a process manager cannot load a stream or execute a command.

use commands::execute::{CommandError, LoadError};
use follower::FollowError;
use std::convert::Infallible;
use std::error::Error;
use std::fmt::Display;

/// Chooses between projecting the page again and logging the error and continuing.
pub(crate) trait OrSkip<T> {
    /// `Ok(None)` when a retry cannot fix the error; see [`FollowError::or_skip`].
    fn or_skip(self, subject: &dyn Display, consequence: &'static str) -> Result<Option<T>, FollowError>;
}

impl<T> OrSkip<T> for Result<T, LoadError> {
    fn or_skip(self, subject: &dyn Display, consequence: &'static str) -> Result<Option<T>, FollowError> {
        self.map_err(CommandError::<Infallible>::from).or_skip(subject, consequence)
    }
}

impl<T, R: Error + Send + Sync + 'static> OrSkip<T> for Result<T, CommandError<R>> {
    fn or_skip(self, subject: &dyn Display, consequence: &'static str) -> Result<Option<T>, FollowError> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(error) => follow_error(error).or_skip(subject, consequence),
        }
    }
}

fn follow_error<R: Error + Send + Sync + 'static>(error: CommandError<R>) -> FollowError {
    match error {
        CommandError::Unavailable(unavailable) => FollowError::Log(unavailable),
        CommandError::Contended => FollowError::Contended,
        CommandError::Damaged { stream, source } => FollowError::Damaged { stream, source },
        rejected @ (CommandError::Rejected(_)
        | CommandError::NotFound
        | CommandError::VersionMismatch { .. }
        | CommandError::KeyReused) => FollowError::Refused(Box::new(rejected)),
    }
}
