//! The databases of the followers' tables, on SQLite or PostgreSQL: one connection that writes and a few that read.
//!
//! SQL is written once for both engines; this module chooses the driver, never the text. `$1`, `on conflict`,
//! `returning`, `->>`, row values and window functions work on both; `now()`, `::type`, `ilike` and `= any` do not.
//! Ids are stored as 16 bytes, times as microseconds, JSON as text. Text is sorted by its bytes.
//!
//! Reads never wait for the writer. A crash may lose the newest transactions but never makes the tables inconsistent:
//! the checkpoint is in the same transaction as the rows, so lost pages are projected again from the log.

mod batched_tx;
mod engine;
mod postgres;
mod read_view;
mod row;
mod sqlite;
mod sqlite_tx;
mod tx;
mod values;

pub use engine::Engine;
pub use read_view::ReadView;
pub use row::DbRow;
pub use row::Kind;
pub use sqlx::{AssertSqlSafe, Error as DbError, SqlSafeStr};
pub use tx::{Readers, Tx};
pub use values::{Value, Values};

use sqlx::postgres::PgConnectOptions;
use std::path::Path;

/// The number of a database's connections and the memory of their caches.
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
    /// For tables that contain only current work, such as timers and jobs.
    pub fn small() -> Self {
        Self { readers: 2, writer_cache_kib: 2 * 1024, reader_cache_kib: 512 }
    }
}

/// One set of tables: a SQLite file, or a schema of a PostgreSQL database.
#[derive(Clone)]
// A process has only a few values of this type, so a box would save nothing.
#[allow(clippy::large_enum_variant)]
pub enum Db {
    Sqlite(sqlite::File),
    Postgres(postgres::Schema),
}

impl Db {
    /// Opens a file and creates it and its tables when they do not exist. The script must say `if not exists`.
    pub async fn open(path: &Path, sizes: Sizes, schema: &'static str) -> Result<Self, DbError> {
        sqlite::File::open(path, sizes, schema).await.map(Self::Sqlite)
    }

    /// Opens an existing schema.
    pub fn open_schema(database: &PgConnectOptions, name: &str, sizes: Sizes) -> Self {
        Self::Postgres(postgres::Schema::open(database, name, sizes))
    }

    /// Opens a schema and creates it and its tables when they do not exist. The script must say `if not exists`.
    pub async fn create_schema(
        database: &PgConnectOptions,
        name: &str,
        sizes: Sizes,
        tables: &str,
    ) -> Result<Self, DbError> {
        postgres::Schema::create(database, name, sizes, tables).await.map(Self::Postgres)
    }

    /// Opens a file that is filled at once and is not used before it is complete. Open it again with [`Db::open`] when
    /// it is filled.
    pub async fn open_to_fill(path: &Path, schema: &'static str) -> Result<Self, DbError> {
        sqlite::File::open_to_fill(path, schema).await.map(Self::Sqlite)
    }

    /// Connections that only read.
    pub fn readers(&self) -> &Readers {
        match self {
            Self::Sqlite(file) => file.readers(),
            Self::Postgres(schema) => schema.readers(),
        }
    }

    /// A transaction that sees the tables as they are now, however long it takes.
    pub async fn snapshot(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(file) => file.snapshot().await,
            Self::Postgres(schema) => schema.snapshot().await,
        }
    }

    /// The tables as they are now, and the checkpoint of this name in them.
    pub async fn view(&self, checkpoint: &'static str) -> Result<ReadView, DbError> {
        match self {
            Self::Sqlite(file) => file.view(checkpoint).await,
            Self::Postgres(schema) => schema.view(checkpoint).await,
        }
    }

    /// Begins a transaction that writes. Waits while another one is open.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(file) => file.begin().await,
            Self::Postgres(schema) => schema.begin().await,
        }
    }

    /// Runs a script outside any transaction, for example to create tables or indexes.
    pub async fn run(&self, script: &str) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.run(script).await,
            Self::Postgres(schema) => schema.run(script).await,
        }
    }

    /// From this call on, a commit returns after it is on the disk. For tables that cannot be derived from the log.
    pub async fn make_durable(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.make_durable().await,
            Self::Postgres(schema) => schema.make_durable().await,
        }
    }

    /// Updates the engine's statistics of the tables, from which it plans queries.
    pub async fn analyze(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(schema) => schema.analyze().await,
        }
    }

    /// Checkpoints the write-ahead log while the writer and the readers work. PostgreSQL does this by itself.
    pub async fn checkpoint_wal(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.checkpoint_wal().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Checkpoints and empties the write-ahead log, for tables that another process opens next.
    pub async fn checkpoint_wal_fully(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.checkpoint_wal_fully().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Whether a failure may have lost the newest commits while this process runs on: PostgreSQL's commits do not wait
    /// for the server's disk, and the server may have crashed. SQLite's would be lost only together with this process.
    pub fn may_lose_commits(&self) -> bool {
        matches!(self, Self::Postgres(_))
    }

    /// Checks that a file is still at its path. A file that was deleted or replaced is not written to any more.
    pub fn check_in_place(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.check_in_place(),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Waits for running statements and closes all connections.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(schema) => schema.close().await,
        }
    }
}

/// The table of checkpoints. It is in the same database as the tables that the runner fills.
const CHECKPOINTS: &str = "
create table if not exists checkpoints (
    name             text   not null primary key,
    commit_position  bigint not null,
    prepare_position bigint not null,
    events           bigint not null,
    event_id         bytea,
    recorded_at      bigint
);
";
