//! PostgreSQL, for any number of nodes.
//!
//! One function in the database appends a whole group: it takes the lock, compares versions, assigns positions
//! and inserts, in one round trip that is a transaction of its own. The lock is held until the commit is
//! visible. So a reader that sees a position also sees every event below it. A node that is suspended never
//! holds the lock, and no other transaction delays appends or readers. A single append may use the
//! [`fast_path`].

mod fast_path;
mod import;
mod lock;
mod notify;
mod plan;
mod pool;
mod read;
mod rows;
mod schema;
mod server;
mod statement;
mod writer;

use crate::append_metrics::AppendMetrics;
use crate::judge;
use crate::recent::RecentEvents;
use crate::row::Row;
use crate::{
    AppendError, Appended, EventStore, Expected, Filter, OpenError, Page, ReadError, Unavailable, Waiter,
};
use async_trait::async_trait;
use event_schemas::{Clock, EventId, NewEvent, Position, Recorded, StreamId, Version};
use fast_path::FastPath;
use pool::Pool;
use quick_cache::sync::Cache;
use server::Server;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use writer::{Job, PendingAppend, Writer};

/// The largest number of events in one append, and in one group.
pub const MAX_EVENTS: usize = 512;

/// How many appends the queue of the writers holds; further callers wait for room in it.
const QUEUE: usize = 4096;

/// How many groups are in flight at once.
const WRITERS: usize = 2;

/// How many streams' heads are cached.
const HEADS: usize = 50_000;

/// The longest time a reader sleeps before it reads the log for appends of other nodes.
const POLL: Duration = Duration::from_millis(50);

/// The heads of recently used streams. A stale head does no harm, because the server compares it.
type Heads = Cache<StreamId, judge::Head>;

/// An event log in a PostgreSQL database.
pub struct PostgresStore {
    jobs: mpsc::Sender<Job>,
    writers: Mutex<Vec<JoinHandle<()>>>,
    notify_tasks: Mutex<Vec<JoinHandle<()>>>,
    pool: Arc<Pool>,
    heads: Arc<Heads>,
    recent: Arc<RecentEvents>,
    grown: watch::Receiver<u64>,
    metrics: AppendMetrics,
}

impl PostgresStore {
    /// Opens the log, creating or migrating its tables as needed.
    pub async fn open(url: &str, clock: Clock) -> Result<Arc<Self>, OpenError> {
        let server = Arc::new(Server::probe(url).await?);
        schema::prepare(&server).await?;
        let pool = Arc::new(Pool::new(Arc::clone(&server)));
        let heads = Arc::new(Cache::new(HEADS));
        let recent = Arc::new(RecentEvents::new(WRITERS));
        let fast_path = Arc::new(FastPath::default());
        let node = clock.fresh_id().to_string();
        let (jobs, queue) = mpsc::channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let (wrote, written) = watch::channel(0);
        let (grew, grown) = watch::channel(0);
        let metrics = AppendMetrics::new();
        let unhealthy = Arc::new(AtomicBool::new(false));
        let writers = (0..WRITERS)
            .map(|_| {
                let writer = Writer {
                    server: Arc::clone(&server),
                    clock: clock.clone(),
                    heads: Arc::clone(&heads),
                    recent: Arc::clone(&recent),
                    fast_path: Arc::clone(&fast_path),
                    grew: grew.clone(),
                    wrote: wrote.clone(),
                    unhealthy: Arc::clone(&unhealthy),
                    metrics: metrics.clone(),
                    connection: None,
                };
                tokio::spawn(writer.run(Arc::clone(&queue)))
            })
            .collect();
        let notify_tasks = vec![
            tokio::spawn(notify::send(Arc::clone(&pool), node.clone(), written)),
            tokio::spawn(notify::listen(server, node, Arc::clone(&recent), grew)),
        ];
        Ok(Arc::new(Self {
            jobs,
            writers: Mutex::new(writers),
            notify_tasks: Mutex::new(notify_tasks),
            pool,
            heads,
            recent,
            grown,
            metrics,
        }))
    }

    async fn request<T>(&self, job: impl FnOnce(oneshot::Sender<T>) -> Job) -> Result<T, Unavailable> {
        let (answer, answered) = oneshot::channel();
        self.jobs.send(job(answer)).await.map_err(|_| Unavailable::because("it is closed"))?;
        answered.await.map_err(|_| Unavailable::because("it was closed"))
    }
}

/// The character that PostgreSQL's type `text` cannot store. JSON text that escapes it can be stored.
const NUL: char = '\0';

fn contains_nul(stream: &StreamId, rows: &[Row]) -> bool {
    stream.as_str().contains(NUL)
        || rows.iter().any(|row| row.data.contains(NUL) || row.event_type.contains(NUL))
}

#[async_trait]
impl EventStore for PostgresStore {
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
        // Encoded here, so that callers encode in parallel while the writers wait for the server.
        let rows: Vec<Row> = events.into_iter().map(Row::encode).collect();
        // One such text would fail the whole group.
        if contains_nul(stream, &rows) {
            return Err(Unavailable::because("PostgreSQL cannot store text with a NUL character").into());
        }
        let append = judge::Append { stream: stream.clone(), expected, rows };
        let answer =
            self.request(|answer| Job::Append(PendingAppend { append, answer, in_doubt: false })).await?;
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
        let events = read::stream(&self.pool, stream, from, limit).await?;
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
        read::page(&self.pool, after, filter, limit).await
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
        read::find(&self.pool, id).await
    }

    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        read::stream_version(&self.pool, stream).await
    }

    async fn end(&self) -> Result<Option<Position>, ReadError> {
        read::end(&self.pool).await
    }

    fn waiter(&self) -> Waiter {
        Waiter { changed: self.grown.clone(), poll: POLL }
    }

    async fn check(&self) -> Result<(), Unavailable> {
        read::end(&self.pool).await?;
        self.request(|answer| Job::Check { answer }).await?
    }

    async fn close(&self) {
        // Sending fails when the log is closed already; then there is nothing to finish.
        let _closed = self.jobs.send(Job::Close).await;
        join(&self.writers).await;
        self.pool.close();
        for task in self.notify_tasks.lock().await.iter() {
            task.abort();
        }
        join(&self.notify_tasks).await;
    }
}

async fn join(tasks: &Mutex<Vec<JoinHandle<()>>>) {
    for task in std::mem::take(&mut *tasks.lock().await) {
        match task.await {
            Ok(()) => {}
            Err(error) if error.is_cancelled() => {}
            Err(error) => tracing::error!(%error, "a task of the event log panicked"),
        }
    }
}
