//! The control: the plainest possible store. Each caller inserts its own rows with a version check, each row in its
//! own transaction; a stream is read by a select, and so is the whole log. It keeps no order that a reader could
//! follow.

use crate::measure::{SampleEvent, Store};
use anyhow::ensure;
use futures::TryStreamExt;
use sqlx::{Connection as _, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

type Row = (i64, Uuid, String, i64, String, String, String);

#[derive(Clone)]
pub struct Control(Connections);

impl Store for Control {
    async fn open(url: &str, callers: usize) -> anyhow::Result<Self> {
        let connections = Connections::open(url, callers).await?;
        sqlx::raw_sql(
            "create table if not exists event (position bigint generated always as identity primary key, \
             id uuid not null unique, stream text not null, version bigint not null, type text not null, \
             metadata text not null, data text not null, unique (stream, version))",
        )
        .execute(&mut *connections.own().await)
        .await?;
        Ok(Self(connections))
    }

    async fn append(
        &mut self,
        stream: Uuid,
        version: u64,
        _last: Option<u64>,
        sample: SampleEvent,
    ) -> anyhow::Result<u64> {
        let inserted = sqlx::query(
            "insert into event (id, stream, version, type, metadata, data) \
             select $1, $2, $3, $4, $5, $6 where $3 = 1 + coalesce((select max(version) \
             from event where stream = $2), -1)",
        )
        .bind(sample.id)
        .bind(stream_name(stream))
        .bind(version as i64)
        .bind(SampleEvent::TYPE)
        .bind(sample.metadata)
        .bind(sample.data)
        .execute(&mut *self.0.own().await)
        .await?;
        ensure!(inserted.rows_affected() == 1, "{stream} is not at {version}");
        Ok(version)
    }

    async fn load(&mut self, stream: Uuid) -> anyhow::Result<u64> {
        let rows: Vec<Row> = sqlx::query_as(
            "select position, id, stream, version, type, metadata, data from event \
             where stream = $1 order by version",
        )
        .bind(stream_name(stream))
        .fetch_all(&mut *self.0.own().await)
        .await?;
        Ok(rows.len() as u64)
    }

    async fn catch_up(&mut self) -> anyhow::Result<u64> {
        let mut connection = self.0.own().await;
        let mut rows = sqlx::query_as::<_, Row>(
            "select position, id, stream, version, type, metadata, data from event order by position",
        )
        .fetch(&mut *connection);
        let mut count = 0;
        while rows.try_next().await?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

pub fn stream_name(stream: Uuid) -> String {
    format!("conversation-{stream}")
}

/// A connection for each caller, all opened before the measurement. Each clone takes the next one.
pub struct Connections {
    all: Arc<[Mutex<PgConnection>]>,
    next: Arc<AtomicUsize>,
    own: usize,
}

impl Connections {
    pub async fn open(url: &str, callers: usize) -> sqlx::Result<Self> {
        let mut all = Vec::new();
        for _ in 0..callers {
            all.push(Mutex::new(PgConnection::connect(url).await?));
        }
        Ok(Self { all: all.into(), next: Arc::default(), own: 0 })
    }

    pub async fn own(&self) -> MutexGuard<'_, PgConnection> {
        self.all[self.own].lock().await
    }
}

impl Clone for Connections {
    fn clone(&self) -> Self {
        let own = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        Self { all: Arc::clone(&self.all), next: Arc::clone(&self.next), own }
    }
}
