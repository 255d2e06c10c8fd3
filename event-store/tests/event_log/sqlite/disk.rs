//! A disk that is really full: the operating system refuses to let any file of the process grow.

use crate::test_name;
use event_schemas::{AccountId, Actor, Clock, EventId, Metadata, NewEvent, StreamId};
use event_store::{AppendError, EventStore, Expected, Filter, SqliteStore};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Lines, Write};
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

const LOG: &str = "VERBATIM_TEST_LOG";

/// The process whose disk is full: it appends one event after another and repeats each until it is recorded.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "appends until it is killed"]
async fn appender() {
    let store = SqliteStore::open(std::env::var_os(LOG).unwrap(), Clock::System).await.unwrap();
    loop {
        let event = event();
        let mut refused = 0;
        let line = loop {
            match store.append(&StreamId::named("conversation-1"), Expected::Any, vec![event.clone()]).await {
                Ok(_) => break format!("acknowledged {} {refused}", event.id),
                Err(AppendError::Unavailable(why)) => {
                    refused += 1;
                    print_line(&format!("refused {} {why}", event.id));
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(other) => panic!("{other}"),
            }
        };
        print_line(&line);
    }
}

fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    write!(out, "\n{line}\n").unwrap();
    out.flush().unwrap();
}

fn event() -> NewEvent {
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
        data: format!(r#"{{"text":"{}"}}"#, "x".repeat(3_000)),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_clearly_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    // A write beyond the limit returns an error only if the process ignores the signal that comes with it.
    let mut child = Command::new("sh")
        .args(["-c", r#"trap "" XFSZ; exec "$0" --exact "$1" --ignored --nocapture"#])
        .arg(std::env::current_exe().unwrap())
        .arg(test_name(module_path!(), "appender"))
        .env(LOG, &path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = child.id().to_string();
    let limit = |bytes: &str| {
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={bytes}:")]).status();
        assert!(done.unwrap().success());
    };
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut acknowledged = HashSet::new();
    for _ in 0..2 {
        until(&mut lines, &mut acknowledged, 20, 0);
        limit("65536");
        until(&mut lines, &mut acknowledged, 0, 5);
        limit("unlimited");
    }
    until(&mut lines, &mut acknowledged, 20, 0);
    child.kill().unwrap();
    child.wait().unwrap();
    for line in lines.map_while(Result::ok) {
        note(&line, &mut acknowledged);
    }
    let store = SqliteStore::open(&path, Clock::System).await.unwrap();
    let page = store.read_all(None, &Filter::all(), 100_000).await.unwrap();
    let there: HashSet<EventId> = page.events.iter().map(|event| event.id).collect();
    assert_eq!(there.len(), page.events.len(), "an event is there twice");
    assert!(acknowledged.is_subset(&there), "an acknowledged event is lost");
    assert!(there.len() <= acknowledged.len() + 1, "a refused event is there");
    store.close().await;
}

/// Reads the process's lines until this many more appends were acknowledged and this many refused.
fn until(
    lines: &mut Lines<BufReader<ChildStdout>>,
    acknowledged: &mut HashSet<EventId>,
    mut more: usize,
    mut refusals: usize,
) {
    while more > 0 || refusals > 0 {
        let line = lines.next().unwrap().unwrap();
        if note(&line, acknowledged) {
            more = more.saturating_sub(1);
        } else if line.starts_with("refused") {
            assert!(line.contains("the event log is not available: the disk"), "{line}");
            refusals = refusals.saturating_sub(1);
        }
    }
}

fn note(line: &str, acknowledged: &mut HashSet<EventId>) -> bool {
    let mut words = line.split(' ');
    let (Some("acknowledged"), Some(id), Some(_)) = (words.next(), words.next(), words.next()) else {
        return false;
    };
    acknowledged.insert(id.parse().unwrap())
}
