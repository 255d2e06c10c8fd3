//! The PostgreSQL engine keeps its promises behind a pooler that gives each transaction another connection.

use async_trait::async_trait;
use event_schemas::Clock;
use event_store::conformance::Engine;
use event_store::{EventStore, PostgresStore};
use std::sync::Arc;
use test_engines::{Pgbouncer, Postgres};
use tokio::sync::OnceCell;

/// A pooler for several nodes, with fewer connections than one node uses without it.
async fn pooler() -> &'static Pgbouncer {
    static POOLER: OnceCell<Pgbouncer> = OnceCell::const_new();
    POOLER
        .get_or_init(|| async { Pgbouncer::start(&Postgres::shared().await.url("postgres"), 3).await })
        .await
}

struct Pooled(String);

impl Pooled {
    async fn new() -> Self {
        let database = Postgres::shared().await.database().await;
        Self(pooler().await.through(&database))
    }
}

#[async_trait]
impl Engine for Pooled {
    async fn open(&self) -> Arc<dyn EventStore> {
        PostgresStore::open(&self.0, Clock::System).await.unwrap()
    }
}

event_store::conformance!(Pooled::new().await);
