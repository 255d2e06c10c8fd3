//! Generations of read models: each is a set of tables of its own, and one of them is in use. A rebuild
//! fills the next and then moves the name, in one step.

mod folder;
mod schemas;

use crate::read_models::ReadModels;
use event_schemas::Position;
use event_store::EventStore;
use follower::db::{Db, DbError, Sizes, Values};
use follower::lease::Leases;
use follower::location::{Location, LocationError};
use follower::runner::{Progress, Runner, RunnerError};
use follower::table::Columns;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const TABLES: &str = include_str!("../../migrations/read-models/tables.sql");
const INDEXES: &str = include_str!("../../migrations/read-models/indexes.sql");

/// The number of the folds. It is raised when events are folded into other rows while the tables stay the same; a
/// test with a kept log demands it.
pub const FOLDS: i64 = 3;

/// The generations of one place.
#[derive(Clone, Debug)]
pub struct Generations {
    place: Location,
}

/// A generation could not be made or found.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    #[error("the folder of the read models cannot be used")]
    Folder(#[from] io::Error),
    #[error("the read models cannot be opened")]
    Db(#[from] DbError),
    #[error("the read models' place cannot be used")]
    Location(#[from] LocationError),
    #[error("the read models cannot be filled")]
    Fill(#[from] RunnerError),
}

impl Generations {
    pub fn new(place: impl Into<Location>) -> Self {
        Self { place: place.into() }
    }

    pub fn place(&self) -> &Location {
        &self.place
    }

    /// The leases of the processes that fill generations.
    pub fn leases(&self) -> Leases {
        Leases::new(self.place.clone())
    }

    /// The generation in use, if there is one.
    pub async fn current(&self) -> Result<Option<u64>, GenerationError> {
        match &self.place {
            Location::Folder(folder) => Ok(folder::current(folder)?),
            Location::Postgres(database) => Ok(schemas::current(database).await?),
        }
    }

    /// Makes a generation the one in use.
    pub async fn switch_to(&self, number: u64) -> Result<(), GenerationError> {
        match &self.place {
            Location::Folder(folder) => Ok(folder::switch_to(folder, number)?),
            Location::Postgres(database) => Ok(schemas::switch_to(database, number).await?),
        }
    }

    /// All existing generations, in use or not.
    pub async fn existing(&self) -> Result<Vec<u64>, GenerationError> {
        match &self.place {
            Location::Folder(folder) => Ok(folder::existing(folder)?),
            Location::Postgres(database) => Ok(schemas::existing(database).await?),
        }
    }

    /// Removes the generations before this one.
    pub async fn clear_before(&self, number: u64) -> Result<(), GenerationError> {
        for old in self.existing().await?.into_iter().filter(|old| *old < number) {
            self.remove(Part::Generation(old)).await?;
        }
        Ok(())
    }

    /// Opens the generation in use, provided that this program's tables are what is in it.
    pub async fn open_current(&self, sizes: Sizes) -> Result<Option<(u64, Db)>, GenerationError> {
        let Some(number) = self.current().await? else { return Ok(None) };
        let part = Part::Generation(number);
        let db = match &self.place {
            Location::Folder(folder) => {
                let path = folder::path(folder, number);
                if !path.exists() {
                    return Ok(None);
                }
                Db::open(&path, sizes, "").await?
            }
            Location::Postgres(database) => {
                if !schemas::exists(database, &part.schema()).await? {
                    return Ok(None);
                }
                Db::open_schema(database.options(), &part.schema(), sizes)
            }
        };
        if fits(&db).await? {
            return Ok(Some((number, db)));
        }
        db.close().await;
        Ok(None)
    }

    /// Fills a new generation with the whole log, while the one in use goes on serving, and then makes it
    /// the one in use. One rebuild at a time: another waits for its end.
    pub async fn rebuild(
        &self,
        store: &Arc<dyn EventStore>,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<u64, GenerationError> {
        let lease = self.leases().take("rebuild", &CancellationToken::new()).await;
        let number = self.existing().await?.into_iter().chain(self.current().await?).max();
        let number = number.map_or(1, |last| last + 1);
        let db = self.fill(store, Part::Generation(number), None, &mut on_progress).await?;
        db.close().await;
        let before = self.current().await?;
        self.switch_to(number).await?;
        // Whoever still serves from the one before needs a moment to notice.
        self.clear_before(before.unwrap_or(number).saturating_sub(1)).await?;
        if let Some(lease) = lease {
            lease.release().await;
        }
        Ok(number)
    }

    /// Fills fresh tables from the beginning of the log. Their indexes are built at the end.
    pub(crate) async fn fill(
        &self,
        store: &Arc<dyn EventStore>,
        part: Part,
        until: Option<Position>,
        on_progress: &mut (impl FnMut(&Progress) + Send),
    ) -> Result<Db, GenerationError> {
        self.remove(part).await?;
        let db = match &self.place {
            Location::Folder(folder) => Db::open_to_fill(&part.path(folder), TABLES).await?,
            Location::Postgres(database) => {
                Db::create_schema(database.options(), &part.schema(), Sizes::small(), TABLES).await?
            }
        };
        let runner = Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?;
        runner.with_page(FILL).catch_up(until, &mut *on_progress).await?;
        db.run(INDEXES).await?;
        db.settle().await?;
        db.close().await;
        let db = match &self.place {
            Location::Folder(folder) => Db::open(&part.path(folder), Sizes::default(), "").await?,
            Location::Postgres(database) => {
                Db::open_schema(database.options(), &part.schema(), Sizes::default())
            }
        };
        if until.is_none() {
            // What has arrived meanwhile is little, and is written with the indexes in place.
            let mut runner = Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?;
            runner.catch_up(None, on_progress).await?;
        }
        mark(&db).await?;
        db.checkpoint_wal_fully().await?;
        Ok(db)
    }

    /// Removes tables. That they are not there is no failure.
    pub(crate) async fn remove(&self, part: Part) -> Result<(), GenerationError> {
        match &self.place {
            Location::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                Ok(folder::remove(&part.path(folder))?)
            }
            Location::Postgres(database) => Ok(schemas::remove(database, &part.schema()).await?),
        }
    }
}

/// A set of read models: a generation, or one filled aside to compare a generation with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Generation(u64),
    Aside(u64),
}

impl Part {
    fn path(self, folder: &Path) -> PathBuf {
        match self {
            Self::Generation(number) => folder::path(folder, number),
            Self::Aside(number) => folder::path(folder, number).with_extension("verify"),
        }
    }

    fn schema(self) -> String {
        match self {
            Self::Generation(number) => schemas::name(number),
            Self::Aside(number) => format!("verbatim_verify_{number}"),
        }
    }
}

/// The events of a page while no reader waits for it.
const FILL: usize = 4000;

/// Notes in the file what it is. Only a file that was filled to the end has the note.
async fn mark(db: &Db) -> Result<(), DbError> {
    const MARK: &str = "insert into generation (name, value) values ('shape', $1)
        on conflict (name) do update set value = excluded.value";
    let mut tx = db.begin().await?;
    tx.execute(MARK, Values::default().with(&shape())).await?;
    tx.commit().await
}

async fn fits(db: &Db) -> Result<bool, DbError> {
    const TABLE: &str = "select count(*) from generation where name = 'shape' and value = $1";
    let found = db.readers().fetch_one(TABLE, Values::default().with(&shape())).await;
    match found {
        Ok(row) => Ok(Columns::of(&row).take::<i64>()? == 1),
        // There is not even the table in which a generation notes what it is.
        Err(DbError::Database(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The tables, the indexes and the folds, as one number: the beginning of their SHA-256, which no version of Rust
/// changes.
fn shape() -> i64 {
    let parts = [TABLES.as_bytes(), INDEXES.as_bytes(), &FOLDS.to_be_bytes()];
    let mut digest = Sha256::new();
    for part in parts {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    let [a, b, c, d, e, f, g, h, ..] = digest.finalize().0;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}
