//! The fold of the changes: the clocks, and since when the customer waits.

use super::alarm::Alarm;
use super::change::{Change, Outcome, Speaker};
use super::clock::{Clock, How, Timer};
use super::micros::{moment, moment_if_any};
use super::terms::{self, Pause, PauseKind, Terms};
use event_schemas::message::{Priority, SlaMetric};
use event_schemas::{MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The state after some changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct State {
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Arc<Terms>>,
    #[serde(rename = "p", default)]
    priority: Priority,
    #[serde(rename = "f", default, skip_serializing_if = "Option::is_none")]
    first_response: Option<Clock>,
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    next_response: Option<Clock>,
    #[serde(rename = "r", default, skip_serializing_if = "Option::is_none")]
    resolution: Option<Clock>,
    /// The pauses of the clocks, in order. The last one may not have ended yet.
    #[serde(rename = "s", default, skip_serializing_if = "Vec::is_empty")]
    pauses: Vec<Pause>,
    /// Missed deadlines without an event yet.
    #[serde(rename = "o", default, skip_serializing_if = "Vec::is_empty")]
    unrecorded: Vec<Alarm>,
    /// Whether the customer has ever written.
    #[serde(rename = "c", default, skip_serializing_if = "is_false")]
    has_asked: bool,
    #[serde(rename = "u", default, skip_serializing_if = "Option::is_none")]
    pub unanswered: Option<Unanswered>,
    /// Whether the bot has answered the customer's last message.
    #[serde(rename = "b", default, skip_serializing_if = "is_false")]
    pub bot_answered: bool,
    #[serde(rename = "y", with = "moment_if_any", default, skip_serializing_if = "Option::is_none")]
    pub first_reply_at: Option<Timestamp>,
    #[serde(rename = "i", with = "moment")]
    pub inactive_since: Timestamp,
}

/// The customer's first message that no agent has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unanswered {
    #[serde(rename = "m")]
    pub message_id: MessageId,
    /// When it was received.
    #[serde(rename = "s", with = "moment")]
    pub since: Timestamp,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

impl State {
    /// Applies a change that occurred at `at`.
    pub fn apply(&mut self, change: &Change, at: Timestamp) {
        self.miss_deadlines_before(at);
        if change.ends_inactivity() {
            self.inactive_since = at;
        }
        match change {
            Change::Time => {}
            Change::Opened(priority) => {
                self.priority = *priority;
                self.first_response = Some(Clock::started(1, at, None));
                self.resolution = Some(Clock::started(1, at, None));
                self.compute_deadlines();
            }
            Change::Asked(message_id) => self.customer_asked(*message_id, at),
            Change::Said { by, outcome, .. } => self.said(*by, *outcome, at),
            Change::Pending => self.pause(PauseKind::Pending, at),
            Change::Resolved => {
                self.unanswered = None;
                self.end(SlaMetric::Resolution, How::Met, at);
                self.end(SlaMetric::NextResponse, How::Cancelled, at);
                self.pause(PauseKind::Resolved, at);
            }
            Change::Reopened => {
                if let Some(resolution) = &mut self.resolution {
                    resolution.reopen();
                    if self.terms.is_none() {
                        // The policy was removed while the conversation was resolved.
                        resolution.set_deadline(None);
                    }
                }
                self.resume(PauseKind::Pending, at);
                self.resume(PauseKind::Resolved, at);
            }
            Change::Closed => {
                self.unanswered = None;
                SlaMetric::ALL.into_iter().for_each(|metric| self.end(metric, How::Cancelled, at));
                self.terms = None;
                self.pauses.clear();
            }
            Change::Resumed | Change::Assigned { to_agent: true } => self.resume(PauseKind::Pending, at),
            Change::Assigned { to_agent: false } | Change::HandoffRequested => {}
            Change::Priority(priority) => self.change_priority(*priority),
            Change::Terms(Some(terms)) => {
                self.terms = Some(Arc::clone(terms));
                SlaMetric::ALL.into_iter().for_each(|metric| self.forget_warning(metric));
                self.compute_deadlines();
            }
            Change::Terms(None) => self.remove_terms(),
            Change::Warned { metric, due_at } => {
                if let Some(clock) = self.clock_mut(*metric) {
                    clock.warned(*due_at);
                }
            }
            Change::Breached { metric, due_at } => self.breached(*metric, *due_at),
        }
    }

    fn customer_asked(&mut self, message_id: MessageId, at: Timestamp) {
        self.has_asked = true;
        self.bot_answered = false;
        self.unanswered = self.unanswered.or(Some(Unanswered { message_id, since: at }));
        self.resume(PauseKind::Pending, at);
        self.start_clock(message_id, at);
    }

    fn said(&mut self, by: Speaker, outcome: Outcome, at: Timestamp) {
        match (by, outcome) {
            (Speaker::Agent, Outcome::Unknown | Outcome::Delivered) => {
                let first = self.first_response.as_mut().filter(|clock| !self.has_asked && !clock.is_met());
                // A message before this one failed.
                first.into_iter().for_each(Clock::reopen);
                self.unanswered = None;
                self.first_reply_at = self.first_reply_at.or(Some(at));
                self.end(SlaMetric::FirstResponse, How::Met, at);
                self.end(SlaMetric::NextResponse, How::Met, at);
            }
            // The message that began the conversation failed. No customer waits for an answer.
            (Speaker::Agent, Outcome::Failed) if !self.has_asked => {
                self.end(SlaMetric::FirstResponse, How::Cancelled, at);
            }
            (Speaker::Bot, Outcome::Unknown | Outcome::Delivered) => self.bot_answered = true,
            (Speaker::Agent | Speaker::Bot, Outcome::Failed) | (Speaker::Program, _) => {}
        }
    }

    /// The timers of the latest clock of each metric, for metrics with a target.
    pub fn timers(&self) -> impl Iterator<Item = Timer> {
        self.clocks().filter_map(|(metric, clock)| clock.timer(metric))
    }

    /// The earliest deadline that is not met yet, overdue ones included.
    pub fn next_deadline(&self) -> Option<(SlaMetric, Timestamp)> {
        self.clocks()
            .filter_map(|(metric, clock)| Some((metric, clock.awaited_until()?)))
            .min_by_key(|(metric, due_at)| (*due_at, *metric))
    }

    /// All alarms that would become due without further events.
    pub fn alarms(&self) -> impl Iterator<Item = Alarm> {
        let coming = self.clocks().flat_map(|(metric, clock)| clock.alarms(metric));
        self.unrecorded.iter().copied().chain(coming)
    }

    fn clocks(&self) -> impl Iterator<Item = (SlaMetric, &Clock)> {
        SlaMetric::ALL.into_iter().filter_map(|metric| Some((metric, self.clock(metric)?)))
    }

    fn clock(&self, metric: SlaMetric) -> Option<&Clock> {
        match metric {
            SlaMetric::FirstResponse => self.first_response.as_ref(),
            SlaMetric::NextResponse => self.next_response.as_ref(),
            SlaMetric::Resolution => self.resolution.as_ref(),
        }
    }

    fn clock_mut(&mut self, metric: SlaMetric) -> Option<&mut Clock> {
        match metric {
            SlaMetric::FirstResponse => self.first_response.as_mut(),
            SlaMetric::NextResponse => self.next_response.as_mut(),
            SlaMetric::Resolution => self.resolution.as_mut(),
        }
    }

    fn miss_deadlines_before(&mut self, at: Timestamp) {
        for metric in SlaMetric::ALL {
            let missed = self.clock_mut(metric).and_then(|clock| clock.miss_if_due_before(at, metric));
            self.unrecorded.extend(missed);
        }
        // Whether one event or several came since the deadlines passed, the order is the same.
        self.unrecorded.sort_by_key(|alarm| (alarm.at, alarm.metric, alarm.generation));
    }

    /// After the first response the customer's message starts a clock, unless one runs already. When the message that
    /// began the conversation failed, the customer's first message starts the clock of the first response.
    fn start_clock(&mut self, message_id: MessageId, at: Timestamp) {
        let Some(first) = self.first_response.filter(Clock::is_over) else { return };
        let clock = if first.is_met() { &mut self.next_response } else { &mut self.first_response };
        let generation = match clock {
            None => 1,
            Some(last) if last.is_over() => last.generation() + 1,
            Some(_) => return,
        };
        *clock = Some(Clock::started(generation, at, Some(message_id)));
        self.compute_deadlines();
    }

    fn end(&mut self, metric: SlaMetric, how: How, at: Timestamp) {
        let Some(clock) = self.clock_mut(metric) else { return };
        if clock.end(how, at) {
            // The deadline counted as missed, but the event occurred in time.
            let generation = clock.generation();
            self.unrecorded.retain(|alarm| (alarm.metric, alarm.generation) != (metric, generation));
        }
    }

    fn pause(&mut self, kind: PauseKind, at: Timestamp) {
        if self.pauses.last().is_some_and(|last| last.is(kind)) {
            return;
        }
        terms::begin_pause(&mut self.pauses, kind, at);
        self.compute_deadlines();
    }

    fn resume(&mut self, kind: PauseKind, at: Timestamp) {
        if let Some(last) = self.pauses.last_mut().filter(|last| last.is(kind)) {
            last.end(at);
            self.compute_deadlines();
        }
    }

    fn remove_terms(&mut self) {
        self.terms = None;
        for metric in SlaMetric::ALL {
            if let Some(clock) = self.clock_mut(metric) {
                clock.set_deadline(None);
            }
        }
    }

    fn change_priority(&mut self, priority: Priority) {
        if let Some(terms) = self.terms.clone() {
            let (old, new) = (self.priority, priority);
            SlaMetric::ALL
                .into_iter()
                .filter(|metric| terms.target(*metric, old) != terms.target(*metric, new))
                .for_each(|metric| self.forget_warning(metric));
        }
        self.priority = priority;
        self.compute_deadlines();
    }

    fn forget_warning(&mut self, metric: SlaMetric) {
        if let Some(clock) = self.clock_mut(metric) {
            clock.forget_warning();
        }
    }

    /// Computes the deadlines of all clocks that have not ended.
    fn compute_deadlines(&mut self) {
        let Some(terms) = self.terms.clone() else { return };
        let Self { priority, pauses, .. } = self;
        let clocks = [
            (SlaMetric::FirstResponse, &mut self.first_response),
            (SlaMetric::NextResponse, &mut self.next_response),
            (SlaMetric::Resolution, &mut self.resolution),
        ];
        for (metric, clock) in clocks {
            if let Some(clock) = clock {
                let target = terms.target(metric, *priority);
                let deadline = target.map(|target| terms.deadline(target, clock.started_at(), pauses));
                clock.set_deadline(deadline);
            }
        }
    }

    fn breached(&mut self, metric: SlaMetric, due_at: Timestamp) {
        self.unrecorded.retain(|alarm| (alarm.metric, alarm.due_at) != (metric, due_at));
        if let Some(clock) = self.clock_mut(metric) {
            clock.breached(due_at);
        }
    }
}
