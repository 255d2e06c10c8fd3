//! The history of the log as a whole: the stream `log-moves`.

use crate::events::events;
use crate::message::words;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of the stream `log-moves`.
    pub enum LogEvent {
        LogMoved = 1,
    }
}

words! {
    /// How a log came to where it is.
    MoveKind {
        /// Its events were exported from another log.
        Import = "import",
        /// It was restored from a backup.
        Restore = "restore",
    }
}

/// The log was moved. Every event before this one is history: it causes no message and no webhook any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LogMoved {
    pub by: MoveKind,
}
