//! A bulk change: which conversations are changed, how far it is, and that it is taken back at most once.

#[cfg(test)]
mod tests;

use crate::aggregate::{Decide, Evolve};
use crate::catalogue::check_actions;
use event_schemas::automation::{Action, ActionKind};
use event_schemas::bulk::{BulkAdvanced, BulkRefusal, BulkStarted, BulkUndoAdvanced, BulkUndoStarted};
use event_schemas::{BulkEvent, Timestamp};
use std::collections::HashSet;

/// The conversations that one bulk change may have.
pub const MOST_CONVERSATIONS: usize = 5_000;

/// The state of a stream `bulk-<uuid>`.
#[derive(Clone, Debug, Default)]
pub enum Bulk {
    #[default]
    NotStarted,
    Started(Box<Running>),
}

/// A bulk change that was started.
#[derive(Clone, Debug, PartialEq)]
pub struct Running {
    pub started: BulkStarted,
    pub started_at: Timestamp,
    pub changes: Progress,
    /// `None` when it is not taken back.
    pub undo: Option<Undoing>,
}

/// A bulk change that is taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undoing {
    pub started: BulkUndoStarted,
    pub progress: Progress,
}

/// How far a bulk change is, or its undo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// How many conversations of the list are done.
    pub done: usize,
    /// How many of them were changed, or are as they were before.
    pub changed: usize,
    pub refused: Vec<BulkRefusal>,
}

impl Progress {
    fn advance(&mut self, done: u32, changed: u32, refused: &[BulkRefusal]) {
        self.done = done as usize;
        self.changed += changed as usize;
        self.refused.extend_from_slice(refused);
    }
}

impl Running {
    pub fn total(&self) -> usize {
        self.started.conversation_ids.len()
    }
    /// Whether all conversations are done, also those of an undo.
    pub fn is_done(&self) -> bool {
        let undone = self.undo.as_ref().is_none_or(|undo| undo.progress.done >= self.total());
        self.changes.done >= self.total() && undone
    }
}

impl Bulk {
    pub fn started(&self) -> Result<&Running, Rejection> {
        match self {
            Self::NotStarted => Err(Rejection::NotStarted),
            Self::Started(running) => Ok(running),
        }
    }
}

/// Why a command about a bulk change is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("there is no such bulk change")]
    NotStarted,
    #[error("the bulk change was started already")]
    Started,
    /// `field` is the path of the invalid field.
    #[error("{field}: {reason}")]
    Invalid { field: String, reason: String },
    #[error("the bulk change is not done yet")]
    NotDone,
    #[error("no conversation was changed")]
    NothingChanged,
    #[error("the bulk change was taken back already")]
    UndoneAlready,
}

impl Evolve for Bulk {
    type Event = BulkEvent;

    fn evolve(&mut self, event: &BulkEvent, at: Timestamp) {
        match (event, self) {
            (BulkEvent::BulkStarted(started), state) => {
                let (started, changes) = (started.clone(), Progress::default());
                *state = Self::Started(Box::new(Running { started, started_at: at, changes, undo: None }));
            }
            (BulkEvent::BulkAdvanced(step), Self::Started(running)) => {
                running.changes.advance(step.done, step.changed, &step.refused);
            }
            (BulkEvent::BulkUndoStarted(started), Self::Started(running)) => {
                running.undo = Some(Undoing { started: started.clone(), progress: Progress::default() });
            }
            (BulkEvent::BulkUndoAdvanced(step), Self::Started(running)) => {
                if let Some(undo) = &mut running.undo {
                    undo.progress.advance(step.done, step.undone, &step.refused);
                }
            }
            (
                BulkEvent::BulkAdvanced(_) | BulkEvent::BulkUndoStarted(_) | BulkEvent::BulkUndoAdvanced(_),
                Self::NotStarted,
            ) => {}
        }
    }
}

/// Starts a bulk change.
#[derive(Clone, Debug)]
pub struct Start(pub BulkStarted);

impl Decide<Bulk> for Start {
    type Rejection = Rejection;

    fn decide(&self, state: &Bulk, _: Timestamp) -> Result<Vec<BulkEvent>, Rejection> {
        if state.started().is_ok() {
            return Err(Rejection::Started);
        }
        check_conversations(&self.0)?;
        check_kinds(&self.0.actions)?;
        check_actions(&self.0.actions).map_err(|rejection| match rejection {
            crate::catalogue::Rejection::Invalid { field, reason } => Rejection::Invalid { field, reason },
            other => Rejection::Invalid { field: "actions".to_owned(), reason: other.to_string() },
        })?;
        Ok(vec![self.0.clone().into()])
    }
}

fn check_conversations(started: &BulkStarted) -> Result<(), Rejection> {
    let ids = &started.conversation_ids;
    let invalid = |field: String, reason: String| Err(Rejection::Invalid { field, reason });
    if ids.is_empty() || ids.len() > MOST_CONVERSATIONS {
        let reason = format!("has between 1 and {MOST_CONVERSATIONS} conversations");
        return invalid("conversation_ids".to_owned(), reason);
    }
    let mut seen = HashSet::with_capacity(ids.len());
    match ids.iter().position(|id| !seen.insert(id)) {
        Some(twice) => invalid(format!("conversation_ids[{twice}]"), "names a conversation twice".to_owned()),
        None => Ok(()),
    }
}

/// A message to a customer, or to another program, cannot be taken back.
fn check_kinds(actions: &[Action]) -> Result<(), Rejection> {
    for (index, action) in actions.iter().enumerate() {
        match action.kind() {
            ActionKind::AssignTeam
            | ActionKind::AssignAgent
            | ActionKind::Unassign
            | ActionKind::AddLabels
            | ActionKind::RemoveLabels
            | ActionKind::SetPriority
            | ActionKind::Snooze
            | ActionKind::Resolve
            | ActionKind::Reopen => {}
            kind @ (ActionKind::Reply | ActionKind::Note | ActionKind::Route | ActionKind::Webhook) => {
                let reason = format!("{kind} is no action of a bulk change: it cannot be taken back");
                return Err(Rejection::Invalid { field: format!("actions[{index}].type"), reason });
            }
        }
    }
    Ok(())
}

/// Records that the next conversations are done.
#[derive(Clone, Debug)]
pub struct Advance {
    /// How many were done before.
    pub from: usize,
    pub progress: Progress,
}

impl Decide<Bulk> for Advance {
    type Rejection = Rejection;

    fn decide(&self, state: &Bulk, _: Timestamp) -> Result<Vec<BulkEvent>, Rejection> {
        let running = state.started()?;
        let bulk_id = running.started.bulk_id;
        let Progress { done, changed, refused } = self.progress.clone();
        let (done, changed) = (done as u32, changed as u32);
        if running.changes.done == self.from && self.from < running.total() {
            return Ok(vec![BulkAdvanced { bulk_id, done, changed, refused }.into()]);
        }
        let undo = running.undo.as_ref().filter(|_| running.changes.done >= running.total());
        if undo.is_some_and(|undo| undo.progress.done == self.from) {
            return Ok(vec![BulkUndoAdvanced { bulk_id, done, undone: changed, refused }.into()]);
        }
        // Another process has done it.
        Ok(Vec::new())
    }
}

/// Takes a bulk change back.
#[derive(Clone, Debug)]
pub struct StartUndo(pub BulkUndoStarted);

impl Decide<Bulk> for StartUndo {
    type Rejection = Rejection;

    fn decide(&self, state: &Bulk, _: Timestamp) -> Result<Vec<BulkEvent>, Rejection> {
        let running = state.started()?;
        if running.undo.is_some() {
            return Err(Rejection::UndoneAlready);
        }
        if !running.is_done() {
            return Err(Rejection::NotDone);
        }
        if running.changes.changed == 0 {
            return Err(Rejection::NothingChanged);
        }
        Ok(vec![self.0.clone().into()])
    }
}
