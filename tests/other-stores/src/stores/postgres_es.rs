//! `postgres-es` 0.5 with `cqrs-es` 0.5: `PostgresEventRepository` without the framework above it, so that an append
//! does not load the stream first. The primary key over stream and sequence is the version check. Its
//! `stream_all_events` reads all events of one kind of aggregate by sequence, so the first events of all streams
//! come first: this is no order of a log, and a reader cannot resume.

use super::control::stream_name;
use crate::measure::{SampleEvent, Store};
use cqrs_es::event_sink::EventSink;
use cqrs_es::persist::{PersistedEventRepository, SerializedEvent};
use cqrs_es::{Aggregate, DomainEvent};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlx_0_8::postgres::PgPoolOptions;
use std::convert::Infallible;
use std::sync::Arc;
use uuid::Uuid;

const TABLE: &str = "create table if not exists events (aggregate_type text not null, \
                     aggregate_id text not null, sequence bigint not null check (sequence >= 0), \
                     event_type text not null, event_version text not null, payload json not null, \
                     metadata json not null, primary key (aggregate_type, aggregate_id, sequence))";

#[derive(Clone)]
pub struct PostgresEs(Arc<PostgresEventRepository>);

#[derive(Default, Serialize, Deserialize)]
struct Conversation;

#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Message {
    text: String,
}

impl DomainEvent for Message {
    fn event_type(&self) -> String {
        SampleEvent::TYPE.into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}

impl Aggregate for Conversation {
    const TYPE: &'static str = "conversation";
    type Command = ();
    type Event = Message;
    type Error = Infallible;
    type Services = ();

    async fn handle(
        &mut self,
        _command: (),
        _services: &(),
        _sink: &EventSink<Self>,
    ) -> Result<(), Infallible> {
        Ok(())
    }

    fn apply(&mut self, _event: Message) {}
}

impl Store for PostgresEs {
    async fn open(url: &str, callers: usize) -> anyhow::Result<Self> {
        let callers = callers as u32;
        let options = PgPoolOptions::new().min_connections(callers).max_connections(callers);
        let pool = options.test_before_acquire(false).connect(url).await?;
        sqlx_0_8::raw_sql(TABLE).execute(&pool).await?;
        let repository = PostgresEventRepository::new(pool).with_streaming_channel_size(1_000);
        Ok(Self(Arc::new(repository)))
    }

    async fn append(
        &mut self,
        stream: Uuid,
        version: u64,
        _last: Option<u64>,
        sample: SampleEvent,
    ) -> anyhow::Result<u64> {
        let event = SerializedEvent::new(
            stream_name(stream),
            version as usize,
            Conversation::TYPE.into(),
            SampleEvent::TYPE.into(),
            "1".into(),
            serde_json::from_str(&sample.data)?,
            serde_json::from_str(&sample.metadata)?,
        );
        self.0.persist::<Conversation>(&[event], None).await?;
        Ok(version)
    }

    async fn load(&mut self, stream: Uuid) -> anyhow::Result<u64> {
        Ok(self.0.get_events::<Conversation>(&stream_name(stream)).await?.len() as u64)
    }

    async fn catch_up(&mut self) -> anyhow::Result<u64> {
        let mut all = self.0.stream_all_events::<Conversation>().await?;
        let mut count = 0;
        while let Some(event) = all.next::<Conversation>(&[]).await {
            event?;
            count += 1;
        }
        Ok(count)
    }
}
