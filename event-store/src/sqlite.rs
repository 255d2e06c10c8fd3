//! The embedded engine: one SQLite file, one writer that commits in groups, a few readers.
//!
//! A position is the row's key. Positions are dense and assigned by the writer, so that an insert at a stale end
//! of the log violates the key instead of leaving a gap. By the same violation a process notices that another
//! one has appended to the file.

mod checkpoint_wal;
#[cfg(feature = "conformance")]
mod fault;
mod read;
mod rows;
mod schema;
mod writer;

use crate::append_metrics::AppendMetrics;
use crate::files::OpenFile;
use crate::judge;
use crate::recent::RecentEvents;
use crate::row::Row;
use crate::{
    AppendError, Appended, EventStore, Expected, Filter, OpenError, Page, ReadError, Unavailable, Waiter,
};
use async_trait::async_trait;
use event_schemas::{Clock, EventId, NewEvent, Position, Recorded, StreamId, Version};
use quick_cache::sync::Cache;
use sqlx::SqlitePool;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use writer::{Job, Writer};

/// The largest number of events in one append, and in one group: as many as one statement inserts.
pub const MAX_EVENTS: usize = 512;

/// How many appends the writer's queue holds; further callers wait for room in it.
const QUEUE: usize = 4096;

/// How many streams' heads are cached.
const HEADS: usize = 50_000;

/// The longest time a reader sleeps before it reads the log for appends of other processes.
const POLL: Duration = Duration::from_millis(50);

/// The heads of recently used streams. A stale head does no harm: the unique index on (stream, version) refuses
/// the row, and the writer looks the head up.
type Heads = Cache<StreamId, judge::Head>;

/// An event log in one SQLite file.
pub struct SqliteStore {
    jobs: mpsc::Sender<Job>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    readers: SqlitePool,
    file: OpenFile,
    heads: Arc<Heads>,
    recent: Arc<RecentEvents>,
    grown: watch::Receiver<u64>,
    metrics: AppendMetrics,
    #[cfg(feature = "conformance")]
    fault: fault::FaultSwitch,
}

impl SqliteStore {
    /// Opens the log, creating or migrating the file as needed.
    pub async fn open(path: impl AsRef<Path>, clock: Clock) -> Result<Arc<Self>, OpenError> {
        let path = path.as_ref();
        schema::prepare(path).await?;
        let file = OpenFile::at(path).map_err(|error| OpenError::Failed {
            path: path.display().to_string(),
            reason: error.to_string(),
            source: error.into(),
        })?;
        let readers = read::pool(&file);
        let heads = Arc::new(Cache::new(HEADS));
        let recent = Arc::new(RecentEvents::new(1));
        let (jobs, queue) = mpsc::channel(QUEUE);
        let (grew, grown) = watch::channel(0);
        let writer = Writer::new(file.clone(), clock, Arc::clone(&heads), Arc::clone(&recent), grew);
        let checkpoint = checkpoint_wal::run(file.clone(), grown.clone(), jobs.downgrade());
        #[cfg(feature = "conformance")]
        let fault = writer.fault();
        Ok(Arc::new(Self {
            jobs,
            tasks: Mutex::new(vec![tokio::spawn(writer.run(queue)), tokio::spawn(checkpoint)]),
            readers,
            file,
            heads,
            recent,
            grown,
            metrics: AppendMetrics::new(),
            #[cfg(feature = "conformance")]
            fault,
        }))
    }

    /// Makes the writer fail as with this fault of the disk from its next group on; `None` ends the fault.
    #[cfg(feature = "conformance")]
    pub fn pretend(&self, fault: Option<Fault>) {
        self.fault.set(fault);
    }

    async fn request<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Unavailable> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| Unavailable::because("it is closed"))?;
        answered.await.map_err(|_| Unavailable::because("it was closed"))
    }
}

#[cfg(feature = "conformance")]
pub use fault::Fault;

#[async_trait]
impl EventStore for SqliteStore {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        if events.is_empty() || events.len() > MAX_EVENTS {
            return Err(AppendError::TooMany { limit: MAX_EVENTS });
        }
        let began = Instant::now();
        let append = judge::Append {
            stream: stream.clone(),
            expected,
            // Encoded here, so that callers encode in parallel while the writer is flushing.
            rows: events.into_iter().map(Row::encode).collect(),
        };
        let answer = self.request(|answer| Job::Append { append, answer }).await?;
        self.metrics.append_seconds.record(began.elapsed());
        answer
    }

    async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        self.request(|answer| Job::Import { events, answer }).await?
    }

    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.file.check()?;
        let events = read::stream(&self.readers, stream, from, limit).await?;
        // A caller that loads a stream to its end usually appends to it next.
        if let Some(head) = judge::Head::of_page(&events, limit)
            && !self.heads.contains_key(stream)
        {
            self.heads.insert(stream.clone(), head);
        }
        Ok(events)
    }

    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.file.check()?;
        read::page(&self.readers, after, filter, limit).await
    }

    async fn read_recent(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.recent.read(self, after, filter, limit).await
    }

    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.file.check()?;
        read::find(&self.readers, id).await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        self.file.check()?;
        read::stream_version(&self.readers, stream).await
    }

    async fn end(&self) -> Result<Option<Position>, ReadError> {
        self.file.check()?;
        read::end(&self.readers).await
    }

    fn waiter(&self) -> Waiter {
        Waiter { changed: self.grown.clone(), poll: POLL }
    }

    async fn check(&self) -> Result<(), Unavailable> {
        self.end().await?;
        self.request(|answer| Job::Check { answer }).await?
    }

    async fn close(&self) {
        // The request fails when the log is closed already; then there is nothing to finish.
        let _finished = self.request(|answer| Job::Close { answer }).await;
        for task in std::mem::take(&mut *self.tasks.lock().await) {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the event log panicked");
            }
        }
        self.readers.close().await;
    }
}
