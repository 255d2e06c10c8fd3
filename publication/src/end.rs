//! The end of the stream, and the event of the log after which publishing continues.

use crate::error::PublicationError;
use crate::message::POSITION;
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
}

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
        return Ok(End { sequence, after: None });
    }
    let first = if state.messages == 0 { sequence + 1 } else { state.first_sequence.max(1) };
    let (mut gone, mut foreign) = (0, 0);
    for number in (first..=sequence).rev() {
        let Some(message) = read(stream, number).await? else {
            gone += 1;
            continue;
        };
        if let Some(event) = event_of(&message) {
            let position = store.find(event).await?.map(|event| event.position).ok_or_else(|| {
                let event = event.to_string();
                PublicationError::OtherLog { stream: name.clone(), sequence: number, event }
            })?;
            if foreign > 0 {
                tracing::warn!(
                    stream = %name, sequence, foreign,
                    "another publisher uses `verbatim.`; its messages were skipped"
                );
            }
            let after = skip_events(store, Some(position), gone)
                .await?
                .ok_or_else(|| PublicationError::LongerThanTheLog { stream: name.clone(), sequence })?;
            return Ok(End { sequence, after });
        }
        foreign += 1;
        if foreign >= FOREIGN_LIMIT {
            return Err(PublicationError::ForeignMessages { stream: name.clone(), count: foreign });
        }
    }
    // No message of this publication is left, but the messages were numbered like the log's events.
    tracing::warn!(
        stream = %name, sequence,
        "the stream was emptied; publishing continues with the next event, deleted messages are not published again"
    );
    let after = skip_events(store, None, sequence - foreign)
        .await?
        .ok_or_else(|| PublicationError::LongerThanTheLog { stream: name.clone(), sequence })?;
    Ok(End { sequence, after })
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
    message.headers.get(async_nats::header::NATS_MESSAGE_ID)?.as_str().parse().ok()
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
