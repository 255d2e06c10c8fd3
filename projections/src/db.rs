//! The databases of the read side: one file each, one connection that writes, a few that read.
//!
//! Reads never wait for the writer (WAL), and a crash may cost the newest transactions but never the
//! file's consistency (`synchronous=NORMAL`): the log is the truth, and the checkpoint is in the same
//! transaction as the rows, so what was lost is simply projected again.

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqliteLockingMode, SqlitePool, SqlitePoolOptions,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, Sqlite, Transaction};
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use sqlx::Error as DbError;

/// A transaction of the one connection that writes.
pub type Tx = Transaction<'static, Sqlite>;

/// How much memory a database's connections may keep, and how many of them there are.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub readers: u32,
    pub writer_cache_kib: u32,
    pub reader_cache_kib: u32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { readers: 4, writer_cache_kib: 16 * 1024, reader_cache_kib: 2 * 1024 }
    }
}

impl Sizes {
    /// For tables that hold what is in progress rather than all there ever was.
    pub fn small() -> Self {
        Self { readers: 2, writer_cache_kib: 2 * 1024, reader_cache_kib: 512 }
    }
}

/// One database file.
#[derive(Clone)]
pub struct Db {
    path: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
    tidier: SqlitePool,
}

impl Db {
    /// Opens a file that is of no use before it is complete: nothing is done for its safety meanwhile, and
    /// nobody reads it. Open it again as usual when it is filled.
    pub(crate) async fn open_to_fill(path: &Path, schema: &'static str) -> Result<Self, DbError> {
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
        Ok(Self { path: path.to_owned(), readers: writer.clone(), tidier: writer.clone(), writer })
    }

    /// Opens the file, creating it where there is none, and makes sure its tables are there. The script
    /// must say `if not exists`.
    pub async fn open(path: &Path, sizes: Sizes, schema: &'static str) -> Result<Self, DbError> {
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
                    .pragma("cache_size", format!("-{}", sizes.writer_cache_kib))
                    // 64 MB: only if `tidy` does not keep up.
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
        Ok(Self { path: path.to_owned(), writer, readers, tidier })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Connections that only read.
    pub fn readers(&self) -> &SqlitePool {
        &self.readers
    }

    /// Begins to write. Who asks while another writes, waits.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        self.writer.begin_with("begin immediate").await
    }

    /// Runs a script outside any transaction: building indexes, folding the write-ahead log back.
    pub async fn run(&self, script: &str) -> Result<(), DbError> {
        sqlx::raw_sql(AssertSqlSafe(script)).execute(&self.writer).await.map(|_| ())
    }

    /// Moves what is committed from the write-ahead log into the file, beside the writer and the readers:
    /// done by the writer itself, every so many commits would take several times as long as the others.
    pub async fn tidy(&self) -> Result<(), DbError> {
        sqlx::query("pragma wal_checkpoint(passive)").execute(&self.tidier).await.map(|_| ())
    }

    /// Finishes what was begun and lets go of the file.
    pub async fn close(&self) {
        self.tidier.close().await;
        self.readers.close().await;
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

/// How far each runner has come, beside the tables it fills.
const CHECKPOINTS: &str = "
create table if not exists checkpoints (
    name             text   not null primary key,
    commit_position  bigint not null,
    prepare_position bigint not null,
    events           bigint not null
);
";
