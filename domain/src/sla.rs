//! The SLA clocks of a conversation: the targets, their deadlines, which were met or missed, and since when the customer
//! waits.
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
//! * An answer counts from the moment at which it is sent. When it fails, everything is as if only the other messages had
//!   been sent, until the provider reports that it was delivered after all. A message before the customer's first one
//!   is no answer: when it fails, no target runs before the customer writes.
//! * Every missed deadline is recorded once, also when the answer came before the timer noticed: until then
//!   it is among the alarms.

mod alarm;
mod change;
mod choose;
mod clock;
mod micros;
mod state;
mod terms;

pub use alarm::{Alarm, AlarmKind};
pub use choose::choose;
pub use clock::{Timer, TimerState};
pub use state::Unanswered;

use change::{Change, Outcome};
use event_schemas::message::SlaMetric;
use event_schemas::{ConversationEvent, DeliveryEvent, MessageId, Timestamp};
use micros::moment;
use serde::{Deserialize, Serialize};
use state::State;
use std::time::Duration;

/// The most changes that are kept after the first answer that may still fail. A failure of an older answer changes
/// nothing.
const MOST_UNSETTLED: usize = 64;

/// The clocks of one conversation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Clocks {
    now: State,
    /// `None` when every message to the customer is settled.
    unsettled: Option<Box<Unsettled>>,
}

/// The changes by which the clocks are computed again when an answer fails.
#[derive(Clone, Debug, PartialEq)]
struct Unsettled {
    /// The state before the first message to the customer that may still fail.
    before: State,
    /// That message, and what followed it.
    later: Vec<Later>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Later {
    #[serde(rename = "c")]
    change: Change,
    #[serde(rename = "a", with = "moment")]
    at: Timestamp,
}

/// The clocks as they are serialised: the state before the changes, and the changes.
#[derive(Serialize, Deserialize)]
struct Stored {
    #[serde(rename = "s")]
    state: State,
    #[serde(rename = "l", default, skip_serializing_if = "Vec::is_empty")]
    later: Vec<Later>,
}

impl From<Stored> for Clocks {
    fn from(Stored { state, later }: Stored) -> Self {
        if later.is_empty() {
            return Self { now: state, unsettled: None };
        }
        let unsettled = Unsettled { before: state, later };
        Self { now: unsettled.state(), unsettled: Some(Box::new(unsettled)) }
    }
}

impl From<Clocks> for Stored {
    fn from(clocks: Clocks) -> Self {
        match clocks.unsettled {
            Some(unsettled) => Self { state: unsettled.before, later: unsettled.later },
            None => Self { state: clocks.now, later: Vec::new() },
        }
    }
}

impl Clocks {
    /// Applies an event that occurred at `at`.
    pub fn evolve(&mut self, event: &ConversationEvent, at: Timestamp) {
        if let ConversationEvent::Delivery(report) = event {
            match report {
                DeliveryEvent::MessageFailed(report) => self.settle(report.message_id, Outcome::Failed),
                DeliveryEvent::MessageDelivered(report) => self.settle(report.message_id, Outcome::Delivered),
                DeliveryEvent::MessageRead(report) => self.settle(report.message_id, Outcome::Delivered),
                DeliveryEvent::MessageDispatched(_) => {}
            }
        }
        self.add(Change::of(event), at);
    }

    fn add(&mut self, change: Change, at: Timestamp) {
        if self.unsettled.is_none() && change.is_unsettled() {
            self.unsettled = Some(Box::new(Unsettled { before: self.now.clone(), later: Vec::new() }));
        }
        self.now.apply(&change, at);
        if change == Change::Closed && self.timers().next().is_none() {
            // No table keeps the clocks of every closed conversation for a failure that would change no target.
            self.unsettled = None;
        }
        let has_deadlines = self.now.terms.is_some();
        if let Some(unsettled) = self.unsettled.as_mut().filter(|_| change != Change::Time || has_deadlines) {
            unsettled.add(Later { change, at });
        }
    }

    /// Records the delivery of a message to the customer.
    fn settle(&mut self, message: MessageId, new: Outcome) {
        let Some(unsettled) = &mut self.unsettled else { return };
        let Some(old) = unsettled.set_outcome(message, new) else { return };
        if old == Outcome::Failed || new == Outcome::Failed {
            self.now = unsettled.state();
        }
        unsettled.forget_settled();
        if unsettled.later.is_empty() {
            self.unsettled = None;
        }
    }

    /// Whether the failure of a message can change the clocks.
    pub fn is_unsettled(&self) -> bool {
        self.unsettled.is_some()
    }

    /// The customer's first message that no agent has answered. `None` when the customer does not wait.
    pub fn unanswered(&self) -> Option<Unanswered> {
        self.now.unanswered
    }

    /// Whether the bot has answered the customer's last message.
    pub fn is_answered_by_bot(&self) -> bool {
        self.now.bot_answered
    }

    /// The time of the first answer by an agent.
    pub fn first_reply_at(&self) -> Option<Timestamp> {
        self.now.first_reply_at
    }

    /// The time of the last event that ends inactivity.
    pub fn inactive_since(&self) -> Timestamp {
        self.now.inactive_since
    }

    /// The moment at which so much time has passed since `from`: business time when the conversation's SLA policy
    /// has a calendar. `None` when the business hours never reach it.
    pub fn after(&self, from: Timestamp, span: Duration) -> Option<Timestamp> {
        match &self.now.terms {
            Some(terms) => terms.add(from, span),
            None => Some(from + span),
        }
    }

    /// The timers of the latest clock of each metric, for metrics with a target.
    pub fn timers(&self) -> impl Iterator<Item = Timer> {
        self.now.timers()
    }

    /// The earliest deadline that is not met yet, overdue ones included.
    pub fn next_deadline(&self) -> Option<(SlaMetric, Timestamp)> {
        self.now.next_deadline()
    }

    /// The next alarm, with its time.
    pub fn next_alarm(&self) -> Option<Alarm> {
        self.alarms().min_by_key(|alarm| (alarm.at, alarm.metric, alarm.kind))
    }

    /// All alarms that would become due without further events.
    pub fn alarms(&self) -> impl Iterator<Item = Alarm> {
        self.now.alarms()
    }

    /// Whether the alarm is due and has no event yet, so that its event is appended.
    pub fn is_alarm_due(&self, alarm: &Alarm, now: Timestamp) -> bool {
        alarm.at <= now && self.alarms().any(|pending| pending == *alarm)
    }
}

/// Whether the event ends inactivity: messages, and events that assign or hand over, do.
pub fn ends_inactivity(event: &ConversationEvent) -> bool {
    Change::of(event).ends_inactivity()
}

impl Unsettled {
    fn state(&self) -> State {
        let mut state = self.before.clone();
        self.later.iter().for_each(|later| state.apply(&later.change, later.at));
        state
    }

    fn add(&mut self, new: Later) {
        match self.later.last_mut() {
            // The next change shows the same passing of time.
            Some(Later { change: Change::Time, at }) if new.change == Change::Time => *at = new.at.max(*at),
            Some(last) if last.change == Change::Time && last.at <= new.at => *last = new,
            Some(_) | None => self.later.push(new),
        }
        if self.later.len() > MOST_UNSETTLED {
            self.forget_first();
            self.forget_settled();
        }
    }

    /// Returns the delivery that was known before. `None` when it is settled, or not a message to the customer.
    fn set_outcome(&mut self, message: MessageId, new: Outcome) -> Option<Outcome> {
        self.later.iter_mut().find_map(|later| match &mut later.change {
            Change::Said { message_id, outcome, .. } if *message_id == message => {
                Some(std::mem::replace(outcome, new))
            }
            _ => None,
        })
    }

    fn forget_first(&mut self) {
        let first = self.later.remove(0);
        self.before.apply(&first.change, first.at);
    }

    /// Forgets the changes before the first message that may still fail.
    fn forget_settled(&mut self) {
        while self.later.first().is_some_and(|first| !first.change.is_unsettled()) {
            self.forget_first();
        }
    }
}

#[cfg(test)]
mod tests;
