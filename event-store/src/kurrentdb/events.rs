//! Events in the form in which the server stores them.
//!
//! The data is the event's data, byte for byte. The server's metadata is a JSON object that holds the event's
//! metadata, its schema version and the time of recording by this program's clock; the server's clock is another.

use super::names::Names;
use crate::ReadError;
use bytes::Bytes;
use event_schemas::{EventId, Metadata, NewEvent, Position, Recorded, Timestamp, Version};
use eventstore::{EventData, RecordedEvent};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::borrow::Cow;

#[derive(Serialize, Deserialize)]
struct Envelope<'a> {
    schema_version: u16,
    recorded_at: i64,
    metadata: Cow<'a, Metadata>,
}

/// An event in the form in which it is sent.
#[derive(Clone)]
pub struct EncodedEvent {
    pub id: EventId,
    event_type: Cow<'static, str>,
    metadata: Bytes,
    data: Bytes,
    json: bool,
}

impl EncodedEvent {
    pub fn new(event: NewEvent, recorded_at: Timestamp) -> Self {
        let envelope = Envelope {
            schema_version: event.schema_version,
            recorded_at: recorded_at.as_micros(),
            metadata: Cow::Borrowed(&event.metadata),
        };
        Self {
            id: event.id,
            event_type: event.event_type,
            // The envelope always serialises: it has no map with keys that are not text, and no foreign code.
            metadata: serde_json::to_vec(&envelope).unwrap_or_default().into(),
            json: is_json(&event.data),
            data: event.data.into(),
        }
    }

    pub fn from_recorded(event: &Recorded) -> Self {
        let recorded_at = event.recorded_at;
        let event = NewEvent {
            id: event.id,
            event_type: event.event_type.clone(),
            schema_version: event.schema_version,
            metadata: event.metadata.clone(),
            data: event.data.clone(),
        };
        Self::new(event, recorded_at)
    }

    pub fn size(&self) -> usize {
        self.data.len() + self.metadata.len()
    }

    pub fn data(&self) -> EventData {
        let event = std::str::from_utf8(&self.data)
            .ok()
            .filter(|_| self.json)
            .and_then(|text| serde_json::from_str::<&RawValue>(text).ok())
            .and_then(|raw| EventData::json(&self.event_type, &raw).ok())
            .unwrap_or_else(|| EventData::binary(&self.event_type, self.data.clone()));
        event.id(self.id.0).metadata(self.metadata.clone())
    }
}

/// Whether the text is JSON without space around it: only then is it sent unchanged as JSON.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok_and(|raw| raw.get().len() == text.len())
}

pub fn position_of(event: &RecordedEvent) -> Position {
    Position::new(event.position.commit, event.position.prepare)
}

pub fn decode(event: &RecordedEvent, names: &Names) -> Result<Recorded, ReadError> {
    let damaged = |reason: String| ReadError::Damaged {
        at: format!("{} of stream {}", event.revision, event.stream_id()),
        reason,
    };
    if event.position.commit == u64::MAX {
        return Err(damaged("the server does not send its position; version 23.10 or newer does".into()));
    }
    let foreign =
        || damaged("it was written by another program; log=<name> in the URL separates logs".into());
    let stream = names.stream_id(event.stream_id()).ok_or_else(foreign)?;
    let Envelope { schema_version, recorded_at, metadata } =
        serde_json::from_slice(&event.custom_metadata).map_err(|_| foreign())?;
    let data = String::from_utf8(event.data.to_vec()).map_err(|error| damaged(error.to_string()))?;
    Ok(Recorded {
        position: position_of(event),
        stream,
        version: Version(event.revision),
        id: EventId(event.id),
        event_type: Cow::Owned(event.event_type.clone()),
        schema_version,
        recorded_at: Timestamp::from_micros(recorded_at),
        metadata: metadata.into_owned(),
        data,
    })
}
