//! The newest events, for readers that follow the log. Events that this process committed are read from
//! memory. For events of other processes, one lookup of the log's end serves all readers for a short time.

mod end_cache;
mod tail;

use crate::{EventStore, Filter, Page, ReadError};
use end_cache::EndCache;
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
        if self.tail.ends_at(after) && self.end_cache.is_recent(lookup) {
            return Ok(Page { events: Vec::new(), through: after, at_end: true });
        }
        let page = store.read_all(after, filter, limit).await?;
        if page.at_end {
            self.end_cache.record_end(lookup);
        }
        Ok(page)
    }
}
