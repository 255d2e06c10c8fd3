//! The control: what anybody would write in an afternoon. Each caller inserts its own rows with a version
//! check, each in a transaction by itself; a stream is a select, and so is everything. It keeps no order
//! that a reader could follow.

use crate::measure::{Said, Store};
use anyhow::ensure;
use futures::TryStreamExt;
use sqlx::{Connection, PgConnection};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

type Row = (i64, Uuid, String, i64, String, String, String);

#[derive(Clone)]
pub struct Control(Lines);

impl Store for Control {
    async fn open(url: &str, callers: usize) -> anyhow::Result<Self> {
        let lines = Lines::open(url, callers).await?;
        sqlx::raw_sql(
            "create table if not exists event (position bigint generated always as identity primary key, \
             id uuid not null unique, stream text not null, version bigint not null, type text not null, \
             metadata text not null, data text not null, unique (stream, version))",
        )
        .execute(&mut *lines.mine().await)
        .await?;
        Ok(Self(lines))
    }

    async fn append(
        &mut self,
        stream: Uuid,
        version: u64,
        _last: Option<u64>,
        said: Said,
    ) -> anyhow::Result<u64> {
        let inserted = sqlx::query(
            "insert into event (id, stream, version, type, metadata, data) \
             select $1, $2, $3, $4, $5, $6 where $3 = 1 + coalesce((select max(version) \
             from event where stream = $2), -1)",
        )
        .bind(said.id)
        .bind(stream_name(stream))
        .bind(version as i64)
        .bind(Said::TYPE)
        .bind(said.metadata)
        .bind(said.data)
        .execute(&mut *self.0.mine().await)
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
        .fetch_all(&mut *self.0.mine().await)
        .await?;
        Ok(rows.len() as u64)
    }

    async fn catch_up(&mut self) -> anyhow::Result<u64> {
        let mut line = self.0.mine().await;
        let mut rows = sqlx::query_as::<_, Row>(
            "select position, id, stream, version, type, metadata, data from event order by position",
        )
        .fetch(&mut *line);
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

/// A connection for each caller, all made before anything is measured. A clone takes the next one.
pub struct Lines {
    all: Arc<[Mutex<PgConnection>]>,
    next: Arc<AtomicUsize>,
    mine: usize,
}

impl Lines {
    pub async fn open(url: &str, callers: usize) -> sqlx::Result<Self> {
        let mut all = Vec::new();
        for _ in 0..callers {
            all.push(Mutex::new(PgConnection::connect(url).await?));
        }
        Ok(Self { all: all.into(), next: Arc::default(), mine: 0 })
    }

    pub async fn mine(&self) -> MutexGuard<'_, PgConnection> {
        self.all[self.mine].lock().await
    }
}

impl Clone for Lines {
    fn clone(&self) -> Self {
        let mine = self.next.fetch_add(1, Ordering::Relaxed) % self.all.len();
        Self { all: Arc::clone(&self.all), next: Arc::clone(&self.next), mine }
    }
}
