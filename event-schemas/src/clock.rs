//! The one place that hands out the time and fresh ids. Everything else is given them.

use crate::{EventId, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The time as the system tells it, or as a test sets it.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Stands still until it is told otherwise.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    pub fn manual(at: Timestamp) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(at.as_micros())))
    }

    #[allow(clippy::disallowed_methods)]
    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => jiff::Timestamp::now().into(),
            Self::Manual(at) => Timestamp::from_micros(at.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock on; the system's cannot be moved, and is not.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(by.as_micros() as i64, Ordering::SeqCst);
        }
    }

    /// A fresh UUIDv7: ordered by the time it was drawn, unlike any other.
    #[allow(clippy::disallowed_methods)]
    pub fn fresh_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    /// Random bytes for a key.
    #[allow(clippy::disallowed_methods)]
    pub fn fresh_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key[..16].copy_from_slice(Uuid::new_v4().as_bytes());
        key[16..].copy_from_slice(Uuid::new_v4().as_bytes());
        key
    }

    pub fn event_id(&self) -> EventId {
        EventId(self.fresh_id())
    }
}
