//! The SLA clocks of a conversation: the targets, their deadlines, and which were met or missed.
//!
//! [`Clocks`] is computed from the conversation's own events alone. The aggregate checks with it whether an
//! alarm is still due, read models show its timers, and the process manager of SLA timers waits for its next
//! alarm.
//!
//! * **First response** runs from the opening until an agent's first message, **next response** from the
//!   customer's first unanswered message after that until an agent's next message, **resolution** from the
//!   opening until the conversation is resolved.
//! * While the conversation is resolved no clock runs, and none while it is pending if the policy says so.
//!   When a conversation is reopened its resolution clock continues.
//! * The time at which an event occurred decides: a reply at the due time is in time, whenever its event
//!   arrives. A deadline is missed once anything happens later than it, and a missed one stays missed,
//!   whatever the priority becomes.
//! * Every missed deadline is recorded once, also when the answer came before the timer noticed: until then
//!   it is among the alarms.

mod alarm;
mod choose;
mod clock;
mod micros;
mod terms;

pub use alarm::{Alarm, AlarmKind};
pub use choose::choose;
pub use clock::{Timer, TimerState};

use clock::{Clock, How};
use event_schemas::conversation::{SlaApplied, SlaBreached, SlaWarned};
use event_schemas::message::{Priority, SenderType, SlaMetric};
use event_schemas::{
    AssignmentEvent, BotEvent, ConversationEvent, DetailsEvent, LifecycleEvent, MessageEvent, SlaEvent,
    Timestamp,
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use terms::{Pause, PauseKind, Terms};

/// The clocks of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clocks {
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    terms: Option<Arc<Terms>>,
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
}

impl Clocks {
    /// The moment at which so much time has passed since `from`: business time when the conversation's SLA policy
    /// has a calendar. `None` when the business hours never reach it.
    pub fn after(&self, from: Timestamp, span: Duration) -> Option<Timestamp> {
        match &self.terms {
            Some(terms) => terms.add(from, span),
            None => Some(from + span),
        }
    }

    /// Applies an event that occurred at `at`.
    pub fn evolve(&mut self, event: &ConversationEvent, at: Timestamp) {
        use ConversationEvent as E;
        self.miss_deadlines_before(at);
        match event {
            E::Message(MessageEvent::MessageReceived(_)) => {
                self.resume(PauseKind::Pending, at);
                self.customer_waits(at);
            }
            E::Message(MessageEvent::MessageSent(sent)) => match sent.sender_type {
                SenderType::Agent => {
                    self.end(SlaMetric::FirstResponse, How::Met, at);
                    self.end(SlaMetric::NextResponse, How::Met, at);
                }
                SenderType::Bot | SenderType::System | SenderType::Contact => {}
            },
            E::Lifecycle(event) => self.apply_lifecycle(event, at),
            E::Bot(BotEvent::BotEngaged(_)) => self.resume(PauseKind::Pending, at),
            E::Assignment(AssignmentEvent::Assigned(assigned)) => {
                if assigned.assignee_id.is_some() {
                    self.resume(PauseKind::Pending, at);
                }
            }
            E::Assignment(AssignmentEvent::Unassigned(unassigned)) => {
                if unassigned.assignee_id.is_some() {
                    self.resume(PauseKind::Pending, at);
                }
            }
            E::Details(DetailsEvent::PriorityChanged(change)) => self.change_priority(change.new),
            E::Sla(SlaEvent::SlaApplied(applied)) => self.apply(applied),
            E::Sla(SlaEvent::SlaRemoved(_)) => self.remove_terms(),
            E::Sla(SlaEvent::SlaWarned(warned)) => self.warned(warned),
            E::Sla(SlaEvent::SlaBreached(breached)) => self.breached(breached),
            E::Message(
                MessageEvent::NoteAdded(_)
                | MessageEvent::MessageEdited(_)
                | MessageEvent::MessageRevoked(_)
                | MessageEvent::ReactionChanged(_)
                | MessageEvent::NoticeReceived(_),
            )
            | E::Bot(
                BotEvent::BotContextCollected(_)
                | BotEvent::BotContextRemoved(_)
                | BotEvent::InfoRequested(_)
                | BotEvent::HandoffRequested(_),
            )
            | E::Assignment(AssignmentEvent::AssignmentDropped(_))
            | E::Details(
                DetailsEvent::LabelsChanged(_)
                | DetailsEvent::SubjectChanged(_)
                | DetailsEvent::LanguageDetected(_)
                | DetailsEvent::SeenByAgent(_),
            )
            | E::Delivery(_)
            | E::Routing(_)
            | E::Automation(_) => {}
        }
    }

    fn apply_lifecycle(&mut self, event: &LifecycleEvent, at: Timestamp) {
        match event {
            LifecycleEvent::ConversationOpened(opened) => {
                self.priority = opened.priority;
                self.first_response = Some(Clock::started(1, at));
                self.resolution = Some(Clock::started(1, at));
                self.compute_deadlines();
            }
            LifecycleEvent::MarkedPending(_) => self.pause(PauseKind::Pending, at),
            LifecycleEvent::Resolved(_) => {
                self.end(SlaMetric::Resolution, How::Met, at);
                self.end(SlaMetric::NextResponse, How::Cancelled, at);
                self.pause(PauseKind::Resolved, at);
            }
            LifecycleEvent::Reopened(_) => {
                if let Some(resolution) = &mut self.resolution {
                    resolution.reopen();
                }
                self.resume(PauseKind::Pending, at);
                self.resume(PauseKind::Resolved, at);
            }
            LifecycleEvent::Closed(_) | LifecycleEvent::Expired(_) => {
                SlaMetric::ALL.into_iter().for_each(|metric| self.end(metric, How::Cancelled, at));
                self.terms = None;
                self.pauses.clear();
            }
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

    /// The next alarm, with its time.
    pub fn next_alarm(&self) -> Option<Alarm> {
        self.alarms().min_by_key(|alarm| (alarm.at, alarm.metric, alarm.kind))
    }

    /// All alarms that would become due without further events.
    pub fn alarms(&self) -> impl Iterator<Item = Alarm> {
        let coming = self.clocks().flat_map(|(metric, clock)| clock.alarms(metric));
        self.unrecorded.iter().copied().chain(coming)
    }

    /// Whether the alarm is due and has no event yet, so that its event is appended.
    pub fn is_alarm_due(&self, alarm: &Alarm, now: Timestamp) -> bool {
        alarm.at <= now && self.alarms().any(|pending| pending == *alarm)
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
    }

    /// After the first response the customer's message starts a clock, unless one runs already.
    fn customer_waits(&mut self, at: Timestamp) {
        if !self.first_response.as_ref().is_some_and(Clock::is_met) {
            return;
        }
        let generation = match &self.next_response {
            None => 1,
            Some(last) if last.is_over() => last.generation() + 1,
            Some(_) => return,
        };
        self.next_response = Some(Clock::started(generation, at));
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

    fn apply(&mut self, applied: &SlaApplied) {
        self.terms = Some(Arc::new(Terms::of(applied)));
        SlaMetric::ALL.into_iter().for_each(|metric| self.forget_warning(metric));
        self.compute_deadlines();
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

    fn warned(&mut self, warned: &SlaWarned) {
        if let Some(clock) = self.clock_mut(warned.metric) {
            clock.warned(warned.due_at);
        }
    }

    fn breached(&mut self, breached: &SlaBreached) {
        let SlaBreached { metric, due_at, .. } = *breached;
        self.unrecorded.retain(|alarm| (alarm.metric, alarm.due_at) != (metric, due_at));
        if let Some(clock) = self.clock_mut(metric) {
            clock.breached(due_at);
        }
    }
}

#[cfg(test)]
mod tests;
