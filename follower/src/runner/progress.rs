//! The progress of a projection: its position, whether it has reached the end of the log, and its error.

use super::{Batch, Chain, Checkpoint, RunnerError};
use event_schemas::{Position, Timestamp};
use std::time::Duration;
use tokio::sync::watch;

/// Whether a projection runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    Running,
    /// It failed and tries again.
    Retrying {
        error: String,
    },
    /// It ended and does not continue without a restart.
    Stopped {
        error: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// `None` when no event was read, and after a failure of PostgreSQL until the stored checkpoint was read again.
    pub position: Option<Position>,
    /// The number of events read since the beginning of the log.
    pub events: u64,
    /// Whether the last page reached the end of the log.
    pub at_end: bool,
    /// The time at which the last event that was read had been recorded.
    pub recorded_at: Option<Timestamp>,
    pub condition: Condition,
}

impl Progress {
    pub(super) fn at(checkpoint: Checkpoint) -> Self {
        Self {
            position: checkpoint.position,
            events: checkpoint.events,
            at_end: false,
            recorded_at: None,
            condition: Condition::Running,
        }
    }

    pub(super) fn advance(&mut self, checkpoint: Checkpoint, batch: &Batch) {
        self.position = checkpoint.position;
        self.events = checkpoint.events;
        self.at_end = batch.at_end;
        self.recorded_at = batch.events.last().map(|event| event.recorded_at).or(self.recorded_at);
        self.condition = Condition::Running;
    }

    /// The runner works, and has read no event since its last page. Returns whether that is new.
    pub(super) fn works_at(&mut self, position: Option<Position>) -> bool {
        let before = std::mem::replace(&mut self.condition, Condition::Running);
        let position_before = std::mem::replace(&mut self.position, position);
        before != Condition::Running || position_before != position
    }

    pub(super) fn set_error(&mut self, error: &RunnerError, passing: bool) {
        let error = Chain(error).to_string();
        self.condition = if passing { Condition::Retrying { error } } else { Condition::Stopped { error } };
    }
}

/// The tables have not reached the position within the time limit.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the tables have not reached {wanted} yet")]
pub struct NotYet {
    pub wanted: Position,
}

/// A handle to the progress of a projection.
#[derive(Clone)]
pub struct Watch {
    progress: watch::Receiver<Progress>,
}

impl Watch {
    pub(super) fn new(progress: watch::Receiver<Progress>) -> Self {
        Self { progress }
    }

    pub fn progress(&self) -> Progress {
        self.progress.borrow().clone()
    }

    pub fn position(&self) -> Option<Position> {
        self.progress.borrow().position
    }

    /// Waits until the tables contain all events up to `wanted`, but not longer than `timeout`.
    pub async fn wait_for(&self, wanted: Position, timeout: Duration) -> Result<(), NotYet> {
        let mut progress = self.progress.clone();
        let reached = progress.wait_for(|progress| progress.position >= Some(wanted));
        match tokio::time::timeout(timeout, reached).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(NotYet { wanted }),
        }
    }
}
