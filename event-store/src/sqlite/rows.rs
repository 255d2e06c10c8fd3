//! Encoding events as rows, decoding rows into events, and the statement that inserts rows.

use super::MAX_EVENTS;
use crate::ReadError;
use crate::row::{Row, category_code};
use event_schemas::{EventId, Position, Recorded, StreamId, Timestamp, Version};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Row as _, SqliteConnection};
use std::borrow::Cow;
use std::sync::{Arc, LazyLock};
use uuid::Uuid;

/// A select of the columns that [`decode`] reads: of `event`, and of `first`, the first event of the stream, whose
/// row holds the stream's name.
macro_rules! select {
    ($($which:literal),+) => {
        concat!(
            "select event.position, event.id, first.name, event.version, event.type, event.schema_version, \
             event.recorded_at, event.metadata, event.data ",
            $($which),+
        )
    };
}
pub(super) use select;

pub fn decode(row: &SqliteRow) -> Result<Recorded, ReadError> {
    let position: i64 = row.get_unchecked(0);
    let damaged = |reason: String| ReadError::Damaged { at: format!("position {position}"), reason };
    let read = || -> Result<Recorded, sqlx::Error> {
        let metadata: &str = row.try_get_unchecked(7)?;
        Ok(Recorded {
            position: Position::at(position as u64),
            id: EventId(uuid(row.try_get_unchecked(1)?)?),
            stream: StreamId::named(row.try_get_unchecked::<String, _>(2)?),
            version: Version(row.try_get_unchecked::<i64, _>(3)? as u64),
            event_type: Cow::Owned(row.try_get_unchecked(4)?),
            schema_version: row.try_get_unchecked(5)?,
            recorded_at: Timestamp::from_micros(row.try_get_unchecked(6)?),
            metadata: serde_json::from_str(metadata).map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
            data: row.try_get_unchecked(8)?,
        })
    };
    read().map_err(|error| damaged(error.to_string()))
}

pub fn uuid(bytes: &[u8]) -> Result<Uuid, sqlx::Error> {
    Uuid::from_slice(bytes).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

/// A row with its position and version.
pub struct PlacedRow<'a> {
    pub position: u64,
    /// The stream's key: the position of its first event.
    pub key: u64,
    pub stream: &'a StreamId,
    pub version: Version,
    pub recorded_at: Timestamp,
    pub row: &'a Row,
}

/// The numbers of rows for which there is an insert statement. Parameters that are left over stay unbound, and the
/// statement skips their rows: so any number of rows takes one statement from a small cache.
const BATCH_SIZES: [usize; 6] = [1, 4, 16, 64, 256, MAX_EVENTS];

static INSERTS: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| BATCH_SIZES.into_iter().map(insert_sql).collect());

fn insert_sql(rows: usize) -> Arc<str> {
    let mut sql = String::from(
        "insert into event (position, id, stream, version, name, category, type, schema_version, \
         recorded_at, account, metadata, data) select * from (values ",
    );
    for row in 0..rows {
        sql.push_str(if row == 0 { "(?,?,?,?,?,?,?,?,?,?,?,?)" } else { ",(?,?,?,?,?,?,?,?,?,?,?,?)" });
    }
    sql.push_str(") where column1 is not null");
    sql.into()
}

/// Writes up to [`MAX_EVENTS`] rows in one statement: all of them, or none.
pub async fn insert(connection: &mut SqliteConnection, rows: Vec<PlacedRow<'_>>) -> Result<(), sqlx::Error> {
    let size = BATCH_SIZES.iter().position(|size| *size >= rows.len()).unwrap_or(BATCH_SIZES.len() - 1);
    let mut arguments = SqliteArguments::default();
    arguments.reserve(rows.len() * 12, 0);
    for placed in rows {
        bind(&mut arguments, placed).map_err(sqlx::Error::Encode)?;
    }
    sqlx::query_with(AssertSqlSafe(Arc::clone(&INSERTS[size])), arguments).execute(connection).await?;
    Ok(())
}

fn bind(arguments: &mut SqliteArguments, placed: PlacedRow<'_>) -> Result<(), sqlx::error::BoxDynError> {
    let row = placed.row;
    arguments.add(placed.position as i64)?;
    arguments.add(row.id.0.as_bytes().to_vec())?;
    arguments.add(placed.key as i64)?;
    arguments.add(placed.version.0 as i64)?;
    arguments.add((placed.version == Version::FIRST).then(|| placed.stream.as_str()))?;
    arguments.add(placed.stream.category().map_or(0, category_code))?;
    arguments.add(&*row.event_type)?;
    arguments.add(row.schema_version)?;
    arguments.add(placed.recorded_at.as_micros())?;
    arguments.add(row.account.0.as_bytes().to_vec())?;
    arguments.add(row.metadata_json.as_str())?;
    arguments.add(row.data.as_str())
}

/// An event of another log, with its position in this one.
pub struct ImportedRow {
    pub position: u64,
    pub key: u64,
    pub stream: StreamId,
    pub version: Version,
    pub recorded_at: Timestamp,
    pub row: Row,
}

impl ImportedRow {
    pub fn at(position: u64, key: u64, event: Recorded) -> Self {
        let (stream, version, recorded_at) = (event.stream.clone(), event.version, event.recorded_at);
        Self { position, key, stream, version, recorded_at, row: Row::from_recorded(event) }
    }

    pub fn placed(&self) -> PlacedRow<'_> {
        PlacedRow {
            position: self.position,
            key: self.key,
            stream: &self.stream,
            version: self.version,
            recorded_at: self.recorded_at,
            row: &self.row,
        }
    }
}
