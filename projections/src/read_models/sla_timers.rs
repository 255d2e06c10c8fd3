//! The SLA clocks of each conversation: what was promised, when it is due, and how it stands.

use domain::sla::{Clocks, Timer, TimerState};
use event_schemas::message::SlaMetric;
use event_schemas::{AccountId, SlaPolicyId, Timestamp};
use follower::table::Json;

follower::table! {
    /// The latest run of one clock.
    pub struct SlaTimerRow in "sla_timers" key (conversation_seq: i64, metric: SlaMetric) {
        account_id: AccountId,
        policy_id: SlaPolicyId,
        generation: u32,
        /// `running`, `paused`, `met`, `breached`, `cancelled`.
        state: String,
        started_at: Timestamp,
        due_at: Option<Timestamp>,
        warn_at: Option<Timestamp>,
        warned: bool,
        /// Microseconds of business time that are left while it stands still.
        remaining: Option<i64>,
        /// When the deed was done, or nobody waited any more.
        ended_at: Option<Timestamp>,
    }
}

follower::table! {
    /// The fold itself, kept until nothing can happen to it any more.
    pub struct ClocksRow in "sla_clocks" key (conversation_seq: i64) {
        clocks: Json<Clocks>,
    }
}

impl SlaTimerRow {
    pub fn of(conversation_seq: i64, account_id: AccountId, policy_id: SlaPolicyId, timer: &Timer) -> Self {
        let (remaining, ended_at) = match timer.state {
            TimerState::Running => (None, None),
            TimerState::Paused { remaining } => {
                (Some(i64::try_from(remaining.as_micros()).unwrap_or(i64::MAX)), None)
            }
            TimerState::Met { at } | TimerState::Cancelled { at } => (None, Some(at)),
            TimerState::Breached { met_at } => (None, met_at),
        };
        Self {
            conversation_seq,
            metric: timer.metric,
            account_id,
            policy_id,
            generation: timer.generation,
            state: timer.state.as_str().to_owned(),
            started_at: timer.started_at,
            due_at: timer.due_at,
            warn_at: timer.warn_at,
            warned: timer.warned,
            remaining,
            ended_at,
        }
    }
}
