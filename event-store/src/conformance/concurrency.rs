//! Appends of many callers at once.

use super::Engine;
use super::samples::{assert_dense, assert_ordered, everything, message, messages, stream};
use crate::{AppendError, EventStore, Expected, Filter};
use event_schemas::{Position, Recorded, Version};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub async fn of_many_appends_at_the_same_version_one_succeeds(engine: &impl Engine) {
    let store = engine.open().await;
    let mut expected = Expected::NoStream;
    for round in 0..10 {
        let callers = (0..50).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append(&stream(1), expected, messages(2)).await })
        });
        let answers: Vec<_> = join_all(callers).await.into_iter().map(Result::unwrap).collect();
        let won: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
        assert_eq!(won.len(), 1);
        assert_eq!(won[0].version, Version(round * 2 + 1));
        for lost in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            let AppendError::Conflict { actual, .. } = lost else { panic!("{lost:?}") };
            assert_eq!(*actual, Some(won[0].version), "a conflict names the current version");
        }
        expected = Expected::Exact(won[0].version);
    }
    assert_dense(&everything(&*store, &Filter::all(), 7).await);
    store.close().await;
}

pub async fn the_same_append_by_many_at_once_is_recorded_once(engine: &impl Engine) {
    let store = engine.open().await;
    for number in 0..10 {
        let event = message("once");
        let callers = (0..25).map(|_| {
            let (store, event) = (Arc::clone(&store), event.clone());
            tokio::spawn(async move { store.append(&stream(number), Expected::NoStream, vec![event]).await })
        });
        let answers: Vec<_> =
            join_all(callers).await.into_iter().map(|done| done.unwrap().unwrap()).collect();
        assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
        assert!(answers.iter().all(|answer| answer.position == answers[0].position));
    }
    assert_eq!(everything(&*store, &Filter::all(), 100).await.len(), 10);
    store.close().await;
}

pub async fn one_callers_conflict_fails_no_other_append(engine: &impl Engine) {
    let store = engine.open().await;
    let taken = message("taken");
    store.append(&stream(0), Expected::NoStream, vec![taken.clone()]).await.unwrap();
    for round in 0..10u128 {
        let callers = (1..=60u128).map(|number| {
            let (store, taken) = (Arc::clone(&store), taken.clone());
            tokio::spawn(async move {
                let fresh = stream(round * 100 + number);
                match number % 3 {
                    0 => store.append(&fresh, Expected::NoStream, messages(2)).await.map(|_| ()),
                    1 => match store.append(&stream(0), Expected::NoStream, messages(1)).await {
                        Err(AppendError::Conflict { .. }) => Ok(()),
                        other => panic!("{other:?}"),
                    },
                    _ => match store.append(&fresh, Expected::Any, vec![message("new"), taken]).await {
                        Err(AppendError::PartlyRecorded { .. }) => Ok(()),
                        other => panic!("{other:?}"),
                    },
                }
            })
        });
        for done in join_all(callers).await {
            done.unwrap().unwrap();
        }
    }
    let events = everything(&*store, &Filter::all(), 100).await;
    assert_eq!(events.len(), 1 + 10 * 20 * 2);
    assert_dense(&events);
    store.close().await;
}

pub async fn nothing_appears_at_or_below_a_position_that_was_seen(engine: &impl Engine) {
    let store = engine.open().await;
    let done = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> =
        (0..3).map(|_| tokio::spawn(watch(Arc::clone(&store), Arc::clone(&done)))).collect();
    let writers = (0..16u128).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for turn in 0..60u128 {
                // Some streams are shared, some appends conflict, sizes differ.
                let target = if turn.is_multiple_of(3) { stream(turn % 5) } else { stream(100 + writer) };
                let count = 1 + (turn % 4) as usize;
                store.append(&target, Expected::Any, messages(count)).await.unwrap();
                let _may_conflict = store.append(&stream(99), Expected::Exact(Version(0)), messages(1)).await;
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let truth = everything(&*store, &Filter::all(), 1_000).await;
    assert_eq!(truth.len(), 16 * 150);
    assert_ordered(&truth);
    assert_dense(&truth);
    for reader in readers {
        assert_eq!(
            reader.await.unwrap(),
            truth,
            "a reader that polled saw the events that are there now, in their order"
        );
    }
    store.close().await;
}

/// Polls the end of the log and never reads a position again: a late event below it would be missing here.
async fn watch(store: Arc<dyn EventStore>, done: Arc<AtomicBool>) -> Vec<Recorded> {
    let (mut after, mut seen): (Option<Position>, Vec<Recorded>) = (None, Vec::new());
    loop {
        let last_round = done.load(Ordering::SeqCst);
        let page = store.read_all(after, &Filter::all(), 50).await.unwrap();
        after = page.through.or(after);
        seen.extend(page.events);
        if last_round && page.at_end {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

pub async fn two_openers_share_one_order(engine: &impl Engine) {
    let (one, two) = (engine.open().await, engine.open().await);
    let mut expected = Expected::NoStream;
    for turn in 0..20 {
        let (mine, other) = if turn % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let event = message("mine");
        let appended = mine.append(&stream(1), expected, vec![event.clone()]).await.unwrap();
        assert_eq!(appended.version, Version(turn));
        let late = other.append(&stream(1), expected, messages(1)).await;
        assert!(
            matches!(late, Err(AppendError::Conflict { actual: Some(is), .. }) if is == appended.version)
        );
        let again = other.append(&stream(1), expected, vec![event]).await.unwrap();
        assert_eq!((again.position, again.repeated), (appended.position, true));
        expected = Expected::Exact(appended.version);
    }
    let writers = (0..40u128).map(|number| {
        let store = Arc::clone(if number % 2 == 0 { &one } else { &two });
        tokio::spawn(async move {
            for _ in 0..10 {
                store.append(&stream(10 + number % 4), Expected::Any, messages(2)).await.unwrap();
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    let events = everything(&*one, &Filter::all(), 100).await;
    assert_eq!(events, everything(&*two, &Filter::all(), 33).await);
    assert_eq!(events.len(), 20 + 40 * 10 * 2);
    assert_ordered(&events);
    assert_dense(&events);
    one.close().await;
    two.close().await;
}
