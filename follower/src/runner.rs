//! Takes the log page by page, hands it to a projection, and moves the checkpoint in the same transaction.
//!
//! While one page is written the next is read and decoded. The checkpoint moves by compare-and-set: of two
//! runners only one can write, and the other begins again from where the first has come.

mod checkpoint;
mod progress;
mod reader;

pub use checkpoint::Checkpoint;
pub use progress::{Condition, NotYet, Progress, Watch};

pub use crate::decoded_log::DecodedEvent;

use crate::db::{Db, DbError, Tx};
use crate::decoded_log::DecodedLog;
use crate::follow_error::FollowError;
use event_schemas::{Clock, DecodeError, Position, StreamId, Version};
use event_store::{EventStore, Filter, ReadError};
use reader::Reader;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

/// Something that follows the log with tables of its own.
pub trait Projection: Send + 'static {
    /// The name of its checkpoint: `read-models`, `outbound-delivery`.
    fn name(&self) -> &'static str;
    /// The events that the projection follows.
    fn filter(&self) -> Filter {
        Filter::all()
    }
    /// How long events may gather before it looks at the log again, once it has come to the end: for what need
    /// not be known at once. Pages are larger and fewer by it.
    fn pace(&self) -> Duration {
        Duration::ZERO
    }
    /// Whether an event can lead to anything being written. A page of which none can moves the checkpoint
    /// only now and then.
    fn concerns(&self, _event: &DecodedEvent) -> bool {
        true
    }
    /// Prepares a page before anything of it is written. Returns whether something is to be
    /// written at all. It may be asked about the same page again.
    fn prepare(
        &mut self,
        _page: &[Arc<DecodedEvent>],
    ) -> impl Future<Output = Result<bool, FollowError>> + Send {
        async { Ok(true) }
    }
    /// Folds a page and writes what changed. The checkpoint is in the same transaction, so a page is
    /// written exactly once.
    fn project(
        &mut self,
        page: &[Arc<DecodedEvent>],
        tx: &mut Tx,
    ) -> impl Future<Output = Result<(), FollowError>> + Send;
    /// The page is committed: what was learnt from it may be kept, and who waits may be woken.
    fn committed(&mut self) {}
    /// The page is not committed, or another runner wrote: nothing that is remembered counts.
    fn reset(&mut self) {}
}

/// Why a projection stands still.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    #[error("the event {event_type} at {position} ({stream}, version {version}) cannot be read")]
    Unreadable {
        position: Position,
        stream: StreamId,
        version: Version,
        event_type: String,
        #[source]
        source: DecodeError,
    },
    #[error("the log cannot be read")]
    Log(#[from] ReadError),
    #[error("the tables cannot be written")]
    Db(#[from] DbError),
    #[error("a page of the log cannot be taken")]
    Follow(#[source] FollowError),
    /// The reading task ended by itself, which only a panic in it can cause.
    #[error("the task that reads the log panicked")]
    BrokeOff,
}

impl From<FollowError> for RunnerError {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Db(error) => Self::Db(error),
            FollowError::Log(unavailable) => Self::Log(ReadError::Unavailable(unavailable)),
            error @ (FollowError::Contended | FollowError::Damaged { .. } | FollowError::Refused(_)) => {
                Self::Follow(error)
            }
        }
    }
}

impl RunnerError {
    /// Whether waiting may help: a full disk may be cleared, a stored event does not become readable.
    fn may_pass(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Log(ReadError::Damaged { .. }) => false,
            Self::Follow(error) => error.may_pass(),
            Self::Log(ReadError::Unavailable(_)) | Self::Db(_) | Self::BrokeOff => true,
        }
    }
}

/// Events of one page of the log.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Arc<DecodedEvent>>,
    /// How many were of a type this version does not know.
    skipped: u64,
    through: Option<Position>,
    at_end: bool,
}

/// How many events a page holds at most.
pub const PAGE: usize = 2000;

/// Keeps one projection up with the log.
pub struct Runner<P: Projection> {
    log: DecodedLog,
    db: Db,
    projection: P,
    checkpoint: Checkpoint,
    page: usize,
    progress: watch::Sender<Progress>,
    /// When the checkpoint was last written.
    stored: Instant,
    /// How many events were passed over since.
    passed_over: u64,
    /// Where the checkpoint would be if that had been written.
    seen: Option<Checkpoint>,
}

/// How long a checkpoint may lag behind what was passed over.
const QUIET: Duration = Duration::from_secs(1);

/// The result of writing one page.
enum Outcome {
    Written,
    /// Another runner moved the checkpoint.
    Overtaken,
}

impl<P: Projection> Runner<P> {
    /// Takes up where the checkpoint is.
    pub async fn open(log: impl Into<DecodedLog>, db: Db, projection: P) -> Result<Self, RunnerError> {
        let checkpoint = Checkpoint::read(&db, projection.name()).await?;
        let (progress, _) = watch::channel(Progress::at(checkpoint));
        Ok(Self {
            log: log.into(),
            db,
            projection,
            checkpoint,
            page: PAGE,
            progress,
            stored: Instant::now(),
            passed_over: 0,
            seen: None,
        })
    }

    /// How many events a page holds at most.
    pub fn with_page(mut self, page: usize) -> Self {
        self.page = page.max(1);
        self
    }

    /// To wait for the tables and to ask how they are.
    pub fn watch(&self) -> Watch {
        Watch::new(self.progress.subscribe())
    }

    pub fn db(&self) -> &Db {
        &self.db
    }

    pub fn projection(&self) -> &P {
        &self.projection
    }

    /// Follows the log until told to stop. Ends early only when an event cannot be read.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), RunnerError> {
        let _checkpointing =
            AbortOnDropHandle::new(tokio::spawn(checkpoint_wal(self.db.clone(), self.progress.subscribe())));
        let behind = lag(Arc::clone(self.log.store()), self.projection.name(), self.progress.subscribe());
        let _measuring = AbortOnDropHandle::new(tokio::spawn(behind));
        loop {
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                ended = self.follow(None, |_| {}) => Some(ended),
            };
            let Some(ended) = ended else {
                if let Err(error) = self.settle().await {
                    tracing::warn!(error = %Chain(&error), "a checkpoint was not written; the last second is read again");
                }
                return Ok(());
            };
            let Err(error) = ended else { continue };
            let name = self.projection.name();
            self.projection.reset();
            let passing = error.may_pass();
            self.progress.send_modify(|progress| progress.trouble(&error, passing));
            if !passing {
                tracing::error!(projection = name, error = %Chain(&error), "the projection stopped");
                return Err(error);
            }
            tracing::warn!(projection = name, error = %Chain(&error), "the projection tries again");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
            if let Ok(checkpoint) = Checkpoint::read(&self.db, name).await {
                (self.checkpoint, self.passed_over, self.seen) = (checkpoint, 0, None);
            }
        }
    }

    /// Works off what is in the log: up to `until`, or to where the log ends now.
    pub async fn catch_up(
        &mut self,
        until: Option<Position>,
        on_page: impl FnMut(&Progress) + Send,
    ) -> Result<(), RunnerError> {
        let Some(until) = (match until {
            Some(until) => Some(until),
            None => self.log.store().end().await?,
        }) else {
            return Ok(());
        };
        let caught_up = self.follow(Some(until), on_page).await;
        if caught_up.is_err() {
            self.projection.reset();
        }
        caught_up
    }

    /// One page, of what is there now. Answers whether the end of the log was reached.
    pub async fn step(&mut self) -> Result<bool, RunnerError> {
        let filter = self.projection.filter();
        let page = self.log.store().read_all(self.checkpoint.position, &filter, self.page).await?;
        let batch = reader::decode(&self.log, page)?;
        let at_end = batch.at_end;
        if let Outcome::Overtaken = self.write(&batch).await? {
            self.start_over().await?;
            return Ok(false);
        }
        Ok(at_end)
    }

    async fn follow(
        &mut self,
        until: Option<Position>,
        mut on_page: impl FnMut(&Progress) + Send,
    ) -> Result<(), RunnerError> {
        loop {
            if until.is_some_and(|until| self.checkpoint.position >= Some(until)) {
                return Ok(());
            }
            let mut reader = Reader::start(
                &self.log,
                self.checkpoint.position,
                self.projection.filter(),
                reader::Pages { limit: self.page, pace: self.projection.pace(), until },
            );
            loop {
                let rests = until.is_none() || self.seen.is_some();
                let batch = tokio::select! {
                    batch = reader.next() => batch?,
                    () = tokio::time::sleep(QUIET), if rests => match self.rest().await? {
                        Outcome::Written => continue,
                        Outcome::Overtaken => {
                            self.start_over().await?;
                            break;
                        }
                    },
                };
                let (at_end, batch) = (batch.at_end, batch.until(until));
                match self.write(&batch).await? {
                    Outcome::Overtaken => {
                        self.start_over().await?;
                        break;
                    }
                    Outcome::Written => on_page(&self.progress.borrow()),
                }
                drop_aside(batch);
                let reached = until.is_some_and(|until| self.checkpoint.position >= Some(until) || at_end);
                if reached {
                    return Ok(());
                }
            }
        }
    }

    async fn write(&mut self, batch: &Batch) -> Result<Outcome, RunnerError> {
        let name = self.projection.name();
        if let Some(through) = batch.through
            && self.passes_over(batch).await?
        {
            self.passed_over += batch.events.len() as u64;
            let seen = self.checkpoint.moved_to(through, self.passed_over);
            self.seen = Some(seen);
            self.progress.send_modify(|progress| progress.advance(seen, batch));
            return Ok(Outcome::Written);
        }
        if let Some(through) = batch.through
            && self.checkpoint.position < Some(through)
        {
            let mut tx = self.db.begin().await?;
            let taken = self.passed_over + batch.events.len() as u64 + batch.skipped;
            let next = self.checkpoint.moved_to(through, taken);
            if !next.take_over_from(self.checkpoint, name, &mut tx).await? {
                return Ok(Outcome::Overtaken);
            }
            let projected = match batch.events.is_empty() {
                true => Ok(()),
                false => self.projection.project(&batch.events, &mut tx).await,
            };
            let committed = match projected {
                Ok(()) => tx.commit_claimed().await.map_err(FollowError::from),
                Err(error) => {
                    drop(tx);
                    Err(error)
                }
            };
            match committed {
                Ok(true) => {}
                Ok(false) => return Ok(Outcome::Overtaken),
                Err(error) => {
                    self.projection.reset();
                    // Where another has written these rows, that they are there may be noticed first.
                    let stored = Checkpoint::read(&self.db, name).await;
                    let overtaken = stored.is_ok_and(|stored| stored.position != self.checkpoint.position);
                    return if overtaken { Ok(Outcome::Overtaken) } else { Err(error.into()) };
                }
            }
            self.projection.committed();
            self.checkpoint = next;
            (self.stored, self.passed_over, self.seen) = (Instant::now(), 0, None);
        }
        metrics::counter!("verbatim_projection_events_total", "projection" => name)
            .increment(batch.events.len() as u64);
        if batch.skipped > 0 {
            metrics::counter!("verbatim_projection_skipped_events_total", "projection" => name)
                .increment(batch.skipped);
        }
        if let Some(last) = batch.events.last() {
            // From recorded to visible. While the end is not reached, it is also how far behind the tables are.
            let delay = Clock::System.now().since(last.recorded_at).as_secs_f64();
            metrics::histogram!("verbatim_projection_delay_seconds", "projection" => name).record(delay);
            let lag = if batch.at_end { 0.0 } else { delay };
            metrics::gauge!("verbatim_projection_lag_seconds", "projection" => name).set(lag);
        }
        self.progress.send_modify(|progress| progress.advance(self.checkpoint, batch));
        Ok(Outcome::Written)
    }

    /// At the end of the log, what a projection writes nothing about moves its checkpoint only now and then: a
    /// commit for every such event would cost more than looking at a second's worth of them again.
    async fn passes_over(&mut self, batch: &Batch) -> Result<bool, RunnerError> {
        let recent = batch.at_end && batch.skipped == 0 && self.stored.elapsed() < QUIET;
        if recent && !batch.events.iter().any(|event| self.projection.concerns(event)) {
            return Ok(true);
        }
        let writes = self.projection.prepare(&batch.events).await?;
        Ok(recent && !writes)
    }

    /// While nothing happens: writes what was only passed over, else looks whether what was written is still
    /// there. PostgreSQL's commits do not wait for the disk, so that a crash of its server may have cost the
    /// newest of them, and the next event may be long in coming.
    async fn rest(&mut self) -> Result<Outcome, RunnerError> {
        if self.seen.is_some() {
            return self.settle().await;
        }
        let stored = Checkpoint::read(&self.db, self.projection.name()).await?;
        let there = stored.position == self.checkpoint.position;
        Ok(if there { Outcome::Written } else { Outcome::Overtaken })
    }

    /// Writes a checkpoint that only passed over events.
    async fn settle(&mut self) -> Result<Outcome, RunnerError> {
        let Some(seen) = self.seen else { return Ok(Outcome::Written) };
        let mut tx = self.db.begin().await?;
        if !seen.take_over_from(self.checkpoint, self.projection.name(), &mut tx).await? {
            return Ok(Outcome::Overtaken);
        }
        if !tx.commit_claimed().await? {
            return Ok(Outcome::Overtaken);
        }
        self.checkpoint = seen;
        (self.stored, self.passed_over, self.seen) = (Instant::now(), 0, None);
        Ok(Outcome::Written)
    }

    async fn start_over(&mut self) -> Result<(), RunnerError> {
        self.projection.reset();
        (self.passed_over, self.seen) = (0, None);
        self.checkpoint = Checkpoint::read(&self.db, self.projection.name()).await?;
        self.progress.send_modify(|progress| progress.position = self.checkpoint.position);
        Ok(())
    }
}

/// Tells how many events the tables are behind the log. Where an engine's positions do not count events
/// (KurrentDB's are bytes), it is how far in positions.
async fn lag(store: Arc<dyn EventStore>, name: &'static str, progress: watch::Receiver<Progress>) {
    let gauge = metrics::gauge!("verbatim_projection_lag_events", "projection" => name);
    loop {
        let end = store.end().await.ok().flatten().map_or(0, Position::commit);
        let here = progress.borrow().position.map_or(0, Position::commit);
        gauge.set(end.saturating_sub(here) as f64);
        tokio::time::sleep(LAG).await;
    }
}

/// How often the lag is told.
const LAG: Duration = Duration::from_secs(1);

/// How often to look how far the write-ahead log has grown.
const TIDY: Duration = Duration::from_millis(50);

/// Keeps the write-ahead log short while something is written.
async fn checkpoint_wal(db: Db, mut progress: watch::Receiver<Progress>) {
    while progress.changed().await.is_ok() {
        tokio::time::sleep(TIDY).await;
        if let Err(error) = db.checkpoint_wal().await {
            // The writer does it itself, should it ever become much.
            tracing::debug!(%error, "the write-ahead log could not be moved into the file");
        }
    }
}

/// A large page is taken apart while the next is being folded.
fn drop_aside(batch: Batch) {
    if batch.events.len() >= 64 {
        tokio::task::spawn_blocking(move || drop(batch));
    }
}

/// An error with what caused it, on one line.
pub struct Chain<'e>(pub &'e dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(cause) = source {
            write!(f, ": {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}
