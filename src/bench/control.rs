//! The control: the plainest program that keeps events, as anyone would write it in a minute.
//!
//! One connection, one event per transaction, one row per statement, no index but the key.

use event_schemas::{NewEvent, StreamId};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, SqliteConnection};
use std::path::Path;

/// Opens a file with the durability that the log has.
pub async fn open(path: &Path) -> anyhow::Result<SqliteConnection> {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .disable_statement_logging()
        .connect()
        .await?;
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
