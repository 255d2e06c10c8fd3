//! The control: the simplest program that stores events.
//!
//! One connection, one event per transaction, one row per statement, no index but the key, and each commit
//! on the disk when it returns.

use super::engines::Engines;
use event_schemas::{NewEvent, Recorded, StreamId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, PgConnection, SqliteConnection};
use std::path::Path;

/// Opens a file with the same durability as the log's.
async fn connect(path: &Path) -> anyhow::Result<SqliteConnection> {
    let connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
    Ok(connection)
}

/// A log.
pub async fn open(path: &Path) -> anyhow::Result<SqliteConnection> {
    let mut connection = connect(path).await?;
    sqlx::query(
        "create table if not exists event (position integer primary key, id blob, stream text, \
         version integer, type text, metadata text, data text)",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

/// Appends one event, durably.
pub async fn append(
    connection: &mut SqliteConnection,
    stream: &StreamId,
    version: u64,
    event: &NewEvent,
) -> anyhow::Result<()> {
    sqlx::query("insert into event (id, stream, version, type, metadata, data) values (?, ?, ?, ?, ?, ?)")
        .bind(event.id.0.as_bytes().to_vec())
        .bind(stream.as_str())
        .bind(version as i64)
        .bind(&*event.event_type)
        .bind(serde_json::to_string(&event.metadata)?)
        .bind(&event.data)
        .execute(connection)
        .await?;
    Ok(())
}

/// One summary table and its checkpoint.
pub enum Summary {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The same SQL for both engines, but for how parameters are written.
macro_rules! project {
    ($connection:expr, $row:literal, $checkpoint:literal, $event:expr) => {{
        let mut transaction = $connection.begin().await?;
        sqlx::query($row)
            .bind($event.stream.as_str())
            .bind($event.metadata.occurred_at.as_micros())
            .bind(&*$event.event_type)
            .execute(&mut *transaction)
            .await?;
        sqlx::query($checkpoint).bind($event.position.commit() as i64).execute(&mut *transaction).await?;
        transaction.commit().await?;
    }};
}

impl Summary {
    /// Opens the control on the same kind of engine as the measured tables.
    pub async fn open(engines: &Engines) -> anyhow::Result<Self> {
        const TABLES: &str = "create table summary (stream text primary key, events bigint not null, \
             last_at bigint not null, last_type text not null); \
             create table summary_checkpoint (position bigint not null); \
             insert into summary_checkpoint values (0)";
        if engines.are_postgres() {
            let mut connection = engines.connect().await?;
            sqlx::raw_sql(TABLES).execute(&mut connection).await?;
            return Ok(Self::Postgres(connection));
        }
        let mut connection = connect(&engines.folder().join("control.db")).await?;
        sqlx::raw_sql(TABLES).execute(&mut connection).await?;
        Ok(Self::Sqlite(connection))
    }

    /// Projects one event in a transaction of its own.
    pub async fn project(&mut self, event: &Recorded) -> anyhow::Result<()> {
        match self {
            Self::Sqlite(connection) => project!(
                connection,
                "insert into summary (stream, events, last_at, last_type) values (?, 1, ?, ?) \
                 on conflict (stream) do update set events = events + 1, last_at = excluded.last_at, \
                 last_type = excluded.last_type",
                "update summary_checkpoint set position = ?",
                event
            ),
            Self::Postgres(connection) => project!(
                connection,
                "insert into summary (stream, events, last_at, last_type) values ($1, 1, $2, $3) \
                 on conflict (stream) do update set events = summary.events + 1, \
                 last_at = excluded.last_at, last_type = excluded.last_type",
                "update summary_checkpoint set position = $1",
                event
            ),
        }
        Ok(())
    }
}
