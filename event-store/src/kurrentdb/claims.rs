//! Claims, by which an event's id is in the log only once.
//!
//! Before an event is written, its id is claimed: a link to the slot (stream and revision) that the event goes to
//! is written into the id's own stream, which must be empty. The append that follows expects exactly that slot to
//! be the next one, so it is written there or not at all. The slot of an append's first event decides the state of
//! all its claims: it holds the event itself, another event, or no event yet. When it holds another event, the
//! claim is void, and the next writer claims the id again.
//!
//! The first event of an append is claimed before the others, so that two writers of the same events compete for
//! one claim only.

use super::Log;
use super::connection::{REQUEST_TIMEOUT, RequestError};
use super::reading::{events_from, last};
use crate::Unavailable;
use event_schemas::{EventId, Timestamp};
use eventstore::{AppendToStreamOptions, EventData, RecordedEvent, StreamState};
use futures::stream::{self, StreamExt, TryStreamExt};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The age at which another writer may take over a claim whose slot is still empty. Twice as long as an append may
/// take.
pub const TAKE_OVER: Duration = Duration::from_secs(2 * REQUEST_TIMEOUT.as_secs());

/// How long to wait for another writer that has claimed the id for the same slot.
const WAIT_FOR_SAME_SLOT: Duration = Duration::from_secs(1);

/// How long to wait for another writer that has claimed the id for another slot.
const WAIT_FOR_OTHER_SLOT: Duration = Duration::from_secs(3);

const PAUSE: Duration = Duration::from_millis(5);

/// How many claims of one append are written or read at once.
const CONCURRENT_WRITES: usize = 64;

/// The server's type for a link to another event.
const LINK: &str = "$>";

/// The type of the event that releases a claim.
const RELEASED: &str = "$released";

/// The stream and revision at which an event is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The stream's name on the server.
    pub stream: String,
    pub revision: u64,
    /// The revision of the first event of the same append.
    pub first: u64,
    /// The id of the first event of the same append.
    pub first_id: EventId,
}

/// The metadata of a claim's link. Stored, so its fields keep their names.
#[derive(Serialize, Deserialize)]
struct Note {
    first: u64,
    #[serde(rename = "of")]
    first_id: EventId,
    at: i64,
}

/// The state of an id.
pub enum ClaimState {
    Recorded(Box<RecordedEvent>),
    /// No claim is valid. `last` is the last revision of the id's stream; `None` when it has no event.
    Free {
        last: Option<u64>,
    },
    Pending(Pending),
}

/// A claim whose slot is still empty.
pub struct Pending {
    slot: Slot,
    since: Timestamp,
    last: u64,
}

pub enum Claim {
    /// This append holds the claim. `last` is its revision in the id's stream.
    Ours {
        last: u64,
    },
    Recorded(Box<RecordedEvent>),
}

/// A claim that may have to be released: the id, and the claim's revision in the id's stream.
pub type Held = (EventId, u64);

impl Log {
    /// Reads the state of an id.
    pub async fn lookup(&self, id: EventId) -> Result<ClaimState, RequestError> {
        let Some(link) = last(&self.connection, &self.names.id_stream(id)).await? else {
            return Ok(ClaimState::Free { last: None });
        };
        let free = ClaimState::Free { last: Some(link.revision) };
        let Some((slot, since)) = decode_claim(&link) else { return Ok(free) };
        let Some(first) = events_from(&self.connection, &slot.stream, slot.first, 1).await?.pop() else {
            return Ok(ClaimState::Pending(Pending { slot, since, last: link.revision }));
        };
        if first.id != slot.first_id.0 {
            return Ok(free);
        }
        let event = if slot.revision == slot.first {
            Some(first)
        } else {
            events_from(&self.connection, &slot.stream, slot.revision, 1).await?.pop()
        };
        Ok(match event {
            Some(event) if event.id == id.0 => ClaimState::Recorded(Box::new(event)),
            _ => free,
        })
    }

    /// Reads the states of several ids.
    pub async fn lookup_each(&self, ids: Vec<EventId>) -> Result<Vec<ClaimState>, RequestError> {
        stream::iter(ids).map(|id| self.lookup(id)).buffered(CONCURRENT_WRITES).try_collect().await
    }

    /// Claims an id for a slot, unless it is recorded.
    pub async fn claim(&self, id: EventId, slot: &Slot) -> Result<Claim, RequestError> {
        let began = Instant::now();
        let mut last = None;
        loop {
            if let Some(last) = self.write_claim(id, Some(slot), last).await? {
                return Ok(Claim::Ours { last });
            }
            last = loop {
                match self.lookup(id).await? {
                    ClaimState::Recorded(event) => return Ok(Claim::Recorded(event)),
                    ClaimState::Free { last } => break last,
                    ClaimState::Pending(pending) if self.may_take_over(&pending, slot, began) => {
                        break Some(pending.last);
                    }
                    ClaimState::Pending(_) if began.elapsed() > WAIT_FOR_OTHER_SLOT => {
                        return Err(
                            Unavailable::because("another append of the same event is in progress").into()
                        );
                    }
                    ClaimState::Pending(_) => tokio::time::sleep(PAUSE).await,
                }
            };
        }
    }

    fn may_take_over(&self, pending: &Pending, slot: &Slot, began: Instant) -> bool {
        let age = self.clock.now().as_micros().saturating_sub(pending.since.as_micros());
        let old = u64::try_from(age).is_ok_and(|age| Duration::from_micros(age) > TAKE_OVER);
        old || (pending.slot == *slot && began.elapsed() > WAIT_FOR_SAME_SLOT)
    }

    /// Claims several ids and adds the claims to `held`. Returns a recorded event when one of the ids is in the log.
    pub async fn claim_each(
        &self,
        slots: Vec<(EventId, Slot)>,
        held: &mut Vec<Held>,
    ) -> Result<Option<Box<RecordedEvent>>, RequestError> {
        let mut claims = stream::iter(slots)
            .map(async |(id, slot)| (id, self.claim(id, &slot).await))
            .buffer_unordered(CONCURRENT_WRITES);
        let (mut recorded, mut failed) = (None, None);
        // All claims are awaited, even when one of them fails, so that `held` has every claim that was written.
        while let Some((id, claim)) = claims.next().await {
            match claim {
                Ok(Claim::Ours { last }) => held.push((id, last)),
                Ok(Claim::Recorded(event)) => recorded = Some(event),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(recorded), Err)
    }

    /// Releases claims whose events will not be written. Errors are ignored: other writers may take over a claim
    /// that was not released after [`TAKE_OVER`].
    pub async fn release(&self, held: &[Held]) {
        stream::iter(held)
            .for_each_concurrent(CONCURRENT_WRITES, async |(id, last)| {
                if self.write_claim(*id, None, Some(*last)).await.is_err() {
                    tracing::debug!(%id, "the claim of an event could not be released");
                }
            })
            .await;
    }

    /// Writes a claim to the id's stream, or its release when `slot` is `None`, after the revision `last`. Returns
    /// the revision it was written at, or `None` when the stream has another last revision.
    async fn write_claim(
        &self,
        id: EventId,
        slot: Option<&Slot>,
        last: Option<u64>,
    ) -> Result<Option<u64>, RequestError> {
        let state = last.map_or(StreamState::NoStream, StreamState::StreamRevision);
        let options = AppendToStreamOptions::default().stream_state(state).requires_leader(true);
        let stream = self.names.id_stream(id);
        // All tries use one event id, so that the server recognises a repetition.
        let own = self.clock.fresh_id();
        let at = self.clock.now();
        let written = self
            .connection
            .request(async |client| {
                client.append_to_stream(&*stream, &options, encode_claim(slot, at)?.id(own)).await
            })
            .await;
        match written {
            Ok(written) => Ok(Some(written.next_expected_version)),
            Err(RequestError::WrongVersion { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}

fn encode_claim(slot: Option<&Slot>, at: Timestamp) -> Result<EventData, eventstore::Error> {
    let Some(slot) = slot else { return Ok(EventData::binary(RELEASED, bytes::Bytes::new())) };
    let link = format!("{}@{}", slot.revision, slot.stream);
    let note = Note { first: slot.first, first_id: slot.first_id, at: at.as_micros() };
    EventData::binary(LINK, link.into())
        .metadata_as_json(&note)
        .map_err(|error| eventstore::Error::InternalParsingError(error.to_string()))
}

fn decode_claim(link: &RecordedEvent) -> Option<(Slot, Timestamp)> {
    if link.event_type != LINK {
        return None;
    }
    let (revision, stream) = std::str::from_utf8(&link.data).ok()?.split_once('@')?;
    let note: Note = serde_json::from_slice(&link.custom_metadata).ok()?;
    let slot = Slot {
        stream: stream.to_owned(),
        revision: revision.parse().ok()?,
        first: note.first,
        first_id: note.first_id,
    };
    Some((slot, Timestamp::from_micros(note.at)))
}
