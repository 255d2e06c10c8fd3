//! Why a page of the log was not taken, and which of these errors stop a follower.

use crate::db::DbError;
use event_store::Unavailable;
use std::error::Error;
use std::fmt::Display;

/// An error of a [`Projection`](crate::Projection).
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error("the tables cannot be used")]
    Db(#[from] DbError),
    #[error(transparent)]
    Log(#[from] Unavailable),
    /// Other writers changed the same stream at the same time, until the command gave up.
    #[error("a command that follows from an event was overtaken by other writers")]
    Contended,
    /// The history of a stream that an event refers to cannot be read, now or later.
    #[error("the history of {stream} cannot be read")]
    Damaged {
        stream: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A command that follows from an event was refused, and would be again.
    #[error("a command that follows from an event was refused")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl FollowError {
    /// Whether waiting may help. The runner then takes the page again, and otherwise stops.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Db(_) | Self::Log(_) | Self::Contended => true,
            Self::Damaged { .. } | Self::Refused(_) => false,
        }
    }

    /// Passes over what cannot be done: one account or conversation must not stop a follower for all of them. An
    /// error that may pass is returned, so that the page is taken again. Any other is logged with `subject`, which
    /// names what is concerned, and `consequence`, which says what is not done because of it.
    pub fn or_skip<T>(self, subject: &dyn Display, consequence: &'static str) -> Result<Option<T>, Self> {
        if self.may_pass() {
            return Err(self);
        }
        tracing::error!(%subject, error = &self as &dyn Error, "{consequence}");
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unavailable_log_is_returned_and_a_damaged_history_is_passed_over() {
        let unavailable = FollowError::Log(Unavailable::because("the disk is full"));
        assert!(matches!(unavailable.or_skip::<()>(&"account 1", "nothing"), Err(FollowError::Log(_))));
        let stream = "conversation-1".to_owned();
        let damaged = FollowError::Damaged { stream, source: "half an event".into() };
        assert!(matches!(damaged.or_skip::<()>(&"account 1", "nothing"), Ok(None)));
    }
}
