//! The read side as a running program has it: the tables in use, kept up with the log, and exchanged for
//! the next generation when a rebuild has finished one.

use crate::db::{Db, Sizes};
use crate::generations::{GenerationError, Generations};
use crate::read_models::{NAME, ReadModels};
use crate::runner::{Checkpoint, Condition, NotYet, Progress, Runner, RunnerError, Watch};
use event_schemas::Position;
use event_store::EventStore;
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
        Ok(Ok(Self::of(generations, Generation { number, db, watch: None })))
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
    pub async fn position(&self) -> Result<Option<Position>, crate::DbError> {
        let current = self.current();
        match &current.watch {
            Some(watch) => Ok(watch.position()),
            None => Ok(Checkpoint::read(&current.db, NAME).await?.position),
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
                    let checkpoint = Checkpoint::read(&current.db, NAME).await.unwrap_or_default();
                    if checkpoint.position >= Some(wanted) {
                        return Ok(());
                    }
                    tokio::time::sleep(left.min(Duration::from_millis(5))).await;
                }
            }
            if Instant::now() >= deadline {
                return Err(NotYet { wanted });
            }
        }
    }

    /// Notices when another process has finished a rebuild, for who only reads.
    pub async fn follow(&self, stop: CancellationToken) -> Result<(), GenerationError> {
        while self.exchanged(&stop).await? {
            if let Some((number, db)) = self.generations.open_current(Sizes::default()).await? {
                self.exchange(Generation { number, db, watch: None });
            }
        }
        Ok(())
    }

    /// Waits until another generation is in use. False: it is time to stop.
    async fn exchanged(&self, stop: &CancellationToken) -> Result<bool, GenerationError> {
        let number = self.current().number;
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(false),
                () = tokio::time::sleep(LOOK) => {}
            }
            if self.generations.current()?.is_some_and(|current| current != number) {
                return Ok(true);
            }
        }
    }

    /// The one before closes by itself when the last question that was given it is answered.
    fn exchange(&self, next: Generation) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Arc::new(next);
    }
}

/// The tables, and the runner that keeps them up with the log.
pub struct ReadSide {
    store: Arc<dyn EventStore>,
    tables: Tables,
    runner: Option<Runner<ReadModels>>,
}

impl ReadSide {
    /// Opens the tables; fills them first where there are none, or none that this program can read.
    pub async fn open(
        store: Arc<dyn EventStore>,
        generations: Generations,
        on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<Self, GenerationError> {
        if let Some((_, db)) = generations.open_current(Sizes::default()).await? {
            db.close().await;
        } else {
            generations.rebuild(&store, on_progress).await?;
        }
        let (generation, runner) = take_up(&store, &generations).await?;
        generations.clear_before(generation.number)?;
        Ok(Self { store, tables: Tables::of(generations, generation), runner: Some(runner) })
    }

    pub fn tables(&self) -> Tables {
        self.tables.clone()
    }

    /// Keeps the tables up with the log until told to stop. Ends early when an event cannot be read.
    pub async fn run(mut self, stop: CancellationToken) -> Result<(), GenerationError> {
        while let Some(runner) = self.runner.take() {
            let enough = stop.child_token();
            let running = tokio::spawn(runner.run(enough.clone()));
            let exchanged = self.tables.exchanged(&stop).await;
            enough.cancel();
            let ended = running.await.unwrap_or(Err(RunnerError::BrokeOff));
            if !exchanged? {
                ended?;
                break;
            }
            let (generation, runner) = take_up(&self.store, &self.tables.generations).await?;
            tracing::info!(generation = generation.number, "the next generation of read models is in use");
            let number = generation.number;
            self.tables.exchange(generation);
            // A question under way may still open the file of the generation just replaced: it goes with the
            // next exchange, or the next start.
            self.tables.generations.clear_before(number.saturating_sub(1))?;
            self.runner = Some(runner);
        }
        self.tables.db().close().await;
        Ok(())
    }

    /// What is wrong with the tables, if something is.
    pub fn trouble(tables: &Tables) -> Option<String> {
        match tables.progress()?.condition {
            Condition::Running => None,
            Condition::Retrying { error } | Condition::Stopped { error } => Some(error),
        }
    }
}

async fn take_up(
    store: &Arc<dyn EventStore>,
    generations: &Generations,
) -> Result<(Generation, Runner<ReadModels>), GenerationError> {
    let Some((number, db)) = generations.open_current(Sizes::default()).await? else {
        return Err(GenerationError::Folder(std::io::ErrorKind::NotFound.into()));
    };
    let runner = Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?;
    let watch = Some(runner.watch());
    Ok((Generation { number, db, watch }, runner))
}
