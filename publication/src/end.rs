//! The end of the stream, and the event of the log after which publishing continues.

use crate::error::PublicationError;
use crate::message::POSITION;
use crate::restore::{self, LostMessages};
use async_nats::jetstream::stream::{Info, RawMessageErrorKind, Stream};
use async_nats::jetstream::{ErrorCode, message::StreamMessage};
use event_schemas::{EventId, Position};
use event_store::{EventStore, Filter};
use std::sync::Arc;

/// The position from which publishing continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// The sequence number of the stream's last message, whether or not the message still exists.
    pub sequence: u64,
    /// The position of the event that was published last. `None` when none was.
    pub after: Option<Position>,
    /// The number of all messages of events that the log has lost; 0 when it was never restored.
    pub lost_in_total: u64,
}

/// The maximum number of messages of events that the log does not have which are skipped to find one that it has.
const LOST_LIMIT: u64 = 100_000;

/// The maximum number of other publishers' messages that are skipped to find the last message of this publication.
const FOREIGN_LIMIT: u64 = 1_000;

/// The number of events that are read at once.
const PAGE: usize = 1_000;

/// Reads the stream's end and finds its event in the log.
pub(crate) async fn find(
    stream: &Stream<Info>,
    store: &Arc<dyn EventStore>,
) -> Result<End, PublicationError> {
    let info = stream.get_info().await?;
    let (name, state) = (&info.config.name, &info.state);
    let sequence = state.last_sequence;
    if sequence == 0 {
        tracing::info!(stream = %name, "the stream is empty: publishing from the beginning of the log");
        return Ok(End { sequence, after: None, lost_in_total: 0 });
    }
    let first = if state.messages == 0 { sequence + 1 } else { state.first_sequence.max(1) };
    let known = restore::lost_messages(&info.config);
    let lost_in_total = known.map_or(0, |lost| lost.in_total);
    // Deleted messages before and after those that are known to be lost.
    let (mut gone, mut gone_after) = (0, 0);
    let (mut foreign, mut lost) = (0, 0);
    let mut first_lost = None;
    for number in (first..=sequence).rev() {
        if let Some(known) = known
            && known.contains(number)
        {
            if number == known.last {
                (gone, gone_after) = (0, gone);
            }
            continue;
        }
        let Some(message) = read(stream, number).await? else {
            gone += 1;
            continue;
        };
        if let Some(event) = event_of(&message) {
            let Some(position) = store.find(event).await?.map(|event| event.position) else {
                first_lost.get_or_insert((number, event));
                // Messages that were deleted after this one were of lost events too.
                (lost, gone, gone_after) = (lost + 1, 0, 0);
                if lost >= LOST_LIMIT {
                    break;
                }
                continue;
            };
            if lost > 0 {
                let after = match skip_events(store, Some(position), gone).await? {
                    Some(after) => after,
                    None => store.end().await?,
                };
                let events = match after {
                    Some(after) => store.count_to(after).await?,
                    None => 0,
                };
                let in_total = sequence.saturating_sub(events);
                let lost_messages = LostMessages { first: number + gone + 1, last: sequence, in_total };
                return Err(PublicationError::OlderLog { stream: name.clone(), lost: lost_messages });
            }
            if foreign > 0 {
                tracing::warn!(
                    stream = %name, sequence, foreign,
                    "another publisher uses `verbatim.`; its messages were skipped"
                );
            }
            let after = skip_events(store, Some(position), gone + gone_after)
                .await?
                .ok_or_else(|| PublicationError::LongerThanTheLog { stream: name.clone(), sequence })?;
            return Ok(End { sequence, after, lost_in_total });
        }
        foreign += 1;
        if foreign >= FOREIGN_LIMIT {
            return Err(PublicationError::ForeignMessages { stream: name.clone(), count: foreign });
        }
    }
    if let Some((sequence, event)) = first_lost {
        let event = event.to_string();
        return Err(PublicationError::OtherLog { stream: name.clone(), sequence, event });
    }
    // No message of this publication is left, but the messages were numbered like the log's events.
    tracing::warn!(
        stream = %name, sequence,
        "the stream was emptied; publishing continues with the next event, deleted messages are not published again"
    );
    let after = skip_events(store, None, sequence.saturating_sub(foreign + lost_in_total))
        .await?
        .ok_or_else(|| PublicationError::LongerThanTheLog { stream: name.clone(), sequence })?;
    Ok(End { sequence, after, lost_in_total })
}

/// The message with a sequence number; `None` when it was deleted.
async fn read(stream: &Stream<Info>, sequence: u64) -> Result<Option<StreamMessage>, PublicationError> {
    match stream.get_raw_message(sequence).await {
        Ok(message) => Ok(Some(message)),
        Err(error) => match error.kind() {
            RawMessageErrorKind::NoMessageFound => Ok(None),
            RawMessageErrorKind::JetStream(answer) if answer.error_code() == ErrorCode::NO_MESSAGE_FOUND => {
                Ok(None)
            }
            RawMessageErrorKind::JetStream(_)
            | RawMessageErrorKind::InvalidSubject
            | RawMessageErrorKind::Other => Err(error.into()),
        },
    }
}

/// The event of a message of this publication; `None` when another publisher sent the message.
fn event_of(message: &StreamMessage) -> Option<EventId> {
    message.headers.get(POSITION)?;
    message.headers.get(async_nats::header::NATS_MESSAGE_ID)?.as_str().split('.').next()?.parse().ok()
}

/// The position `events` events after `after`; `None` when the log has fewer.
async fn skip_events(
    store: &Arc<dyn EventStore>,
    mut after: Option<Position>,
    mut events: u64,
) -> Result<Option<Option<Position>>, PublicationError> {
    while events > 0 {
        let limit = usize::try_from(events).unwrap_or(PAGE).min(PAGE);
        let page = store.read_all(after, &Filter::all(), limit).await?;
        events -= page.events.len() as u64;
        after = page.through.or(after);
        if page.at_end && events > 0 {
            return Ok(None);
        }
    }
    Ok(Some(after))
}
