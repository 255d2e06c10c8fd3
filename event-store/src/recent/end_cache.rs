//! When somebody last looked at the end of the log for what another process appended, so that not everybody who
//! follows it has to.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::{Duration, Instant};

/// For how long a look that found nothing holds for every reader, unless another process is heard of. With the
/// waiter's poll it is how late what another process appended is noticed at most.
const HOLDS: Duration = Duration::from_millis(50);

#[derive(Default)]
pub struct Looks {
    last: RwLock<Option<Look>>,
    /// How often another process was heard of.
    heard: AtomicU64,
}

/// A look as it begins.
#[derive(Clone, Copy)]
pub struct Look {
    at: Instant,
    heard: u64,
}

impl Looks {
    /// Call it before the log is asked.
    pub fn begin(&self) -> Look {
        Look { heard: self.heard.load(Ordering::SeqCst), at: Instant::now() }
    }

    /// The look came to the end of the log.
    pub fn found_the_end(&self, look: Look) {
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = Some(look);
    }

    /// Whether somebody has just looked, and nothing was heard since.
    pub fn is_recent(&self, now: Look) -> bool {
        let last = *self.last.read().unwrap_or_else(PoisonError::into_inner);
        last.is_some_and(|last| last.heard == now.heard && now.at.saturating_duration_since(last.at) < HOLDS)
    }

    /// Another process has appended.
    pub fn are_stale(&self) {
        self.heard.fetch_add(1, Ordering::SeqCst);
    }
}
