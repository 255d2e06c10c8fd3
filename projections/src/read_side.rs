//! The read side of a running process: the generation in use, the runner that keeps its tables up to date with
//! the log, and the change to the next generation when a rebuild has finished it.

use crate::generations::{GenerationError, Generations};
use crate::read_models::{NAME, ReadModels};
use event_schemas::Position;
use event_store::EventStore;
use follower::DecodedLog;
use follower::db::{Db, DbError, Sizes};
use follower::lease::{Lease, Leases, TRY};
use follower::runner::{Chain, Checkpoint, Condition, NotYet, Progress, Runner, RunnerError, Watch};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often to check whether another process has finished a rebuild.
const GENERATION_POLL: Duration = Duration::from_millis(200);

/// How long a rebuilt generation may take to hold what the one before holds, before it is used all the same: a log of
/// which an older state was restored never has that again.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(10);

/// One generation, open for reading.
pub struct Generation {
    pub number: u64,
    pub db: Db,
    /// The progress of this process's runner. `None` when another process fills the generation.
    watch: Option<Watch>,
    checkpoint: tokio::sync::Mutex<CachedCheckpoint>,
}

/// The checkpoint of another process's runner, and when it was read from the tables.
#[derive(Default)]
struct CachedCheckpoint {
    read_at: Option<Instant>,
    position: Option<Position>,
}

/// How long a checkpoint that was read is used. All waiting requests share one read.
const CHECKPOINT_POLL: Duration = Duration::from_millis(5);

impl Generation {
    fn of(number: u64, db: Db, watch: Option<Watch>) -> Self {
        Self { number, db, watch, checkpoint: tokio::sync::Mutex::default() }
    }

    /// The position up to which another process has filled this generation, at most [`CHECKPOINT_POLL`] old.
    async fn cached_checkpoint(&self) -> Result<Option<Position>, DbError> {
        let mut cached = self.checkpoint.lock().await;
        if cached.read_at.is_none_or(|at| at.elapsed() >= CHECKPOINT_POLL) {
            let now = Instant::now();
            cached.position = Checkpoint::read(&self.db, NAME).await?.position;
            cached.read_at = Some(now);
        }
        Ok(cached.position)
    }
}

/// The tables of the generation in use. Cheap to clone; clones always see the newest generation.
#[derive(Clone)]
pub struct Tables {
    generations: Generations,
    current: Arc<RwLock<Current>>,
}

/// The generation in use, or the reason why there is none.
type Current = Result<Arc<Generation>, NoTables>;

/// No process has filled the tables yet, or the tables have a shape that this program cannot read. The text says what
/// the tables wait for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are no tables yet: {0}")]
pub struct NoTables(pub String);

impl Tables {
    /// Tables that are not open yet, because they wait for this.
    pub fn waiting(generations: Generations, reason: &str) -> Self {
        let current = Err(NoTables(reason.to_owned()));
        Self { generations, current: Arc::new(RwLock::new(current)) }
    }

    /// Changes the text that says what the tables wait for. Open tables stay open.
    fn wait_because(&self, reason: String) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.is_err() {
            *current = Err(NoTables(reason));
        }
    }

    /// The generation in use.
    pub fn current(&self) -> Result<Arc<Generation>, NoTables> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The database of the generation in use.
    pub fn db(&self) -> Result<Db, NoTables> {
        Ok(self.current()?.db.clone())
    }

    /// The position of the last event in the tables. `None` when no event is in them.
    pub async fn position(&self) -> Result<Option<Position>, follower::DbError> {
        let Ok(current) = self.current() else { return Ok(None) };
        match &current.watch {
            Some(watch) => Ok(watch.position()),
            None => current.cached_checkpoint().await,
        }
    }

    /// The progress of the runner that fills the tables. `None` when another process fills them.
    pub fn progress(&self) -> Option<Progress> {
        self.current().ok()?.watch.as_ref().map(Watch::progress)
    }

    /// Waits until the tables contain all events up to `wanted`, but not longer than `timeout`.
    pub async fn wait_for(&self, wanted: Position, timeout: Duration) -> Result<(), NotYet> {
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let current = self.current().ok();
            match current.as_ref().map(|current| (current, &current.watch)) {
                None => tokio::time::sleep(left.min(GENERATION_POLL)).await,
                Some((_, Some(watch))) => {
                    // Waits in short steps, because another generation can come into use meanwhile.
                    if watch.wait_for(wanted, left.min(GENERATION_POLL)).await.is_ok() {
                        return Ok(());
                    }
                }
                Some((current, None)) => {
                    if current.cached_checkpoint().await.unwrap_or_default() >= Some(wanted) {
                        return Ok(());
                    }
                    tokio::time::sleep(left.min(CHECKPOINT_POLL)).await;
                }
            }
            if Instant::now() >= deadline {
                return Err(NotYet { wanted });
            }
        }
    }

    /// Opens the generation in use and each one that another process brings into use later. For a process that only
    /// reads the tables.
    pub async fn follow(&self, stop: CancellationToken) {
        self.reopen_read_only().await;
        while self.generation_changed(&stop).await {
            self.reopen_read_only().await;
        }
    }

    /// Waits until another generation is in use. Returns false when `stop` is cancelled first.
    async fn generation_changed(&self, stop: &CancellationToken) -> bool {
        let number = self.current().ok().map(|current| current.number);
        loop {
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(GENERATION_POLL) => {}
            }
            match self.generations.current().await {
                Ok(current) if current.is_some() && current != number => return true,
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the number of the generation in use cannot be read"),
            }
        }
    }

    /// Opens the generation in use, which another process fills, and reads from it from now on.
    async fn reopen_read_only(&self) {
        match self.generations.open_current(Sizes::default()).await {
            Ok(Some((number, db))) => {
                let next = Generation::of(number, db, None);
                self.until_as_new(&next).await;
                self.replace(next);
            }
            // A newer version of Verbatim made these tables, and this version cannot read them.
            Ok(None) => tokio::time::sleep(GENERATION_POLL).await,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "the read models cannot be opened; trying again");
                tokio::time::sleep(GENERATION_POLL).await;
            }
        }
    }

    /// Waits until a rebuilt generation holds what the one in use holds, so that no answer is older than an earlier one.
    async fn until_as_new(&self, next: &Generation) {
        let Ok(before) = self.current() else { return };
        let deadline = Instant::now() + CATCHES_UP_WITHIN;
        while before.number != next.number && Instant::now() < deadline {
            let held = Checkpoint::read(&before.db, NAME).await.unwrap_or_default();
            let holds = Checkpoint::read(&next.db, NAME).await.unwrap_or_default();
            if holds.position >= held.position {
                return;
            }
            tokio::time::sleep(CHECKPOINT_POLL).await;
        }
    }

    /// Checks that the database of the tables can be reached.
    pub async fn check(&self) -> Result<(), DbError> {
        self.generations.location().check().await
    }

    /// Checks that the log holds what the tables have read from it.
    pub async fn compare_with(&self, store: &dyn EventStore) -> Result<(), RunnerError> {
        let Ok(db) = self.db() else { return Ok(()) };
        let checkpoint = Checkpoint::read(&db, NAME).await?;
        checkpoint.compare(NAME, store).await?.map_or(Ok(()), |older| Err(older.into()))
    }

    async fn close(&self) {
        if let Ok(db) = self.db() {
            db.close().await;
        }
    }

    /// Puts another generation into use. The database of the generation before closes when its last running
    /// query ends.
    fn replace(&self, next: Generation) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Ok(Arc::new(next));
    }
}

/// The tables, and the runner that fills them while this process holds the lease.
pub struct ReadSide {
    log: DecodedLog,
    leases: Leases,
    tables: Tables,
    /// `None` while another process holds the lease and fills the tables.
    leased: Option<Leased>,
}

/// The lease that this process holds, and the runner that may work as long as it holds it.
struct Leased {
    lease: Lease,
    runner: Runner<ReadModels>,
}

/// The reason why the runner must stop.
enum StopReason {
    Shutdown,
    GenerationChanged,
    LeaseLost,
}

impl ReadSide {
    /// Opens the tables. When there are no tables, or none that this program can read, it fills them first. While
    /// another process holds the lease, this process only reads the tables.
    pub async fn open(
        log: impl Into<DecodedLog>,
        generations: Generations,
        on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, GenerationError> {
        Self::open_in(Tables::waiting(generations, "they are being opened"), log, on_progress).await
    }

    /// Opens these tables, which say meanwhile what they wait for.
    pub async fn open_in(
        tables: Tables,
        log: impl Into<DecodedLog>,
        on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, GenerationError> {
        let opened = Self::try_open(tables.clone(), log.into(), on_progress).await;
        if let Err(error) = &opened {
            tables.wait_because(Chain(error).to_string());
        }
        opened
    }

    async fn try_open(
        tables: Tables,
        log: DecodedLog,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, GenerationError> {
        let generations = &tables.generations;
        let leases = generations.leases();
        let mut on_progress = |progress: &Progress| {
            tables.wait_because(format!("{} events are projected", progress.events));
            on_progress(progress);
        };
        loop {
            if let Some(lease) = leases.try_take(NAME).await? {
                let (generation, runner) = open_to_write(&log, generations, &mut on_progress).await?;
                generations.clear_before(generation.number).await?;
                tables.replace(generation);
                return Ok(Self { log, leases, tables, leased: Some(Leased { lease, runner }) });
            }
            if let Some((number, db)) = generations.open_current(Sizes::default()).await? {
                tables.replace(Generation::of(number, db, None));
                return Ok(Self { log, leases, tables, leased: None });
            }
            tables.wait_because("another process is filling them".to_owned());
            tokio::time::sleep(GENERATION_POLL).await;
        }
    }

    pub fn tables(&self) -> Tables {
        self.tables.clone()
    }

    /// Fills the tables from the log while this process holds the lease, until `stop` is cancelled.
    ///
    /// # Errors
    ///
    /// Ends early when an event cannot be read.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), GenerationError> {
        while !stop.is_cancelled() {
            let Some(Leased { lease, runner }) = self.leased.take() else {
                self.wait_for_lease(&stop).await;
                continue;
            };
            let stop_runner = stop.child_token();
            let running = tokio::spawn(runner.run(stop_runner.clone()));
            let reason = tokio::select! {
                changed = self.tables.generation_changed(&stop) => {
                    if changed { StopReason::GenerationChanged } else { StopReason::Shutdown }
                }
                () = lease.lost() => StopReason::LeaseLost,
            };
            stop_runner.cancel();
            let ended = running.await.unwrap_or(Err(RunnerError::Panicked));
            match reason {
                StopReason::Shutdown => {
                    self.tables.close().await;
                    lease.release().await;
                    return Ok(ended?);
                }
                StopReason::GenerationChanged => self.open_runner(lease, &stop).await,
                StopReason::LeaseLost => {
                    tracing::warn!("the lease of the read models is lost; another process fills them now");
                    drop(lease);
                    self.tables.reopen_read_only().await;
                }
            }
        }
        self.tables.close().await;
        Ok(())
    }

    /// Reads the tables that another process fills, until this process gets the lease.
    async fn wait_for_lease(&mut self, stop: &CancellationToken) {
        loop {
            // This process's runner has ended, so its last progress is out of date.
            if self.tables.progress().is_some() {
                self.tables.reopen_read_only().await;
            }
            match self.leases.try_take(NAME).await {
                Ok(Some(lease)) => return self.open_runner(lease, stop).await,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "the lease of the read models cannot be requested"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                changed = self.tables.generation_changed(stop) => {
                    if changed {
                        self.tables.reopen_read_only().await;
                    }
                }
                () = tokio::time::sleep(TRY) => {}
            }
        }
    }

    /// Opens the generation in use with a runner. Tries again while this process holds the lease.
    async fn open_runner(&mut self, lease: Lease, stop: &CancellationToken) {
        while !stop.is_cancelled() && !lease.is_lost() {
            match open_to_write(&self.log, &self.tables.generations, |_| {}).await {
                Ok((generation, mut runner)) => {
                    let number = generation.number;
                    if self.tables.current().is_ok_and(|before| before.number != number) {
                        stop.run_until_cancelled(self.catch_up(&mut runner)).await;
                    }
                    tracing::info!(generation = number, "this process fills the read models");
                    self.tables.replace(generation);
                    self.leased = Some(Leased { lease, runner });
                    // A running query may still use the tables that were just replaced. They are removed at the
                    // next change of generation or at the next start.
                    if let Err(error) = self.tables.generations.clear_before(number.saturating_sub(1)).await {
                        tracing::debug!(%error, "an old generation could not be removed yet");
                    }
                    return;
                }
                Err(error) => {
                    tracing::warn!(error = %Chain(&error), "the read models cannot be opened; trying again");
                    tokio::time::sleep(TRY).await;
                }
            }
        }
    }

    /// Projects with the runner of a rebuilt generation until it holds what the one in use holds, so that no answer is
    /// older than an earlier one.
    async fn catch_up(&self, runner: &mut Runner<ReadModels>) {
        let held = self.tables.position().await.unwrap_or_default();
        let deadline = Instant::now() + CATCHES_UP_WITHIN;
        while runner.watch().position() < held && Instant::now() < deadline {
            if let Err(error) = runner.catch_up(None, |_| {}).await {
                // It is reported when the runner meets it again.
                tracing::warn!(error = %Chain(&error), "the rebuilt tables are behind those before");
                return;
            }
            tokio::time::sleep(CHECKPOINT_POLL).await;
        }
    }

    /// The error of the runner that fills the tables. `None` when there is none.
    pub fn runner_error(tables: &Tables) -> Option<String> {
        match tables.progress()?.condition {
            Condition::Running => None,
            Condition::Retrying { error } | Condition::Stopped { error } => Some(error),
        }
    }
}

/// Opens the generation in use with a runner that fills it. Fills a generation first when there is none that this
/// program can read.
async fn open_to_write(
    log: &DecodedLog,
    generations: &Generations,
    on_progress: impl FnMut(&Progress) + Send,
) -> Result<(Generation, Runner<ReadModels>), GenerationError> {
    let open = match generations.open_current(Sizes::default()).await? {
        Some(open) => Some(open),
        None => {
            generations.rebuild(log.store(), on_progress).await?;
            generations.open_current(Sizes::default()).await?
        }
    };
    let Some((number, db)) = open else {
        return Err(GenerationError::Folder(std::io::ErrorKind::NotFound.into()));
    };
    let runner = Runner::open(log.clone(), db.clone(), ReadModels::default()).await?;
    let watch = Some(runner.watch());
    Ok((Generation::of(number, db, watch), runner))
}
