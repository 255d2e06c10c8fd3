//! The limit between the past and the present, as the log and the configuration say it.

use crate::Commands;
use crate::execute::LoadError;
use domain::past::{Moved, Past};
use event_schemas::log::{LogMoved, MoveKind};
use event_schemas::{
    AccountId, Actor, Clock, EventId, LogEvent, Metadata, NewEvent, Recorded, StreamId, Version,
};
use event_store::{AppendError, EventStore, Expected, ReadError};

/// The number of moves that are read at once.
const PAGE: usize = 1_000;

impl Commands {
    /// The limit between the past and the present. A process manager reads it when it begins to work.
    pub async fn past(&self) -> Result<Past, LoadError> {
        let last = last_move(&*self.store).await;
        let last = last.map_err(|error| LoadError::of(&StreamId::log_moves(), error))?;
        let moved = last.map(|last| Moved { position: last.position, at: last.recorded_at });
        Ok(Past { max_age: self.side_effects_max_age, moved })
    }

    /// Whether the log had been moved when this process first looked. A log is moved while no server works.
    pub(crate) async fn was_moved(&self) -> Result<bool, LoadError> {
        let moved = self.was_moved.get_or_try_init(|| async { Ok(self.past().await?.moved.is_some()) });
        moved.await.copied()
    }
}

/// The event of the log's last move. `None` when it was never moved.
async fn last_move(store: &dyn EventStore) -> Result<Option<Recorded>, ReadError> {
    let (mut last, mut next) = (None, Version::FIRST);
    loop {
        let mut page = store.read_stream(&StreamId::log_moves(), next, PAGE).await?;
        let complete = page.len() < PAGE;
        last = page.pop().or(last);
        match &last {
            Some(last) if !complete => next = last.version.next(),
            Some(_) | None => return Ok(last),
        }
    }
}

/// Records that the log was moved: every event that it has now is history. `last` is the last event that was moved;
/// recording the same move again changes nothing.
pub async fn record_move(
    store: &dyn EventStore,
    clock: &Clock,
    by: MoveKind,
    last: EventId,
) -> Result<(), AppendError> {
    let account_id = AccountId::from_u128(0);
    let id = EventId::caused(account_id, &format!("log-moved/{by}/{last}"), 0);
    let metadata = Metadata {
        account_id,
        actor: Actor::system("transfer"),
        correlation_id: id.0,
        causation_id: Some(last),
        traceparent: None,
        occurred_at: clock.now(),
        request: None,
        credential: None,
    };
    let event = NewEvent::of(id, &LogEvent::from(LogMoved { by }), metadata);
    store.append(&StreamId::log_moves(), Expected::Any, vec![event]).await.map(|_| ())
}
