//! Which events of a conversation can be undone, and what restores the state before them.
//!
//! An event can be undone while nothing later depends on it: no later event has changed the same part of the
//! conversation. An undo is recorded as `ChangeUndone` with the events that restore the state before. Both the events
//! that were undone and those of the undo are then as if they had not occurred, so that the event before can be undone
//! as well, and an undo can itself be undone.

mod restore;

#[cfg(test)]
mod tests;

use crate::history::PastEvent;
use crate::lifecycle::Lifecycle;
use event_schemas::conversation::ChangeUndone;
use event_schemas::{
    ActionEvent, AssignmentEvent, BotEvent, ConversationEvent, DetailsEvent, EventId, LifecycleEvent,
    SlaEvent, Timestamp,
};
pub use restore::Restored;
use std::collections::HashMap;
use std::ops::Range;

/// A part of a conversation that an event changes, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// The status, the assignment and the snooze, which depend on each other.
    Lifecycle,
    Priority,
    Label(String),
    Subject,
    Sla,
    /// A fact that the bot or a program has collected.
    Fact(String),
}

/// Why an event cannot be undone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    #[error("it cannot be taken back: it records what was written, or what happened elsewhere")]
    Final,
    #[error("the conversation is closed")]
    Closed,
    #[error("it was undone already")]
    Undone { by: EventId },
    #[error("it is a part of an undo, which can be undone as a whole")]
    PartOfUndo { undo: EventId },
    #[error("something later depends on it")]
    DependedOn { later: EventId },
    #[error("the conversation is resolved, and gets its former agent again only after it was reopened")]
    Resolved,
    #[error("the snooze that it ended is over by now")]
    SnoozeOver,
}

impl Obstacle {
    /// The word of the reason in the API.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::Closed => "closed",
            Self::Undone { .. } => "undone",
            Self::PartOfUndo { .. } => "part_of_undo",
            Self::DependedOn { .. } => "depended_on",
            Self::Resolved => "resolved",
            Self::SnoozeOver => "snooze_over",
        }
    }

    /// The event that is the reason. `None` when no single event is.
    pub const fn event(&self) -> Option<EventId> {
        match self {
            Self::Undone { by } => Some(*by),
            Self::PartOfUndo { undo } => Some(*undo),
            Self::DependedOn { later } => Some(*later),
            Self::Final | Self::Closed | Self::Resolved | Self::SnoozeOver => None,
        }
    }
}

/// The way to undo events: the state of each part before them.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The events that are undone.
    pub event_ids: Vec<EventId>,
    pub restored: Vec<Restored>,
}

/// The whole history of a conversation, with what each event changed.
pub struct History<'e> {
    events: &'e [PastEvent],
    parts: Vec<Vec<Part>>,
    /// The lifecycle before each event, and after the last one.
    lifecycles: Vec<Lifecycle>,
    /// The index of the undo that undid an event.
    undone_by: Vec<Option<usize>>,
    /// The index of the earliest event that the undo took back to which an event belongs. `None` when it belongs to none.
    reach: Vec<Option<usize>>,
}

impl<'e> History<'e> {
    /// `events` are all events of the conversation, oldest first.
    pub fn of(events: &'e [PastEvent]) -> Self {
        let mut lifecycle = Lifecycle::default();
        let mut lifecycles = vec![lifecycle.clone()];
        let mut parts = Vec::with_capacity(events.len());
        for past in events {
            lifecycle.evolve(&past.event);
            let changed = lifecycles.last() != Some(&lifecycle);
            parts.push(parts_of(&past.event, changed));
            lifecycles.push(lifecycle.clone());
        }
        let (undone_by, reach) = (vec![None; events.len()], vec![None; events.len()]);
        let mut history = Self { events, parts, lifecycles, undone_by, reach };
        history.find_undone();
        history
    }

    /// Finds what was undone, from the newest undo to the oldest: an undo that was undone has no effect.
    fn find_undone(&mut self) {
        let index: HashMap<EventId, usize> = self.events.iter().map(|past| past.id).zip(0..).collect();
        for undo in (0..self.events.len()).rev() {
            let Some(undone) = undo_at(&self.events[undo]) else { continue };
            let undone: Vec<usize> =
                undone.event_ids.iter().filter_map(|id| index.get(id).copied()).collect();
            for at in self.act(undo) {
                self.reach[at] = undone.iter().min().copied();
            }
            if self.undone_by[undo].is_none() {
                undone.into_iter().for_each(|at| self.undone_by[at] = Some(undo));
            }
        }
    }

    /// The plan that undoes the event of this index, or why it cannot be undone.
    pub fn plan(&self, index: usize, now: Timestamp) -> Result<Plan, Obstacle> {
        if self.lifecycles.last().is_some_and(Lifecycle::is_closed) {
            return Err(Obstacle::Closed);
        }
        if let Some(undo) = self.undone_by[index] {
            return Err(Obstacle::Undone { by: self.events[undo].id });
        }
        if let Some(undo) = self.undo_around(index) {
            return Err(Obstacle::PartOfUndo { undo: self.events[undo].id });
        }
        let unit = self.unit(index);
        let targets: Vec<usize> = unit.clone().filter(|at| self.is_target(*at)).collect();
        if targets.is_empty() {
            return Err(Obstacle::Final);
        }
        if let Some(later) = self.dependent(&targets, unit.end) {
            return Err(Obstacle::DependedOn { later: self.events[later].id });
        }
        let restored = self.restored(&targets, unit.end, now)?;
        let head = Some(index).filter(|at| self.events[*at].is_head());
        let event_ids = head.iter().chain(&targets).map(|at| self.events[*at].id).collect();
        Ok(Plan { event_ids, restored })
    }

    /// Whether the event changed something, can be undone as such, and has not been.
    fn is_target(&self, at: usize) -> bool {
        is_reversible(&self.events[at].event) && !self.parts[at].is_empty() && self.undone_by[at].is_none()
    }

    /// The events that are undone together with an event: those of a macro, a rule, a bulk change or an undo, and the changes of
    /// status and assignment that one act made.
    fn unit(&self, index: usize) -> Range<usize> {
        if self.events[index].is_head() {
            return self.act(index);
        }
        let is_step = |at: usize| {
            self.parts[at].contains(&Part::Lifecycle)
                && is_reversible(&self.events[at].event)
                && self.events[at].same_act(&self.events[index])
        };
        if !is_step(index) {
            return index..index + 1;
        }
        let first = (0..index).rev().take_while(|at| is_step(*at)).last().unwrap_or(index);
        let end = (index..self.events.len()).take_while(|at| is_step(*at)).last().unwrap_or(index) + 1;
        first..end
    }

    /// The events of a macro, a rule, a bulk change or an undo: its own and those that follow from it.
    fn act(&self, head: usize) -> Range<usize> {
        let follows = |past: &&PastEvent| !past.is_head() && past.same_act(&self.events[head]);
        head..head + 1 + self.events[head + 1..].iter().take_while(follows).count()
    }

    /// The undo to whose act an event belongs. `None` when it belongs to none, or is the undo itself.
    fn undo_around(&self, index: usize) -> Option<usize> {
        let head = (0..index).rev().find(|at| self.events[*at].is_head())?;
        let is_inside = undo_at(&self.events[head]).is_some() && self.act(head).contains(&index);
        is_inside.then_some(head).filter(|_| !self.events[index].is_head())
    }

    /// The first later event in effect that has changed what these events changed.
    fn dependent(&self, targets: &[usize], end: usize) -> Option<usize> {
        let changes = |later: &usize| {
            let parts = &self.parts[*later];
            targets.iter().any(|at| self.parts[*at].iter().any(|part| parts.contains(part)))
        };
        (end..self.events.len()).filter(|later| !self.is_neutral(*later, end)).find(changes)
    }

    /// Whether an event is without effect on what was before `since`: it was undone, or its undo took back only what
    /// came after.
    fn is_neutral(&self, later: usize, since: usize) -> bool {
        self.undone_by[later].is_some() || self.reach[later].is_some_and(|earliest| earliest >= since)
    }
}

fn undo_at(past: &PastEvent) -> Option<&ChangeUndone> {
    let ConversationEvent::Automation(ActionEvent::ChangeUndone(undone)) = &past.event else { return None };
    Some(undone)
}

/// Whether a person can take back what the event changed.
fn is_reversible(event: &ConversationEvent) -> bool {
    use ConversationEvent as E;
    match event {
        E::Lifecycle(
            LifecycleEvent::MarkedPending(_) | LifecycleEvent::Resolved(_) | LifecycleEvent::Reopened(_),
        )
        | E::Assignment(AssignmentEvent::Assigned(_) | AssignmentEvent::Unassigned(_))
        | E::Bot(
            BotEvent::BotEngaged(_) | BotEvent::BotContextCollected(_) | BotEvent::BotContextRemoved(_),
        )
        | E::Sla(SlaEvent::SlaApplied(_) | SlaEvent::SlaRemoved(_))
        | E::Details(
            DetailsEvent::PriorityChanged(_)
            | DetailsEvent::LabelsChanged(_)
            | DetailsEvent::SubjectChanged(_),
        ) => true,
        E::Lifecycle(
            LifecycleEvent::ConversationOpened(_) | LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_),
        )
        | E::Assignment(AssignmentEvent::AssignmentDropped(_))
        | E::Bot(BotEvent::HandoffRequested(_) | BotEvent::InfoRequested(_))
        | E::Sla(SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_))
        | E::Details(
            DetailsEvent::LanguageDetected(_)
            | DetailsEvent::SeenByAgent(_)
            | DetailsEvent::DisplayNameChanged(_),
        )
        | E::Message(_)
        | E::Delivery(_)
        | E::Routing(_)
        | E::Automation(_)
        | E::Schedule(_) => false,
    }
}

fn parts_of(event: &ConversationEvent, changes_lifecycle: bool) -> Vec<Part> {
    use ConversationEvent as E;
    let mut parts: Vec<Part> = match event {
        E::Details(DetailsEvent::PriorityChanged(_)) => vec![Part::Priority],
        E::Details(DetailsEvent::SubjectChanged(_)) => vec![Part::Subject],
        E::Details(DetailsEvent::LabelsChanged(change)) => {
            change.added.iter().chain(&change.removed).cloned().map(Part::Label).collect()
        }
        E::Sla(SlaEvent::SlaApplied(_) | SlaEvent::SlaRemoved(_)) => vec![Part::Sla],
        E::Bot(BotEvent::BotContextCollected(collected)) => {
            collected.fields.keys().cloned().map(Part::Fact).collect()
        }
        E::Bot(BotEvent::BotContextRemoved(removed)) => {
            removed.fields.iter().cloned().map(Part::Fact).collect()
        }
        E::Details(
            DetailsEvent::LanguageDetected(_)
            | DetailsEvent::SeenByAgent(_)
            | DetailsEvent::DisplayNameChanged(_),
        )
        | E::Sla(SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_))
        | E::Bot(BotEvent::BotEngaged(_) | BotEvent::HandoffRequested(_) | BotEvent::InfoRequested(_))
        | E::Lifecycle(_)
        | E::Assignment(_)
        | E::Message(_)
        | E::Delivery(_)
        | E::Routing(_)
        | E::Automation(_)
        | E::Schedule(_) => Vec::new(),
    };
    if changes_lifecycle {
        parts.push(Part::Lifecycle);
    }
    parts
}
