//! One run of one clock.

use super::alarm::{Alarm, AlarmKind};
use super::micros::moment;
use super::terms::Deadline;
use event_schemas::Timestamp;
use event_schemas::message::SlaMetric;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A clock as others see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    pub metric: SlaMetric,
    /// Which run of this metric's clock in the conversation, from 1. A next response counts up.
    pub generation: u32,
    pub started_at: Timestamp,
    /// `None` while the clock is paused, or when business hours never come again.
    pub due_at: Option<Timestamp>,
    pub warn_at: Option<Timestamp>,
    pub warned: bool,
    pub state: TimerState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerState {
    Running,
    /// It stands still with so much business time left.
    Paused {
        remaining: Duration,
    },
    /// In time.
    Met {
        at: Timestamp,
    },
    /// The deadline passed. The answer may have come since.
    Breached {
        met_at: Option<Timestamp>,
    },
    /// The wait ended without an answer.
    Cancelled {
        at: Timestamp,
    },
}

impl TimerState {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused { .. } => "paused",
            Self::Met { .. } => "met",
            Self::Breached { .. } => "breached",
            Self::Cancelled { .. } => "cancelled",
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum How {
    #[serde(rename = "m")]
    Met,
    #[serde(rename = "c")]
    Cancelled,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Clock {
    #[serde(rename = "g")]
    generation: u32,
    #[serde(rename = "s", with = "moment")]
    started_at: Timestamp,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
    /// How often a warning was taken back because the promise changed.
    #[serde(rename = "w", default, skip_serializing_if = "is_zero")]
    rearmed: u32,
    /// `None` when the policy has no target for this metric and priority.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    promise: Option<Promise>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    #[serde(rename = "h")]
    how: How,
    #[serde(rename = "a", with = "moment")]
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Promise {
    #[serde(rename = "d")]
    deadline: Deadline,
    #[serde(rename = "s")]
    standing: Standing,
}

/// The state of a target. Missed is final, unless the answer turns out to have been in time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Standing {
    #[serde(rename = "f")]
    Fresh,
    #[serde(rename = "w")]
    Warned,
    #[serde(rename = "m")]
    Missed,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Clock {
    pub fn started(generation: u32, at: Timestamp) -> Self {
        Self { generation, started_at: at, ended: None, rearmed: 0, promise: None }
    }

    pub fn generation(&self) -> u32 {
        self.generation
    }

    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    pub fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    pub fn is_met(&self) -> bool {
        self.ended.is_some_and(|ended| ended.how == How::Met)
    }

    /// Applies the targets from now on. Ended and missed ones stay as they were.
    pub fn promise(&mut self, deadline: Option<Deadline>) {
        if self.is_over() || self.promise.is_some_and(|promise| promise.standing == Standing::Missed) {
            return;
        }
        if deadline.is_none() {
            self.forget_warning();
        }
        let standing = self.promise.map_or(Standing::Fresh, |promise| promise.standing);
        self.promise = deadline.map(|deadline| Promise { deadline, standing });
    }

    /// A new target deserves a new warning.
    pub fn forget_warning(&mut self) {
        if let Some(promise) = self.promise.as_mut().filter(|promise| promise.standing == Standing::Warned) {
            promise.standing = Standing::Fresh;
            self.rearmed += 1;
        }
    }

    /// Returns the breach that has no event yet.
    pub fn miss_if_due_before(&mut self, at: Timestamp, metric: SlaMetric) -> Option<Alarm> {
        let breach = self.alarms(metric).find(|alarm| alarm.kind == AlarmKind::Breach)?;
        if breach.due_at >= at {
            return None;
        }
        self.promise.as_mut()?.standing = Standing::Missed;
        Some(breach)
    }

    /// Answers whether it had been taken for missed and was not.
    pub fn end(&mut self, how: How, at: Timestamp) -> bool {
        if self.is_over() {
            return false;
        }
        self.ended = Some(Ended { how, at });
        match &mut self.promise {
            Some(Promise { deadline: Deadline::Due { at: due_at, .. }, standing })
                if *standing == Standing::Missed && at <= *due_at =>
            {
                *standing = Standing::Fresh;
                true
            }
            _ => false,
        }
    }

    /// Takes the end back.
    pub fn go_on(&mut self) {
        self.ended = None;
    }

    pub fn warned(&mut self, due_at: Timestamp) {
        self.move_on(due_at, Standing::Warned);
    }

    pub fn breached(&mut self, due_at: Timestamp) {
        self.move_on(due_at, Standing::Missed);
    }

    fn move_on(&mut self, told: Timestamp, to: Standing) {
        if let (None, Some(Promise { deadline: Deadline::Due { at, .. }, standing })) =
            (self.ended, &mut self.promise)
            && *at == told
            && *standing != Standing::Missed
        {
            *standing = to;
        }
    }

    /// The deadline of the running clock. `None` when none runs.
    pub fn awaited_until(&self) -> Option<Timestamp> {
        match (self.ended, self.promise?.deadline) {
            (None, Deadline::Due { at, .. }) => Some(at),
            (None, Deadline::Paused { .. } | Deadline::Never) | (Some(_), _) => None,
        }
    }

    /// The next event if nothing happens. A missed deadline has been returned already.
    pub fn alarms(&self, metric: SlaMetric) -> impl Iterator<Item = Alarm> + use<> {
        let Self { generation, rearmed, .. } = *self;
        let alarm = move |kind, at, due_at| Alarm { metric, kind, generation, rearmed, at, due_at };
        let (warning, breach) = match (self.ended, self.promise) {
            (None, Some(Promise { deadline: Deadline::Due { at: due_at, warn_at }, standing })) => {
                let warning = warn_at.map(|at| alarm(AlarmKind::Warning, at, due_at));
                let breach = Some(alarm(AlarmKind::Breach, due_at, due_at));
                match standing {
                    Standing::Fresh => (warning, breach),
                    Standing::Warned => (None, breach),
                    Standing::Missed => (None, None),
                }
            }
            _ => (None, None),
        };
        warning.into_iter().chain(breach)
    }

    pub fn timer(&self, metric: SlaMetric) -> Option<Timer> {
        let Promise { deadline, standing } = self.promise?;
        let (due_at, warn_at) = match deadline {
            Deadline::Due { at, warn_at } => (Some(at), warn_at),
            Deadline::Paused { .. } | Deadline::Never => (None, None),
        };
        let state = match (standing, self.ended, deadline) {
            (Standing::Missed, ended, _) => TimerState::Breached {
                met_at: ended.filter(|ended| ended.how == How::Met).map(|ended| ended.at),
            },
            (_, Some(Ended { how: How::Met, at }), _) => TimerState::Met { at },
            (_, Some(Ended { how: How::Cancelled, at }), _) => TimerState::Cancelled { at },
            (_, None, Deadline::Paused { remaining }) => TimerState::Paused { remaining },
            (_, None, Deadline::Due { .. } | Deadline::Never) => TimerState::Running,
        };
        let Self { generation, started_at, .. } = *self;
        let warned = standing == Standing::Warned;
        Some(Timer { metric, generation, started_at, due_at, warn_at, warned, state })
    }
}
