//! What this process appended of late, in memory: whoever follows the log reads from here what was committed
//! a moment ago, and the log itself is asked only by those who are further behind.
//!
//! What is here is a run of the log without a gap, and on the disk before it is here. Groups are chained by
//! the position that each begins after, and two of them may come in the wrong order; one that does not fit
//! on, because another process has appended in between, begins the run anew.

use crate::{Filter, Page};
use event_schemas::{Position, Recorded};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// How many events are kept at most.
const EVENTS: usize = 4_096;

/// How many bytes of text they may have together.
const BYTES: usize = 4 << 20;

pub struct Tail {
    run: RwLock<Run>,
    /// How many groups may wait for the one before them: as many as there are writers beside the one that
    /// has it.
    early: usize,
}

#[derive(Default)]
struct Run {
    /// The position that the first event follows.
    after: u64,
    events: VecDeque<Recorded>,
    bytes: usize,
    /// Groups that came before the one they follow, by the position that they follow.
    early: BTreeMap<u64, Vec<Recorded>>,
}

impl Tail {
    pub fn new(writers: usize) -> Self {
        Self { run: RwLock::default(), early: writers.saturating_sub(1) }
    }

    /// Takes up a group that was committed: everything there is after `after`, in the order of the log.
    pub fn extend(&self, after: u64, committed: Vec<Recorded>) {
        let mut run = self.run.write().unwrap_or_else(PoisonError::into_inner);
        run.early.insert(after, committed);
        loop {
            let end = run.end();
            if let Some(next) = run.early.remove(&end) {
                run.take(next);
            } else if run.early.len() > self.early {
                // What is missing is not this process's.
                let Some((after, first)) = run.early.pop_first() else { break };
                if after > end {
                    run.begin(after);
                    run.take(first);
                }
            } else {
                break;
            }
        }
    }

    /// Forgets everything: nobody knows how the log goes on.
    pub fn clear(&self) {
        *self.run.write().unwrap_or_else(PoisonError::into_inner) = Run::default();
    }

    /// Whether this is the end of what is here, and of what is known of.
    pub fn ends_at(&self, after: Option<Position>) -> bool {
        let run = self.read();
        !run.events.is_empty()
            && run.early.is_empty()
            && after.is_some_and(|after| after.commit() == run.end())
    }

    /// The page after a position, if all of it is here.
    pub fn page(&self, after: Option<Position>, filter: &Filter, limit: usize) -> Option<Page> {
        let run = self.read();
        let after = after.map_or(0, Position::commit);
        if after < run.after || after >= run.end() || limit == 0 {
            return None;
        }
        let newer = run.events.partition_point(|event| position(event) <= after);
        let fits = run.events.range(newer..).filter(|event| filter.fits(event));
        let events: Vec<_> = fits.take(limit).cloned().collect();
        let cut = events.len() == limit;
        let through = if cut { events.last().map_or(run.end(), position) } else { run.end() };
        Some(Page { events, through: Some(Position::at(through)), at_end: through == run.end() })
    }

    fn read(&self) -> RwLockReadGuard<'_, Run> {
        self.run.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    fn end(&self) -> u64 {
        self.events.back().map_or(self.after, position)
    }

    fn begin(&mut self, after: u64) {
        self.after = after;
        self.events.clear();
        self.bytes = 0;
    }

    fn take(&mut self, group: Vec<Recorded>) {
        for event in group {
            self.bytes += event.data.len();
            self.events.push_back(event);
        }
        while self.events.len() > EVENTS || self.bytes > BYTES {
            let Some(oldest) = self.events.pop_front() else { break };
            self.bytes -= oldest.data.len();
            self.after = position(&oldest);
        }
    }
}

fn position(event: &Recorded) -> u64 {
    event.position.commit()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_schemas::{AccountId, Actor, EventId, Metadata, StreamId, Timestamp, Version};

    fn event(position: u64) -> Recorded {
        Recorded {
            position: Position::at(position),
            stream: StreamId::named("conversation-1"),
            version: Version(position),
            id: EventId::from_u128(u128::from(position)),
            event_type: "Said".into(),
            schema_version: 1,
            recorded_at: Timestamp::from_secs(0),
            metadata: Metadata {
                account_id: AccountId::from_u128(1),
                actor: Actor::system("test"),
                correlation_id: uuid::Uuid::nil(),
                causation_id: None,
                traceparent: None,
                occurred_at: Timestamp::from_secs(0),
            },
            data: String::new(),
        }
    }

    fn group(positions: impl IntoIterator<Item = u64>) -> Vec<Recorded> {
        positions.into_iter().map(event).collect()
    }

    /// What a reader gets after a position. None: it has to ask the log.
    fn seen(tail: &Tail, after: u64) -> Option<Vec<u64>> {
        let page = tail.page(Some(Position::at(after)), &Filter::all(), 100)?;
        Some(page.events.iter().map(position).collect())
    }

    #[test]
    fn groups_that_come_in_the_wrong_order_are_read_in_the_right_one() {
        let tail = Tail::new(2);
        tail.extend(10, group([11, 12]));
        assert_eq!(seen(&tail, 10), None, "what comes before may still be on its way");
        tail.extend(14, group([15]));
        tail.extend(12, group([13, 14]));
        assert_eq!(seen(&tail, 10), Some(vec![11, 12, 13, 14, 15]));
        assert_eq!(seen(&tail, 13), Some(vec![14, 15]));
        assert_eq!((seen(&tail, 9), seen(&tail, 15)), (None, None));
        assert!(tail.ends_at(Some(Position::at(15))) && !tail.ends_at(Some(Position::at(14))));
    }

    #[test]
    fn what_another_node_appended_in_between_is_never_passed_over() {
        let tail = Tail::new(2);
        tail.extend(0, group([1, 2]));
        // Another node has 3 and 4.
        tail.extend(4, group([5]));
        assert_eq!(seen(&tail, 1), Some(vec![2]));
        assert_eq!(seen(&tail, 2), None);
        tail.extend(5, group([7]));
        assert_eq!((seen(&tail, 2), seen(&tail, 4)), (None, Some(vec![5, 7])));
    }

    #[test]
    fn a_position_that_was_left_out_is_no_gap() {
        let tail = Tail::new(2);
        tail.extend(0, group([1, 3, 6]));
        assert_eq!(seen(&tail, 0), Some(vec![1, 3, 6]));
        assert_eq!(seen(&tail, 4), Some(vec![6]));
        tail.clear();
        assert_eq!(seen(&tail, 0), None);
    }
}
