//! Appending: the ids are claimed, then the events are written at exactly one version.

use super::claims::{Claim, ClaimState, Held, Slot};
use super::connection::{REQUEST_TIMEOUT, RequestError};
use super::events::{EncodedEvent, position_of};
use super::reading::last;
use super::{Log, STREAM_LOCKS};
use crate::{AppendError, Appended, Expected, Unavailable};
use event_schemas::{EventId, NewEvent, Position, StreamId, Version};
use eventstore::{AppendToStreamOptions, RecordedEvent, StreamState};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

/// The result of an attempt at one version.
enum Attempt {
    Done(Appended),
    /// The stream is at another version.
    Moved {
        current: Option<u64>,
    },
}

impl Log {
    pub async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        let now = self.clock.now();
        let events: Vec<EncodedEvent> =
            events.into_iter().map(|event| EncodedEvent::new(event, now)).collect();
        if let Some(id) = duplicate_id(events.iter().map(|event| event.id)) {
            let version = match expected {
                Expected::Exact(version) => version.next(),
                Expected::NoStream | Expected::Any => Version::FIRST,
            };
            return Err(AppendError::PartlyRecorded { id, stream: stream.clone(), version });
        }
        let name = self.names.of_stream(stream);
        let conflict = |current: Option<u64>| AppendError::Conflict {
            stream: stream.clone(),
            expected,
            actual: current.map(Version),
        };
        let next = match expected {
            Expected::NoStream => 0,
            Expected::Exact(version) => version.0.saturating_add(1),
            Expected::Any => return self.append_at_end(&name, &events).await,
        };
        // The server's revisions end at the largest `i64`.
        if i64::try_from(next).is_err() {
            let last = last(&self.connection, &name).await.map_err(Unavailable::from)?;
            return Err(conflict(last.map(|event| event.revision)));
        }
        match self.append_at(&name, next, &events).await? {
            Attempt::Done(appended) => Ok(appended),
            Attempt::Moved { current } => Err(conflict(current)),
        }
    }

    /// Appends at the stream's current version, and repeats with the new version when another writer was first.
    async fn append_at_end(&self, stream: &str, events: &[EncodedEvent]) -> Result<Appended, AppendError> {
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        let _alone = self.stream_locks[(hasher.finish() % STREAM_LOCKS as u64) as usize].lock().await;
        let began = Instant::now();
        let seen = last(&self.connection, stream).await.map_err(Unavailable::from)?;
        let mut next = seen.map_or(0, |event| event.revision + 1);
        loop {
            match self.append_at(stream, next, events).await? {
                Attempt::Done(appended) => return Ok(appended),
                Attempt::Moved { .. } if began.elapsed() > REQUEST_TIMEOUT => {
                    return Err(
                        Unavailable::because("other writers keep appending to the same stream").into()
                    );
                }
                Attempt::Moved { current } => next = current.map_or(0, |current| current + 1),
            }
        }
    }

    /// Appends at one version, or not at all.
    async fn append_at(
        &self,
        stream: &str,
        first: u64,
        events: &[EncodedEvent],
    ) -> Result<Attempt, AppendError> {
        let mut held = Vec::new();
        let attempt = self.append_claimed(stream, first, events, &mut held).await;
        match &attempt {
            Ok(Attempt::Done(_)) => {}
            // Another event is in the slot, so the claims are void and delay no other append.
            Ok(Attempt::Moved { current: Some(current) }) if *current >= first => {}
            // The outcome is unknown: the append may still be written.
            Err(AppendError::Unavailable(_)) => {}
            Ok(Attempt::Moved { .. }) | Err(_) => self.release(&held).await,
        }
        attempt
    }

    async fn append_claimed(
        &self,
        stream: &str,
        first: u64,
        events: &[EncodedEvent],
        held: &mut Vec<Held>,
    ) -> Result<Attempt, AppendError> {
        let slots = slots(stream, first, events);
        let Some(((id, slot), rest)) = slots.split_first() else {
            return Err(AppendError::TooMany { limit: super::MAX_EVENTS });
        };
        match self.claim(*id, slot).await.map_err(Unavailable::from)? {
            Claim::Ours { last } => held.push((*id, last)),
            Claim::Recorded(event) => return self.repeated(*event, rest).await.map(Attempt::Done),
        }
        match self.claim_each(rest.to_vec(), held).await {
            Ok(None) => {}
            Ok(Some(event)) => return Err(self.partly_recorded(&event)?),
            Err(error) => {
                // No event was sent, so the claims can be released.
                self.release(&std::mem::take(held)).await;
                return Err(AppendError::Unavailable(error.into()));
            }
        }
        match self.write(stream, first, events).await {
            Ok((revision, position)) => {
                let appended = Appended { version: Version(revision), position, repeated: false };
                Ok(Attempt::Done(appended))
            }
            Err(RequestError::WrongVersion { current }) => Ok(Attempt::Moved { current }),
            Err(other) => Err(AppendError::Unavailable(other.into())),
        }
    }

    /// Writes events whose ids are claimed. The server recognises a repetition of the same append.
    pub async fn write(
        &self,
        stream: &str,
        first: u64,
        events: &[EncodedEvent],
    ) -> Result<(u64, Position), RequestError> {
        let state = first.checked_sub(1).map_or(StreamState::NoStream, StreamState::StreamRevision);
        let options = AppendToStreamOptions::default().stream_state(state).requires_leader(true);
        let written = self
            .connection
            .request(async |client| {
                let events: Vec<_> = events.iter().map(EncodedEvent::data).collect();
                client.append_to_stream(stream, &options, events).await
            })
            .await?;
        let position = Position::new(written.position.commit, written.position.prepare);
        if position != Position::at(0) {
            return Ok((written.next_expected_version, position));
        }
        // The server may leave the position out of its answer to a repeated append.
        let revision = written.next_expected_version;
        let event = super::reading::events_from(&self.connection, stream, revision, 1).await?.pop();
        event.map(|event| (revision, position_of(&event))).ok_or(RequestError::StreamNotFound)
    }

    /// The result of an append whose first event is recorded.
    async fn repeated(
        &self,
        first: RecordedEvent,
        rest: &[(EventId, Slot)],
    ) -> Result<Appended, AppendError> {
        let states =
            self.lookup_each(rest.iter().map(|(id, _)| *id).collect()).await.map_err(Unavailable::from)?;
        let mut last = None;
        for state in states {
            match state {
                ClaimState::Recorded(event) => last = Some(*event),
                ClaimState::Free { .. } | ClaimState::Pending(_) => return Err(self.partly_recorded(&first)?),
            }
        }
        let last = last.unwrap_or(first);
        Ok(Appended { version: Version(last.revision), position: position_of(&last), repeated: true })
    }

    pub fn partly_recorded(&self, event: &RecordedEvent) -> Result<AppendError, Unavailable> {
        let stream = self.names.stream_id(event.stream_id());
        let stream = stream
            .ok_or_else(|| Unavailable::because("an event of this log is in a stream of another log"))?;
        Ok(AppendError::PartlyRecorded { id: EventId(event.id), stream, version: Version(event.revision) })
    }
}

/// The first id that occurs more than once.
pub fn duplicate_id(ids: impl Iterator<Item = EventId>) -> Option<EventId> {
    let mut seen = HashSet::new();
    ids.into_iter().find(|id| !seen.insert(*id))
}

pub fn slots(stream: &str, first: u64, events: &[EncodedEvent]) -> Vec<(EventId, Slot)> {
    let Some(first_id) = events.first().map(|event| event.id) else { return Vec::new() };
    (first..)
        .zip(events)
        .map(|(revision, event)| (event.id, Slot { stream: stream.to_owned(), revision, first, first_id }))
        .collect()
}
