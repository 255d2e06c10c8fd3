//! Followers of a log that was restored from an older backup: where they stand, and where they continue.
//!
//! A follower that is ahead of the log has handled every event that the log and its copy had in common. The events that
//! the copy has lost are gone, and their effects in the world remain: what was sent is not sent again.

use crate::db::{Db, DbError};
use crate::runner::{Checkpoint, CheckpointEvent};
use event_schemas::Position;
use event_store::{EventStore, Filter, ReadError};

/// The number of events that are read at once.
const PAGE: usize = 4_000;

/// A checkpoint at the last event that the follower has handled and the log still has. Events that the log got since it
/// was restored are after it: they were recorded later than the event of the old checkpoint.
pub async fn last_in_common(store: &dyn EventStore, read: &Checkpoint) -> Result<Checkpoint, ReadError> {
    let mut common = Checkpoint { position: None, event: None, ..*read };
    let Some(end) = store.end().await? else { return Ok(common) };
    let is_common =
        |recorded: &CheckpointEvent| read.event.is_none_or(|event| recorded.recorded_at <= event.recorded_at);
    if let Some(last) = store.event_at(end).await?.as_ref().map(CheckpointEvent::from)
        && is_common(&last)
    {
        return Ok(Checkpoint { position: Some(end), event: Some(last), ..common });
    }
    let mut after: Option<Position> = None;
    loop {
        let page = store.read_all(after, &Filter::all(), PAGE).await?;
        for recorded in &page.events {
            let event = CheckpointEvent::from(recorded);
            if !is_common(&event) {
                return Ok(common);
            }
            (common.position, common.event) = (Some(recorded.position), Some(event));
        }
        if page.at_end {
            return Ok(common);
        }
        after = page.through;
    }
}

/// Puts a checkpoint in the place of the stored one, whatever that is.
pub async fn put_checkpoint(db: &Db, name: &str, checkpoint: &Checkpoint) -> Result<(), DbError> {
    Checkpoint::prepare(db).await?;
    let mut tx = db.begin().await?;
    checkpoint.put(name, &mut tx).await?;
    tx.commit().await
}
