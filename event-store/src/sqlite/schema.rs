//! The file: how it is opened, whether it is this program's, and its migrations.

use super::writer::reason;
use crate::OpenError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// The application id in the file's header, which marks the file as this program's: "Vbtm".
const APPLICATION_ID: i64 = 0x5662_746d;

/// The script at index n brings a file of version n to version n + 1.
const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/event-log/0001_events.sql")];

pub fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        // Otherwise each statement would be logged with its text and its duration, which nothing uses.
        .disable_statement_logging()
        .thread_name(|id| format!("event-log-{id}"))
}

/// The writer's connection: durable when a commit returns.
pub fn writer(path: &Path) -> SqliteConnectOptions {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-8192")
        // A commit writes every page it changes as a whole, and one append changes the table and three indexes:
        // with small pages there are fewer bytes to write and to flush. An existing file keeps its page size.
        .page_size(1024)
        // 64 MB: a commit checkpoints only when the task in `checkpoint_wal` does not keep up.
        .pragma("wal_autocheckpoint", "65536")
}

/// Creates the file or migrates it to this version. A file of another program is not written to.
pub async fn prepare(path: &Path) -> Result<(), OpenError> {
    let name = || path.display().to_string();
    let failed =
        |error: sqlx::Error| OpenError::Failed { path: name(), reason: reason(&error), source: error.into() };
    let existed = path.exists();
    let mut connection = options(path).create_if_missing(true).connect().await.map_err(failed)?;
    let header = header(&mut connection).await;
    connection.close().await.map_err(failed)?;
    let header = match header {
        Ok(header) => header,
        // The file is not a database.
        Err(error) if existed && code(&error) == Some(26) => return Err(OpenError::Foreign { path: name() }),
        Err(error) => return Err(failed(error)),
    };
    let known = MIGRATIONS.len() as i64;
    match header {
        Header { application: APPLICATION_ID, version, .. } if version > known => {
            Err(OpenError::Newer { path: name(), found: version, known })
        }
        Header { application: APPLICATION_ID, version, .. } if version == known => {
            // A copy that SQLite made has no write-ahead log yet, and changes to it only while it has no readers.
            let connection = writer(path).connect().await.map_err(failed)?;
            connection.close().await.map_err(failed)
        }
        Header { application: APPLICATION_ID, .. } | Header { application: 0, version: 0, tables: 0 } => {
            migrate(path).await.map_err(failed)
        }
        Header { .. } => Err(OpenError::Foreign { path: name() }),
    }
}

struct Header {
    application: i64,
    version: i64,
    tables: i64,
}

async fn header(connection: &mut SqliteConnection) -> Result<Header, sqlx::Error> {
    let row = sqlx::query(
        "select (select application_id from pragma_application_id), \
         (select user_version from pragma_user_version), (select count(*) from sqlite_schema)",
    )
    .fetch_one(connection)
    .await?;
    Ok(Header { application: row.try_get(0)?, version: row.try_get(1)?, tables: row.try_get(2)? })
}

async fn migrate(path: &Path) -> Result<(), sqlx::Error> {
    let mut connection = writer(path).connect().await?;
    let mut transaction = connection.begin_with("begin immediate").await?;
    // Another process may have migrated while this one waited for the lock.
    let version = header(&mut transaction).await?.version;
    for (number, migration) in (1i64..).zip(MIGRATIONS).filter(|(number, _)| *number > version) {
        sqlx::raw_sql(migration).execute(&mut *transaction).await?;
        sqlx::raw_sql(AssertSqlSafe(stamp_sql(number))).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    connection.close().await
}

fn stamp_sql(version: i64) -> String {
    format!("pragma application_id = {APPLICATION_ID}; pragma user_version = {version}")
}

/// Writes the file's application id and version again.
pub async fn stamp(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(stamp_sql(MIGRATIONS.len() as i64))).execute(connection).await.map(drop)
}

/// SQLite's primary result code of an error, without the extended code.
pub fn code(error: &sqlx::Error) -> Option<i32> {
    let code: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(code & 0xff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_commit_is_on_the_disk_when_it_returns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events.db");
        prepare(&path).await.unwrap();
        let mut connection = writer(&path).connect().await.unwrap();
        let mode: String =
            sqlx::query_scalar("pragma journal_mode").fetch_one(&mut connection).await.unwrap();
        let full: i64 = sqlx::query_scalar("pragma synchronous").fetch_one(&mut connection).await.unwrap();
        assert_eq!((&*mode, full), ("wal", 2));
    }
}
