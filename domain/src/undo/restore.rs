//! The state of a conversation's parts before events.

use super::{History, Obstacle, Part};
use crate::lifecycle::Lifecycle;
use event_schemas::conversation::SlaApplied;
use event_schemas::message::{Priority, Status};
use event_schemas::{BotEvent, ConversationEvent, DetailsEvent, MessageEvent, SlaEvent, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A part of the conversation as it was before.
#[derive(Clone, Debug, PartialEq)]
pub enum Restored {
    Lifecycle(Lifecycle),
    Priority(Priority),
    Labels {
        added: BTreeSet<String>,
        removed: BTreeSet<String>,
    },
    Subject(Option<String>),
    /// The policy and calendar that counted before. `None` when none did.
    Sla(Option<Box<SlaApplied>>),
    /// The values before. A fact that was not known is `null`.
    Facts(Map<String, Value>),
}

impl History<'_> {
    /// The parts that these events changed, as they were before the first of them.
    pub(super) fn restored(
        &self,
        targets: &[usize],
        end: usize,
        now: Timestamp,
    ) -> Result<Vec<Restored>, Obstacle> {
        let (mut added, mut removed) = (BTreeSet::new(), BTreeSet::new());
        let (mut facts, mut restored, mut known) = (Map::new(), Vec::new(), Vec::new());
        for at in targets {
            for part in &self.parts[*at] {
                if known.contains(&part) {
                    continue;
                }
                known.push(part);
                match part {
                    Part::Lifecycle => {
                        restored.push(Restored::Lifecycle(self.lifecycle_before(*at, end, now)?))
                    }
                    Part::Priority | Part::Subject => restored.extend(self.detail_before(*at)),
                    Part::Label(label) => {
                        let labels = if self.added_label(*at, label) { &mut removed } else { &mut added };
                        labels.insert(label.clone());
                    }
                    Part::Sla => restored.push(Restored::Sla(self.sla_before(*at))),
                    Part::Fact(name) => {
                        facts.insert(name.clone(), self.fact_before(*at, name));
                    }
                }
            }
        }
        if !added.is_empty() || !removed.is_empty() {
            restored.push(Restored::Labels { added, removed });
        }
        if !facts.is_empty() {
            restored.push(Restored::Facts(facts));
        }
        // The status comes last: the other parts may not change in every status.
        restored.sort_by_key(|part| matches!(part, Restored::Lifecycle(_)));
        Ok(restored)
    }

    fn lifecycle_before(&self, at: usize, end: usize, now: Timestamp) -> Result<Lifecycle, Obstacle> {
        let before = self.lifecycles[at].clone();
        if let Some(later) = self.events[end..].iter().find(|past| would_end(before.status, &past.event)) {
            return Err(Obstacle::DependedOn { later: later.id });
        }
        let present = self.lifecycles.last().unwrap_or(&before);
        let stays_resolved = [&before, present].iter().all(|lifecycle| lifecycle.status == Status::Resolved);
        // A team that a resolved conversation gets takes the place of its former agent.
        let loses_agent = before.assignee_id.is_some() && before.team_id != present.team_id;
        if stays_resolved && (loses_agent || present.assignee_id != before.assignee_id) {
            return Err(Obstacle::Resolved);
        }
        let is_over =
            before.status == Status::Pending && before.snoozed_until.is_some_and(|until| until <= now);
        if is_over { Err(Obstacle::SnoozeOver) } else { Ok(before) }
    }

    fn detail_before(&self, at: usize) -> Option<Restored> {
        let ConversationEvent::Details(details) = &self.events[at].event else { return None };
        match details {
            DetailsEvent::PriorityChanged(change) => Some(Restored::Priority(change.old)),
            DetailsEvent::SubjectChanged(change) => Some(Restored::Subject(change.old.clone())),
            DetailsEvent::LabelsChanged(_)
            | DetailsEvent::LanguageDetected(_)
            | DetailsEvent::SeenByAgent(_)
            | DetailsEvent::DisplayNameChanged(_) => None,
        }
    }

    fn added_label(&self, at: usize, label: &String) -> bool {
        let event = &self.events[at].event;
        if let ConversationEvent::Details(DetailsEvent::LabelsChanged(change)) = event {
            return change.added.contains(label);
        }
        false
    }

    fn sla_before(&self, at: usize) -> Option<Box<SlaApplied>> {
        let mut changes = self.events[..at].iter().rev().filter_map(|past| {
            let ConversationEvent::Sla(event) = &past.event else { return None };
            match event {
                SlaEvent::SlaApplied(applied) => Some(Some(Box::new(applied.clone()))),
                SlaEvent::SlaRemoved(_) => Some(None),
                SlaEvent::SlaWarned(_) | SlaEvent::SlaBreached(_) => None,
            }
        });
        changes.next().flatten()
    }

    fn fact_before(&self, at: usize, name: &str) -> Value {
        let mut values = self.events[..at].iter().rev().filter_map(|past| {
            let ConversationEvent::Bot(event) = &past.event else { return None };
            match event {
                BotEvent::BotContextCollected(collected) => collected.fields.get(name).cloned(),
                BotEvent::BotContextRemoved(removed) => {
                    removed.fields.iter().any(|field| field == name).then_some(Value::Null)
                }
                BotEvent::BotEngaged(_) | BotEvent::HandoffRequested(_) | BotEvent::InfoRequested(_) => None,
            }
        });
        values.next().unwrap_or_default()
    }
}

/// Whether the event would have ended this status, had the conversation had it.
fn would_end(status: Status, event: &ConversationEvent) -> bool {
    match status {
        Status::Pending | Status::Resolved => {
            matches!(event, ConversationEvent::Message(MessageEvent::MessageReceived(_)))
        }
        Status::Bot => matches!(event, ConversationEvent::Bot(BotEvent::HandoffRequested(_))),
        Status::Open | Status::Assigned | Status::Closed => false,
    }
}
