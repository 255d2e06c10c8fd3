//! A set of tables in a SQLite file of its own.
//!
//! Reads never wait for the writer (WAL), and a crash may cost the newest transactions but never the file's
//! consistency (`synchronous=NORMAL`).

use super::{CHECKPOINTS, DbError, Readers, Sizes, Tx};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Row};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// How many pages may wait in the write-ahead log before they are moved: 8 MB. The disk is flushed when they
/// are, and whatever else is being flushed, the event log's appends above all, waits for that.
const PAGES: i64 = 2_000;

/// After how many new pages the write-ahead log is flushed, so that little is left to flush when they are
/// moved: 512 KB, which takes a disk a millisecond or two, where 8 MB would take it twenty.
const FLUSH: i64 = 128;

/// One database file.
#[derive(Clone)]
pub struct File {
    writer: SqlitePool,
    readers: Readers,
    tidier: SqlitePool,
    path: Arc<Path>,
    /// How many transactions have begun, and how many had when the file was last tidied.
    begun: Arc<AtomicU64>,
    tidied: Arc<AtomicU64>,
    /// How long the write-ahead log was when it was last flushed, in pages.
    flushed: Arc<AtomicI64>,
}

impl File {
    /// Opens a file that is of no use before it is complete: nothing is done for its safety meanwhile, and
    /// no connection reads it. Open it again as usual when it is filled.
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
        Ok(Self::of(path, writer.clone(), writer.clone(), writer))
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
                    // What is handed over together is one statement to it, and there are many mixtures.
                    .statement_cache_capacity(200)
                    .pragma("cache_size", format!("-{}", sizes.writer_cache_kib))
                    // 64 MB: only if `checkpoint_wal` does not keep up.
                    .pragma("wal_autocheckpoint", "16384"),
            )
            .await?;
        sqlx::raw_sql(CHECKPOINTS).execute(&writer).await?;
        sqlx::raw_sql(schema).execute(&writer).await?;
        let tidier =
            pool(1).connect_lazy_with(options.clone().create_if_missing(false).pragma("cache_size", "-64"));
        let readers = pool(sizes.readers).connect_lazy_with(
            options
                .create_if_missing(false)
                .pragma("query_only", "on")
                .pragma("cache_size", format!("-{}", sizes.reader_cache_kib)),
        );
        Ok(Self::of(path, writer, readers, tidier))
    }

    fn of(path: &Path, writer: SqlitePool, readers: SqlitePool, tidier: SqlitePool) -> Self {
        Self {
            writer,
            readers: Readers::Sqlite(readers),
            tidier,
            path: path.into(),
            begun: Arc::default(),
            tidied: Arc::default(),
            flushed: Arc::default(),
        }
    }

    pub(super) fn readers(&self) -> &Readers {
        &self.readers
    }

    pub(super) async fn begin(&self) -> Result<Tx, DbError> {
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.writer.begin_with("begin immediate").await.map(Tx::sqlite)
    }

    pub(super) async fn run(&self, script: &str) -> Result<(), DbError> {
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&self.writer).await.map(|_| ())
    }

    pub(super) async fn make_durable(&self) -> Result<(), DbError> {
        self.run("pragma synchronous = full").await
    }

    /// Moves what is committed from the write-ahead log into the file, beside the writer and the readers:
    /// done by the writer itself, every so many commits would take several times as long as the others. The
    /// disk is given what was written a little at a time.
    pub(super) async fn checkpoint_wal(&self) -> Result<(), DbError> {
        let begun = self.begun.load(Ordering::Relaxed);
        if self.tidied.swap(begun, Ordering::Relaxed) == begun {
            return Ok(());
        }
        let ahead = sqlx::query("pragma wal_checkpoint(noop)").fetch_one(&self.tidier).await?;
        let (written, moved): (i64, i64) = (ahead.try_get(1)?, ahead.try_get(2)?);
        // It is begun anew from time to time, and is shorter then.
        if (written - self.flushed.load(Ordering::Relaxed)).abs() >= FLUSH {
            self.flush().await?;
            self.flushed.store(written, Ordering::Relaxed);
        }
        if written - moved < PAGES {
            return Ok(());
        }
        sqlx::query("pragma wal_checkpoint(passive)").execute(&self.tidier).await.map(|_| ())
    }

    async fn flush(&self) -> Result<(), DbError> {
        let mut log = self.path.as_os_str().to_owned();
        log.push("-wal");
        let flushed = tokio::task::spawn_blocking(|| std::fs::File::open(log)?.sync_data()).await;
        Ok(flushed.unwrap_or_else(|panicked| Err(panicked.into()))?)
    }

    /// Everything into the file, and the write-ahead log emptied.
    pub(super) async fn checkpoint_wal_fully(&self) -> Result<(), DbError> {
        self.run("pragma wal_checkpoint(truncate)").await
    }

    pub(super) async fn close(&self) {
        self.tidier.close().await;
        if let Readers::Sqlite(readers) = &self.readers {
            readers.close().await;
        }
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
