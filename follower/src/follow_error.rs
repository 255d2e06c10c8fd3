//! The errors of a projection, and which of them stop a follower.

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
    /// Other writers changed the same stream at the same time, until the command had no retries left.
    #[error("a command that follows from an event conflicted with other writers")]
    Contended,
    /// The history of a stream that an event refers to cannot be read, now or later.
    #[error("the history of {stream} cannot be read")]
    Damaged {
        stream: String,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
    /// A command that follows from an event was rejected, and would be rejected again.
    #[error("a command that follows from an event was rejected")]
    Refused(#[source] Box<dyn Error + Send + Sync>),
}

impl FollowError {
    /// Whether a retry may help. The runner then projects the page again; otherwise it stops.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Db(_) | Self::Log(_) | Self::Contended => true,
            Self::Damaged { .. } | Self::Refused(_) => false,
        }
    }

    /// Skips a command that cannot succeed, because one account or conversation must not stop a follower for all
    /// others. An error that may pass is returned, so that the page is projected again. Any other error is logged with
    /// `subject`, which names the account or conversation, and `consequence`, which says what is not done.
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
    fn an_unavailable_log_is_returned_and_a_damaged_history_is_skipped() {
        let unavailable = FollowError::Log(Unavailable::because("the disk is full"));
        assert!(matches!(unavailable.or_skip::<()>(&"account 1", "nothing"), Err(FollowError::Log(_))));
        let stream = "conversation-1".to_owned();
        let damaged = FollowError::Damaged { stream, source: "half an event".into() };
        assert!(matches!(damaged.or_skip::<()>(&"account 1", "nothing"), Ok(None)));
    }
}
