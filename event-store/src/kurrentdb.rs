//! The engine on KurrentDB (formerly EventStoreDB), through the vendor's client.
//!
//! The server guarantees order, versions and durability. It does not guarantee that an event's id is unique in
//! the whole log. For that each id has a stream of its own, `id-<uuid>`, whose last event is a link to the slot
//! that the event goes to; the link is written before the event itself ([`claims`]). A slot can be filled only
//! once, so a read of the slot shows the outcome of a claim. This costs one small write per event before the
//! append: the first event's claim alone, then the claims of the others in parallel.
//!
//! A position is commit and prepare together, because the events of one append may share the commit. The server
//! records a time of its own; the time of this program's clock is in the metadata.
//!
//! Limits:
//!
//! * An import is checked as a whole before anything is written, but is written stream by stream. If the server
//!   becomes unavailable in the middle, the first part is in the log, and the next try skips it.
//! * A claim whose writer ended is taken over after [`claims::TAKE_OVER`]. A request that the network delays for
//!   longer and then delivers could record an event twice, in two streams.
//! * An append is limited by the server's `MaxAppendSize`.

mod appending;
mod claims;
mod connection;
mod events;
mod importing;
mod live;
mod names;
mod opening;
mod reading;

use crate::{
    AppendError, Appended, EventStore, Expected, Filter, OpenError, Page, ReadError, Unavailable, Waiter,
};
use async_trait::async_trait;
use connection::Connection;
use event_schemas::{Clock, EventId, NewEvent, Position, Recorded, StreamId, Version};
use names::Names;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, RwLock, RwLockReadGuard, watch};
use tokio::task::JoinHandle;

/// The largest number of events in one append.
pub const MAX_EVENTS: usize = 512;

/// The longest time a reader sleeps before it reads the log, in case the live subscription is down.
const POLL: Duration = Duration::from_millis(500);

/// The number of locks that serialise this process's appends with [`Expected::Any`], by stream.
const STREAM_LOCKS: usize = 64;

/// An event log in KurrentDB.
pub struct KurrentStore {
    log: Log,
    /// Locked for reading by each call and for writing by `close`, which so waits for the accepted calls.
    closed: RwLock<bool>,
    grew: watch::Sender<u64>,
    live: Mutex<Option<JoinHandle<()>>>,
}

/// The state that every part of the engine shares.
#[derive(Clone)]
struct Log {
    connection: Arc<Connection>,
    names: Arc<Names>,
    clock: Clock,
    /// Appends with [`Expected::Any`] to one stream run one after the other; otherwise they would cause each
    /// other's retries.
    stream_locks: Arc<[Mutex<()>; STREAM_LOCKS]>,
}

impl KurrentStore {
    /// Opens the log that a URL in the vendor's form names. The parameter `log=<name>` separates this log from
    /// other data on the server; without it the server must hold no other data.
    pub async fn open(url: &str, clock: Clock) -> Result<Arc<Self>, OpenError> {
        let (connection, names) = opening::open(url, &clock).await?;
        let log = Log {
            connection: Arc::new(connection),
            names: Arc::new(names),
            clock,
            stream_locks: Arc::new(std::array::from_fn(|_| Mutex::new(()))),
        };
        let grew = watch::Sender::new(0);
        let live = tokio::spawn(live::follow(log.clone(), grew.clone()));
        Ok(Arc::new(Self { log, closed: RwLock::new(false), grew, live: Mutex::new(Some(live)) }))
    }

    /// Keeps the log from closing for as long as the guard is held.
    async fn working(&self) -> Result<RwLockReadGuard<'_, bool>, Unavailable> {
        let closed = self.closed.read().await;
        if *closed {
            return Err(Unavailable::because("it is closed"));
        }
        Ok(closed)
    }
}

#[async_trait]
impl EventStore for KurrentStore {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        let _open = self.working().await?;
        if events.is_empty() || events.len() > MAX_EVENTS {
            return Err(AppendError::TooMany { limit: MAX_EVENTS });
        }
        let appended = self.log.append(stream, expected, events).await?;
        self.grew.send_modify(|times| *times += 1);
        Ok(appended)
    }

    async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        let _open = self.working().await?;
        let position = self.log.import(events).await?;
        self.grew.send_modify(|times| *times += 1);
        Ok(position)
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        let _open = self.working().await?;
        self.log.stream(stream, from, limit).await
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        let _open = self.working().await?;
        self.log.page(after, filter, limit).await
    }

    async fn event_at(&self, position: Position) -> Result<Option<Recorded>, ReadError> {
        let _open = self.working().await?;
        self.log.event_at(position).await
    }

    async fn reaches(&self, position: Position) -> Result<bool, ReadError> {
        let _open = self.working().await?;
        self.log.reaches(position).await
    }

    /// Counts, because the server's positions do not.
    async fn count_to(&self, position: Position) -> Result<u64, ReadError> {
        let (mut after, mut events) = (None, 0);
        loop {
            let page = self.read_all(after, &Filter::all(), 4_096).await?;
            events += page.events.iter().filter(|event| event.position <= position).count() as u64;
            after = page.through.or(after);
            if page.at_end || after >= Some(position) {
                return Ok(events);
            }
        }
    }

    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        let _open = self.working().await?;
        self.log.find(id).await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        let _open = self.working().await?;
        self.log.version(stream).await
    }

    async fn end(&self) -> Result<Option<Position>, ReadError> {
        let _open = self.working().await?;
        self.log.end().await
    }

    fn waiter(&self) -> Waiter {
        Waiter { changed: self.grew.subscribe(), poll: POLL }
    }

    async fn check(&self) -> Result<(), Unavailable> {
        let _open = self.working().await?;
        self.log.end().await?;
        Ok(())
    }

    async fn close(&self) {
        *self.closed.write().await = true;
        if let Some(live) = self.live.lock().await.take() {
            live.abort();
            if let Err(error) = live.await
                && !error.is_cancelled()
            {
                tracing::error!(%error, "the live subscription to the event log panicked");
            }
        }
    }
}
