//! Reads the log page by page, applies each page to a projection, and moves the checkpoint in the same transaction.
//!
//! While one page is written the next one is read and decoded. The checkpoint moves by compare-and-set: of two
//! runners only one can write a page, and the other continues from the stored checkpoint.

mod checkpoint;
mod progress;
mod reader;

pub use checkpoint::{Checkpoint, CheckpointEvent, FoundInLog, OlderLog};
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

/// A follower of the log with tables of its own.
pub trait Projection: Send + 'static {
    /// The name of its checkpoint, for example `read-models` or `outbound-delivery`.
    fn name(&self) -> &'static str;
    /// The events that the projection follows.
    fn filter(&self) -> Filter {
        Filter::all()
    }
    /// How long the runner waits at the end of the log before it reads the next page. A longer wait makes fewer and
    /// larger pages, for a projection that need not be up to date at once.
    fn pace(&self) -> Duration {
        Duration::ZERO
    }
    /// Whether an event can change the tables. The checkpoint is stored only once per second while no event of the
    /// pages can.
    fn concerns(&self, _event: &DecodedEvent) -> bool {
        true
    }
    /// Prepares a page before the transaction begins. Returns whether the page changes the tables. It may be called
    /// again for the same page.
    fn prepare(
        &mut self,
        _page: &[Arc<DecodedEvent>],
    ) -> impl Future<Output = Result<bool, FollowError>> + Send {
        async { Ok(true) }
    }
    /// Folds a page and writes the changes. The checkpoint is in the same transaction, so each page is written
    /// exactly once.
    fn project(
        &mut self,
        page: &[Arc<DecodedEvent>],
        tx: &mut Tx,
    ) -> impl Future<Output = Result<(), FollowError>> + Send;
    /// The page is committed. The projection may now keep values from it in memory and wake waiting tasks.
    fn committed(&mut self) {}
    /// The page is not committed, or another runner wrote. The projection must drop all values from its memory.
    fn reset(&mut self) {}
}

/// The reason why a projection stopped or tries again.
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
    #[error(transparent)]
    OlderLog(#[from] OlderLog),
    #[error("a page of the log cannot be projected")]
    Follow(#[source] FollowError),
    /// The task that reads the log ended although it was not stopped, which only a panic can cause.
    #[error("the task that reads the log panicked")]
    Panicked,
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
    /// Whether a retry may help. It may when the disk is full; it does not when a stored event is unreadable.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreadable { .. } | Self::Log(ReadError::Damaged { .. }) => false,
            Self::Follow(error) => error.may_pass(),
            // The log may come back: a file that was moved away, a server that was named by mistake.
            Self::Log(ReadError::Unavailable(_)) | Self::Db(_) | Self::OlderLog(_) | Self::Panicked => true,
        }
    }
}

/// Events of one page of the log.
#[derive(Debug, Default)]
struct Batch {
    events: Vec<Arc<DecodedEvent>>,
    /// The number of events whose type this version does not know.
    skipped: u64,
    through: Option<Position>,
    /// The last event that was read, whether or not this version knows its type.
    last: Option<(Position, CheckpointEvent)>,
    at_end: bool,
}

impl Batch {
    /// The event at the end of the page. `None` when it did not match the filter and is not in the page.
    fn event_at_end(&self) -> Option<CheckpointEvent> {
        self.last.filter(|(position, _)| Some(*position) == self.through).map(|(_, event)| event)
    }
}

/// The maximum number of events in a page.
pub const PAGE: usize = 2000;

/// Keeps one projection up to date with the log.
pub struct Runner<P: Projection> {
    log: DecodedLog,
    db: Db,
    projection: P,
    checkpoint: Checkpoint,
    page: usize,
    progress: watch::Sender<Progress>,
    /// The time at which the checkpoint was last stored.
    stored_at: Instant,
    /// The number of events since then that changed nothing.
    unstored_events: u64,
    /// The checkpoint after these events. `None` when there are none.
    unstored: Option<Checkpoint>,
}

/// How long events that change nothing may be missing from the stored checkpoint.
const CHECKPOINT_DELAY: Duration = Duration::from_secs(1);

/// The result of writing a page.
enum Outcome {
    Written,
    /// Another runner moved the checkpoint.
    Overtaken,
}

impl<P: Projection> Runner<P> {
    /// Opens the runner at the stored checkpoint.
    pub async fn open(log: impl Into<DecodedLog>, db: Db, projection: P) -> Result<Self, RunnerError> {
        Checkpoint::prepare(&db).await?;
        let checkpoint = Checkpoint::read(&db, projection.name()).await?;
        let (progress, _) = watch::channel(Progress::at(checkpoint));
        Ok(Self {
            log: log.into(),
            db,
            projection,
            checkpoint,
            page: PAGE,
            progress,
            stored_at: Instant::now(),
            unstored_events: 0,
            unstored: None,
        })
    }

    /// Sets the maximum number of events in a page.
    pub fn with_page(mut self, page: usize) -> Self {
        self.page = page.max(1);
        self
    }

    /// Returns a handle that waits for the tables and reads their progress.
    pub fn watch(&self) -> Watch {
        Watch::new(self.progress.subscribe())
    }

    pub fn db(&self) -> &Db {
        &self.db
    }

    pub fn projection(&self) -> &P {
        &self.projection
    }

    /// Follows the log until `stop` is cancelled. Ends early only with an error that a retry cannot fix.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), RunnerError> {
        let _checkpointing =
            AbortOnDropHandle::new(tokio::spawn(checkpoint_wal(self.db.clone(), self.progress.subscribe())));
        let lag =
            measure_lag(Arc::clone(self.log.store()), self.projection.name(), self.progress.subscribe());
        let _measuring = AbortOnDropHandle::new(tokio::spawn(lag));
        loop {
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => None,
                ended = self.follow(None, |_| {}) => Some(ended),
            };
            let Some(ended) = ended else {
                if let Err(error) = self.store_checkpoint().await {
                    tracing::warn!(error = %Chain(&error), "a checkpoint was not stored; the events of the last second are read again");
                }
                return Ok(());
            };
            let Err(error) = ended else { continue };
            let name = self.projection.name();
            self.projection.reset();
            let passing = error.may_pass();
            let may_have_lost = self.db.may_lose_commits();
            self.progress.send_modify(|progress| {
                progress.set_error(&error, passing);
                if may_have_lost {
                    // A reader that waits for its own write must not trust the position that was reached before.
                    progress.position = None;
                }
            });
            if !passing {
                tracing::error!(projection = name, error = %Chain(&error), "the projection stopped");
                return Err(error);
            }
            tracing::warn!(projection = name, error = %Chain(&error), "the projection failed; trying again");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
            if let Ok(checkpoint) = Checkpoint::read(&self.db, name).await {
                (self.checkpoint, self.unstored_events, self.unstored) = (checkpoint, 0, None);
                self.progress.send_modify(|progress| progress.position = checkpoint.position);
            }
        }
    }

    /// Projects the log up to `until`, or up to its current end.
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

    /// Projects one page. Returns whether it reached the end of the log.
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
            self.compare_with_log().await?;
            let mut compared_at = Instant::now();
            let mut reader = Reader::start(
                &self.log,
                self.checkpoint.position,
                self.projection.filter(),
                reader::Pages { limit: self.page, pace: self.projection.pace(), until },
            );
            loop {
                let may_rest = until.is_none() || self.unstored.is_some();
                let batch = tokio::select! {
                    batch = reader.next() => batch?,
                    () = tokio::time::sleep(CHECKPOINT_DELAY), if may_rest => match self.check_checkpoint().await? {
                        Outcome::Written => {
                            self.compare_with_log().await?;
                            compared_at = Instant::now();
                            let reached = self.unstored.unwrap_or(self.checkpoint).position;
                            self.progress.send_if_modified(|progress| progress.works_at(reached));
                            continue;
                        }
                        Outcome::Overtaken => {
                            self.start_over().await?;
                            break;
                        }
                    },
                };
                let (at_end, batch) = (batch.at_end, batch.until(until));
                if compared_at.elapsed() > CHECKPOINT_DELAY {
                    self.compare_with_log().await?;
                    compared_at = Instant::now();
                }
                match self.write(&batch).await? {
                    Outcome::Overtaken => {
                        self.start_over().await?;
                        break;
                    }
                    Outcome::Written => on_page(&self.progress.borrow()),
                }
                drop_in_background(batch);
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
            && self.changes_nothing(batch).await?
        {
            self.unstored_events += batch.events.len() as u64;
            let checkpoint = self.checkpoint.moved_to(through, self.unstored_events, batch.event_at_end());
            self.unstored = Some(checkpoint);
            self.progress.send_modify(|progress| progress.advance(checkpoint, batch));
            return Ok(Outcome::Written);
        }
        if let Some(through) = batch.through
            && self.checkpoint.position < Some(through)
        {
            let events = self.unstored_events + batch.events.len() as u64 + batch.skipped;
            let next = self.checkpoint.moved_to(through, events, batch.event_at_end());
            let next = next.with_event(&**self.log.store()).await?;
            let mut tx = self.db.begin().await?;
            if !next.replace(self.checkpoint, name, &mut tx).await? {
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
                    // When another runner has written this page, the conflict of a row may be reported first.
                    let stored = Checkpoint::read(&self.db, name).await;
                    let overtaken = stored.is_ok_and(|stored| stored.position != self.checkpoint.position);
                    return if overtaken { Ok(Outcome::Overtaken) } else { Err(error.into()) };
                }
            }
            self.projection.committed();
            self.checkpoint = next;
            (self.stored_at, self.unstored_events, self.unstored) = (Instant::now(), 0, None);
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

    /// Whether the page changes nothing and its checkpoint need not be stored yet. At the end of the log a commit for
    /// every such event would cost more than reading the events of a second again after a restart.
    async fn changes_nothing(&mut self, batch: &Batch) -> Result<bool, RunnerError> {
        let recent = batch.at_end && batch.skipped == 0 && self.stored_at.elapsed() < CHECKPOINT_DELAY;
        if recent && !batch.events.iter().any(|event| self.projection.concerns(event)) {
            return Ok(true);
        }
        let writes = self.projection.prepare(&batch.events).await?;
        Ok(recent && !writes)
    }

    /// Stores the checkpoint when no event has arrived for [`CHECKPOINT_DELAY`]. When it is stored already, checks
    /// that the tables still have it: PostgreSQL's commits do not wait for the disk, so a crash of its server may
    /// have lost the newest ones, and the next event may arrive much later.
    async fn check_checkpoint(&mut self) -> Result<Outcome, RunnerError> {
        if self.unstored.is_some() {
            return self.store_checkpoint().await;
        }
        self.db.check_in_place()?;
        let stored = Checkpoint::read(&self.db, self.projection.name()).await?;
        let is_stored = stored.position == self.checkpoint.position;
        Ok(if is_stored { Outcome::Written } else { Outcome::Overtaken })
    }

    /// Stores the checkpoint after events that changed nothing.
    async fn store_checkpoint(&mut self) -> Result<Outcome, RunnerError> {
        let Some(next) = self.unstored else { return Ok(Outcome::Written) };
        let next = next.with_event(&**self.log.store()).await?;
        let mut tx = self.db.begin().await?;
        if !next.replace(self.checkpoint, self.projection.name(), &mut tx).await? {
            return Ok(Outcome::Overtaken);
        }
        if !tx.commit_claimed().await? {
            return Ok(Outcome::Overtaken);
        }
        self.checkpoint = next;
        (self.stored_at, self.unstored_events, self.unstored) = (Instant::now(), 0, None);
        Ok(Outcome::Written)
    }

    /// Checks that the log holds what the tables have read from it.
    async fn compare_with_log(&self) -> Result<(), RunnerError> {
        match self.checkpoint.compare(self.projection.name(), &**self.log.store()).await? {
            Some(older) => Err(older.into()),
            None => Ok(()),
        }
    }

    /// Drops the state in memory and continues from the stored checkpoint.
    async fn start_over(&mut self) -> Result<(), RunnerError> {
        self.projection.reset();
        (self.unstored_events, self.unstored) = (0, None);
        self.checkpoint = Checkpoint::read(&self.db, self.projection.name()).await?;
        self.progress.send_modify(|progress| progress.position = self.checkpoint.position);
        Ok(())
    }
}

/// Measures by how many events the tables are behind the log. On an engine whose positions do not count events, the
/// lag is in positions; those of KurrentDB are bytes.
async fn measure_lag(store: Arc<dyn EventStore>, name: &'static str, progress: watch::Receiver<Progress>) {
    let gauge = metrics::gauge!("verbatim_projection_lag_events", "projection" => name);
    loop {
        let end = store.end().await.ok().flatten().map_or(0, Position::commit);
        let here = progress.borrow().position.map_or(0, Position::commit);
        gauge.set(end.saturating_sub(here) as f64);
        tokio::time::sleep(LAG).await;
    }
}

/// How often the lag is measured.
const LAG: Duration = Duration::from_secs(1);

/// How often the length of the write-ahead log is checked.
const WAL_CHECK: Duration = Duration::from_millis(50);

/// Checkpoints the write-ahead log while pages are written, so that it stays short.
async fn checkpoint_wal(db: Db, mut progress: watch::Receiver<Progress>) {
    while progress.changed().await.is_ok() {
        tokio::time::sleep(WAL_CHECK).await;
        if let Err(error) = db.checkpoint_wal().await {
            // The writer checkpoints the log by itself when it becomes long.
            tracing::debug!(%error, "the write-ahead log could not be checkpointed");
        }
    }
}

/// Frees a large page on another thread while the next page is folded.
fn drop_in_background(batch: Batch) {
    if batch.events.len() >= 64 {
        tokio::task::spawn_blocking(move || drop(batch));
    }
}

/// Shows an error and its sources on one line.
pub struct Chain<'e>(pub &'e dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = self.0.to_string();
        let mut source = self.0.source();
        while let Some(cause) = source {
            // Some of the drivers' errors have the text of their cause already.
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text = format!("{text}: {cause_text}");
            }
            source = cause.source();
        }
        f.write_str(&text)
    }
}
