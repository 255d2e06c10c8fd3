//! The newest events, for those who follow the log: read from memory where this process committed them, and
//! where it did not, one look at the end of the log serves everybody for a moment.

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
    /// Of a process with so many writers, whose groups may come in the wrong order.
    pub fn new(writers: usize) -> Self {
        Self { tail: Tail::new(writers), end_cache: EndCache::default() }
    }

    /// Takes up a group that was committed: everything there is after `after`, in the order of the log.
    pub fn extend(&self, after: u64, committed: Vec<Recorded>) {
        self.tail.extend(after, committed);
    }

    /// Forgets everything: nobody knows how the log goes on.
    pub fn clear(&self) {
        self.tail.clear();
    }

    /// Somebody else has appended.
    pub fn others_appended(&self) {
        self.end_cache.invalidate();
    }

    /// As [`EventStore::read_recent`] of this store.
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
