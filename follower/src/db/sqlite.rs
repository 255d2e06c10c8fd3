//! A set of tables in a SQLite file of its own.
//!
//! Reads never wait for the writer (WAL). A crash may lose the newest transactions but never makes the file inconsistent
//! (`synchronous=NORMAL`).

use super::read_view::{self, ReadView};
use super::sqlite_tx::SqliteTx;
use super::{CHECKPOINTS, DbError, DbRow, Readers, Sizes, Tx};
use event_store::files::OpenFile;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// The number of pages in the write-ahead log at which it is checkpointed: 8 MB. A checkpoint flushes the disk, and
/// other flushes wait for it, above all those of appends to the event log.
const CHECKPOINT_PAGES: i64 = 2_000;

/// The number of new pages after which the write-ahead log is flushed, so that the checkpoint has little to flush:
/// 512 KB, which takes a disk about 2 ms, whereas 8 MB would take about 20 ms.
const FLUSH_PAGES: i64 = 128;

/// One database file.
#[derive(Clone)]
pub struct File {
    writer: SqlitePool,
    reading: SqlitePool,
    /// The pool `reading`.
    readers: Readers,
    checkpointer: SqlitePool,
    file: OpenFile,
    /// The number of transactions that have begun, and their number at the last call of `checkpoint_wal`.
    begun: Arc<AtomicU64>,
    checked: Arc<AtomicU64>,
    /// The length of the write-ahead log at the last flush, in pages.
    flushed: Arc<AtomicI64>,
}

impl File {
    /// Opens a file that is filled at once and is not used before it is complete. It has no journal, a crash makes it
    /// unusable, and no other connection reads it. Open it again with `open` when it is filled.
    pub(super) async fn open_to_fill(path: &Path, schema: &'static str) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Off)
            .synchronous(SqliteSynchronous::Off)
            .locking_mode(SqliteLockingMode::Exclusive)
            .pragma("cache_size", "-65536")
            .statement_cache_capacity(100);
        let writer = pool(1).connect_with(options).await?;
        sqlx::raw_sql(CHECKPOINTS).execute(&writer).await?;
        sqlx::raw_sql(schema).execute(&writer).await?;
        Self::of(path, writer.clone(), writer.clone(), writer)
    }

    pub(super) async fn open(path: &Path, sizes: Sizes, schema: &'static str) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(false)
            .statement_cache_capacity(100);
        let writer = pool(1)
            .connect_with(
                options
                    .clone()
                    // Statements that are sent together count as one statement, and there are many combinations.
                    .statement_cache_capacity(200)
                    .pragma("cache_size", format!("-{}", sizes.writer_cache_kib))
                    // 64 MB, which is reached only when `checkpoint_wal` is too slow.
                    .pragma("wal_autocheckpoint", "16384"),
            )
            .await?;
        sqlx::raw_sql(CHECKPOINTS).execute(&writer).await?;
        sqlx::raw_sql(schema).execute(&writer).await?;
        let checkpointer =
            pool(1).connect_lazy_with(options.clone().create_if_missing(false).pragma("cache_size", "-64"));
        let readers = pool(sizes.readers).connect_lazy_with(
            options
                .create_if_missing(false)
                .pragma("query_only", "on")
                .pragma("cache_size", format!("-{}", sizes.reader_cache_kib)),
        );
        Self::of(path, writer, readers, checkpointer)
    }

    fn of(
        path: &Path,
        writer: SqlitePool,
        reading: SqlitePool,
        checkpointer: SqlitePool,
    ) -> Result<Self, DbError> {
        Ok(Self {
            writer,
            readers: Readers::Sqlite(reading.clone()),
            reading,
            checkpointer,
            file: OpenFile::at(path)?,
            begun: Arc::default(),
            checked: Arc::default(),
            flushed: Arc::default(),
        })
    }

    pub(super) fn check_in_place(&self) -> Result<(), DbError> {
        Ok(self.file.check().map_err(io::Error::from)?)
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(super) async fn snapshot(&self) -> Result<Tx, DbError> {
        SqliteTx::begin(&self.reading, "begin").await.map(Tx::sqlite)
    }

    pub(super) async fn view(&self, checkpoint: &'static str) -> Result<ReadView, DbError> {
        let script = read_view::begin("begin", checkpoint);
        let (tx, rows) = SqliteTx::begin_with(&self.reading, script).await?;
        ReadView::of(Tx::sqlite(tx), rows.into_iter().next().map(DbRow::from).as_ref())
    }

    pub(super) async fn begin(&self) -> Result<Tx, DbError> {
        self.check_in_place()?;
        self.begun.fetch_add(1, Ordering::Relaxed);
        SqliteTx::begin(&self.writer, "begin immediate").await.map(Tx::sqlite)
    }

    pub(super) async fn run(&self, script: &str) -> Result<(), DbError> {
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&self.writer).await.map(|_| ())
    }

    pub(super) async fn make_durable(&self) -> Result<(), DbError> {
        // Also for the connections that replace this one after an error.
        let options = (*self.writer.connect_options()).clone().synchronous(SqliteSynchronous::Full);
        self.writer.set_connect_options(options);
        self.run("pragma synchronous = full").await
    }

    /// Checkpoints the write-ahead log on a connection of its own. If the writer did it, some of its commits would take
    /// several times as long as the others. The log is flushed in small steps.
    pub(super) async fn checkpoint_wal(&self) -> Result<(), DbError> {
        let begun = self.begun.load(Ordering::Relaxed);
        if self.checked.swap(begun, Ordering::Relaxed) == begun {
            return Ok(());
        }
        let (written, moved) = self.run_checkpoint("pragma wal_checkpoint(noop)").await?;
        // The log restarts from its beginning from time to time, and is shorter then.
        if (written - self.flushed.load(Ordering::Relaxed)).abs() >= FLUSH_PAGES {
            self.flush().await?;
            self.flushed.store(written, Ordering::Relaxed);
        }
        if written - moved < CHECKPOINT_PAGES {
            return Ok(());
        }
        self.run_checkpoint("pragma wal_checkpoint(passive)").await.map(|_| ())
    }

    /// The length of the write-ahead log and the part of it that is in the file, in pages. A connection that fails is
    /// closed: one that was opened while the disk was read-only would fail for ever.
    async fn run_checkpoint(&self, pragma: &'static str) -> Result<(i64, i64), DbError> {
        let mut connection = self.checkpointer.acquire().await?;
        match sqlx::query(pragma).fetch_one(&mut *connection).await {
            Ok(row) => Ok((row.try_get(1)?, row.try_get(2)?)),
            Err(error) => {
                connection.close_on_drop();
                Err(error)
            }
        }
    }

    async fn flush(&self) -> Result<(), DbError> {
        let mut log = self.file.path().as_os_str().to_owned();
        log.push("-wal");
        let flushed = tokio::task::spawn_blocking(|| std::fs::File::open(log)?.sync_data()).await;
        Ok(flushed.unwrap_or_else(|error| Err(error.into()))?)
    }

    /// Moves all pages into the file and empties the write-ahead log.
    pub(super) async fn checkpoint_wal_fully(&self) -> Result<(), DbError> {
        self.run("pragma wal_checkpoint(truncate)").await
    }

    pub(super) async fn close(&self) {
        self.checkpointer.close().await;
        self.reading.close().await;
        self.writer.close().await;
    }
}

fn pool(connections: u32) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(10))
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}
