//! Importing events of another log: all of them are checked first, then written in the order given.

use super::Log;
use super::appending::{duplicate_id, slots};
use super::claims::{ClaimState, Slot};
use super::connection::RequestError;
use super::events::{EncodedEvent, position_of};
use super::reading::last;
use crate::{AppendError, Expected, Unavailable};
use event_schemas::{EventId, Position, Recorded, StreamId, Version};
use std::collections::HashMap;

/// The largest size of one request's events, in bytes.
const MAX_BATCH_BYTES: usize = 512 * 1024;

/// Consecutive events of one stream, and the revision of the first.
struct Batch {
    stream: String,
    first: u64,
    events: Vec<EncodedEvent>,
    size: usize,
}

impl Log {
    pub async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        if let Some(id) = duplicate_id(events.iter().map(|event| event.id))
            && let Some(first) = events.iter().find(|event| event.id == id)
        {
            let (stream, version) = (first.stream.clone(), first.version);
            return Err(AppendError::PartlyRecorded { id, stream, version });
        }
        let states = self
            .lookup_each(events.iter().map(|event| event.id).collect())
            .await
            .map_err(Unavailable::from)?;
        let mut heads: HashMap<StreamId, Option<Version>> = HashMap::new();
        let (mut position, mut batches) = (None, Vec::new());
        for (event, state) in events.iter().zip(states) {
            if let ClaimState::Recorded(recorded) = state {
                let here = self.names.of_stream(&event.stream);
                if recorded.stream_id() != here || recorded.revision != event.version.0 {
                    return Err(self.partly_recorded(&recorded)?);
                }
                position = Some(position_of(&recorded));
                continue;
            }
            if !heads.contains_key(&event.stream) {
                let name = self.names.of_stream(&event.stream);
                let last = last(&self.connection, &name).await.map_err(Unavailable::from)?;
                heads.insert(event.stream.clone(), last.map(|event| Version(event.revision)));
            }
            let actual = heads.get(&event.stream).copied().flatten();
            let before = event.version.0.checked_sub(1).map(Version);
            if actual != before {
                let expected = before.map_or(Expected::NoStream, Expected::Exact);
                return Err(AppendError::Conflict { stream: event.stream.clone(), expected, actual });
            }
            heads.insert(event.stream.clone(), Some(event.version));
            self.add(&mut batches, event);
        }
        let mut held = Vec::new();
        let unclaimed: Vec<(EventId, Slot)> =
            batches.iter().flat_map(|batch| slots(&batch.stream, batch.first, &batch.events)).collect();
        if let Some(recorded) = self.claim_each(unclaimed, &mut held).await.map_err(Unavailable::from)? {
            self.release(&held).await;
            return Err(self.partly_recorded(&recorded)?);
        }
        for batch in batches {
            position = Some(self.write_batch(&batch).await?);
        }
        Ok(position)
    }

    fn add(&self, batches: &mut Vec<Batch>, event: &Recorded) {
        let stream = self.names.of_stream(&event.stream);
        let encoded = EncodedEvent::from_recorded(event);
        let size = encoded.size();
        if let Some(batch) = batches.last_mut()
            && batch.stream == stream
            && batch.events.len() < super::MAX_EVENTS
            && batch.size + size <= MAX_BATCH_BYTES
        {
            batch.size += size;
            batch.events.push(encoded);
            return;
        }
        batches.push(Batch { stream, first: event.version.0, events: vec![encoded], size });
    }

    async fn write_batch(&self, batch: &Batch) -> Result<Position, AppendError> {
        match self.write(&batch.stream, batch.first, &batch.events).await {
            Ok((_, position)) => Ok(position),
            // Another writer has appended to the stream since it was checked.
            Err(RequestError::WrongVersion { current }) => Err(AppendError::Conflict {
                stream: self
                    .names
                    .stream_id(&batch.stream)
                    .unwrap_or_else(|| StreamId::named(&*batch.stream)),
                expected: batch
                    .first
                    .checked_sub(1)
                    .map_or(Expected::NoStream, |v| Expected::Exact(Version(v))),
                actual: current.map(Version),
            }),
            Err(other) => Err(AppendError::Unavailable(other.into())),
        }
    }
}
