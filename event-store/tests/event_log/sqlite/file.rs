//! The file of the SQLite engine: files of other programs, and faults of the disk.

use event_schemas::{AccountId, Actor, Clock, Metadata, NewEvent, Position, StreamId, Timestamp, Version};
use event_store::sqlite::Fault;
use event_store::{AppendError, EventStore, Expected, Filter, OpenError, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use std::path::Path;
use std::time::Duration;

fn event(text: &str) -> NewEvent {
    let clock = Clock::System;
    NewEvent {
        id: clock.event_id(),
        event_type: "Said".into(),
        schema_version: 1,
        metadata: Metadata {
            account_id: AccountId::from_u128(1),
            actor: Actor::system("test"),
            correlation_id: clock.fresh_id(),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: clock.now(),
        },
        data: format!(r#"{{"text":"{text}"}}"#),
    }
}

fn stream() -> StreamId {
    StreamId::named("conversation-1")
}

async fn sql(path: &Path, statement: &'static str) {
    let mut connection =
        SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
    sqlx::raw_sql(statement).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn the_engine_has_the_fixes_it_relies_on() {
    let mut connection = SqliteConnectOptions::new().connect().await.unwrap();
    let version: String =
        sqlx::query_scalar("select sqlite_version()").fetch_one(&mut connection).await.unwrap();
    let numbers: Vec<u32> = version.split('.').map(|part| part.parse().unwrap()).collect();
    assert!(numbers >= vec![3, 51, 3], "{version}");
}

#[tokio::test]
async fn a_url_names_the_engine() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("events.db").display());
    event_store::open(&url, Clock::System).await.unwrap().close().await;
    let refused =
        |url: &'static str| async move { event_store::open(url, Clock::System).await.err().unwrap() };
    assert!(
        matches!(refused("mysql://localhost/log").await, OpenError::UnknownEngine { scheme } if scheme == "mysql")
    );
    assert!(matches!(refused("events.db").await, OpenError::NotAUrl { .. }));
    assert!(matches!(refused("sqlite:").await, OpenError::NotAUrl { .. }));
    assert!(matches!(refused("sqlite:/nowhere/at/all/events.db").await, OpenError::Failed { .. }));
}

#[tokio::test]
async fn a_file_of_another_program_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let theirs = folder.path().join("theirs.db");
    sql(&theirs, "create table bookmark (url text)").await;
    let text = folder.path().join("letter.txt");
    std::fs::write(&text, "Dear reader, this is not a database at all. ".repeat(100)).unwrap();
    for path in [theirs, text] {
        let before = std::fs::read(&path).unwrap();
        let refused = SqliteStore::open(&path, Clock::System).await.err().unwrap();
        assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    SqliteStore::open(&path, Clock::System).await.unwrap().close().await;
    sql(&path, "pragma user_version = 99").await;
    let before = std::fs::read(&path).unwrap();
    let refused = SqliteStore::open(&path, Clock::System).await.err().unwrap();
    assert!(matches!(refused, OpenError::Newer { found: 99, known: 1, .. }), "{refused}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_disk_loses_nothing_and_the_log_recovers_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
    let mut written = Vec::new();
    let mut expected = Expected::NoStream;
    for (fault, reason) in [(Fault::DiskFull, "the disk is full"), (Fault::ReadOnly, "the file is read-only")]
    {
        for _ in 0..3 {
            let event = event("before");
            written.push(event.id);
            expected = Expected::Exact(store.append(&stream(), expected, vec![event]).await.unwrap().version);
        }
        store.pretend(Some(fault));
        let mut refused = 0;
        // A page or two may have room left; after that every append fails.
        while refused < 5 {
            let event = event(&"x".repeat(2_000));
            match store.append(&stream(), expected, vec![event.clone()]).await {
                Ok(appended) => {
                    written.push(event.id);
                    expected = Expected::Exact(appended.version);
                }
                Err(AppendError::Unavailable(why)) => {
                    assert_eq!(why.reason, reason);
                    refused += 1;
                }
                Err(other) => panic!("{other}"),
            }
        }
        if fault == Fault::ReadOnly {
            assert_eq!(store.check().await.unwrap_err().reason, reason);
        }
        // Reading still works.
        assert_eq!(store.read_all(None, &Filter::all(), 1_000).await.unwrap().events.len(), written.len());
        store.pretend(None);
        store.check().await.unwrap();
    }
    let event = event("after");
    written.push(event.id);
    store.append(&stream(), expected, vec![event]).await.unwrap();
    let page = store.read_all(None, &Filter::all(), 1_000).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.id).collect::<Vec<_>>(), written);
    let locations: Vec<_> = page.events.iter().map(|event| (event.version, event.position)).collect();
    let dense = (0..written.len() as u64).map(|n| (Version(n), Position::at(n + 1))).collect::<Vec<_>>();
    assert_eq!(locations, dense);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_times_never_go_back_when_the_clock_does() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let late = Clock::manual(Timestamp::from_secs(2_000));
    let store = SqliteStore::open(&path, late).await.unwrap();
    store.append(&stream(), Expected::NoStream, vec![event("late")]).await.unwrap();
    store.close().await;
    let early = Clock::manual(Timestamp::from_secs(1_000));
    let store = SqliteStore::open(&path, early.clone()).await.unwrap();
    store.append(&stream(), Expected::Any, vec![event("early")]).await.unwrap();
    early.advance(Duration::from_secs(5_000));
    store.append(&stream(), Expected::Any, vec![event("later")]).await.unwrap();
    let times: Vec<_> = store
        .read_stream(&stream(), Version::FIRST, 10)
        .await
        .unwrap()
        .iter()
        .map(|event| event.recorded_at.as_micros() / 1_000_000)
        .collect();
    assert_eq!(times, [2_000, 2_000, 6_000]);
    store.close().await;
}

/// A log with one event, and the event.
async fn log_with_an_event(path: &Path) -> (std::sync::Arc<SqliteStore>, event_schemas::EventId) {
    let store = SqliteStore::open(path, Clock::System).await.unwrap();
    let first = event("first");
    let id = first.id;
    store.append(&stream(), Expected::Any, vec![first]).await.unwrap();
    (store, id)
}

async fn assert_unavailable(store: &SqliteStore, name: &str) {
    let refused = store.append(&stream(), Expected::Any, vec![event("lost")]).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("{name} was deleted or replaced")), "{refused}");
    for unavailable in
        [store.check().await.unwrap_err().to_string(), store.end().await.unwrap_err().to_string()]
    {
        assert!(unavailable.contains(name) && unavailable.contains("stop the program"), "{unavailable}");
    }
}

#[tokio::test]
async fn a_deleted_or_replaced_file_gets_no_event_and_the_same_file_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let (path, aside) = (folder.path().join("events.db"), folder.path().join("aside.db"));
    let (store, id) = log_with_an_event(&path).await;
    std::fs::rename(&path, &aside).unwrap();
    assert_unavailable(&store, "events.db").await;
    log_with_an_event(&folder.path().join("other.db")).await.0.close().await;
    std::fs::copy(folder.path().join("other.db"), &path).unwrap();
    assert_unavailable(&store, "events.db").await;
    std::fs::rename(&aside, &path).unwrap();
    let again = store.append(&stream(), Expected::Any, vec![event("again")]).await.unwrap();
    assert_eq!(again.version, Version(1), "nothing was written meanwhile");
    store.check().await.unwrap();
    assert!(store.find(id).await.unwrap().is_some());
    store.close().await;
}

#[tokio::test]
async fn a_write_ahead_log_that_is_lost_while_the_program_runs_costs_no_event() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let (store, first) = log_with_an_event(&path).await;
    std::fs::remove_file(folder.path().join("events.db-wal")).unwrap();
    assert_unavailable(&store, "events.db-wal").await;
    store.close().await;
    let store = SqliteStore::open(&path, Clock::System).await.unwrap();
    assert!(store.find(first).await.unwrap().is_some());
    store.append(&stream(), Expected::Any, vec![event("again")]).await.unwrap();
    store.close().await;
}
