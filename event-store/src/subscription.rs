//! A subscription: every event from a position on, first the recorded ones, then the new ones.

use crate::{EventStore, Filter, Page, ReadError, Waiter};
use event_schemas::Position;
use std::sync::Arc;

/// Reads the log page by page and waits at its end.
pub struct Subscription {
    store: Arc<dyn EventStore>,
    filter: Filter,
    after: Option<Position>,
    limit: usize,
    waiter: Waiter,
    /// Whether the last page reached the end of the log.
    at_end: bool,
}

impl Subscription {
    pub fn new(store: Arc<dyn EventStore>, after: Option<Position>, filter: Filter, limit: usize) -> Self {
        let waiter = store.waiter();
        Self::woken_by(waiter, store, after, filter, limit)
    }

    /// A subscription that waits with this waiter at the end of the log.
    pub fn woken_by(
        waiter: Waiter,
        store: Arc<dyn EventStore>,
        after: Option<Position>,
        filter: Filter,
        limit: usize,
    ) -> Self {
        Self { store, filter, after, limit, waiter, at_end: false }
    }

    /// How far this subscription has read.
    pub fn after(&self) -> Option<Position> {
        self.after
    }

    /// The next events; waits until there are some. Cancel-safe: events that were not returned are read again.
    pub async fn next(&mut self) -> Result<Page, ReadError> {
        loop {
            if self.at_end {
                self.waiter.wait().await;
            }
            // Any append from here on ends the next wait at once, so no event is missed between read and wait.
            self.waiter.changed.mark_unchanged();
            let page = self.store.read_recent(self.after, &self.filter, self.limit).await?;
            self.after = page.through.or(self.after);
            self.at_end = page.at_end;
            if !page.events.is_empty() {
                return Ok(page);
            }
        }
    }
}
