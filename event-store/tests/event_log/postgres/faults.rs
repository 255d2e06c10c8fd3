//! PostgreSQL is stopped, killed, suspended and its connections are cut while many callers append: every
//! acknowledged event is in the log once, a reader that follows sees all of them, and appends continue by
//! themselves.

use super::events::{assert_dense, assert_ordered, everything, message, stream};
use event_schemas::{Clock, EventId, Position, Version};
use event_store::{AppendError, EventStore, Expected, Filter, PostgresStore};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use test_engines::{Postgres, SOON};
use tokio::task::JoinHandle;

/// Two nodes under load, and a reader that follows.
struct Load {
    nodes: Vec<Arc<PostgresStore>>,
    /// Makes the callers end.
    done: Arc<AtomicBool>,
    /// Makes the reader end, after the callers have.
    callers_ended: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<HashMap<EventId, (Version, Position)>>>,
    refused: Arc<AtomicU64>,
    callers: Vec<JoinHandle<()>>,
    reader: JoinHandle<Vec<EventId>>,
}

impl Load {
    async fn start(postgres: &Postgres) -> Self {
        let url = postgres.database().await;
        let mut nodes = Vec::new();
        for _ in 0..2 {
            nodes.push(PostgresStore::open(&url, Clock::System).await.unwrap());
        }
        let mut load = Self {
            done: Arc::default(),
            callers_ended: Arc::default(),
            acknowledged: Arc::default(),
            refused: Arc::default(),
            callers: Vec::new(),
            reader: tokio::spawn(async { Vec::new() }),
            nodes,
        };
        for caller in 0..16 {
            let store = Arc::clone(&load.nodes[caller as usize % 2]);
            let (done, acknowledged, refused) =
                (Arc::clone(&load.done), Arc::clone(&load.acknowledged), Arc::clone(&load.refused));
            load.callers.push(tokio::spawn(append(caller, store, done, acknowledged, refused)));
        }
        load.reader = tokio::spawn(follow(Arc::clone(&load.nodes[0]), Arc::clone(&load.callers_ended)));
        load
    }

    fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits until this many more appends were acknowledged.
    async fn wait_for_appends(&self, more: usize) {
        let (began, enough) = (Instant::now(), self.count() + more);
        while self.count() < enough {
            assert!(began.elapsed() < SOON, "only {} of {enough} were acknowledged", self.count());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until an append of a caller fails.
    async fn wait_for_refusal(&self) {
        let (began, before) = (Instant::now(), self.refused.load(Ordering::Relaxed));
        while self.refused.load(Ordering::Relaxed) == before {
            assert!(began.elapsed() < SOON, "no append fails");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn end(self) {
        self.done.store(true, Ordering::SeqCst);
        for caller in self.callers {
            caller.await.unwrap();
        }
        self.callers_ended.store(true, Ordering::SeqCst);
        let events = everything(&*self.nodes[0]).await;
        assert_ordered(&events);
        assert_dense(&events);
        let recorded: HashMap<_, _> =
            events.iter().map(|event| (event.id, (event.version, event.position))).collect();
        assert_eq!(recorded.len(), events.len(), "an event is there twice");
        let acknowledged = self.acknowledged.lock().unwrap().clone();
        for (id, location) in &acknowledged {
            assert_eq!(recorded.get(id), Some(location), "{id} was acknowledged");
        }
        // Every caller repeats an append until it is acknowledged, so no other event is in the log.
        assert_eq!(recorded.len(), acknowledged.len());
        let there: Vec<_> = events.iter().map(|event| event.id).collect();
        assert!(self.reader.await.unwrap() == there, "the reader saw other events than are there now");
        for node in self.nodes {
            node.close().await;
        }
    }
}

/// Appends one event after the other at the version it knows, and repeats each until it is acknowledged.
async fn append(
    caller: u128,
    store: Arc<PostgresStore>,
    done: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<HashMap<EventId, (Version, Position)>>>,
    refused: Arc<AtomicU64>,
) {
    let mut expected = Expected::NoStream;
    while !done.load(Ordering::SeqCst) {
        let event = message("under load");
        let appended = loop {
            match store.append(&stream(caller), expected, vec![event.clone()]).await {
                Ok(appended) => break appended,
                Err(AppendError::Unavailable(_)) => {
                    refused.fetch_add(1, Ordering::Relaxed);
                    tokio::time::sleep(Duration::from_millis(10)).await;
                }
                Err(other) => panic!("{other}"),
            }
        };
        acknowledged.lock().unwrap().insert(event.id, (appended.version, appended.position));
        expected = Expected::Exact(appended.version);
    }
}

async fn follow(store: Arc<PostgresStore>, callers_ended: Arc<AtomicBool>) -> Vec<EventId> {
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let last_round = callers_ended.load(Ordering::SeqCst);
        let Ok(page) = store.read_all(after, &Filter::all(), 500).await else {
            tokio::time::sleep(Duration::from_millis(10)).await;
            continue;
        };
        after = page.through.or(after);
        seen.extend(page.events.iter().map(|event| event.id));
        if page.at_end {
            if last_round {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_log_reconnects_to_a_restarted_server() {
    let postgres = Postgres::start().await;
    let load = Load::start(&postgres).await;
    for _ in 0..4 {
        load.wait_for_appends(200).await;
        postgres.stop();
        load.wait_for_refusal().await;
        let checked = load.nodes[0].check().await.unwrap_err().to_string();
        assert!(checked.contains("no server answers"), "{checked}");
        postgres.resume().await;
    }
    load.wait_for_appends(200).await;
    for node in &load.nodes {
        node.check().await.unwrap();
    }
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_that_are_lost_again_and_again_lose_no_event() {
    let postgres = Postgres::start().await;
    let load = Load::start(&postgres).await;
    for _ in 0..40 {
        load.wait_for_appends(40).await;
        postgres.cut_connections().await;
    }
    load.wait_for_appends(200).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_that_is_killed_keeps_what_was_acknowledged() {
    let postgres = Postgres::start().await;
    let load = Load::start(&postgres).await;
    for round in 0..6 {
        load.wait_for_appends(50 + round * 70).await;
        postgres.kill();
        postgres.resume().await;
    }
    load.wait_for_appends(200).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_suspended_server_is_reported_and_waited_for() {
    let postgres = Postgres::start().await;
    let load = Load::start(&postgres).await;
    load.wait_for_appends(100).await;
    let frozen = postgres.freeze();
    load.wait_for_refusal().await;
    drop(frozen);
    load.wait_for_appends(200).await;
    load.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_only_database_is_reported_and_still_read() {
    let postgres = Postgres::start().await;
    let url = postgres.database().await;
    let name = url.rsplit('/').next().unwrap();
    let store = PostgresStore::open(&url, Clock::System).await.unwrap();
    store.append(&stream(1), Expected::NoStream, vec![message("before")]).await.unwrap();
    let elsewhere = postgres.url("postgres");
    Postgres::sql(&elsewhere, &format!("alter database {name} set default_transaction_read_only = on")).await;
    postgres.cut_connections().await;
    let refused = store.append(&stream(1), Expected::Any, vec![message("now")]).await.unwrap_err();
    assert_eq!(refused.to_string(), "the event log is not available: the server is read-only");
    assert_eq!(store.check().await.unwrap_err().reason, "the server is read-only");
    assert_eq!(everything(&*store).await.len(), 1);
    Postgres::sql(&elsewhere, &format!("alter database {name} reset default_transaction_read_only")).await;
    postgres.cut_connections().await;
    store.check().await.unwrap();
    store.append(&stream(1), Expected::Exact(Version(0)), vec![message("after")]).await.unwrap();
    store.close().await;
}
