//! Callers who wait for the same conversation are appended together, and each notices nothing of it.

use crate::service::{Answer, Service, ana, start};
use crate::watched_log::{Happens, WatchedLog, watched};
use axum::http::Method;
use event_schemas::{NewEvent, Recorded};
use futures::future::join_all;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A service on a watched log, and the path of a conversation.
async fn on_watched_log() -> (Service, Arc<WatchedLog>, String) {
    let service = start().await;
    let log = watched(&service.store);
    let path = service.conversation().await;
    (service.on(log.clone()), log, path)
}

async fn note(service: &Service, path: &str, words: String, key: Option<&str>) -> Answer {
    let headers: Vec<_> = key.iter().map(|key| ("idempotency-key", *key)).collect();
    let note = json!({ "content": words, "is_private": true });
    service.ask(&ana(), Method::POST, &format!("{path}/messages"), &headers, note).await
}

fn content(note: &Recorded) -> String {
    serde_json::from_str::<Value>(&note.data).unwrap()["content"].as_str().unwrap().to_owned()
}

/// The words of the conversation's notes, by version.
async fn notes(service: &Service, path: &str) -> BTreeMap<u64, String> {
    let events = service.events(path).await;
    let notes = events.iter().filter(|event| event.event_type == "NoteAdded");
    notes.map(|event| (event.version.0, content(event))).collect()
}

/// The labels of a conversation, as another process changes them.
async fn labels_of_another_process(service: &Service, path: &str) -> impl Fn() -> Vec<NewEvent> + use<> {
    service.patch(&ana(), path, json!({ "labels": ["billing"] })).await.is(200);
    let event = service.events(path).await.pop().unwrap();
    let clock = service.clock.clone();
    move || {
        vec![NewEvent {
            id: clock.event_id(),
            event_type: event.event_type.clone(),
            schema_version: event.schema_version,
            metadata: event.metadata.clone(),
            data: event.data.clone(),
        }]
    }
}

#[tokio::test]
async fn callers_who_wait_are_appended_together_in_the_order_of_the_requests() {
    let (service, log, path) = on_watched_log().await;
    note(&service, &path, "first".to_owned(), None).await.is(201);
    let before = log.appends();
    let answers = join_all((0..200).map(|number| note(&service, &path, number.to_string(), None))).await;
    let stored = notes(&service, &path).await;
    let expected: Vec<_> = (0..200).map(|number| number.to_string()).collect();
    assert_eq!(stored.values().skip(1).cloned().collect::<Vec<_>>(), expected);
    for (number, answer) in answers.iter().enumerate() {
        let created = answer.is(201);
        assert_eq!(stored[&version(&created)], number.to_string(), "each is answered with its own version");
    }
    let appends = log.appends() - before;
    assert!(appends <= 10, "{appends} appends of 200 notes");
}

#[tokio::test]
async fn no_append_has_many_bytes() {
    const NOTE: usize = 10_000;
    let (service, log, path) = on_watched_log().await;
    note(&service, &path, "first".to_owned(), None).await.is(201);
    let answers = join_all((0..100).map(|_| note(&service, &path, "x".repeat(NOTE), None))).await;
    answers.iter().for_each(|answer| drop(answer.is(201)));
    assert_eq!(notes(&service, &path).await.len(), 101);
    let largest = log.largest();
    assert!((10 * NOTE..=256 * 1024 + 2 * NOTE).contains(&largest), "{largest} bytes at once");
}

#[tokio::test]
async fn a_repeated_request_among_those_that_are_appended_together_is_done_once() {
    let (service, _, path) = on_watched_log().await;
    let keys: Vec<_> = (0..60).map(|number| format!("key-{}", number % 20)).collect();
    let answers = join_all(keys.iter().map(|key| note(&service, &path, key.clone(), Some(key)))).await;
    let stored = notes(&service, &path).await;
    assert_eq!(stored.len(), 20);
    for (key, answer) in keys.iter().zip(&answers) {
        assert_eq!(&stored[&version(&answer.is(201))], key);
    }
    let other = note(&service, &path, "another".to_owned(), Some("key-0")).await;
    other.refuses(422, "idempotency-key-reused", "Idempotency-Key");
}

#[tokio::test]
async fn a_command_that_changes_nothing_is_answered_among_those_that_are_appended_together() {
    let (service, _, path) = on_watched_log().await;
    let resolve = async |_: u32| service.patch(&ana(), &path, json!({ "status": "resolved" })).await;
    let answers = futures::join!(
        join_all((0..10).map(|number| note(&service, &path, number.to_string(), None))),
        join_all((0..3).map(resolve)),
        join_all((10..20).map(|number| note(&service, &path, number.to_string(), None))),
    );
    answers.0.iter().chain(&answers.2).for_each(|answer| drop(answer.is(201)));
    answers.1.iter().for_each(|answer| drop(answer.is(200)));
    assert_eq!(notes(&service, &path).await.len(), 20);
    let resolved = service.event_types(&path).await.iter().filter(|kind| *kind == "Resolved").count();
    assert_eq!(resolved, 1);
}

/// The version of the conversation that an answer tells.
fn version(created: &Value) -> u64 {
    created["version"].as_u64().unwrap_or_else(|| panic!("no version: {created}"))
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    None,
    Conflict,
    Full,
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// In the face of conflicts, of a full disk and of callers who go away, an acknowledged note is in the log once,
    /// at the version that was answered; a refused one is not; one whose caller went away is there once or not at all.
    #[test]
    fn what_is_acknowledged_is_there_once_and_what_is_refused_is_not(
        faults in prop::collection::vec(
            prop_oneof![3 => Just(Fault::None), 2 => Just(Fault::Conflict), 1 => Just(Fault::Full)], 0..8),
        // After how many steps of the runtime each caller comes, and for how many of them it waits.
        callers in prop::collection::vec((0..12_usize, prop::option::weighted(0.2, 0..40_usize)), 1..40),
    ) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
            let (service, log, path) = on_watched_log().await;
            let other = labels_of_another_process(&service, &path).await;
            log.next(faults.iter().map(|fault| match fault {
                Fault::None => Happens::Nothing,
                Fault::Conflict => Happens::Before(other()),
                Fault::Full => Happens::Full,
            }));
            let service = Arc::new(service);
            let outcomes = join_all(callers.iter().enumerate().map(|(number, (comes, goes))| {
                let (service, path) = (Arc::clone(&service), path.clone());
                async move {
                    steps(*comes).await;
                    let asks = note(&service, &path, number.to_string(), None);
                    match goes {
                        None => Some(asks.await),
                        Some(goes) => tokio::select! {
                            biased;
                            answer = asks => Some(answer),
                            () = steps(*goes) => None,
                        },
                    }
                }
            }))
            .await;
            // A decision that a caller left behind is appended before the next one is answered.
            log.next([]);
            note(&service, &path, "last".to_owned(), None).await.is(201);
            let stored = notes(&service, &path).await;
            for (number, outcome) in outcomes.iter().enumerate() {
                let words = number.to_string();
                let times = stored.values().filter(|stored| **stored == words).count();
                match outcome {
                    Some(answer) if answer.status == 201 => {
                        assert_eq!(times, 1, "note {number} was acknowledged");
                        assert_eq!(stored[&version(&answer.json())], words);
                    }
                    Some(answer) => {
                        assert_eq!(answer.status, 503, "{}", answer.text);
                        assert_eq!(times, 0, "note {number} was refused");
                    }
                    None => assert!(times <= 1, "note {number} is there {times} times"),
                }
            }
        });
    }
}

async fn steps(number: usize) {
    for _ in 0..number {
        tokio::task::yield_now().await;
    }
}
