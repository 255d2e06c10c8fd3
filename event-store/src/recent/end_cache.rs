//! Remembers for a short time that a lookup found the end of the log, so that not every reader that follows the
//! log has to query it for appends of other processes.

use event_schemas::Position;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// How long a lookup that found the end is valid for every reader, unless another process is known to have
/// appended. Together with the waiter's poll interval it bounds how late another process's append is noticed.
const VALID_FOR: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct EndCache {
    /// The last lookup that reached the end of the log, and the end that it found.
    last: RwLock<Option<(Lookup, Option<Position>)>>,
    /// How often another process was known to have appended.
    invalidations: AtomicU64,
}

/// A lookup at its beginning.
#[derive(Clone, Copy)]
pub struct Lookup {
    at: Instant,
    invalidations: u64,
}

impl EndCache {
    /// Call it before the log is queried.
    pub fn begin_lookup(&self) -> Lookup {
        Lookup { invalidations: self.invalidations.load(Ordering::SeqCst), at: Instant::now() }
    }

    /// The lookup reached the end of the log there.
    pub fn record_end(&self, lookup: Lookup, end: Option<Position>) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some((lookup, end));
    }

    /// The end that a lookup found a short time ago, unless another process is known to have appended since.
    pub fn recent_end(&self, now: Lookup) -> Option<Option<Position>> {
        let (last, end) = (*self.last.read().unwrap_or_else(PoisonError::into_inner))?;
        let is_recent =
            last.invalidations == now.invalidations && now.at.saturating_duration_since(last.at) < VALID_FOR;
        is_recent.then_some(end)
    }

    /// Another process has appended: earlier lookups are no longer valid.
    pub fn invalidate(&self) {
        self.invalidations.fetch_add(1, Ordering::SeqCst);
    }
}
