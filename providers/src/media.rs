//! Files that customers send. A provider stores them for a limited time, behind its own authentication.

use crate::Source;
use std::time::Duration;

/// A file that was fetched and written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedMedia {
    /// `None` when the provider does not state it.
    pub mime_type: Option<String>,
    /// The number of bytes that were written.
    pub size: u64,
}

/// Why a file was not fetched. Bytes may have been written before the error.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    #[error("files of channels of this type cannot be fetched")]
    NotSupported,
    /// A later attempt may succeed.
    #[error("try again: {reason}")]
    TryAgain {
        /// The wait that the provider asks for.
        after: Option<Duration>,
        reason: String,
        #[source]
        source: Option<Source>,
    },
    /// No attempt will succeed: the file has expired, or it is too large.
    #[error("given up with {code}: {reason}")]
    GiveUp { code: String, reason: String },
}
