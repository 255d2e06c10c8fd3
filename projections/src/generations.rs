//! Generations of read models: files `read-model-<n>.db`, and the file `read-model.current` that names the
//! one in use. A rebuild fills the next and then moves the name, in one step.

use crate::db::{Db, DbError, Sizes};
use crate::read_models::ReadModels;
use crate::runner::{Progress, Runner, RunnerError};
use crate::table::{Columns, Values};
use event_store::EventStore;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const TABLES: &str = include_str!("../../migrations/read-models/tables.sql");
const INDEXES: &str = include_str!("../../migrations/read-models/indexes.sql");

/// Grows when events are folded into rows differently than before while the tables look the same.
const FOLDS: i64 = 2;

/// Where the generations of one data folder are.
#[derive(Clone, Debug)]
pub struct Generations {
    folder: PathBuf,
}

/// A generation could not be made or found.
#[derive(Debug, thiserror::Error)]
pub enum GenerationError {
    #[error("the folder of the read models cannot be used")]
    Folder(#[from] io::Error),
    #[error("the read models cannot be opened")]
    Db(#[from] DbError),
    #[error("the read models cannot be filled")]
    Fill(#[from] RunnerError),
}

impl Generations {
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    pub fn path(&self, number: u64) -> PathBuf {
        self.folder.join(format!("read-model-{number}.db"))
    }

    fn pointer(&self) -> PathBuf {
        self.folder.join("read-model.current")
    }

    /// The generation in use, if there is one.
    pub fn current(&self) -> io::Result<Option<u64>> {
        match std::fs::read_to_string(self.pointer()) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a generation the one in use.
    pub fn switch_to(&self, number: u64) -> io::Result<()> {
        let next = self.folder.join("read-model.next");
        std::fs::write(&next, format!("{number}\n"))?;
        std::fs::File::open(&next)?.sync_all()?;
        std::fs::rename(next, self.pointer())
    }

    fn existing(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name();
            let number = name.to_str().and_then(|name| name.strip_prefix("read-model-")?.strip_suffix(".db"));
            numbers.extend(number.and_then(|number| number.parse::<u64>().ok()));
        }
        Ok(numbers)
    }

    /// Removes the generations before this one.
    pub fn clear_before(&self, number: u64) -> io::Result<()> {
        for old in self.existing()?.into_iter().filter(|old| *old < number) {
            remove(&self.path(old))?;
        }
        Ok(())
    }

    /// Opens the generation in use, provided that this program's tables are what is in it.
    pub async fn open_current(&self, sizes: Sizes) -> Result<Option<(u64, Db)>, GenerationError> {
        let Some(number) = self.current()? else { return Ok(None) };
        let path = self.path(number);
        if !path.exists() {
            return Ok(None);
        }
        let db = Db::open(&path, sizes, "").await?;
        if fits(&db).await? {
            return Ok(Some((number, db)));
        }
        db.close().await;
        Ok(None)
    }

    /// Fills a new generation with the whole log, while the one in use goes on serving, and then makes it
    /// the one in use.
    pub async fn rebuild(
        &self,
        store: &Arc<dyn EventStore>,
        mut on_progress: impl FnMut(&Progress) + Send,
    ) -> Result<u64, GenerationError> {
        std::fs::create_dir_all(&self.folder)?;
        let number = self.existing()?.into_iter().chain(self.current()?).max().map_or(1, |last| last + 1);
        let path = self.path(number);
        remove(&path)?;
        let db = fill(store, &path, None, &mut on_progress).await?;
        db.close().await;
        let before = self.current()?;
        self.switch_to(number)?;
        // Whoever still serves from the one before needs a moment to notice.
        self.clear_before(before.unwrap_or(number).saturating_sub(1))?;
        Ok(number)
    }
}

/// Fills a fresh file from the beginning of the log. Its indexes are built at the end.
pub(crate) async fn fill(
    store: &Arc<dyn EventStore>,
    path: &Path,
    until: Option<event_schemas::Position>,
    on_progress: &mut (impl FnMut(&Progress) + Send),
) -> Result<Db, GenerationError> {
    let db = Db::open_to_fill(path, TABLES).await?;
    let runner = Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?;
    runner.with_page(FILL).catch_up(until, &mut *on_progress).await?;
    db.run(INDEXES).await?;
    db.close().await;
    let db = Db::open(path, Sizes::default(), "").await?;
    if until.is_none() {
        // What has arrived meanwhile is little, and is written with the indexes in place.
        let mut runner = Runner::open(Arc::clone(store), db.clone(), ReadModels::default()).await?;
        runner.catch_up(None, on_progress).await?;
    }
    mark(&db).await?;
    db.tidy_up().await?;
    Ok(db)
}

/// How many events a page holds while nobody waits for it.
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

/// The tables, the indexes and the folds, as one number.
fn shape() -> i64 {
    let mut hasher = DefaultHasher::new();
    (TABLES, INDEXES, FOLDS).hash(&mut hasher);
    hasher.finish() as i64
}

/// Removes a database with the files beside it. That they are not there is no failure.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(&name) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
