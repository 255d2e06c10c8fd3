//! Checkpoints of the write-ahead log (WAL): its committed pages are moved into the file, in a task beside the
//! writer.
//!
//! If the writer did this alone, the append that happens to come when a checkpoint is due would wait for it. Here
//! another connection moves most of the pages while appends go on. The writer only moves the last ones, between
//! two groups, and then writes the WAL from its beginning again.

use super::schema;
use super::writer::Job;
use crate::files::OpenFile;
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection};
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// How many pages of the WAL start a checkpoint: 12 MB. A checkpoint flushes them to the disk, and appends wait for
/// their own flush meanwhile: few large checkpoints delay fewer appends than many small ones.
const PAGES: i64 = 12_000;

/// How long to wait after an append before the size of the WAL is read.
const PAUSE: Duration = Duration::from_millis(100);

/// The pages of the WAL: how many were written, and how many of them were moved into the file.
struct WalPages {
    written: i64,
    checkpointed: i64,
}

/// Checkpoints the WAL until the writer ends.
pub async fn run(file: OpenFile, mut grown: watch::Receiver<u64>, writer: mpsc::WeakSender<Job>) {
    let mut connection = None;
    while grown.changed().await.is_ok() {
        tokio::time::sleep(PAUSE).await;
        let checkpointed = match &mut connection {
            Some(open) => checkpoint_wal(open, &writer).await,
            none => match connect(&file).await {
                Ok(opened) => checkpoint_wal(none.insert(opened), &writer).await,
                Err(error) => Err(error),
            },
        };
        if let Err(error) = checkpointed {
            // No event is lost: the writer checkpoints itself when the WAL has grown too large.
            tracing::warn!(%error, "a checkpoint of the event log's WAL failed");
            connection = None;
        }
    }
    if let Some(open) = connection
        && let Err(error) = open.close().await
    {
        tracing::warn!(%error, "the event log's file was not closed cleanly");
    }
}

async fn connect(file: &OpenFile) -> Result<SqliteConnection, sqlx::Error> {
    // Moved pages have to be on the disk before the WAL is overwritten.
    file.check().map_err(std::io::Error::from)?;
    schema::writer(file.path()).pragma("cache_size", "-64").connect().await
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
        // Sending fails when the writer has closed; then there is nothing left to do.
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
