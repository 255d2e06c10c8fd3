//! Importing events of another log, under one lock from the lookup to the commit.

use super::MAX_EVENTS;
use super::lock::take_lock;
use super::server::Connection;
use super::statement::{Protocol, Statement, Value};
use super::writer::lookup_by;
use crate::AppendError;
use crate::judge::{self, Head, ImportVerdict};
use crate::row::{Row, category_code};
use event_schemas::{Recorded, StreamId, Timestamp, Version};
use futures::TryStreamExt;
use sqlx::{PgConnection, Row as _};
use std::collections::HashMap;
use std::time::Duration;

/// The longest time that one import may take.
pub const TIMEOUT: Duration = Duration::from_secs(60);

struct ImportedRow {
    position: u64,
    key: u64,
    stream: StreamId,
    version: Version,
    recorded_at: Timestamp,
    row: Row,
}

/// The position of the last event, and the heads of the streams that were extended.
type Imported = (Option<u64>, HashMap<StreamId, Head>);

pub async fn run(
    connection: &mut Connection,
    events: Vec<Recorded>,
) -> Result<Result<Imported, AppendError>, sqlx::Error> {
    execute(connection, "begin").await?;
    let imported = in_transaction(connection, events).await;
    // A failed transaction rolls back when its connection is dropped; that connection is not used again.
    execute(connection, if matches!(imported, Ok(Ok(_))) { "commit" } else { "rollback" }).await?;
    imported
}

async fn in_transaction(
    connection: &mut Connection,
    events: Vec<Recorded>,
) -> Result<Result<Imported, AppendError>, sqlx::Error> {
    execute(connection, concat!("select ", take_lock!())).await?;
    let names = events.iter().map(|event| event.stream.as_str()).collect();
    let ids = events.iter().map(|event| event.id.0).collect();
    let mut known = lookup_by(connection, names, ids).await?;
    let end = connection
        .fetch_one(&Statement::new("select coalesce(max(position), 0) from verbatim_log.event"))
        .await?;
    known.end = end.try_get::<i64, _>(0)? as u64;
    let mut last = None;
    let mut new = Vec::with_capacity(events.len());
    let mut heads = HashMap::new();
    for event in events {
        match judge::judge_import(&event, &mut known) {
            Ok(ImportVerdict::Present { position }) => last = Some(position),
            Ok(ImportVerdict::New { stream: key, position }) => {
                last = Some(position);
                heads.insert(event.stream.clone(), Head { stream: key, version: event.version });
                let (stream, version, recorded_at) = (event.stream.clone(), event.version, event.recorded_at);
                new.push(ImportedRow {
                    position,
                    key,
                    stream,
                    version,
                    recorded_at,
                    row: Row::from_recorded(event),
                });
            }
            Err(refused) => return Ok(Err(refused)),
        }
    }
    for chunk in new.chunks(MAX_EVENTS) {
        insert(&mut connection.inner, connection.protocol, chunk).await?;
    }
    Ok(Ok((last, heads)))
}

async fn execute(connection: &mut Connection, sql: &'static str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(sql).execute(&mut connection.inner).await.map(drop)
}

async fn insert(
    connection: &mut PgConnection,
    protocol: Protocol,
    chunk: &[ImportedRow],
) -> Result<(), sqlx::Error> {
    let each = || chunk.iter();
    let statement = Statement::new(
        "insert into verbatim_log.event (position, stream, version, recorded_at, category, schema_version, \
         id, account, name, type, metadata, data) \
         select * from unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
    )
    .with(Value::Numbers(each().map(|event| event.position as i64).collect()))
    .with(Value::Numbers(each().map(|event| event.key as i64).collect()))
    .with(Value::Numbers(each().map(|event| event.version.0 as i64).collect()))
    .with(Value::Numbers(each().map(|event| event.recorded_at.as_micros()).collect()))
    .with(Value::Numbers(each().map(|event| event.stream.category().map_or(0, category_code)).collect()))
    .with(Value::Numbers(each().map(|event| i64::from(event.row.schema_version)).collect()))
    .with(Value::Ids(each().map(|event| event.row.id.0).collect()))
    .with(Value::Ids(each().map(|event| event.row.account.0).collect()))
    .with(Value::Texts(each().map(|event| event.stream.as_str()).collect()))
    .with(Value::Texts(each().map(|event| &*event.row.event_type).collect()))
    .with(Value::Texts(each().map(|event| event.row.metadata_json.as_str()).collect()))
    .with(Value::Texts(each().map(|event| event.row.data.as_str()).collect()));
    statement.rows(connection, protocol)?.try_collect::<Vec<_>>().await.map(drop)
}
