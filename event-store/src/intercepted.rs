//! A log that calls a test before it is read or written, so that the test can count the calls, hold them, or change the
//! log first.

use crate::{AppendError, Appended, EventStore, Expected, Filter, Page, ReadError, Unavailable, Waiter};
use async_trait::async_trait;
use event_schemas::{EventId, NewEvent, Position, Recorded, StreamId, Version};
use std::ops::Deref;
use std::sync::Arc;

/// Runs before the calls of a log.
#[async_trait]
pub trait Interceptor: Send + Sync + 'static {
    /// Runs before an append to this log. Its error is the answer to the append, which then does not take place.
    async fn before_append(
        &self,
        log: &dyn EventStore,
        stream: &StreamId,
        events: &[NewEvent],
    ) -> Result<(), AppendError>;

    /// Runs before events or a stream's version are read.
    async fn before_read(&self) {}
}

/// A log and its interceptor.
pub struct Intercepted<I> {
    log: Arc<dyn EventStore>,
    by: I,
}

impl<I: Interceptor> Intercepted<I> {
    pub fn new(log: Arc<dyn EventStore>, by: I) -> Arc<Self> {
        Arc::new(Self { log, by })
    }
}

impl<I> Deref for Intercepted<I> {
    type Target = I;

    fn deref(&self) -> &I {
        &self.by
    }
}

#[async_trait]
impl<I: Interceptor> EventStore for Intercepted<I> {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.by.before_append(&*self.log, stream, &events).await?;
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
        self.by.before_read().await;
        self.log.read_stream(stream, from, limit).await
    }
    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.by.before_read().await;
        self.log.read_all(after, filter, limit).await
    }
    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.by.before_read().await;
        self.log.find(id).await
    }
    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        self.by.before_read().await;
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
