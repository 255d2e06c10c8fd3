//! Where the log ends, as this node last saw it, and whether anybody else appends.
//!
//! While other nodes do, theirs wait for the lock as well, and this node sends one group after the other: what
//! comes meanwhile gathers in the next.
//!
//! A group asks, under the lock, how far the log and its streams have come, and is then written. Whoever
//! comes alone to a log that only this node has been appending to knows both, and what follows is tried at once
//! if the lock is free. A belief that is out of date does no harm: the log has no gaps, so the next position
//! is either taken, and the unique index objects, or it is the next.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last event: its position and when it was recorded, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub position: i64,
    pub recorded_at: i64,
}

/// What a node's writers know together.
#[derive(Default)]
pub struct FastPath(Mutex<State>);

#[derive(Default)]
struct State {
    end: Option<End>,
    /// The last group began where the one before had ended, so nobody else seems to be appending.
    sole_writer: bool,
    /// The last group began behind events that nobody here has appended.
    others_append: bool,
    /// How many of this node's groups are on their way.
    in_flight: usize,
}

/// A group on its way.
pub struct InFlight<'a> {
    fast_path: &'a FastPath,
    expected_end: Option<End>,
    was_committed: bool,
}

impl FastPath {
    /// Whether another node appends as well: the last group did not begin where the one before had ended.
    pub fn others_append(&self) -> bool {
        self.state().others_append
    }

    pub fn begin(&self) -> InFlight<'_> {
        let mut state = self.state();
        state.in_flight += 1;
        let expected_end = if state.sole_writer && state.in_flight == 1 { state.end } else { None };
        InFlight { fast_path: self, expected_end, was_committed: false }
    }

    /// Whoever answers next may be another server, or an older state of this one.
    pub fn reset(&self) {
        let mut state = self.state();
        (state.end, state.sole_writer) = (None, false);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight<'_> {
    /// Where the log ends, if that can be believed.
    pub fn expected_end(&self) -> Option<End> {
        self.expected_end
    }

    /// The group is in the log: its first event comes after this position, and its last is this.
    pub fn committed(mut self, after: i64, end: End) {
        self.was_committed = true;
        let mut state = self.fast_path.state();
        let last = state.end.map_or(i64::MAX, |last| last.position);
        state.sole_writer = last == after;
        // With another group on its way what lies between may be that one's.
        if state.sole_writer || state.in_flight == 1 {
            state.others_append = last < after;
        }
        if state.end.is_none_or(|last| last.position < end.position) {
            state.end = Some(end);
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        let mut state = self.fast_path.state();
        state.in_flight -= 1;
        state.sole_writer &= self.was_committed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(position: i64) -> End {
        End { position, recorded_at: position * 10 }
    }

    fn committed(fast_path: &FastPath, after: i64, through: i64) {
        fast_path.begin().committed(after, end(through));
    }

    #[test]
    fn the_end_is_believed_once_two_groups_have_followed_each_other() {
        let fast_path = FastPath::default();
        assert_eq!(fast_path.begin().expected_end(), None);
        committed(&fast_path, 7, 9);
        assert_eq!(fast_path.begin().expected_end(), None);
        committed(&fast_path, 9, 10);
        committed(&fast_path, 10, 12);
        assert_eq!(fast_path.begin().expected_end(), Some(end(12)));
    }

    #[test]
    fn it_is_not_believed_while_another_group_is_on_its_way_or_somebody_else_writes() {
        let fast_path = FastPath::default();
        committed(&fast_path, 0, 1);
        committed(&fast_path, 1, 2);
        let (first, second) = (fast_path.begin(), fast_path.begin());
        assert_eq!((first.expected_end(), second.expected_end()), (Some(end(2)), None));
        second.committed(2, end(3));
        first.committed(3, end(4));
        assert_eq!(fast_path.begin().expected_end(), Some(end(4)));
        committed(&fast_path, 4, 5);
        committed(&fast_path, 5, 6);
        assert!(!fast_path.others_append());
        committed(&fast_path, 8, 9);
        assert_eq!(fast_path.begin().expected_end(), None, "two events are somebody else's");
        assert!(fast_path.others_append());
        committed(&fast_path, 9, 10);
        assert!(!fast_path.others_append());
    }

    #[test]
    fn it_is_not_believed_after_a_group_that_was_not_written_or_a_connection_that_was_lost() {
        let fast_path = FastPath::default();
        committed(&fast_path, 0, 1);
        committed(&fast_path, 1, 2);
        drop(fast_path.begin());
        assert_eq!(fast_path.begin().expected_end(), None);
        committed(&fast_path, 2, 3);
        assert_eq!(fast_path.begin().expected_end(), Some(end(3)));
        fast_path.reset();
        assert_eq!(fast_path.begin().expected_end(), None);
        committed(&fast_path, 3, 4);
        assert_eq!(fast_path.begin().expected_end(), None);
    }
}
