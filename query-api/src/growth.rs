//! Wakes all event streams of this process when the log has grown. One task looks whether another process has appended:
//! a thousand idle streams that each looked for themselves would keep a processor busy.

use event_schemas::Position;
use event_store::{EventStore, Filter, ReadError, Waiter};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The longest time a stream sleeps before it reads the log in any case.
const POLL: Duration = Duration::from_secs(2);
/// The pause after an error.
const PAUSE: Duration = Duration::from_millis(500);
/// The events that are passed at once.
const PAGE: usize = 200;

/// Cheap to clone.
#[derive(Clone)]
pub struct Growth(Arc<watch::Receiver<u64>>);

impl Growth {
    /// Watches the log until `stop`.
    pub fn of(store: Arc<dyn EventStore>, stop: CancellationToken) -> Self {
        let (grew, grown) = watch::channel(0);
        tokio::spawn(async move { stop.run_until_cancelled(watch_log(&*store, &grew)).await });
        Self(Arc::new(grown))
    }

    /// A waiter for a stream. It counts as open until the waiter is dropped.
    pub fn waiter(&self) -> Waiter {
        Waiter { changed: self.0.as_ref().clone(), poll: POLL }
    }
}

async fn watch_log(store: &dyn EventStore, grew: &watch::Sender<u64>) {
    let mut waiter = store.waiter();
    let mut passed: Option<Position> = None;
    loop {
        waiter.wait().await;
        waiter.changed.mark_unchanged();
        // The receiver that the streams' are made of is always there.
        if grew.receiver_count() == 1 {
            passed = None;
            continue;
        }
        match next_end(store, passed).await {
            Ok(end) if end == passed => {}
            Ok(end) => {
                passed = end;
                grew.send_modify(|times| *times += 1);
            }
            Err(error) => {
                tracing::debug!(%error, "the log cannot be watched; the event streams look for themselves");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// The end of the log, or of the next page after what was passed.
async fn next_end(store: &dyn EventStore, passed: Option<Position>) -> Result<Option<Position>, ReadError> {
    match passed {
        None => store.end().await,
        Some(_) => Ok(store.read_recent(passed, &Filter::all(), PAGE).await?.through.or(passed)),
    }
}
