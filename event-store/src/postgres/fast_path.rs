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
pub struct Glance(Mutex<Seen>);

#[derive(Default)]
struct Seen {
    end: Option<End>,
    /// The last group began where the one before had ended, so nobody else seems to be appending.
    alone: bool,
    /// The last group began behind events that nobody here has appended.
    others: bool,
    /// How many of this node's groups are on their way.
    under_way: usize,
}

/// A group on its way.
pub struct Turn<'a> {
    glance: &'a Glance,
    believed: Option<End>,
    written: bool,
}

impl Glance {
    /// Whether another node appends as well: the last group did not begin where the one before had ended.
    pub fn others_append(&self) -> bool {
        self.seen().others
    }

    pub fn begin(&self) -> Turn<'_> {
        let mut seen = self.seen();
        seen.under_way += 1;
        let believed = if seen.alone && seen.under_way == 1 { seen.end } else { None };
        Turn { glance: self, believed, written: false }
    }

    /// Whoever answers next may be another server, or an older state of this one.
    pub fn forget(&self) {
        let mut seen = self.seen();
        (seen.end, seen.alone) = (None, false);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn<'_> {
    /// Where the log ends, if that can be believed.
    pub fn believed(&self) -> Option<End> {
        self.believed
    }

    /// The group is in the log: its first event comes after this position, and its last is this.
    pub fn wrote(mut self, after: i64, end: End) {
        self.written = true;
        let mut seen = self.glance.seen();
        let last = seen.end.map_or(i64::MAX, |last| last.position);
        seen.alone = last == after;
        // With another group on its way what lies between may be that one's.
        if seen.alone || seen.under_way == 1 {
            seen.others = last < after;
        }
        if seen.end.is_none_or(|last| last.position < end.position) {
            seen.end = Some(end);
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut seen = self.glance.seen();
        seen.under_way -= 1;
        seen.alone &= self.written;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(position: i64) -> End {
        End { position, recorded_at: position * 10 }
    }

    fn wrote(glance: &Glance, after: i64, through: i64) {
        glance.begin().wrote(after, end(through));
    }

    #[test]
    fn the_end_is_believed_once_two_groups_have_followed_each_other() {
        let glance = Glance::default();
        assert_eq!(glance.begin().believed(), None);
        wrote(&glance, 7, 9);
        assert_eq!(glance.begin().believed(), None);
        wrote(&glance, 9, 10);
        wrote(&glance, 10, 12);
        assert_eq!(glance.begin().believed(), Some(end(12)));
    }

    #[test]
    fn it_is_not_believed_while_another_group_is_on_its_way_or_somebody_else_writes() {
        let glance = Glance::default();
        wrote(&glance, 0, 1);
        wrote(&glance, 1, 2);
        let (first, second) = (glance.begin(), glance.begin());
        assert_eq!((first.believed(), second.believed()), (Some(end(2)), None));
        second.wrote(2, end(3));
        first.wrote(3, end(4));
        assert_eq!(glance.begin().believed(), Some(end(4)));
        wrote(&glance, 4, 5);
        wrote(&glance, 5, 6);
        assert!(!glance.others_append());
        wrote(&glance, 8, 9);
        assert_eq!(glance.begin().believed(), None, "two events are somebody else's");
        assert!(glance.others_append());
        wrote(&glance, 9, 10);
        assert!(!glance.others_append());
    }

    #[test]
    fn it_is_not_believed_after_a_group_that_was_not_written_or_a_connection_that_was_lost() {
        let glance = Glance::default();
        wrote(&glance, 0, 1);
        wrote(&glance, 1, 2);
        drop(glance.begin());
        assert_eq!(glance.begin().believed(), None);
        wrote(&glance, 2, 3);
        assert_eq!(glance.begin().believed(), Some(end(3)));
        glance.forget();
        assert_eq!(glance.begin().believed(), None);
        wrote(&glance, 3, 4);
        assert_eq!(glance.begin().believed(), None);
    }
}
