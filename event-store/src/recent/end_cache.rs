//! When somebody last looked at the end of the log for what another process appended, so that not everybody who
//! follows it has to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// For how long a look that found nothing holds for every reader, unless another process is heard of. With the
/// waiter's poll it is how late what another process appended is noticed at most.
const VALID_FOR: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct EndCache {
    last: RwLock<Option<Lookup>>,
    /// How often another process was heard of.
    invalidations: AtomicU64,
}

/// A look as it begins.
#[derive(Clone, Copy)]
pub struct Lookup {
    at: Instant,
    invalidations: u64,
}

impl EndCache {
    /// Call it before the log is asked.
    pub fn begin_lookup(&self) -> Lookup {
        Lookup { invalidations: self.invalidations.load(Ordering::SeqCst), at: Instant::now() }
    }

    /// The look came to the end of the log.
    pub fn record_end(&self, lookup: Lookup) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some(lookup);
    }

    /// Whether somebody has just looked, and nothing was heard since.
    pub fn is_recent(&self, now: Lookup) -> bool {
        let last = *self.last.read().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| {
            last.invalidations == now.invalidations && now.at.saturating_duration_since(last.at) < VALID_FOR
        })
    }

    /// Another process has appended.
    pub fn invalidate(&self) {
        self.invalidations.fetch_add(1, Ordering::SeqCst);
    }
}
