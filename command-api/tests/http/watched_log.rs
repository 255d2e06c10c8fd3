//! A log that counts the appends, and at which a test says what happens.

use async_trait::async_trait;
use event_schemas::{EventId, NewEvent, Position, Recorded, StreamId, Version};
use event_store::sqlite::SqliteStore;
use event_store::{
    AppendError, Appended, EventStore, Expected, Filter, Page, ReadError, Unavailable, Waiter,
};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The log, the number of appends to it, and the faults at the next ones.
pub struct WatchedLog {
    log: Arc<SqliteStore>,
    appends: AtomicUsize,
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

impl WatchedLog {
    pub fn of(log: &Arc<SqliteStore>) -> Arc<Self> {
        Arc::new(Self { log: Arc::clone(log), appends: AtomicUsize::new(0), next: Mutex::default() })
    }

    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// Sets the events at the next appends, one after the other. After them nothing unusual happens.
    pub fn next(&self, happens: impl IntoIterator<Item = Happens>) {
        *self.next.lock().unwrap() = happens.into_iter().collect();
    }
}

#[async_trait]
impl EventStore for WatchedLog {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        // Other callers come meanwhile.
        tokio::task::yield_now().await;
        let happens = self.next.lock().unwrap().pop_front();
        match happens.unwrap_or(Happens::Nothing) {
            Happens::Nothing => {}
            Happens::Before(events) => drop(self.log.append(stream, Expected::Any, events).await.unwrap()),
            Happens::Full => return Err(Unavailable::because("the disk is full").into()),
        }
        self.log.append(stream, expected, events).await
    }
    async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        self.log.import(events).await
    }
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }
    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.log.read_all(after, filter, limit).await
    }
    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.log.find(id).await
    }
    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        self.log.stream_version(stream).await
    }
    async fn end(&self) -> Result<Option<Position>, ReadError> {
        self.log.end().await
    }
    fn waiter(&self) -> Waiter {
        self.log.waiter()
    }
    async fn check(&self) -> Result<(), Unavailable> {
        self.log.check().await
    }
    async fn close(&self) {
        self.log.close().await;
    }
}
