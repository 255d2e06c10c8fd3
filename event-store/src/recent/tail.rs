//! The events that this process appended last, in memory. Readers that follow the log read them here; only
//! readers that are further behind query the log.
//!
//! The events are a section of the log without a gap, and they are on the disk before they are here. Each group
//! names the position that it follows, so that two groups may arrive out of order. A group that does not follow
//! the section, because another process has appended in between, starts a new section.

use crate::{Filter, Page};
use event_schemas::{Position, Recorded};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// How many events are kept at most.
const EVENTS: usize = 4_096;

/// How many bytes of event data are kept at most.
const BYTES: usize = 4 << 20;

pub struct Tail {
    section: RwLock<Section>,
    /// How many groups may wait for the group before them: one for each writer but the one that commits it.
    early: usize,
}

#[derive(Default)]
struct Section {
    /// The position before the first event.
    after: u64,
    events: VecDeque<Recorded>,
    bytes: usize,
    /// Groups that arrived before the group they follow, by the position that they follow.
    early: BTreeMap<u64, Vec<Recorded>>,
}

impl Tail {
    pub fn new(writers: usize) -> Self {
        Self { section: RwLock::default(), early: writers.saturating_sub(1) }
    }

    /// Adds a committed group: all events after the position `after`, in the order of the log.
    pub fn extend(&self, after: u64, committed: Vec<Recorded>) {
        let mut section = self.section.write().unwrap_or_else(PoisonError::into_inner);
        section.early.insert(after, committed);
        loop {
            let end = section.end();
            if let Some(next) = section.early.remove(&end) {
                section.take(next);
            } else if section.early.len() > self.early {
                // The missing events are another process's.
                let Some((after, first)) = section.early.pop_first() else { break };
                if after > end {
                    section.begin(after);
                    section.take(first);
                }
            } else {
                break;
            }
        }
    }

    /// Drops all events, because it is not known how the log continues.
    pub fn clear(&self) {
        *self.section.write().unwrap_or_else(PoisonError::into_inner) = Section::default();
    }

    /// Whether `after` is the last event here.
    pub fn ends_at(&self, after: Option<Position>) -> bool {
        let section = self.read();
        !section.events.is_empty() && after.is_some_and(|after| after.commit() == section.end())
    }

    /// Whether this process has appended nothing.
    pub fn is_empty(&self) -> bool {
        self.read().events.is_empty()
    }

    /// Whether a later group waits for the one before it.
    pub fn has_early(&self) -> bool {
        !self.read().early.is_empty()
    }

    /// The page after a position; `None` when a part of it is not here.
    pub fn page(&self, after: Option<Position>, filter: &Filter, limit: usize) -> Option<Page> {
        let section = self.read();
        let after = after.map_or(0, Position::commit);
        if after < section.after || after >= section.end() || limit == 0 {
            return None;
        }
        let newer = section.events.partition_point(|event| position(event) <= after);
        let fits = section.events.range(newer..).filter(|event| filter.fits(event));
        let events: Vec<_> = fits.take(limit).cloned().collect();
        let cut = events.len() == limit;
        let through = if cut { events.last().map_or(section.end(), position) } else { section.end() };
        Some(Page { events, through: Some(Position::at(through)), at_end: through == section.end() })
    }

    fn read(&self) -> RwLockReadGuard<'_, Section> {
        self.section.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Section {
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
pub(super) mod tests {
    use super::*;
    use event_schemas::{AccountId, Actor, EventId, Metadata, StreamId, Timestamp, Version};

    pub fn event(position: u64) -> Recorded {
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
                request: None,
                credential: None,
                occurred_at: Timestamp::from_secs(0),
            },
            data: String::new(),
        }
    }

    fn group(positions: impl IntoIterator<Item = u64>) -> Vec<Recorded> {
        positions.into_iter().map(event).collect()
    }

    /// The positions that a reader gets after a position; `None` when it has to query the log.
    fn seen(tail: &Tail, after: u64) -> Option<Vec<u64>> {
        let page = tail.page(Some(Position::at(after)), &Filter::all(), 100)?;
        Some(page.events.iter().map(position).collect())
    }

    #[test]
    fn groups_that_come_in_the_wrong_order_are_read_in_the_right_one() {
        let tail = Tail::new(2);
        tail.extend(10, group([11, 12]));
        assert_eq!(seen(&tail, 10), None, "the group before it may still arrive");
        tail.extend(14, group([15]));
        tail.extend(12, group([13, 14]));
        assert_eq!(seen(&tail, 10), Some(vec![11, 12, 13, 14, 15]));
        assert_eq!(seen(&tail, 13), Some(vec![14, 15]));
        assert_eq!((seen(&tail, 9), seen(&tail, 15)), (None, None));
        assert!(
            tail.ends_at(Some(Position::at(15)))
                && !tail.ends_at(Some(Position::at(14)))
                && !tail.has_early()
        );
    }

    #[test]
    fn events_of_another_node_in_between_are_never_skipped() {
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
    fn an_unused_position_is_no_gap() {
        let tail = Tail::new(2);
        tail.extend(0, group([1, 3, 6]));
        assert_eq!(seen(&tail, 0), Some(vec![1, 3, 6]));
        assert_eq!(seen(&tail, 4), Some(vec![6]));
        tail.clear();
        assert_eq!(seen(&tail, 0), None);
    }
}
