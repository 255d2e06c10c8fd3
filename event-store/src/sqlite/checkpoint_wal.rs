//! Moving what was committed from the write-ahead log into the file, beside the writer.
//!
//! Left to the writer, this work would hold up whichever append happens to come when it is due. Here the
//! bulk of it is done by another connection while appends go on; the writer only does the last stretch,
//! between two groups, after which it writes the log from its beginning again.

use super::schema;
use super::writer::Job;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How many pages may wait before they are moved: 12 MB. Moving them has the disk flush them, during which
/// appends wait for their own flush: seldom and much holds up fewer of them than often and little.
const PAGES: i64 = 12_000;

/// How long to let pages gather between two looks.
const PAUSE: Duration = Duration::from_millis(100);

/// How far the write-ahead log has come, in pages.
struct WalPages {
    written: i64,
    checkpointed: i64,
}

/// Tidies up until the writer is gone.
pub async fn run(path: PathBuf, mut grown: watch::Receiver<u64>, writer: mpsc::WeakSender<Job>) {
    let mut connection = None;
    while grown.changed().await.is_ok() {
        tokio::time::sleep(PAUSE).await;
        let checkpointed = match &mut connection {
            Some(open) => checkpoint_wal(open, &writer).await,
            none => match connect(&path).await {
                Ok(opened) => checkpoint_wal(none.insert(opened), &writer).await,
                Err(error) => Err(error),
            },
        };
        if let Err(error) = checkpointed {
            // Nothing is lost by it: the writer does the work itself when too much has gathered.
            tracing::warn!(%error, "the event log was not checkpointed up");
            connection = None;
        }
    }
    if let Some(open) = connection
        && let Err(error) = open.close().await
    {
        tracing::warn!(%error, "the event log's file was not closed cleanly");
    }
}

async fn connect(path: &Path) -> Result<SqliteConnection, sqlx::Error> {
    // What is moved has to be on the disk before the write-ahead log is written over.
    schema::writer(path).pragma("cache_size", "-64").connect().await
}

async fn checkpoint_wal(
    connection: &mut SqliteConnection,
    writer: &mpsc::WeakSender<Job>,
) -> Result<(), sqlx::Error> {
    let wal = run_checkpoint(connection, "pragma wal_checkpoint(noop)").await?;
    if wal.written - wal.checkpointed < PAGES {
        return Ok(());
    }
    let wal = run_checkpoint(connection, "pragma wal_checkpoint(passive)").await?;
    if wal.written - wal.checkpointed < PAGES
        && let Some(writer) = writer.upgrade()
    {
        // A writer that has closed has nothing left to do.
        let _closed = writer.send(Job::CheckpointWal).await;
    }
    Ok(())
}

async fn run_checkpoint(
    connection: &mut SqliteConnection,
    pragma: &'static str,
) -> Result<WalPages, sqlx::Error> {
    let row = sqlx::query(pragma).fetch_one(connection).await?;
    Ok(WalPages { written: row.try_get(1)?, checkpointed: row.try_get(2)? })
}
