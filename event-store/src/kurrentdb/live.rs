//! The hint that the log has grown: one subscription to the whole log, resumed from its last position.
//!
//! It passes no events to the readers; it only wakes them. While it is down, the readers poll.

use super::Log;
use event_schemas::Position;
use eventstore::{Error, StreamPosition, SubscribeToAllOptions, Subscription, SubscriptionEvent};
use std::time::Duration;
use tokio::sync::watch;

/// After how many records that do not match the server sends a checkpoint.
const CHECKPOINT_EVERY: u32 = 1024;

const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Follows the log until it is aborted.
pub async fn follow(log: Log, grew: watch::Sender<u64>) {
    let mut after: Option<Position> = None;
    let mut pause = SHORTEST_PAUSE;
    loop {
        if after.is_none()
            && let Ok(end) = log.end().await
        {
            after = end;
        }
        match log.connection.client().await {
            Ok((client, number)) => {
                let options = SubscribeToAllOptions::default()
                    .position(after.map_or(StreamPosition::Start, |position| {
                        let (commit, prepare) = (position.commit(), position.prepare());
                        StreamPosition::Position(eventstore::Position { commit, prepare })
                    }))
                    .filter(log.names.all_events().max(CHECKPOINT_EVERY))
                    .requires_leader(true);
                let subscription = client.subscribe_to_all(&options).await;
                let before = after;
                let error = wake(subscription, &mut after, &grew).await;
                if after > before {
                    pause = SHORTEST_PAUSE;
                }
                tracing::debug!(%error, "the live subscription to the event log was lost");
                log.connection.discard(number).await;
            }
            Err(error) => tracing::debug!(%error, "no live subscription to the event log yet"),
        }
        // Wakes the readers, because events may have been appended meanwhile.
        grew.send_modify(|times| *times += 1);
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Wakes the readers for as long as the subscription lasts.
async fn wake(
    mut subscription: Subscription,
    after: &mut Option<Position>,
    grew: &watch::Sender<u64>,
) -> Error {
    loop {
        match subscription.next_subscription_event().await {
            Ok(SubscriptionEvent::EventAppeared(event)) => {
                let position = event.get_original_event().position;
                *after = (*after).max(Some(Position::new(position.commit, position.prepare)));
                grew.send_modify(|times| *times += 1);
            }
            Ok(SubscriptionEvent::Checkpoint(position)) => {
                *after = (*after).max(Some(Position::new(position.commit, position.prepare)));
            }
            Ok(_) => {}
            Err(error) => return error,
        }
    }
}
