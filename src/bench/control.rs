//! The control: the plainest program that keeps events, as anyone would write it in a minute.
//!
//! One connection, one event per transaction, one row per statement, no index but the key, and each commit
//! on the disk when it returns.

use event_schemas::{NewEvent, Recorded, StreamId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use std::path::Path;

/// Opens a file with the durability that the log has.
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

/// One summary table and how far it has come.
pub async fn open_summary(path: &Path) -> anyhow::Result<SqliteConnection> {
    let mut connection = connect(path).await?;
    sqlx::raw_sql(
        "create table conversation (stream text primary key, events integer not null, last_at integer not null, \
         last_type text not null); \
         create table checkpoint (position integer not null); insert into checkpoint values (0)",
    )
    .execute(&mut connection)
    .await?;
    Ok(connection)
}

/// Projects one event in a transaction of its own.
pub async fn project(connection: &mut SqliteConnection, event: &Recorded) -> anyhow::Result<()> {
    let mut transaction = connection.begin().await?;
    sqlx::query(
        "insert into conversation (stream, events, last_at, last_type) values (?, 1, ?, ?) \
         on conflict (stream) do update set events = events + 1, last_at = excluded.last_at, \
         last_type = excluded.last_type",
    )
    .bind(event.stream.as_str())
    .bind(event.metadata.occurred_at.as_micros())
    .bind(&*event.event_type)
    .execute(&mut *transaction)
    .await?;
    sqlx::query("update checkpoint set position = ?")
        .bind(event.position.commit() as i64)
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}
