//! The PostgreSQL engine keeps the promises of an event log.

use crate::test_name;
use async_trait::async_trait;
use event_schemas::Clock;
use event_store::conformance::{Engine, killed};
use event_store::{EventStore, PostgresStore};
use std::process::Command;
use std::sync::Arc;
use test_engines::Postgres;

struct Database(String);

impl Database {
    async fn new() -> Self {
        Self(Postgres::shared().await.database().await)
    }
}

#[async_trait]
impl Engine for Database {
    async fn open(&self) -> Arc<dyn EventStore> {
        PostgresStore::open(&self.0, Clock::System).await.unwrap()
    }
}

event_store::conformance!(Database::new().await);

const LOG: &str = "VERBATIM_TEST_LOG";

/// The process that `what_was_acknowledged_survives_a_kill` kills: this test binary, started to run only this test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "appends until it is killed"]
async fn appender() {
    let url = std::env::var(LOG).unwrap();
    killed::append_for_ever(PostgresStore::open(&url, Clock::System).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let engine = Database::new().await;
    let appender = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", &test_name(module_path!(), "appender"), "--ignored", "--nocapture"])
            .env(LOG, &engine.0);
        command
    };
    killed::survives(&engine, appender, 12).await;
}
