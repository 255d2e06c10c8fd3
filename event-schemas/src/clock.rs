//! The clock: the only source of the time and of new ids. All other code gets them from it.

use crate::{EventId, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// The system's clock, or a clock that a test sets.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    /// Changes only when it is advanced.
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

    /// Advances a manual clock. Does nothing to the system's clock.
    pub fn advance(&self, by: Duration) {
        if let Self::Manual(at) = self {
            at.fetch_add(by.as_micros() as i64, Ordering::SeqCst);
        }
    }

    /// A new, unique UUIDv7. Its order is that of its time.
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

    /// Random bytes for the nonce of a sealed text. The first six bytes of a UUIDv4 are all random.
    #[allow(clippy::disallowed_methods)]
    pub fn fresh_nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..6].copy_from_slice(&Uuid::new_v4().as_bytes()[..6]);
        nonce[6..].copy_from_slice(&Uuid::new_v4().as_bytes()[..6]);
        nonce
    }

    pub fn event_id(&self) -> EventId {
        EventId(self.fresh_id())
    }
}
