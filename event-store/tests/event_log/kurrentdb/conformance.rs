//! The KurrentDB engine keeps the promises of an event log, through the vendor's client.
//!
//! On a real server, which `VERBATIM_TEST_KURRENTDB=esdb://…` names, each test uses a log of its own.

use crate::test_name;
use async_trait::async_trait;
use event_schemas::Clock;
use event_store::conformance::{Engine, killed};
use event_store::{EventStore, KurrentStore};
use std::process::Command;
use std::sync::Arc;
use test_kurrentdb::Server;

const REAL: &str = "VERBATIM_TEST_KURRENTDB";

struct Kurrent {
    url: String,
    _server: Option<Server>,
}

impl Kurrent {
    async fn new() -> Self {
        match std::env::var(REAL) {
            Ok(url) => {
                let joint = if url.contains('?') { '&' } else { '?' };
                let log = Clock::System.fresh_id();
                Self { url: format!("{url}{joint}log={log}"), _server: None }
            }
            Err(_) => {
                let server = Server::start().await.unwrap();
                Self { url: server.url(), _server: Some(server) }
            }
        }
    }
}

#[async_trait]
impl Engine for Kurrent {
    async fn open(&self) -> Arc<dyn EventStore> {
        KurrentStore::open(&self.url, Clock::System).await.unwrap()
    }
}

event_store::conformance!(Kurrent::new().await);

const LOG: &str = "VERBATIM_TEST_LOG";

/// The process that `what_was_acknowledged_survives_a_kill` kills: this test binary, started to run only this test.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "appends until it is killed"]
async fn appender() {
    let url = std::env::var(LOG).unwrap();
    killed::append_for_ever(KurrentStore::open(&url, Clock::System).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    let engine = Kurrent::new().await;
    let appender = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", &test_name(module_path!(), "appender"), "--ignored", "--nocapture"])
            .env(LOG, &engine.url);
        command
    };
    killed::survives(&engine, appender, 6).await;
}
