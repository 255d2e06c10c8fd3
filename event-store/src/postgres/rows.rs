//! Decoding rows into events.

use crate::ReadError;
use event_schemas::{EventId, Position, Recorded, StreamId, Timestamp, Version};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use std::borrow::Cow;

/// A select of the columns that [`decode`] reads.
macro_rules! select {
    ($($which:literal),+) => {
        concat!(
            "select event.position, event.id, event.name, event.version, event.type, event.schema_version, \
             event.recorded_at, event.metadata, event.data from verbatim_log.event ",
            $($which),+
        )
    };
}
pub(super) use select;

pub fn decode(row: &PgRow) -> Result<Recorded, ReadError> {
    let read = || -> Result<Recorded, sqlx::Error> {
        let metadata: &str = row.try_get_unchecked(7)?;
        Ok(Recorded {
            position: Position::at(row.try_get_unchecked::<i64, _>(0)? as u64),
            id: EventId(row.try_get_unchecked(1)?),
            stream: StreamId::named(row.try_get_unchecked::<String, _>(2)?),
            version: Version(row.try_get_unchecked::<i64, _>(3)? as u64),
            event_type: Cow::Owned(row.try_get_unchecked(4)?),
            schema_version: u16::try_from(row.try_get_unchecked::<i32, _>(5)?)
                .map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            recorded_at: Timestamp::from_micros(row.try_get_unchecked(6)?),
            metadata: serde_json::from_str(metadata).map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            data: row.try_get_unchecked(8)?,
        })
    };
    read().map_err(|error| {
        let position = row
            .try_get_unchecked::<i64, _>(0)
            .map_or_else(|_| "a row".to_owned(), |p| format!("position {p}"));
        ReadError::Damaged { at: position, reason: error.to_string() }
    })
}

/// The number in a row of one column; `None` when it is null.
pub fn number(row: &PgRow) -> Result<Option<i64>, ReadError> {
    row.try_get(0)
        .map_err(|error| ReadError::Damaged { at: "a number".to_owned(), reason: error.to_string() })
}
