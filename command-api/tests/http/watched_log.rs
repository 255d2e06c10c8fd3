//! A log that counts the appends, and at which a test says what happens.

use async_trait::async_trait;
use event_schemas::{NewEvent, StreamId};
use event_store::intercepted::{Intercepted, Interceptor};
use event_store::sqlite::SqliteStore;
use event_store::{AppendError, EventStore, Expected, Unavailable};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub type WatchedLog = Intercepted<Watch>;

/// The number of appends to the log, and the faults at the next ones.
#[derive(Default)]
pub struct Watch {
    appends: AtomicUsize,
    /// The bytes of data of the largest append.
    largest: AtomicUsize,
    next: Mutex<VecDeque<Happens>>,
}

/// An event at an append.
pub enum Happens {
    /// Nothing unusual.
    Nothing,
    /// Another process appends these events to the stream just before.
    Before(Vec<NewEvent>),
    /// The disk is full.
    Full,
}

pub fn watched(log: &Arc<SqliteStore>) -> Arc<WatchedLog> {
    Intercepted::new(Arc::clone(log) as Arc<dyn EventStore>, Watch::default())
}

impl Watch {
    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    pub fn largest(&self) -> usize {
        self.largest.load(Ordering::SeqCst)
    }

    /// Sets the events at the next appends, one after the other. After them nothing unusual happens.
    pub fn next(&self, happens: impl IntoIterator<Item = Happens>) {
        *self.next.lock().unwrap() = happens.into_iter().collect();
    }
}

#[async_trait]
impl Interceptor for Watch {
    async fn before_append(
        &self,
        log: &dyn EventStore,
        stream: &StreamId,
        events: &[NewEvent],
    ) -> Result<(), AppendError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        let bytes = events.iter().map(|event| event.data.len()).sum();
        self.largest.fetch_max(bytes, Ordering::SeqCst);
        // Other callers come meanwhile.
        tokio::task::yield_now().await;
        let happens = self.next.lock().unwrap().pop_front();
        match happens.unwrap_or(Happens::Nothing) {
            Happens::Nothing => Ok(()),
            Happens::Before(events) => log.append(stream, Expected::Any, events).await.map(|_| ()),
            Happens::Full => Err(Unavailable::because("the disk is full").into()),
        }
    }
}
