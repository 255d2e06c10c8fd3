//! The newest events, for those who follow the log: read from memory where this process committed them, and
//! where it did not, one look at the end of the log serves everybody for a moment.

mod end_cache;
mod tail;

use crate::{EventStore, Filter, Page, ReadError};
use end_cache::Looks;
use event_schemas::{Position, Recorded};
use tail::Tail;

pub struct Newest {
    tail: Tail,
    looks: Looks,
}

impl Newest {
    /// Of a process with so many writers, whose groups may come in the wrong order.
    pub fn of_writers(writers: usize) -> Self {
        Self { tail: Tail::of_writers(writers), looks: Looks::default() }
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
        self.looks.are_stale();
    }

    /// As [`EventStore::read_news`] of this store.
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
        let look = self.looks.begin();
        if self.tail.ends_at(after) && self.looks.is_recent(look) {
            return Ok(Page { events: Vec::new(), through: after, at_end: true });
        }
        let page = store.read_all(after, filter, limit).await?;
        if page.at_end {
            self.looks.found_the_end(look);
        }
        Ok(page)
    }
}
