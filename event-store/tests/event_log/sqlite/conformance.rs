//! The SQLite engine keeps the promises of an event log.

use crate::test_name;
use async_trait::async_trait;
use event_schemas::Clock;
use event_store::conformance::{Engine, killed};
use event_store::{EventStore, SqliteStore};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;

struct Sqlite(TempDir);

impl Sqlite {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }
    fn path(&self) -> PathBuf {
        self.0.path().join("events.db")
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn open(&self) -> Arc<dyn EventStore> {
        SqliteStore::open(self.path(), Clock::System).await.unwrap()
    }
}

event_store::conformance!(Sqlite::new());

const LOG: &str = "VERBATIM_TEST_LOG";

/// The process that `what_was_acknowledged_survives_a_kill` kills: this test binary, started to run only this test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "appends until it is killed"]
async fn appender() {
    let path = std::env::var_os(LOG).unwrap();
    killed::append_for_ever(SqliteStore::open(path, Clock::System).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let engine = Sqlite::new();
    let appender = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", &test_name(module_path!(), "appender"), "--ignored", "--nocapture"])
            .env(LOG, engine.path());
        command
    };
    killed::survives(&engine, appender, 12).await;
}
