//! Whether a trigger is past: too old for a message to a customer or to another program.
//!
//! A process manager may meet old events and old moments: after a pause, when its tables were lost, when a
//! provider delivers a message late, or when the log was moved. What they change within Verbatim is recorded
//! late; what they would send is not sent.

use event_schemas::{Position, Timestamp};
use std::time::Duration;

/// The reason why a process manager acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// An event of the log. `at` is when it happened; for a customer's message, when it was said.
    Event { at: Timestamp, position: Position },
    /// A moment that was due: the end of a wait, of an inactivity, of a time in a queue.
    Moment(Timestamp),
}

/// Why a trigger is past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyPast {
    /// It is older than the greatest age of side effects.
    TooOld,
    /// It belongs to the time before the log was moved here.
    LogMoved,
}

/// Where the log was when it was last moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    pub position: Position,
    pub at: Timestamp,
}

/// The limit between the past and the present.
#[derive(Clone, Copy, Debug)]
pub struct Past {
    /// The greatest age of a trigger that has side effects.
    pub max_age: Duration,
    /// The last move of the log. `None` when it was never moved.
    pub moved: Option<Moved>,
}

impl Past {
    /// The greatest age unless the operator sets another: the time for which WhatsApp lets a customer be
    /// answered freely.
    pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

    /// Why the trigger has no side effect any more. `None` while it has.
    pub fn why(&self, trigger: Trigger, now: Timestamp) -> Option<WhyPast> {
        let (at, was_moved) = match trigger {
            Trigger::Event { at, position } => {
                (at, self.moved.is_some_and(|moved| position < moved.position))
            }
            Trigger::Moment(at) => (at, self.moved.is_some_and(|moved| at <= moved.at)),
        };
        if was_moved {
            return Some(WhyPast::LogMoved);
        }
        (now.since(at) > self.max_age).then_some(WhyPast::TooOld)
    }
}

impl Default for Past {
    fn default() -> Self {
        Self { max_age: Self::MAX_AGE, moved: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000_000);

    fn event(seconds_ago: i64, position: u64) -> Trigger {
        Trigger::Event { at: Timestamp::from_secs(1_000_000 - seconds_ago), position: Position::at(position) }
    }

    #[test]
    fn what_is_older_than_the_greatest_age_is_past() {
        let past = Past::default();
        assert_eq!(past.why(event(24 * 3600, 1), NOW), None);
        assert_eq!(past.why(event(24 * 3600 + 1, 1), NOW), Some(WhyPast::TooOld));
        let due = Trigger::Moment(Timestamp::from_secs(1_000_000 - 24 * 3600 - 1));
        assert_eq!(past.why(due, NOW), Some(WhyPast::TooOld));
    }

    #[test]
    fn what_was_before_the_log_was_moved_is_past_however_young() {
        let moved = Moved { position: Position::at(10), at: Timestamp::from_secs(999_990) };
        let past = Past { moved: Some(moved), ..Past::default() };
        assert_eq!(past.why(event(0, 9), NOW), Some(WhyPast::LogMoved));
        assert_eq!(past.why(event(0, 11), NOW), None);
        assert_eq!(past.why(Trigger::Moment(Timestamp::from_secs(999_990)), NOW), Some(WhyPast::LogMoved));
        assert_eq!(past.why(Trigger::Moment(Timestamp::from_secs(999_991)), NOW), None);
    }
}
