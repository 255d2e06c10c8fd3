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

#[cfg(test)]
mod tests {
    use super::*;
    use event_schemas::contact::IdentifierUnlinked;
    use event_schemas::{
        AccountId, Actor, Clock, ContactEvent, ContactIdentifierId, EventId, Metadata, NewEvent, StreamId,
        Timestamp,
    };
    use event_store::Expected;

    async fn append(store: &dyn EventStore, number: u128) {
        let identifier_id = ContactIdentifierId::from_u128(number);
        let event =
            ContactEvent::from(IdentifierUnlinked { identifier_id, contact_id: identifier_id.own_contact() });
        let metadata = Metadata {
            account_id: AccountId::from_u128(1),
            actor: Actor::system("test"),
            correlation_id: uuid::Uuid::nil(),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: Timestamp::from_secs(0),
        };
        let event = NewEvent::of(EventId::from_u128(number + 1), &event, metadata);
        store.append(&StreamId::contact(identifier_id), Expected::NoStream, vec![event]).await.unwrap();
    }

    #[tokio::test]
    async fn an_append_of_another_process_wakes_every_waiter() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("events.db").display());
        let ours = event_store::open(&url, Clock::System).await.unwrap();
        let theirs = event_store::open(&url, Clock::System).await.unwrap();
        let growth = Growth::of(ours, CancellationToken::new());
        // Without the wakes they would sleep until the test gives up.
        let mut waiters: Vec<_> =
            (0..3).map(|_| Waiter { poll: Duration::from_secs(3_600), ..growth.waiter() }).collect();
        for number in 0..2 {
            waiters.iter_mut().for_each(|waiter| waiter.changed.mark_unchanged());
            append(&*theirs, number).await;
            for waiter in &mut waiters {
                tokio::time::timeout(Duration::from_secs(60), waiter.wait()).await.expect("a wake");
            }
        }
    }
}
