//! Appending: claim the ids, then write at exactly one version.

use super::claims::{Claim, Held, Look, Slot};
use super::connection::{PATIENCE, Trouble};
use super::events::{Ready, position};
use super::reading::last;
use super::{LANES, Log};
use crate::{AppendError, Appended, Expected, Unavailable};
use event_schemas::{EventId, NewEvent, Position, StreamId, Version};
use eventstore::{AppendToStreamOptions, RecordedEvent, StreamState};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Instant;

/// What one try at one version came to.
enum Tried {
    Done(Appended),
    /// The stream is somewhere else.
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
        let events: Vec<Ready> = events.into_iter().map(|event| Ready::new(event, now)).collect();
        if let Some(id) = twice(events.iter().map(|event| event.id)) {
            let version = match expected {
                Expected::Exact(version) => version.next(),
                Expected::NoStream | Expected::Any => Version::FIRST,
            };
            return Err(AppendError::PartlyRecorded { id, stream: stream.clone(), version });
        }
        let name = self.names.stream(stream);
        let conflict = |current: Option<u64>| AppendError::Conflict {
            stream: stream.clone(),
            expected,
            actual: current.map(Version),
        };
        let next = match expected {
            Expected::NoStream => 0,
            Expected::Exact(version) => version.0.saturating_add(1),
            Expected::Any => return self.append_anywhere(&name, &events).await,
        };
        // The server counts no further.
        if i64::try_from(next).is_err() {
            let last = last(&self.connection, &name).await.map_err(Unavailable::from)?;
            return Err(conflict(last.map(|event| event.revision)));
        }
        match self.append_at(&name, next, &events).await? {
            Tried::Done(appended) => Ok(appended),
            Tried::Moved { current } => Err(conflict(current)),
        }
    }

    /// At whatever version the stream is: at the one that it is seen to have, again and again.
    async fn append_anywhere(&self, stream: &str, events: &[Ready]) -> Result<Appended, AppendError> {
        let mut hasher = DefaultHasher::new();
        stream.hash(&mut hasher);
        let _alone = self.lanes[(hasher.finish() % LANES as u64) as usize].lock().await;
        let began = Instant::now();
        let seen = last(&self.connection, stream).await.map_err(Unavailable::from)?;
        let mut next = seen.map_or(0, |event| event.revision + 1);
        loop {
            match self.append_at(stream, next, events).await? {
                Tried::Done(appended) => return Ok(appended),
                Tried::Moved { .. } if began.elapsed() > PATIENCE => {
                    return Err(Unavailable::because("others append to the same stream all the time").into());
                }
                Tried::Moved { current } => next = current.map_or(0, |current| current + 1),
            }
        }
    }

    /// At one version, or not at all.
    async fn append_at(&self, stream: &str, first: u64, events: &[Ready]) -> Result<Tried, AppendError> {
        let mut held = Vec::new();
        let tried = self.append_claimed(stream, first, events, &mut held).await;
        match &tried {
            Ok(Tried::Done(_)) => {}
            // Somebody else's event is in the slot, so nobody is held up by what was claimed.
            Ok(Tried::Moved { current: Some(current) }) if *current >= first => {}
            // What is not known to have failed may yet come to something.
            Err(AppendError::Unavailable(_)) => {}
            Ok(Tried::Moved { .. }) | Err(_) => self.release(&held).await,
        }
        tried
    }

    async fn append_claimed(
        &self,
        stream: &str,
        first: u64,
        events: &[Ready],
        held: &mut Vec<Held>,
    ) -> Result<Tried, AppendError> {
        let slots = slots(stream, first, events);
        let Some(((id, slot), rest)) = slots.split_first() else {
            return Err(AppendError::TooMany { limit: super::MAX_EVENTS });
        };
        match self.claim(*id, slot).await.map_err(Unavailable::from)? {
            Claim::Ours { ends } => held.push((*id, ends)),
            Claim::Recorded(event) => return self.repeated(*event, rest).await.map(Tried::Done),
        }
        match self.claim_each(rest.to_vec(), held).await {
            Ok(None) => {}
            Ok(Some(event)) => return Err(self.partly(&event)?),
            Err(trouble) => {
                // Nothing was sent that could still come to something.
                self.release(&std::mem::take(held)).await;
                return Err(AppendError::Unavailable(trouble.into()));
            }
        }
        match self.write(stream, first, events).await {
            Ok((revision, place)) => {
                let appended = Appended { version: Version(revision), position: place, repeated: false };
                Ok(Tried::Done(appended))
            }
            Err(Trouble::Elsewhere { current }) => Ok(Tried::Moved { current }),
            Err(other) => Err(AppendError::Unavailable(other.into())),
        }
    }

    /// Writes events whose ids are claimed. The same again is the same to the server.
    pub async fn write(
        &self,
        stream: &str,
        first: u64,
        events: &[Ready],
    ) -> Result<(u64, Position), Trouble> {
        let state = first.checked_sub(1).map_or(StreamState::NoStream, StreamState::StreamRevision);
        let options = AppendToStreamOptions::default().stream_state(state).requires_leader(true);
        let written = self
            .connection
            .ask(async |client| {
                let events: Vec<_> = events.iter().map(Ready::data).collect();
                client.append_to_stream(stream, &options, events).await
            })
            .await?;
        let place = Position::new(written.position.commit, written.position.prepare);
        if place != Position::at(0) {
            return Ok((written.next_expected_version, place));
        }
        // The server may leave it out of what it repeats.
        let revision = written.next_expected_version;
        let event = super::reading::slots(&self.connection, stream, revision, 1).await?.pop();
        event.map(|event| (revision, position(&event))).ok_or(Trouble::Nothing)
    }

    /// The answer to an append whose first event is recorded.
    async fn repeated(
        &self,
        first: RecordedEvent,
        rest: &[(EventId, Slot)],
    ) -> Result<Appended, AppendError> {
        let looks =
            self.look_at(rest.iter().map(|(id, _)| *id).collect()).await.map_err(Unavailable::from)?;
        let mut last = None;
        for look in looks {
            match look {
                Look::Recorded(event) => last = Some(*event),
                Look::Free { .. } | Look::Pending(_) => return Err(self.partly(&first)?),
            }
        }
        let last = last.unwrap_or(first);
        Ok(Appended { version: Version(last.revision), position: position(&last), repeated: true })
    }

    pub fn partly(&self, event: &RecordedEvent) -> Result<AppendError, Unavailable> {
        let stream = self.names.read(event.stream_id());
        let stream =
            stream.ok_or_else(|| Unavailable::because("an event of this log is in another's stream"))?;
        Ok(AppendError::PartlyRecorded { id: EventId(event.id), stream, version: Version(event.revision) })
    }
}

/// An id that is there more than once.
pub fn twice(ids: impl Iterator<Item = EventId>) -> Option<EventId> {
    let mut seen = HashSet::new();
    ids.into_iter().find(|id| !seen.insert(*id))
}

pub fn slots(stream: &str, first: u64, events: &[Ready]) -> Vec<(EventId, Slot)> {
    let Some(of) = events.first().map(|event| event.id) else { return Vec::new() };
    (first..)
        .zip(events)
        .map(|(revision, event)| (event.id, Slot { stream: stream.to_owned(), revision, first, of }))
        .collect()
}
