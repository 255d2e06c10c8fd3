//! The engine on KurrentDB (EventStoreDB before), through the vendor's client.
//!
//! The server keeps order, versions and durability; what it does not keep is that an event's id is unique
//! over the whole log. For that each id has a stream of its own, `id-<uuid>`, whose last event is a link to
//! the slot the event goes to, written before the event itself ([`claims`]). A slot can be filled only
//! once, so a look at it says what became of a claim. It costs one small write per event, side by side,
//! before the append, and a second one of the first event's when there are several.
//!
//! Positions are commit and prepare together: events of one append may share the first. The server stamps
//! a time of its own; ours is in the metadata.
//!
//! Limits. An import is checked whole before anything is written, but is written stream by stream: if the
//! server goes away in the middle, its beginning is there, and the next try passes over it. A claim whose
//! writer vanished is taken over after [`claims::TAKE_OVER`]: a request that the network held back for
//! longer and delivered then could record an event twice, in two streams. An append is limited by the
//! server's `MaxAppendSize`.

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

/// How many events one append may hold.
pub const MAX_EVENTS: usize = 512;

/// How long a reader sleeps at most before it looks, should the live subscription be down.
const POLL: Duration = Duration::from_millis(500);

/// How many writers to streams at any version are kept apart in this process.
const STREAM_LOCKS: usize = 64;

/// An event log in KurrentDB.
pub struct KurrentStore {
    log: Log,
    /// Read by whoever works, written by whoever closes: closing waits for what was accepted.
    closed: RwLock<bool>,
    grew: watch::Sender<u64>,
    live: Mutex<Option<JoinHandle<()>>>,
}

/// What every part of the engine needs.
#[derive(Clone)]
struct Log {
    connection: Arc<Connection>,
    names: Arc<Names>,
    clock: Clock,
    /// Who appends at whatever version does so one after the other, or they would take it from each other
    /// again and again.
    stream_locks: Arc<[Mutex<()>; STREAM_LOCKS]>,
}

impl KurrentStore {
    /// Opens the log that a URL of the vendor's form names. `log=<name>` among its parameters keeps this
    /// log apart from whatever else the server holds; without it the server must be this program's alone.
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

    /// Keeps the log from closing for as long as the answer is held.
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
                tracing::error!(%error, "the live subscription to the event log ended badly");
            }
        }
    }
}
