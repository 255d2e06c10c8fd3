//! MessageDB 1.3, as its package `@eventide/message-db` installs it: `write_message` with an expected version,
//! `get_stream_messages`, `get_category_messages`. A write locks the category of its stream, and all streams are of
//! one category here, as Verbatim's conversations are. Events are read by category, in the order of the global
//! position; there is no function that reads all categories.

use super::control::{Connections, stream_name};
use crate::measure::{PAGE, SampleEvent, Store};
use uuid::Uuid;

type Row = (String, String, String, i64, i64, String, String);

#[derive(Clone)]
pub struct MessageDb(Connections);

impl Store for MessageDb {
    async fn open(url: &str, callers: usize) -> anyhow::Result<Self> {
        let url = format!("{url}?options=-csearch_path%3Dmessage_store%2Cpublic");
        Ok(Self(Connections::open(&url, callers).await?))
    }

    async fn append(
        &mut self,
        stream: Uuid,
        version: u64,
        _last: Option<u64>,
        sample: SampleEvent,
    ) -> anyhow::Result<u64> {
        let position: i64 =
            sqlx::query_scalar("select write_message($1, $2, $3, $4::text::jsonb, $5::text::jsonb, $6)")
                .bind(sample.id.to_string())
                .bind(stream_name(stream))
                .bind(SampleEvent::TYPE)
                .bind(sample.data)
                .bind(sample.metadata)
                .bind(version as i64 - 1)
                .fetch_one(&mut *self.0.own().await)
                .await?;
        Ok(position as u64)
    }

    async fn load(&mut self, stream: Uuid) -> anyhow::Result<u64> {
        let rows: Vec<Row> = sqlx::query_as(
            "select id, stream_name, type, position, global_position, data, metadata \
             from get_stream_messages($1, 0, $2)",
        )
        .bind(stream_name(stream))
        .bind(PAGE)
        .fetch_all(&mut *self.0.own().await)
        .await?;
        Ok(rows.len() as u64)
    }

    async fn catch_up(&mut self) -> anyhow::Result<u64> {
        let (mut from, mut count) = (1, 0);
        loop {
            let rows: Vec<Row> = sqlx::query_as(
                "select id, stream_name, type, position, global_position, data, metadata \
                 from get_category_messages('conversation', $1, $2)",
            )
            .bind(from)
            .bind(PAGE)
            .fetch_all(&mut *self.0.own().await)
            .await?;
            let Some(last) = rows.last() else { return Ok(count) };
            from = last.4 + 1;
            count += rows.len() as u64;
        }
    }
}
