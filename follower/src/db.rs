//! The databases of the read side, on either engine: one connection that writes, a few that read.
//!
//! SQL is written once for SQLite and PostgreSQL; only the driver is chosen here, never the text. `$1`,
//! `on conflict`, `returning`, `->>`, row values and windows work on both; `now()`, `::type`, `ilike` and
//! `= any` do not. Ids are their sixteen bytes, times microseconds, JSON text, text sorts by its bytes.
//!
//! Reads never wait for the writer, and a crash may cost the newest transactions but never the tables'
//! consistency: the log is the truth, and the checkpoint is in the same transaction as the rows, so what was
//! lost is simply projected again.

mod batched_tx;
mod engine;
mod postgres;
mod row;
mod sqlite;
mod tx;
mod values;

pub use engine::Engine;
pub use row::DbRow;
pub use row::Kind;
pub use sqlx::{AssertSqlSafe, Error as DbError, SqlSafeStr};
pub use tx::{Readers, Tx};
pub use values::{Value, Values};

use sqlx::postgres::PgConnectOptions;
use std::path::Path;

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

/// One set of tables: a SQLite file, or a schema of a PostgreSQL database.
#[derive(Clone)]
// A process has a handful of these: a box would only be in the way.
#[allow(clippy::large_enum_variant)]
pub enum Db {
    Sqlite(sqlite::File),
    Postgres(postgres::Schema),
}

impl Db {
    /// Opens a file, creating it where there is none, and makes sure its tables are there. The script must
    /// say `if not exists`.
    pub async fn open(path: &Path, sizes: Sizes, schema: &'static str) -> Result<Self, DbError> {
        sqlite::File::open(path, sizes, schema).await.map(Self::Sqlite)
    }

    /// Opens a schema that is there.
    pub fn open_schema(database: &PgConnectOptions, name: &str, sizes: Sizes) -> Self {
        Self::Postgres(postgres::Schema::open(database, name, sizes))
    }

    /// Opens a schema and makes sure its tables are there. The script must say `if not exists`.
    pub async fn create_schema(
        database: &PgConnectOptions,
        name: &str,
        sizes: Sizes,
        tables: &str,
    ) -> Result<Self, DbError> {
        postgres::Schema::create(database, name, sizes, tables).await.map(Self::Postgres)
    }

    /// Opens a file that is of no use before it is complete. Open it again as usual when it is filled.
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

    /// Begins to write. Who asks while another writes, waits.
    pub async fn begin(&self) -> Result<Tx, DbError> {
        match self {
            Self::Sqlite(file) => file.begin().await,
            Self::Postgres(schema) => schema.begin().await,
        }
    }

    /// Runs a script outside any transaction: making tables, building indexes.
    pub async fn run(&self, script: &str) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.run(script).await,
            Self::Postgres(schema) => schema.run(script).await,
        }
    }

    /// From here on a commit is on disk before it counts: for what cannot be derived from the log again.
    pub async fn make_durable(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.make_durable().await,
            Self::Postgres(schema) => schema.make_durable().await,
        }
    }

    /// Lets the engine see what is in the tables, so that it chooses its ways well.
    pub async fn settle(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(schema) => schema.settle().await,
        }
    }

    /// Moves what is committed to where it stays, beside the writer and the readers. PostgreSQL does so by
    /// itself.
    pub async fn checkpoint_wal(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.checkpoint_wal().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Checkpoints the whole write-ahead log, for tables that another process opens next.
    pub async fn checkpoint_wal_fully(&self) -> Result<(), DbError> {
        match self {
            Self::Sqlite(file) => file.checkpoint_wal_fully().await,
            Self::Postgres(_) => Ok(()),
        }
    }

    /// Finishes what was begun and lets go of the tables.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(file) => file.close().await,
            Self::Postgres(schema) => schema.close().await,
        }
    }
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
