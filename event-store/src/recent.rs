//! The newest events, for readers that follow the log. Events that this process committed are read from
//! memory. For events of other processes, one lookup of the log's end serves all readers for a short time.

mod end_cache;
mod tail;

use crate::{EventStore, Filter, Page, ReadError};
use end_cache::{EndCache, Lookup};
use event_schemas::{Position, Recorded};
use tail::Tail;

pub struct RecentEvents {
    tail: Tail,
    end_cache: EndCache,
}

impl RecentEvents {
    /// `writers` is how many writers the process has; their groups may arrive out of order.
    pub fn new(writers: usize) -> Self {
        Self { tail: Tail::new(writers), end_cache: EndCache::default() }
    }

    /// Adds a committed group: all events after the position `after`, in the order of the log.
    pub fn extend(&self, after: u64, committed: Vec<Recorded>) {
        self.tail.extend(after, committed);
    }

    /// Drops all events, because it is not known how the log continues.
    pub fn clear(&self) {
        self.tail.clear();
    }

    /// Call it when another process has appended.
    pub fn others_appended(&self) {
        self.end_cache.invalidate();
    }

    /// [`EventStore::read_recent`] of this store.
    pub async fn read(
        &self,
        store: &impl EventStore,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        if let Some(page) = self.tail.page(after, filter, limit) {
            return Ok(page);
        }
        let lookup = self.end_cache.begin_lookup();
        if self.is_at_end(after, lookup) {
            return Ok(Page { events: Vec::new(), through: after, at_end: true });
        }
        let page = store.read_all(after, filter, limit).await?;
        if page.at_end {
            self.end_cache.record_end(lookup, page.through);
        }
        Ok(page)
    }

    /// Whether a lookup of a short time ago says that there is nothing after a position. It holds for an empty log and
    /// after a start too, when this process has appended nothing yet.
    fn is_at_end(&self, after: Option<Position>, lookup: Lookup) -> bool {
        let Some(end) = self.end_cache.recent_end(lookup) else { return false };
        // A lookup of another reader may have found an event of another process that this reader has not read.
        end <= after
            && !self.tail.has_early()
            && (self.tail.ends_at(after) || (self.tail.is_empty() && after == end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three hundred idle readers of an empty log, or of one that was just started on, ask the log once for all.
    #[test]
    fn a_lookup_serves_all_readers_before_this_process_has_appended() {
        for end in [None, Some(Position::at(7))] {
            let recent = RecentEvents::new(1);
            let lookup = recent.end_cache.begin_lookup();
            assert!(!recent.is_at_end(end, lookup), "no lookup has found the end");
            recent.end_cache.record_end(lookup, end);
            assert!(recent.is_at_end(end, lookup));
            assert!(
                !recent.is_at_end(Some(Position::at(3)), lookup),
                "this reader is behind, or of another log"
            );
            recent.others_appended();
            assert!(!recent.is_at_end(end, recent.end_cache.begin_lookup()));
        }
    }
    /// The lookups of a reader that is at the end do not keep another one from the last event.
    #[test]
    fn an_event_of_another_process_after_the_tail_is_found() {
        let recent = RecentEvents::new(1);
        recent.extend(6, vec![tail::tests::event(7)]);
        let seven = Some(Position::at(7));
        for (found, is_at_end) in [(6, true), (7, true), (8, false)] {
            let lookup = recent.end_cache.begin_lookup();
            recent.end_cache.record_end(lookup, Some(Position::at(found)));
            assert_eq!(recent.is_at_end(seven, lookup), is_at_end, "{found}");
        }
    }
}
