//! Taking events over from another log, under one lock from the first look to the commit.

use super::MAX_EVENTS;
use super::server::Line;
use super::statement::{Ask, Value, Way};
use super::writer::look_for;
use crate::AppendError;
use crate::judge::{self, Arrival, Head};
use crate::row::{Row, number};
use event_schemas::{Recorded, StreamId, Timestamp, Version};
use futures::TryStreamExt;
use sqlx::{PgConnection, Row as _};
use std::collections::HashMap;
use std::time::Duration;

/// How long one import may take.
pub const LIMIT: Duration = Duration::from_secs(60);

struct Adopted {
    position: u64,
    key: u64,
    stream: StreamId,
    version: Version,
    recorded_at: Timestamp,
    row: Row,
}

/// Where the last of them is, and where their streams end.
type Taken = (Option<u64>, HashMap<StreamId, Head>);

pub async fn take_over(
    line: &mut Line,
    events: Vec<Recorded>,
) -> Result<Result<Taken, AppendError>, sqlx::Error> {
    run(line, "begin").await?;
    let taken = within(line, events).await;
    // What failed rolls back with its connection, which is not used again.
    run(line, if matches!(taken, Ok(Ok(_))) { "commit" } else { "rollback" }).await?;
    taken
}

async fn within(line: &mut Line, events: Vec<Recorded>) -> Result<Result<Taken, AppendError>, sqlx::Error> {
    run(line, "select pg_catalog.pg_advisory_xact_lock(8530219871234117)").await?;
    let names = events.iter().map(|event| event.stream.as_str()).collect();
    let ids = events.iter().map(|event| event.id.0).collect();
    let mut known = look_for(line, names, ids).await?;
    let end = line.one(&Ask::new("select coalesce(max(position), 0) from verbatim_log.event")).await?;
    known.end = end.try_get::<i64, _>(0)? as u64;
    let mut place = None;
    let mut new = Vec::with_capacity(events.len());
    let mut ends = HashMap::new();
    for event in events {
        match judge::arrival(&event, &mut known) {
            Ok(Arrival::Known { position }) => place = Some(position),
            Ok(Arrival::New { stream: key, position }) => {
                place = Some(position);
                ends.insert(event.stream.clone(), Head { stream: key, version: event.version });
                let (stream, version, recorded_at) = (event.stream.clone(), event.version, event.recorded_at);
                new.push(Adopted { position, key, stream, version, recorded_at, row: Row::again(event) });
            }
            Err(refused) => return Ok(Err(refused)),
        }
    }
    for chunk in new.chunks(MAX_EVENTS) {
        insert(&mut line.connection, line.way, chunk).await?;
    }
    Ok(Ok((place, ends)))
}

async fn run(line: &mut Line, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(&mut line.connection).await.map(drop)
}

async fn insert(connection: &mut PgConnection, way: Way, chunk: &[Adopted]) -> Result<(), sqlx::Error> {
    let each = || chunk.iter();
    let ask = Ask::new(
        "insert into verbatim_log.event (position, stream, version, recorded_at, category, schema_version, \
         id, account, name, type, metadata, data) \
         select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .with(Value::Numbers(each().map(|event| event.position as i64).collect()))
    .with(Value::Numbers(each().map(|event| event.key as i64).collect()))
    .with(Value::Numbers(each().map(|event| event.version.0 as i64).collect()))
    .with(Value::Numbers(each().map(|event| event.recorded_at.as_micros()).collect()))
    .with(Value::Numbers(each().map(|event| event.stream.category().map_or(0, number)).collect()))
    .with(Value::Numbers(each().map(|event| i64::from(event.row.schema_version)).collect()))
    .with(Value::Ids(each().map(|event| event.row.id.0).collect()))
    .with(Value::Ids(each().map(|event| event.row.account.0).collect()))
    .with(Value::Texts(each().map(|event| event.stream.as_str()).collect()))
    .with(Value::Texts(each().map(|event| &*event.row.event_type).collect()))
    .with(Value::Texts(each().map(|event| event.row.metadata.as_str()).collect()))
    .with(Value::Texts(each().map(|event| event.row.data.as_str()).collect()));
    ask.rows(connection, way)?.try_collect::<Vec<_>>().await.map(drop)
}
