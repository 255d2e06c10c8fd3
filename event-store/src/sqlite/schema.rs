//! The file: how it is opened, whose it is, and its migrations.

use super::writer::reason;
use crate::OpenError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row, SqliteConnection};
use std::path::Path;
use std::time::Duration;

/// Says in the file's header whose it is: "Vbtm".
const APPLICATION_ID: i64 = 0x5662_746d;

/// What makes a file of version n one of version n + 1.
const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/event-log/0001_events.sql")];

pub fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        // A statement's text would be logged with its time; nobody needs to read it.
        .disable_statement_logging()
        .thread_name(|id| format!("event-log-{id}"))
}

/// The writer's connection: durable when a commit returns.
pub fn writer(path: &Path) -> SqliteConnectOptions {
    options(path)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("cache_size", "-8192")
        // A commit writes every page it touches, whole, and one append touches the table and three indexes:
        // small pages are less to write and to flush. A file that exists keeps the size it was made with.
        .page_size(1024)
        // 64 MB: only if `tidy` does not keep up.
        .pragma("wal_autocheckpoint", "65536")
}

/// Creates the file or brings it to this version. A file that is not ours is not written to.
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
        // A file that is not a database at all.
        Err(error) if existed && code(&error) == Some(26) => return Err(OpenError::Foreign { path: name() }),
        Err(error) => return Err(failed(error)),
    };
    let known = MIGRATIONS.len() as i64;
    match header {
        Header { application: APPLICATION_ID, version, .. } if version > known => {
            Err(OpenError::Newer { path: name(), found: version, known })
        }
        Header { application: APPLICATION_ID, version, .. } if version == known => Ok(()),
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
    // Another process may have done it while this one waited for the lock.
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

/// Writes again whose the file is.
pub async fn stamp(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(stamp_sql(MIGRATIONS.len() as i64))).execute(connection).await.map(drop)
}

/// The engine's own number for what went wrong, without the details.
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
