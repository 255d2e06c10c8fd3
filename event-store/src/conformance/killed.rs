//! A process that is killed at any moment.
//!
//! Two parts: a process that appends and prints what was acknowledged until it is killed, and a test that starts
//! it, kills it and checks the log. The engine's tests start the process.

use super::Engine;
use super::samples::{assert_dense, assert_ordered, everything, messages, stream};
use crate::{EventStore, Expected, Filter};
use event_schemas::{EventId, Position, Recorded, Version};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

const ACKNOWLEDGED: &str = "acknowledged";

/// Appends from many callers at once and prints each acknowledged event, until the process ends.
pub async fn append_for_ever(store: Arc<dyn EventStore>) {
    let callers = (0..16u128).map(|caller| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for turn in 0.. {
                let events = messages(1 + turn % 3);
                let ids: Vec<_> = events.iter().map(|event| event.id).collect();
                let target = stream(caller % 12);
                let appended = store.append(&target, Expected::Any, events).await.unwrap();
                let last = ids.last().unwrap();
                let mut out = std::io::stdout().lock();
                // The leading line break ends a line that the test harness may have left unfinished.
                write!(out, "\n{ACKNOWLEDGED} {last} {} {}\n", appended.version, appended.position).unwrap();
                out.flush().unwrap();
            }
        })
    });
    for caller in futures::future::join_all(callers).await {
        caller.unwrap();
    }
}

/// Starts the appending process `times` times, kills it at some point, and checks that the log holds every
/// acknowledged event at its acknowledged position, without gaps.
pub async fn survives(engine: &impl Engine, mut appender: impl FnMut() -> Command, times: usize) {
    let mut acknowledged: HashMap<EventId, (Version, Position)> = HashMap::new();
    for round in 0..times {
        let mut child = appender().stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // From the first append to a few groups later.
        let enough = acknowledged.len() + 1 + round * 37 % 300;
        while acknowledged.len() < enough {
            note(&mut acknowledged, &lines.next().unwrap().unwrap());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // Lines printed before the kill count; a line that was cut off does not.
        for line in lines.map_while(Result::ok) {
            note(&mut acknowledged, &line);
        }
        let store = engine.open().await;
        let events = everything(&*store, &Filter::all(), 1_000).await;
        assert_ordered(&events);
        assert_dense(&events);
        let found: HashMap<EventId, &Recorded> = events.iter().map(|event| (event.id, event)).collect();
        assert_eq!(found.len(), events.len(), "an event is there twice");
        for (id, location) in &acknowledged {
            let event = found.get(id).unwrap_or_else(|| panic!("{id} was acknowledged and is lost"));
            assert_eq!(*location, (event.version, event.position));
        }
        store.close().await;
    }
}

fn note(acknowledged: &mut HashMap<EventId, (Version, Position)>, line: &str) {
    let mut words = line.split(' ');
    if words.next() != Some(ACKNOWLEDGED) {
        return;
    }
    let (Some(id), Some(version), Some(position), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return;
    };
    if let (Ok(id), Ok(version), Ok(position)) = (id.parse(), version.parse(), position.parse()) {
        acknowledged.insert(id, (Version(version), position));
    }
}
