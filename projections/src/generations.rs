//! Generations of read models: each is a set of tables of its own, and one of them is in use. A rebuild fills the
//! next generation and then makes it the one in use, in one atomic step.

mod folder;
mod schemas;

use crate::read_models::{NAME, ReadModels};
use event_schemas::Position;
use event_store::EventStore;
use follower::db::{Db, DbError, Sizes, Values};
use follower::lease::Leases;
use follower::location::{Location, LocationError};
use follower::runner::{Checkpoint, Progress, Runner, RunnerError};
use follower::table::Columns;
use sha2::{Digest, Sha256};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

const TABLES: &str = include_str!("../../migrations/read-models/tables.sql");
const INDEXES: &str = include_str!("../../migrations/read-models/indexes.sql");
const SQLITE_WORDS: &str = include_str!("../../migrations/read-models/words-sqlite.sql");
const POSTGRES_WORDS: &str = include_str!("../../migrations/read-models/words-postgres.sql");
const POSTGRES_WORD_INDEXES: &str = include_str!("../../migrations/read-models/words-postgres-indexes.sql");

/// The version of the folds. Raise it when events are folded into other rows although the tables stay the same; a
/// test with a stored log fails otherwise.
pub const FOLDS: i64 = 13;

/// The generations in one location.
#[derive(Clone, Debug)]
pub struct Generations {
    location: Location,
}

/// A generation could not be made or found.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    #[error("the folder of the read models cannot be used")]
    Folder(#[from] io::Error),
    #[error("the read models cannot be opened")]
    Db(#[from] DbError),
    #[error("the location of the read models cannot be used")]
    Location(#[from] LocationError),
    #[error("the read models cannot be filled")]
    Fill(#[from] RunnerError),
}

impl GenerationError {
    /// Whether a retry may help. It may when the disk is full; it does not when a stored event is unreadable.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Folder(_) | Self::Db(_) | Self::Location(_) => true,
            Self::Fill(error) => error.may_pass(),
        }
    }
}

impl Generations {
    pub fn new(location: impl Into<Location>) -> Self {
        Self { location: location.into() }
    }

    pub fn location(&self) -> &Location {
        &self.location
    }

    /// The leases of the processes that fill generations.
    pub fn leases(&self) -> Leases {
        Leases::new(self.location.clone())
    }

    /// The number of the generation in use. `None` when there is none.
    pub async fn current(&self) -> Result<Option<u64>, GenerationError> {
        match &self.location {
            Location::Folder(folder) => Ok(folder::current(folder)?),
            Location::Postgres(database) => Ok(schemas::current(database).await?),
        }
    }

    /// Makes a generation the one in use.
    pub async fn switch_to(&self, number: u64) -> Result<(), GenerationError> {
        match &self.location {
            Location::Folder(folder) => Ok(folder::switch_to(folder, number)?),
            Location::Postgres(database) => Ok(schemas::switch_to(database, number).await?),
        }
    }

    /// All existing generations, in use or not.
    pub async fn existing(&self) -> Result<Vec<u64>, GenerationError> {
        match &self.location {
            Location::Folder(folder) => Ok(folder::existing(folder)?),
            Location::Postgres(database) => Ok(schemas::existing(database).await?),
        }
    }

    /// Removes the generations before this one.
    pub async fn clear_before(&self, number: u64) -> Result<(), GenerationError> {
        for old in self.existing().await?.into_iter().filter(|old| *old < number) {
            self.remove(TableSetName::Generation(old)).await?;
        }
        Ok(())
    }

    /// Opens the generation in use. `None` when there is none, or when its tables or folds are those of another
    /// version of the program.
    pub async fn open_current(&self, sizes: Sizes) -> Result<Option<(u64, Db)>, GenerationError> {
        let Some(number) = self.current().await? else { return Ok(None) };
        let tables = TableSetName::Generation(number);
        let db = match &self.location {
            Location::Folder(folder) => {
                let path = folder::path(folder, number);
                if !path.exists() {
                    return Ok(None);
                }
                Db::open(&path, sizes, "").await?
            }
            Location::Postgres(database) => {
                if !schemas::exists(database, &tables.schema()).await? {
                    return Ok(None);
                }
                Db::open_schema(database.options(), &tables.schema(), sizes)
            }
        };
        if has_our_shape(&db).await? {
            return Ok(Some((number, db)));
        }
        db.close().await;
        Ok(None)
    }

    /// The checkpoint of the generation in use. `None` when there is none that this program can read.
    pub async fn checkpoint(&self) -> Result<Option<Checkpoint>, GenerationError> {
        let Some((_, db)) = self.open_current(Sizes::small()).await? else { return Ok(None) };
        let checkpoint = Checkpoint::read(&db, NAME).await;
        db.close().await;
        Ok(Some(checkpoint?))
    }

    /// Fills a new generation from the whole log, while the one in use still serves queries, and then makes it the
    /// one in use. Only one rebuild runs at a time; a second one waits for the first.
    pub async fn rebuild(
        &self,
        store: &Arc<dyn EventStore>,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<u64, GenerationError> {
        let lease = self.leases().take("rebuild", &CancellationToken::new()).await;
        let number = self.existing().await?.into_iter().chain(self.current().await?).max();
        let number = number.map_or(1, |last| last + 1);
        let filled = self.fill(store, TableSetName::Generation(number), None, &mut on_progress).await;
        let db = match filled {
            Ok(db) => db,
            Err(error) => {
                // On a full disk the half of a generation would take the space that the others need.
                if let Err(error) = self.remove(TableSetName::Generation(number)).await {
                    tracing::warn!(%error, generation = number, "an unfinished generation cannot be removed");
                }
                return Err(error);
            }
        };
        db.close().await;
        let before = self.current().await?;
        self.switch_to(number).await?;
        // The generation before is kept, because other processes may serve queries from it for a moment.
        self.clear_before(before.unwrap_or(number).saturating_sub(1)).await?;
        if let Some(lease) = lease {
            lease.release().await;
        }
        Ok(number)
    }

    /// Fills new tables from the beginning of the log. Their indexes are built at the end.
    pub(crate) async fn fill(
        &self,
        store: &Arc<dyn EventStore>,
        tables: TableSetName,
        until: Option<Position>,
        on_progress: &mut (impl FnMut(&Progress) + Send),
    ) -> Result<Db, GenerationError> {
        self.remove(tables).await?;
        let db = match &self.location {
            Location::Folder(folder) => {
                let db = Db::open_to_fill(&tables.path(folder), TABLES).await?;
                db.run(SQLITE_WORDS).await?;
                db
            }
            Location::Postgres(database) => {
                let schema = tables.schema();
                let db = Db::create_schema(database.options(), &schema, Sizes::small(), TABLES).await?;
                db.run(POSTGRES_WORDS).await?;
                db
            }
        };
        let runner = Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?;
        runner.with_page(FILL_PAGE).catch_up(until, &mut *on_progress).await?;
        db.run(INDEXES).await?;
        match &self.location {
            Location::Folder(_) => db.run(WORDS_TOGETHER).await?,
            Location::Postgres(_) => db.run(POSTGRES_WORD_INDEXES).await?,
        }
        db.analyze().await?;
        db.close().await;
        let db = match &self.location {
            Location::Folder(folder) => Db::open(&tables.path(folder), Sizes::default(), "").await?,
            Location::Postgres(database) => {
                Db::open_schema(database.options(), &tables.schema(), Sizes::default())
            }
        };
        if until.is_none() {
            // The few events that were appended meanwhile are written with the indexes in location.
            let mut runner = Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?;
            runner.catch_up(None, on_progress).await?;
        }
        record_shape(&db).await?;
        db.checkpoint_wal_fully().await?;
        Ok(db)
    }

    /// Removes tables. It is not an error when they do not exist.
    pub(crate) async fn remove(&self, tables: TableSetName) -> Result<(), GenerationError> {
        match &self.location {
            Location::Folder(folder) => {
                std::fs::create_dir_all(folder)?;
                Ok(folder::remove(&tables.path(folder))?)
            }
            Location::Postgres(database) => Ok(schemas::remove(database, &tables.schema()).await?),
        }
    }
}

/// A set of tables.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TableSetName {
    Generation(u64),
    /// Tables filled only to compare them with the generation of this number.
    Verification(u64),
}

impl TableSetName {
    fn path(self, folder: &Path) -> PathBuf {
        match self {
            Self::Generation(number) => folder::path(folder, number),
            Self::Verification(number) => folder::path(folder, number).with_extension("verify"),
        }
    }

    fn schema(self) -> String {
        match self {
            Self::Generation(number) => schemas::name(number),
            Self::Verification(number) => format!("verbatim_verify_{number}"),
        }
    }
}

/// Makes one index of the parts in which the words were written, which is read faster.
const WORDS_TOGETHER: &str = "
insert into message_words (message_words) values ('optimize');
insert into conversation_words (conversation_words) values ('optimize');
insert into identifier_words (identifier_words) values ('optimize');
";

/// How many events a page has while no query waits for the tables.
const FILL_PAGE: usize = 4000;

/// Records the shape in the tables. Only tables that were filled to the end have this record.
async fn record_shape(db: &Db) -> Result<(), DbError> {
    const RECORD: &str = "insert into generation (name, value) values ('shape', $1)
        on conflict (name) do update set value = excluded.value";
    let mut tx = db.begin().await?;
    tx.execute(RECORD, Values::default().with(&shape())).await?;
    tx.commit().await
}

/// Whether the tables were filled to the end by this version of the program or one with the same shape.
async fn has_our_shape(db: &Db) -> Result<bool, DbError> {
    const COUNT: &str = "select count(*) from generation where name = 'shape' and value = $1";
    let found = db.readers().fetch_one(COUNT, Values::default().with(&shape())).await;
    match found {
        Ok(row) => Ok(Columns::of(&row).take::<i64>()? == 1),
        // The table in which a generation records its shape does not exist.
        Err(DbError::Database(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// A number that identifies the tables, the indexes and the version of the folds: the first 8 bytes of their
/// SHA-256, which is the same in every version of Rust.
fn shape() -> i64 {
    let scripts = [TABLES, INDEXES, SQLITE_WORDS, POSTGRES_WORDS, POSTGRES_WORD_INDEXES].map(str::as_bytes);
    let folds = FOLDS.to_be_bytes();
    let parts = scripts.into_iter().chain([&folds[..]]);
    let mut digest = Sha256::new();
    for tables in parts {
        digest.update((tables.len() as u64).to_be_bytes());
        digest.update(tables);
    }
    let [a, b, c, d, e, f, g, h, ..] = digest.finalize().0;
    i64::from_be_bytes([a, b, c, d, e, f, g, h])
}
