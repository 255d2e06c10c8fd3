//! The side effects of a process manager, which are withheld when their trigger is past (see [`domain::past`]).

use crate::history::History;
use domain::past::{Past, Trigger, WhyPast};
use event_schemas::Clock;

/// The limit between the past and the present, for one process manager.
pub(crate) struct SideEffects {
    pub manager: &'static str,
    pub past: Past,
    /// The time before the log was restored.
    pub history: History,
    pub clock: Clock,
}

impl SideEffects {
    /// Why the trigger has no side effect any more, which is counted. `None` while it has.
    pub(crate) fn withheld(&self, trigger: Trigger) -> Option<WhyPast> {
        let is_history = matches!(trigger, Trigger::Moment(at) if self.history.has(at));
        let why = if is_history { WhyPast::LogMoved } else { self.past.why(trigger, self.clock.now())? };
        metrics::counter!("verbatim_past_triggers_total", "manager" => self.manager).increment(1);
        Some(why)
    }
}
