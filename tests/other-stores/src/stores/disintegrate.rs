//! `disintegrate-postgres` 4.0: `PgEventStore::append` with the query of one conversation and its last event that
//! was read; each append is a serializable transaction, which is repeated when the database refuses it. `stream`
//! reads a conversation, or all events up to the oldest write in progress, in the order of the event ids; it is one
//! select, not pages. One of its functions has a number in a notation that PostgreSQL reads from 16 on; it is
//! replaced by a decimal number here, so that 15 can be measured too.

use crate::measure::{SampleEvent, Store};
use ::disintegrate::serde::json::Json;
use ::disintegrate::{Event, EventStore, StreamItem, StreamQuery, query};
use disintegrate_postgres::{Error, PgEventStore};
use futures::StreamExt;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sqlx_0_8::postgres::PgPoolOptions;
use uuid::Uuid;

#[derive(Clone, Debug, Serialize, Deserialize, Event)]
enum ConversationEvent {
    MessageReceived {
        #[id]
        conversation: Uuid,
        metadata: Box<RawValue>,
        data: Box<RawValue>,
    },
}

#[derive(Clone)]
pub struct Disintegrate(PgEventStore<ConversationEvent, Json<ConversationEvent>>);

impl Disintegrate {
    async fn read(&self, query: StreamQuery<i64, ConversationEvent>) -> anyhow::Result<u64> {
        let (mut items, mut count) = (self.0.stream(&query), 0);
        while let Some(item) = items.next().await {
            if let StreamItem::Event(_) = item? {
                count += 1;
            }
        }
        Ok(count)
    }
}

impl Store for Disintegrate {
    async fn open(url: &str, callers: usize) -> anyhow::Result<Self> {
        let callers = callers as u32;
        let options = PgPoolOptions::new().min_connections(callers).max_connections(callers);
        let url = format!("{url}?options=-ccheck_function_bodies%3Doff");
        let pool = options.test_before_acquire(false).connect(&url).await?;
        let store = PgEventStore::try_new(pool.clone(), Json::default()).await?;
        let function = "select pg_get_functiondef('event_store_begin_epoch'::regproc)";
        let function: String = sqlx_0_8::query_scalar(function).fetch_one(&pool).await?;
        sqlx_0_8::raw_sql(&function.replace("0xFFFFFFFF", "4294967295")).execute(&pool).await?;
        Ok(Self(store))
    }

    async fn append(
        &mut self,
        stream: Uuid,
        _version: u64,
        last: Option<u64>,
        sample: SampleEvent,
    ) -> anyhow::Result<u64> {
        let event = ConversationEvent::MessageReceived {
            conversation: stream,
            metadata: RawValue::from_string(sample.metadata)?,
            data: RawValue::from_string(sample.data)?,
        };
        let seen = last.unwrap_or_default() as i64;
        loop {
            let query = query!(ConversationEvent; conversation == stream);
            match self.0.append(vec![event.clone()], query, seen).await {
                Ok(appended) => return Ok(appended.last().map_or(0, |event| event.id() as u64)),
                Err(error) if may_be_retried(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn load(&mut self, stream: Uuid) -> anyhow::Result<u64> {
        self.read(query!(ConversationEvent; conversation == stream)).await
    }

    async fn catch_up(&mut self) -> anyhow::Result<u64> {
        self.read(query!(ConversationEvent)).await
    }
}

/// No other caller writes to the conversation, so every conflict is a false one of the serializable isolation.
fn may_be_retried(error: &Error) -> bool {
    match error {
        Error::Concurrency => true,
        Error::Database(sqlx_0_8::Error::Database(error)) => {
            matches!(error.code().as_deref(), Some("40001" | "40P01"))
        }
        _ => false,
    }
}
