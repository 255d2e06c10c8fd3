//! The read side as a running program has it: the tables in use, kept up with the log, and exchanged for
//! the next generation when a rebuild has finished one.

use crate::generations::{GenerationError, Generations};
use crate::read_models::{NAME, ReadModels};
use event_schemas::Position;
use follower::DecodedLog;
use follower::db::{Db, DbError, Sizes};
use follower::lease::{Lease, Leases, TRY};
use follower::runner::{Chain, Checkpoint, Condition, NotYet, Progress, Runner, RunnerError, Watch};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How often to look whether another process has finished a rebuild.
const LOOK: Duration = Duration::from_millis(200);

/// One generation, open for reading.
pub struct Generation {
    pub number: u64,
    pub db: Db,
    /// Where the same process fills it.
    watch: Option<Watch>,
    seen: tokio::sync::Mutex<Seen>,
}

/// How far another process had filled it, when last looked at.
#[derive(Default)]
struct Seen {
    at: Option<Instant>,
    position: Option<Position>,
}

/// How often to look at the checkpoint for those who wait: once for all of them.
const GLANCE: Duration = Duration::from_millis(5);

impl Generation {
    fn of(number: u64, db: Db, watch: Option<Watch>) -> Self {
        Self { number, db, watch, seen: tokio::sync::Mutex::default() }
    }

    /// How far another process has filled it.
    async fn glance(&self) -> Result<Option<Position>, DbError> {
        let mut seen = self.seen.lock().await;
        if seen.at.is_none_or(|at| at.elapsed() >= GLANCE) {
            let asked = Instant::now();
            seen.position = Checkpoint::read(&self.db, NAME).await?.position;
            seen.at = Some(asked);
        }
        Ok(seen.position)
    }
}

/// The tables in use. Cheap to clone; always the newest generation.
#[derive(Clone)]
pub struct Tables {
    generations: Generations,
    current: Arc<RwLock<Arc<Generation>>>,
}

/// No process has filled the tables yet, or not with what this program reads.
#[derive(Debug, thiserror::Error)]
#[error("there are no tables yet that this program can read")]
pub struct NoTables;

impl Tables {
    /// Opens the tables that another process keeps.
    pub async fn open(generations: Generations) -> Result<Result<Self, NoTables>, GenerationError> {
        let Some((number, db)) = generations.open_current(Sizes::default()).await? else {
            return Ok(Err(NoTables));
        };
        Ok(Ok(Self::of(generations, Generation::of(number, db, None))))
    }

    fn of(generations: Generations, generation: Generation) -> Self {
        Self { generations, current: Arc::new(RwLock::new(Arc::new(generation))) }
    }

    pub fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The database of the generation in use.
    pub fn db(&self) -> Db {
        self.current().db.clone()
    }

    /// How far the tables are.
    pub async fn position(&self) -> Result<Option<Position>, follower::DbError> {
        let current = self.current();
        match &current.watch {
            Some(watch) => Ok(watch.position()),
            None => current.glance().await,
        }
    }

    /// How the filling goes, where this process does it.
    pub fn progress(&self) -> Option<Progress> {
        self.current().watch.as_ref().map(Watch::progress)
    }

    /// Returns when the tables hold everything up to `wanted`.
    pub async fn wait_for(&self, wanted: Position, patience: Duration) -> Result<(), NotYet> {
        let deadline = Instant::now() + patience;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let current = self.current();
            match &current.watch {
                Some(watch) => {
                    // In slices, because the generation may be exchanged meanwhile.
                    if watch.wait_for(wanted, left.min(LOOK)).await.is_ok() {
                        return Ok(());
                    }
                }
                None => {
                    if current.glance().await.unwrap_or_default() >= Some(wanted) {
                        return Ok(());
                    }
                    tokio::time::sleep(left.min(GLANCE)).await;
                }
            }
            if Instant::now() >= deadline {
                return Err(NotYet { wanted });
            }
        }
    }

    /// Notices when another process has finished a rebuild, for who only reads.
    pub async fn follow(&self, stop: CancellationToken) {
        while self.exchanged(&stop).await {
            self.take_over_from_another().await;
        }
    }

    /// Waits until another generation is in use. False: it is time to stop.
    async fn exchanged(&self, stop: &CancellationToken) -> bool {
        let number = self.current().number;
        loop {
            tokio::select! {
                () = stop.cancelled() => return false,
                () = tokio::time::sleep(LOOK) => {}
            }
            match self.generations.current().await {
                Ok(current) if current.is_some_and(|current| current != number) => return true,
                Ok(_) => {}
                Err(error) => tracing::debug!(%error, "the generation in use cannot be asked for"),
            }
        }
    }

    /// Reads from the generation in use, which another process fills.
    async fn take_over_from_another(&self) {
        match self.generations.open_current(Sizes::default()).await {
            Ok(Some((number, db))) => self.exchange(Generation::of(number, db, None)),
            // Tables that a newer program made are not for this one.
            Ok(None) => tokio::time::sleep(LOOK).await,
            Err(error) => {
                tracing::warn!(error = %Chain(&error), "the read models cannot be opened; trying again");
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Whether the tables can be asked.
    pub async fn check(&self) -> Result<(), DbError> {
        self.generations.place().check().await
    }

    /// The one before closes by itself when the last question that was given it is answered.
    fn exchange(&self, next: Generation) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(next);
    }
}

/// The tables, and the runner that keeps them up with the log while this process holds the lease.
pub struct ReadSide {
    log: DecodedLog,
    leases: Leases,
    tables: Tables,
    /// `None` while another process fills the tables.
    held: Option<Held>,
}

struct Held {
    lease: Lease,
    runner: Runner<ReadModels>,
}

/// Why the keeping of the tables paused.
enum Pause {
    Stop,
    Exchanged,
    Lost,
}

impl ReadSide {
    /// Opens the tables; fills them first where there are none, or none that this program can read. Where
    /// another process keeps them, this one only reads them until it is its turn.
    pub async fn open(
        log: impl Into<DecodedLog>,
        generations: Generations,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, GenerationError> {
        let (log, leases) = (log.into(), generations.leases());
        loop {
            if let Some(lease) = leases.try_take(NAME).await? {
                let (generation, runner) = begin(&log, &generations, &mut on_progress).await?;
                generations.clear_before(generation.number).await?;
                let tables = Tables::of(generations, generation);
                return Ok(Self { log, leases, tables, held: Some(Held { lease, runner }) });
            }
            if let Some((number, db)) = generations.open_current(Sizes::default()).await? {
                let tables = Tables::of(generations, Generation::of(number, db, None));
                return Ok(Self { log, leases, tables, held: None });
            }
            // Another process is filling the first.
            tokio::time::sleep(LOOK).await;
        }
    }

    pub fn tables(&self) -> Tables {
        self.tables.clone()
    }

    /// Keeps the tables up with the log until told to stop, whenever it is this process's turn. Ends early
    /// when an event cannot be read.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), GenerationError> {
        while !stop.is_cancelled() {
            let Some(Held { lease, runner }) = self.held.take() else {
                self.stand_by(&stop).await;
                continue;
            };
            let enough = stop.child_token();
            let running = tokio::spawn(runner.run(enough.clone()));
            let pause = tokio::select! {
                exchanged = self.tables.exchanged(&stop) => if exchanged { Pause::Exchanged } else { Pause::Stop },
                () = lease.lost() => Pause::Lost,
            };
            enough.cancel();
            let ended = running.await.unwrap_or(Err(RunnerError::BrokeOff));
            match pause {
                Pause::Stop => {
                    self.tables.db().close().await;
                    lease.release().await;
                    return Ok(ended?);
                }
                Pause::Exchanged => self.go_on(lease, &stop).await,
                Pause::Lost => {
                    tracing::warn!("another process keeps the read models now");
                    drop(lease);
                    self.tables.take_over_from_another().await;
                }
            }
        }
        self.tables.db().close().await;
        Ok(())
    }

    /// Reads what another process keeps, until it is this one's turn.
    async fn stand_by(&mut self, stop: &CancellationToken) {
        loop {
            // The runner that was watched has ended; what it last said is not so any more.
            if self.tables.progress().is_some() {
                self.tables.take_over_from_another().await;
            }
            match self.leases.try_take(NAME).await {
                Ok(Some(lease)) => return self.go_on(lease, stop).await,
                Ok(None) => {}
                Err(error) => tracing::debug!(%error, "the lease cannot be asked for"),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                exchanged = self.tables.exchanged(stop) => {
                    if exchanged {
                        self.tables.take_over_from_another().await;
                    }
                }
                () = tokio::time::sleep(TRY) => {}
            }
        }
    }

    /// Takes up the generation in use, as long as the lease holds.
    async fn go_on(&mut self, lease: Lease, stop: &CancellationToken) {
        while !stop.is_cancelled() && !lease.is_lost() {
            match begin(&self.log, &self.tables.generations, |_| {}).await {
                Ok((generation, runner)) => {
                    let number = generation.number;
                    tracing::info!(generation = number, "this process keeps the read models");
                    self.tables.exchange(generation);
                    self.held = Some(Held { lease, runner });
                    // A question under way may still open the tables just replaced: they go with the next
                    // exchange, or the next start.
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

    /// The failure of the tables. `None` when there is none.
    pub fn trouble(tables: &Tables) -> Option<String> {
        match tables.progress()?.condition {
            Condition::Running => None,
            Condition::Retrying { error } | Condition::Stopped { error } => Some(error),
        }
    }
}

/// Opens the generation in use to keep it; fills one first where there is none that fits.
async fn begin(
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
