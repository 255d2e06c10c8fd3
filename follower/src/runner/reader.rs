//! Reads and decodes one page ahead: while a page is written, the next one is prepared. At the end of the log it waits
//! until the writer is idle, so that all events that arrive meanwhile are in one page.

use super::checkpoint::CheckpointEvent;
use super::{Batch, RunnerError};
use crate::decoded_log::DecodedLog;
use event_schemas::Position;
use event_store::{Filter, Page};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// A task that is one page ahead of the writer. It ends with the reader.
pub(super) struct Reader {
    batches: mpsc::Receiver<Result<Batch, RunnerError>>,
    /// Whether the writer has nothing to do.
    idle: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Reader {
    pub(super) fn start(log: &DecodedLog, after: Option<Position>, filter: Filter, pages: Pages) -> Self {
        let (sender, batches) = mpsc::channel(1);
        let idle = watch::Sender::new(false);
        let writer = Writer { batches: sender, idle: idle.subscribe() };
        let task = tokio::spawn(read(log.clone(), after, filter, pages, writer));
        Self { batches, idle, task }
    }

    pub(super) async fn next(&mut self) -> Result<Batch, RunnerError> {
        let batch = match self.batches.try_recv() {
            Ok(batch) => Some(batch),
            Err(_) => {
                self.idle.send_replace(true);
                self.batches.recv().await
            }
        };
        self.idle.send_replace(false);
        batch.ok_or(RunnerError::Panicked)?
    }
}

/// The size and the pace of the pages.
#[derive(Clone, Copy)]
pub(super) struct Pages {
    /// The maximum number of events.
    pub limit: usize,
    /// How long to wait at the end of the log before the next page is read.
    pub pace: Duration,
    /// The last position to read. `None` when the log is followed without end.
    pub until: Option<Position>,
}

/// The channels to the writer of the batches.
struct Writer {
    batches: mpsc::Sender<Result<Batch, RunnerError>>,
    idle: watch::Receiver<bool>,
}

async fn read(
    log: DecodedLog,
    mut after: Option<Position>,
    filter: Filter,
    Pages { limit, pace, until }: Pages,
    mut writer: Writer,
) {
    let mut waiter = log.store().waiter();
    loop {
        // An append after this line ends the wait below, so that no event is missed.
        waiter.changed.mark_unchanged();
        let read = match until {
            // `catch_up` needs the certain end of the log, so this read does not use the cache.
            Some(_) => log.store().read_all(after, &filter, limit).await,
            None => log.store().read_recent(after, &filter, limit).await,
        };
        let batch = match read {
            Ok(page) => decode_page(&log, page).await,
            Err(error) => Err(error.into()),
        };
        let (has_news, at_end, failed) = match &batch {
            Ok(batch) => (batch.through > after, batch.at_end, false),
            Err(_) => (true, true, true),
        };
        if let Ok(batch) = &batch {
            after = batch.through.or(after);
        }
        // `catch_up` also needs a page without events, because it says that the end is reached.
        if (has_news || until.is_some()) && writer.batches.send(batch).await.is_err() {
            return;
        }
        if failed || until.is_some_and(|until| after >= Some(until)) {
            return;
        }
        if at_end {
            if until.is_none() && !pace.is_zero() {
                tokio::time::sleep(pace).await;
            }
            waiter.wait().await;
            // The channel is closed when the writer has ended; this task ends then.
            if writer.idle.wait_for(|idle| *idle).await.is_err() {
                return;
            }
        }
    }
}

/// Decodes a page. Large pages are decoded on another thread, so that requests do not wait for them.
async fn decode_page(log: &DecodedLog, page: Page) -> Result<Batch, RunnerError> {
    if page.events.len() < 64 {
        return decode(log, page);
    }
    let log = log.clone();
    tokio::task::spawn_blocking(move || decode(&log, page)).await.unwrap_or(Err(RunnerError::Panicked))
}

pub(super) fn decode(log: &DecodedLog, page: Page) -> Result<Batch, RunnerError> {
    let mut batch = Batch { through: page.through, at_end: page.at_end, ..Batch::default() };
    batch.events.reserve(page.events.len());
    for recorded in page.events {
        let (position, stream, version) = (recorded.position, recorded.stream.clone(), recorded.version);
        let event_type = recorded.event_type.clone();
        batch.last = Some((position, CheckpointEvent::from(&recorded)));
        match log.decode(recorded) {
            Ok(Some(event)) => batch.events.push(event),
            Ok(None) => batch.skipped += 1,
            Err(source) => {
                let event_type = event_type.into_owned();
                return Err(RunnerError::Unreadable { position, stream, version, event_type, source });
            }
        }
    }
    Ok(batch)
}

impl Batch {
    /// Drops the events after `until`.
    pub(super) fn until(mut self, until: Option<Position>) -> Self {
        let Some(until) = until else { return self };
        if self.through > Some(until) {
            let within = self.events.partition_point(|event| event.position <= until);
            self.events.truncate(within);
            self.through = Some(until);
        }
        self
    }
}
