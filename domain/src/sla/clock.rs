//! One clock of a metric, from its start until its end.

use super::alarm::{Alarm, AlarmKind};
use super::micros::moment;
use super::terms::Deadline;
use event_schemas::message::SlaMetric;
use event_schemas::{MessageId, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A clock of a metric that has a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timer {
    pub metric: SlaMetric,
    /// The number of this metric's clock in the conversation, from 1. Each next response has a clock of its
    /// own.
    pub generation: u32,
    pub started_at: Timestamp,
    /// `None` while the clock is paused, or when the business hours never reach the target.
    pub due_at: Option<Timestamp>,
    pub warn_at: Option<Timestamp>,
    pub warned: bool,
    pub state: TimerState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerState {
    Running,
    /// The clock is paused; so much business time remains.
    Paused {
        remaining: Duration,
    },
    /// The target was met in time.
    Met {
        at: Timestamp,
    },
    /// The deadline passed. `met_at` is the time of a late answer.
    Breached {
        met_at: Option<Timestamp>,
    },
    /// The clock ended without an answer.
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

/// How a clock ended.
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
    /// The customer's message that started it. `None` when the opening did.
    #[serde(rename = "m", default, skip_serializing_if = "Option::is_none")]
    started_by: Option<MessageId>,
    #[serde(rename = "e", default, skip_serializing_if = "Option::is_none")]
    ended: Option<Ended>,
    /// How often a warning was withdrawn because the target changed.
    #[serde(rename = "w", default, skip_serializing_if = "is_zero")]
    rearmed: u32,
    /// `None` when the policy has no target for this metric and priority.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    target: Option<Target>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Ended {
    #[serde(rename = "h")]
    how: How,
    #[serde(rename = "a", with = "moment")]
    at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Target {
    #[serde(rename = "d")]
    deadline: Deadline,
    #[serde(rename = "s")]
    target_state: TargetState,
}

/// The state of a target. `Missed` is final, unless an answer that occurred in time is appended later.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum TargetState {
    #[serde(rename = "f")]
    Open,
    #[serde(rename = "w")]
    Warned,
    #[serde(rename = "m")]
    Missed,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Clock {
    pub fn started(generation: u32, at: Timestamp, by: Option<MessageId>) -> Self {
        Self { generation, started_at: at, started_by: by, ended: None, rearmed: 0, target: None }
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

    /// Sets the deadline, unless the clock has ended or missed its target.
    pub fn set_deadline(&mut self, deadline: Option<Deadline>) {
        if self.is_over() || self.target.is_some_and(|target| target.target_state == TargetState::Missed) {
            return;
        }
        if deadline.is_none() {
            self.forget_warning();
        }
        let target_state = self.target.map_or(TargetState::Open, |target| target.target_state);
        self.target = deadline.map(|deadline| Target { deadline, target_state });
    }

    /// Withdraws the warning because the target changed: the new target has a warning of its own.
    pub fn forget_warning(&mut self) {
        if let Some(target) = self.target.as_mut().filter(|target| target.target_state == TargetState::Warned)
        {
            target.target_state = TargetState::Open;
            self.rearmed += 1;
        }
    }

    /// Returns the breach that has no event yet.
    pub fn miss_if_due_before(&mut self, at: Timestamp, metric: SlaMetric) -> Option<Alarm> {
        let breach = self.alarms(metric).find(|alarm| alarm.kind == AlarmKind::Breach)?;
        if breach.due_at >= at {
            return None;
        }
        self.target.as_mut()?.target_state = TargetState::Missed;
        Some(breach)
    }

    /// Ends the clock. Returns `true` when the target counted as missed and was met in time.
    pub fn end(&mut self, how: How, at: Timestamp) -> bool {
        if self.is_over() {
            return false;
        }
        self.ended = Some(Ended { how, at });
        match &mut self.target {
            Some(Target { deadline: Deadline::Due { at: due_at, .. }, target_state })
                if *target_state == TargetState::Missed && at <= *due_at =>
            {
                *target_state = TargetState::Open;
                true
            }
            _ => false,
        }
    }

    /// Continues the clock after its end.
    pub fn reopen(&mut self) {
        self.ended = None;
    }

    pub fn warned(&mut self, due_at: Timestamp) {
        self.set_state(due_at, TargetState::Warned);
    }

    pub fn breached(&mut self, due_at: Timestamp) {
        self.set_state(due_at, TargetState::Missed);
    }

    fn set_state(&mut self, due_at: Timestamp, to: TargetState) {
        if let (None, Some(Target { deadline: Deadline::Due { at, .. }, target_state })) =
            (self.ended, &mut self.target)
            && *at == due_at
            && *target_state != TargetState::Missed
        {
            *target_state = to;
        }
    }

    /// The deadline of the running clock. `None` when none runs.
    pub fn awaited_until(&self) -> Option<Timestamp> {
        match (self.ended, self.target?.deadline) {
            (None, Deadline::Due { at, .. }) => Some(at),
            (None, Deadline::Paused { .. } | Deadline::Never) | (Some(_), _) => None,
        }
    }

    /// The alarms that would become due without further events. A missed deadline has been returned already.
    pub fn alarms(&self, metric: SlaMetric) -> impl Iterator<Item = Alarm> + use<> {
        let Self { generation, started_by, rearmed, .. } = *self;
        let alarm =
            move |kind, at, due_at| Alarm { metric, kind, generation, started_by, rearmed, at, due_at };
        let (warning, breach) = match (self.ended, self.target) {
            (None, Some(Target { deadline: Deadline::Due { at: due_at, warn_at }, target_state })) => {
                let warning = warn_at.map(|at| alarm(AlarmKind::Warning, at, due_at));
                let breach = Some(alarm(AlarmKind::Breach, due_at, due_at));
                match target_state {
                    TargetState::Open => (warning, breach),
                    TargetState::Warned => (None, breach),
                    TargetState::Missed => (None, None),
                }
            }
            _ => (None, None),
        };
        warning.into_iter().chain(breach)
    }

    pub fn timer(&self, metric: SlaMetric) -> Option<Timer> {
        let Target { deadline, target_state } = self.target?;
        let (due_at, warn_at) = match deadline {
            Deadline::Due { at, warn_at } => (Some(at), warn_at),
            Deadline::Paused { .. } | Deadline::Never => (None, None),
        };
        let state = match (target_state, self.ended, deadline) {
            (TargetState::Missed, ended, _) => TimerState::Breached {
                met_at: ended.filter(|ended| ended.how == How::Met).map(|ended| ended.at),
            },
            (_, Some(Ended { how: How::Met, at }), _) => TimerState::Met { at },
            (_, Some(Ended { how: How::Cancelled, at }), _) => TimerState::Cancelled { at },
            (_, None, Deadline::Paused { remaining }) => TimerState::Paused { remaining },
            (_, None, Deadline::Due { .. } | Deadline::Never) => TimerState::Running,
        };
        let Self { generation, started_at, .. } = *self;
        let warned = target_state == TargetState::Warned;
        Some(Timer { metric, generation, started_at, due_at, warn_at, warned, state })
    }
}
