//! The targets of a policy, and the arithmetic of their deadlines.

use super::micros::{moment, moment_if_any, span};
use crate::calendar::Hours;
use event_schemas::Timestamp;
use event_schemas::catalogue::SlaTargets;
use event_schemas::conversation::SlaApplied;
use event_schemas::message::{Priority, SlaMetric};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most pauses that are kept. When there are more, the oldest two become one of the same total length.
const MOST_PAUSES: usize = 64;

/// The targets of a policy, and the hours in which they count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Terms {
    /// Seconds until the first response, the next response and the resolution.
    #[serde(rename = "t")]
    targets: BTreeMap<Priority, [Option<u32>; 3]>,
    #[serde(rename = "w", default, skip_serializing_if = "Option::is_none")]
    warn_before: Option<u32>,
    #[serde(rename = "p")]
    pause_while_pending: bool,
    /// `None` when every hour counts.
    #[serde(rename = "h", default, skip_serializing_if = "Option::is_none")]
    hours: Option<Hours>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum PauseKind {
    #[serde(rename = "p")]
    Pending,
    #[serde(rename = "r")]
    Resolved,
}

/// A time during which clocks are paused. `until` is `None` while the pause lasts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Pause {
    #[serde(rename = "k")]
    kind: PauseKind,
    #[serde(rename = "f", with = "moment")]
    from: Timestamp,
    #[serde(rename = "u", with = "moment_if_any", default, skip_serializing_if = "Option::is_none")]
    until: Option<Timestamp>,
}

impl Pause {
    /// Whether this pause lasts and is of this kind.
    pub fn is(&self, kind: PauseKind) -> bool {
        self.until.is_none() && self.kind == kind
    }

    pub fn end(&mut self, at: Timestamp) {
        self.until = Some(at.max(self.from));
    }
}

/// Begins a pause, and ends the pause before it, so that pauses never overlap.
pub(super) fn begin_pause(pauses: &mut Vec<Pause>, kind: PauseKind, at: Timestamp) {
    let mut from = at;
    if let Some(last) = pauses.last_mut() {
        from = at.max(last.until.unwrap_or(last.from));
        if last.until.is_none() {
            last.end(from);
        }
    }
    pauses.push(Pause { kind, from, until: None });
    if pauses.len() > MOST_PAUSES {
        let oldest = pauses.remove(0);
        let length = oldest.until.map_or(Duration::ZERO, |until| until.since(oldest.from));
        pauses[0].from = pauses[0].from - length;
    }
}

/// The deadline of a target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Deadline {
    #[serde(rename = "d")]
    Due {
        #[serde(rename = "a", with = "moment")]
        at: Timestamp,
        #[serde(rename = "w", with = "moment_if_any", default, skip_serializing_if = "Option::is_none")]
        warn_at: Option<Timestamp>,
    },
    /// The clock is paused; so much business time remains.
    #[serde(rename = "p")]
    Paused {
        #[serde(with = "span")]
        remaining: Duration,
    },
    /// The business hours do not reach the target before 2220.
    #[serde(rename = "n")]
    Never,
}

impl Terms {
    pub fn of(applied: &SlaApplied) -> Self {
        let policy = &applied.policy;
        let hours = applied.calendar.as_ref().map(Hours::of).transpose();
        // When the calendar's time zone is unknown to this program there are no targets: deadlines by wrong
        // hours would be worse.
        let readable = hours.is_ok();
        let targets = policy.targets.iter().filter(|_| readable);
        Self {
            targets: targets.map(|(priority, targets)| (*priority, seconds(targets))).collect(),
            warn_before: policy.warn_before_seconds,
            pause_while_pending: policy.pause_while_pending,
            hours: hours.unwrap_or_default(),
        }
    }

    pub fn target(&self, metric: SlaMetric, priority: Priority) -> Option<Duration> {
        let [first, next, resolution] = self.targets.get(&priority)?;
        let seconds = match metric {
            SlaMetric::FirstResponse => first,
            SlaMetric::NextResponse => next,
            SlaMetric::Resolution => resolution,
        };
        seconds.map(|seconds| Duration::from_secs(seconds.into()))
    }

    /// The deadline of a target whose clock started at `start`. Pauses do not count.
    pub fn deadline(&self, target: Duration, start: Timestamp, pauses: &[Pause]) -> Deadline {
        match self.walk(target, start, pauses) {
            Deadline::Due { at, .. } => Deadline::Due { at, warn_at: self.warning(target, start, pauses) },
            Deadline::Paused { remaining } => Deadline::Paused { remaining },
            Deadline::Never => Deadline::Never,
        }
    }

    /// The time of the warning. `None` when the policy has none, or when it would be at or before the start.
    fn warning(&self, target: Duration, start: Timestamp, pauses: &[Pause]) -> Option<Timestamp> {
        let before = Duration::from_secs(self.warn_before?.into());
        let until_then = target.checked_sub(before).filter(|left| !left.is_zero() && !before.is_zero())?;
        match self.walk(until_then, start, pauses) {
            Deadline::Due { at, .. } => Some(at),
            Deadline::Paused { .. } | Deadline::Never => None,
        }
    }

    /// The moment at which so much time has counted since `start`.
    fn walk(&self, target: Duration, start: Timestamp, pauses: &[Pause]) -> Deadline {
        let (mut left, mut from) = (target, start);
        for pause in pauses.iter().filter(|pause| self.is_paused_by(pause)) {
            if pause.until.is_some_and(|until| until <= from) {
                continue;
            }
            let counted = self.between(from, pause.from);
            if counted >= left {
                break;
            }
            left -= counted;
            match pause.until {
                Some(until) => from = until,
                None => return Deadline::Paused { remaining: left },
            }
        }
        self.add(from, left).map_or(Deadline::Never, |at| Deadline::Due { at, warn_at: None })
    }

    fn is_paused_by(&self, pause: &Pause) -> bool {
        match pause.kind {
            PauseKind::Pending => self.pause_while_pending,
            PauseKind::Resolved => true,
        }
    }

    fn between(&self, from: Timestamp, until: Timestamp) -> Duration {
        self.hours.as_ref().map_or_else(|| until.since(from), |hours| hours.between(from, until))
    }

    pub fn add(&self, from: Timestamp, left: Duration) -> Option<Timestamp> {
        self.hours.as_ref().map_or_else(|| Some(from + left), |hours| hours.add(from, left))
    }
}

fn seconds(targets: &SlaTargets) -> [Option<u32>; 3] {
    [targets.first_response_seconds, targets.next_response_seconds, targets.resolution_seconds]
}
