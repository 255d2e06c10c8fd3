//! The end of the log as this node last read it, and whether other nodes append too.
//!
//! While other nodes append, their groups wait for the lock as well, and this node sends one group after the
//! other: appends that arrive meanwhile are gathered in the next group.
//!
//! Usually the statement reads the end of the log and of the group's streams under the lock, and then writes. When
//! only this node has been appending and a single group is in flight, the node knows both already: it inserts
//! at the next position at once, if the lock is free. A stale value does no harm. The log has no gaps, so the
//! assumed position is either taken, and the unique index refuses the row, or it is the next one.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last event: its position and when it was recorded, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    pub position: i64,
    pub recorded_at: i64,
}

/// The state that a node's writers share.
#[derive(Default)]
pub struct FastPath(Mutex<State>);

#[derive(Default)]
struct State {
    end: Option<End>,
    /// Whether the last group began where the group before had ended, so that no other node seems to append.
    sole_writer: bool,
    /// Whether the last group began after events that this node has not appended.
    others_append: bool,
    /// How many of this node's groups are in flight.
    in_flight: usize,
}

/// A group that is being sent to the server.
pub struct InFlight<'a> {
    fast_path: &'a FastPath,
    expected_end: Option<End>,
    was_committed: bool,
}

impl FastPath {
    /// Whether another node appends too: the last group did not begin where the group before had ended.
    pub fn others_append(&self) -> bool {
        self.state().others_append
    }

    pub fn begin(&self) -> InFlight<'_> {
        let mut state = self.state();
        state.in_flight += 1;
        let expected_end = if state.sole_writer && state.in_flight == 1 { state.end } else { None };
        InFlight { fast_path: self, expected_end, was_committed: false }
    }

    /// Drops the known end: the next connection may reach another server, or an older state of this one.
    pub fn reset(&self) {
        let mut state = self.state();
        (state.end, state.sole_writer) = (None, false);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl InFlight<'_> {
    /// The end of the log. `None` when it is not certain enough for the fast path.
    pub fn expected_end(&self) -> Option<End> {
        self.expected_end
    }

    /// The group is in the log: its first event follows the position `after`, and its last event is `end`.
    pub fn committed(mut self, after: i64, end: End) {
        self.was_committed = true;
        let mut state = self.fast_path.state();
        let last = state.end.map_or(i64::MAX, |last| last.position);
        state.sole_writer = last == after;
        // If another group of this node is in flight, the events in between may be that group's.
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
    fn the_end_is_trusted_once_two_groups_have_followed_each_other() {
        let fast_path = FastPath::default();
        assert_eq!(fast_path.begin().expected_end(), None);
        committed(&fast_path, 7, 9);
        assert_eq!(fast_path.begin().expected_end(), None);
        committed(&fast_path, 9, 10);
        committed(&fast_path, 10, 12);
        assert_eq!(fast_path.begin().expected_end(), Some(end(12)));
    }

    #[test]
    fn it_is_not_trusted_while_another_group_is_in_flight_or_another_node_writes() {
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
        assert_eq!(fast_path.begin().expected_end(), None, "two events are another node's");
        assert!(fast_path.others_append());
        committed(&fast_path, 9, 10);
        assert!(!fast_path.others_append());
    }

    #[test]
    fn it_is_not_trusted_after_a_group_that_was_not_written_or_a_connection_that_was_lost() {
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
