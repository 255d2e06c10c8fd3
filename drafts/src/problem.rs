//! The problems of drafts.

use crate::{MOST_DRAFTS, WriteError};
use gate::Problem;
use std::error::Error;
use std::time::Duration;

gate::problem_kinds! { KINDS {
    TOO_MANY_DRAFTS: CONFLICT "too-many-drafts", "Too many drafts",
        "An agent has at most `limit` drafts in an account. Send or remove some of them.";
}}

/// When to try again after the tables could not be used.
const PAUSE: Duration = Duration::from_secs(2);

pub(crate) fn problem(error: WriteError) -> Problem {
    match error {
        WriteError::VersionMismatch { current } => {
            Problem::version_mismatch("The draft was written elsewhere since, or removed.")
                .field("If-Match")
                .with("current_version", current.map(|version| version.0))
        }
        WriteError::TooMany => {
            let detail = "You have too many drafts: send or remove some of them.";
            Problem::new(&TOO_MANY_DRAFTS, detail).with("limit", MOST_DRAFTS)
        }
        WriteError::Contended => {
            Problem::unavailable("The draft is written by too many at the same time: try again.", PAUSE)
        }
        error @ (WriteError::Location(_) | WriteError::Db(_)) => {
            tracing::warn!(error = &error as &dyn Error, "a draft could not be read or written");
            Problem::unavailable("Drafts cannot be read or written at the moment.", PAUSE)
        }
    }
}
