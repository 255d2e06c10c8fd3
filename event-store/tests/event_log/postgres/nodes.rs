//! Several nodes on one PostgreSQL database, and other programs beside them.

use super::events::{assert_dense, assert_ordered, everything, message, numbered, stream};
use event_schemas::{Clock, EventId, Position, Recorded, Version};
use event_store::conformance::model::{Model, Outcome};
use event_store::{AppendError, EventStore, Expected, Filter, PostgresStore, Subscription};
use futures::future::join_all;
use proptest::prelude::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use test_engines::{Postgres, SOON};
use tokio::task::JoinHandle;

async fn open(url: &str) -> Arc<PostgresStore> {
    PostgresStore::open(url, Clock::System).await.unwrap()
}

/// Polls the end of the log and never reads a position again: a late event below it would be missing here. With
/// `recent` it reads the events that are in the node's memory from there.
async fn watch(store: Arc<PostgresStore>, recent: bool, done: Arc<AtomicBool>) -> Vec<(Position, EventId)> {
    let (mut after, mut seen): (Option<Position>, Vec<(Position, EventId)>) = (None, Vec::new());
    loop {
        let last_round = done.load(Ordering::SeqCst);
        let page = match recent {
            true => store.read_recent(after, &Filter::all(), 1_000).await.unwrap(),
            false => store.read_all(after, &Filter::all(), 1_000).await.unwrap(),
        };
        for event in &page.events {
            assert!(seen.last().is_none_or(|(last, _)| *last < event.position), "the order went back");
            seen.push((event.position, event.id));
        }
        after = page.through.or(after);
        if last_round && page.at_end && store.end().await.unwrap() == after {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

/// Checks that the log is in order and without gaps, and that every watcher saw its events.
async fn assert_all_saw(
    truth: &[Recorded],
    watchers: impl IntoIterator<Item = JoinHandle<Vec<(Position, EventId)>>>,
) {
    assert_ordered(truth);
    assert_dense(truth);
    let seen: Vec<_> = truth.iter().map(|event| (event.position, event.id)).collect();
    for watcher in watchers {
        assert!(watcher.await.unwrap() == seen, "a reader that polled saw other events than are there now");
    }
    let positions = seen.iter().map(|(position, _)| position.commit());
    assert!(positions.eq(1..=seen.len() as u64), "there is a gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_that_never_pause_miss_nothing_of_what_two_nodes_append_to_the_same_streams() {
    let url = Postgres::shared().await.database().await;
    let nodes = [open(&url).await, open(&url).await];
    let done = Arc::new(AtomicBool::new(false));
    let reader = open(&url).await;
    let watchers = [(&reader, false), (&nodes[0], false), (&nodes[0], true), (&nodes[1], true)]
        .map(|(store, recent)| tokio::spawn(watch(Arc::clone(store), recent, Arc::clone(&done))));
    let appended = Arc::new(AtomicU64::new(0));
    let callers = (0..48u128).map(|caller| {
        let (store, appended) = (Arc::clone(&nodes[caller as usize % 2]), Arc::clone(&appended));
        tokio::spawn(async move {
            let mut known = Expected::NoStream;
            for turn in 0..500u128 {
                let count = 1 + (turn % 3) as usize;
                let events: Vec<_> = (0..count).map(|_| message("hard")).collect();
                // Streams that two nodes share, streams of one caller, and streams that all callers compete for.
                let answer = match turn % 3 {
                    0 => store.append(&stream(turn % 7), Expected::Any, events).await,
                    1 => store.append(&stream(1_000 + caller), known, events).await,
                    _ => {
                        store
                            .append(&stream(500 + turn % 20), Expected::Exact(Version(turn as u64)), events)
                            .await
                    }
                };
                match answer {
                    Ok(answer) => {
                        appended.fetch_add(count as u64, Ordering::Relaxed);
                        if turn % 3 == 1 {
                            known = Expected::Exact(answer.version);
                        }
                    }
                    Err(AppendError::Conflict { .. }) if turn % 3 == 2 => {}
                    Err(other) => panic!("{other}"),
                }
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    done.store(true, Ordering::SeqCst);
    let truth = everything(&*reader).await;
    assert_eq!(truth.len() as u64, appended.load(Ordering::Relaxed));
    assert_all_saw(&truth, watchers).await;
    for store in nodes.into_iter().chain([reader]) {
        store.close().await;
    }
}

/// Appends one by one with pauses, so that the node is at times the only one that appends, and now and then eight
/// appends at once, of which one is refused.
async fn append_with_pauses(store: Arc<PostgresStore>, own: u128) -> usize {
    let (mut written, mut known) = (0, Expected::NoStream);
    for turn in 0..1_500u128 {
        if turn % 30 == 29 {
            let wrong = Expected::Exact(Version(99_999));
            let burst = (0..8u128).map(|n| {
                let expected = if n == 2 { wrong } else { Expected::Any };
                let (store, number) = (Arc::clone(&store), 10_000 * own + 100 * turn + n % 4);
                tokio::spawn(
                    async move { store.append(&stream(number), expected, vec![message("burst")]).await },
                )
            });
            let answers: Vec<_> = join_all(burst.collect::<Vec<_>>()).await;
            let refused =
                |answer: &Result<_, AppendError>| matches!(answer, Err(AppendError::Conflict { .. }));
            assert_eq!(answers.iter().filter(|answer| refused(answer.as_ref().unwrap())).count(), 1);
            written += answers.len() - 1;
        }
        let count = 1 + (turn % 3) as usize;
        let events = (0..count).map(|_| message("alone")).collect();
        if turn % 5 == 4 {
            store.append(&stream(turn % 7), Expected::Any, events).await.unwrap();
        } else {
            let answer = store.append(&stream(1_000 + own), known, events).await.unwrap();
            known = Expected::Exact(answer.version);
        }
        written += count;
        // The two nodes pause at different times.
        if turn % (11 + own) == 0 {
            tokio::time::sleep(Duration::from_millis((turn % 5) as u64)).await;
        }
    }
    written
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_lone_append_leaves_no_gap_in_which_an_event_could_appear_later() {
    let url = Postgres::shared().await.database().await;
    let nodes = [open(&url).await, open(&url).await];
    let done = Arc::new(AtomicBool::new(false));
    let reader = open(&url).await;
    let watchers = [(&reader, false), (&nodes[0], true), (&nodes[1], false)]
        .map(|(store, recent)| tokio::spawn(watch(Arc::clone(store), recent, Arc::clone(&done))));
    let (one, other) = tokio::join!(
        tokio::spawn(append_with_pauses(Arc::clone(&nodes[0]), 1)),
        tokio::spawn(append_with_pauses(Arc::clone(&nodes[1]), 2))
    );
    done.store(true, Ordering::SeqCst);
    let truth = everything(&*reader).await;
    assert_eq!(truth.len(), one.unwrap() + other.unwrap());
    assert_all_saw(&truth, watchers).await;
    for store in nodes.into_iter().chain([reader]) {
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_transaction_of_another_program_delays_no_append() {
    let url = Postgres::shared().await.database().await;
    let store = open(&url).await;
    store.append(&stream(1), Expected::NoStream, vec![message("before")]).await.unwrap();
    // It has read the log, has written a row of its own, and keeps its transaction open.
    let mut other_program = <sqlx::PgConnection as sqlx::Connection>::connect(&url).await.unwrap();
    sqlx::raw_sql("create schema verbatim_test; create table verbatim_test.theirs (a int)")
        .execute(&mut other_program)
        .await
        .unwrap();
    sqlx::raw_sql(
        "begin isolation level serializable; insert into verbatim_test.theirs values (1); \
         select count(*) from verbatim_log.event",
    )
    .execute(&mut other_program)
    .await
    .unwrap();
    let mut follower = Subscription::new(Arc::clone(&store) as _, None, Filter::all(), 100);
    let mut seen = follower.next().await.unwrap().events.len();
    for number in 2..500 {
        store.append(&stream(number), Expected::NoStream, vec![message("meanwhile")]).await.unwrap();
        while seen < number as usize {
            seen += follower.next().await.unwrap().events.len();
        }
    }
    sqlx::raw_sql("commit").execute(&mut other_program).await.unwrap();
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_lost_its_connection_reconnects() {
    let url = Postgres::shared().await.database().await;
    let (one, other) = (open(&url).await, open(&url).await);
    let mut follower = Subscription::new(Arc::clone(&one) as _, None, Filter::all(), 100);
    for number in 0..5 {
        let listening = listeners(&url).await;
        Postgres::sql(
            &url,
            "select pg_terminate_backend(pid) from pg_stat_activity where query ilike 'listen%'",
        )
        .await;
        other.append(&stream(number), Expected::NoStream, vec![message("news")]).await.unwrap();
        let page = tokio::time::timeout(SOON, follower.next()).await.expect("polled by itself").unwrap();
        assert_eq!(page.events.len(), 1);
        let began = Instant::now();
        loop {
            let now = listeners(&url).await;
            if now.len() == 2 && now.iter().all(|pid| !listening.contains(pid)) {
                break;
            }
            assert!(began.elapsed() < SOON, "no listener has reconnected");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    one.close().await;
    other.close().await;
}

/// The process ids of the listeners' backends, once there are two.
async fn listeners(url: &str) -> Vec<i32> {
    let mut connection = <sqlx::PgConnection as sqlx::Connection>::connect(url).await.unwrap();
    let began = Instant::now();
    loop {
        let pids: Vec<i32> = sqlx::query_scalar(
            "select pid from pg_stat_activity where query ilike 'listen%' and datname = current_database()",
        )
        .fetch_all(&mut connection)
        .await
        .unwrap();
        if pids.len() == 2 {
            return pids;
        }
        assert!(began.elapsed() < SOON, "{} listen", pids.len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_raw_nul_is_refused_and_an_escaped_one_kept() {
    let url = Postgres::shared().await.database().await;
    let store = open(&url).await;
    let mut raw = message("");
    raw.data = "{\"text\":\"\0\"}".to_owned();
    let others = (0..20).map(|number| {
        let store = Arc::clone(&store);
        tokio::spawn(
            async move { store.append(&stream(number), Expected::NoStream, vec![message("fine")]).await },
        )
    });
    let others: Vec<_> = others.collect();
    let refused = store.append(&stream(99), Expected::NoStream, vec![raw]).await;
    assert!(
        matches!(&refused, Err(AppendError::Unavailable(why)) if why.reason.contains("NUL")),
        "{refused:?}"
    );
    for other in others {
        other.await.unwrap().unwrap();
    }
    let mut escaped = message("");
    escaped.data = r#"{"text":"a\u0000b"}"#.to_owned();
    store.append(&stream(99), Expected::NoStream, vec![escaped.clone()]).await.unwrap();
    assert_eq!(store.find(escaped.id).await.unwrap().unwrap().data, escaped.data);
    store.close().await;
}

#[derive(Clone, Debug)]
struct Append {
    node: usize,
    stream: u128,
    expected: Expected,
    ids: Vec<u128>,
}

fn append() -> impl Strategy<Value = Append> {
    let expected = prop_oneof![
        2 => Just(Expected::NoStream),
        3 => (0..6u64).prop_map(|version| Expected::Exact(Version(version))),
        3 => Just(Expected::Any),
    ];
    // Few streams and few ids, so that appends conflict and repeat.
    (0..2usize, 0..4u128, expected, prop::collection::vec(0..60u128, 1..4))
        .prop_map(|(node, stream, expected, ids)| Append { node, stream, expected, ids })
}

/// Runs the cases of one process in one database, each with streams and ids of its own.
async fn run(case: u128, nodes: &[Arc<PostgresStore>; 2], appends: Vec<Append>) {
    let own = |number: u128| case << 64 | number;
    let mut model = Model::default();
    for append in &appends {
        let events = append.ids.iter().map(|id| numbered(own(*id))).collect();
        let answer = nodes[append.node].append(&stream(own(append.stream)), append.expected, events).await;
        let ids: Vec<_> = append.ids.iter().map(|id| EventId::from_u128(own(*id))).collect();
        assert_eq!(Outcome::of(answer), model.append(append.stream, append.expected, &ids), "{append:?}");
    }
    for number in 0..4 {
        let there = nodes[0].read_stream(&stream(own(number)), Version::FIRST, 1_000).await.unwrap();
        let there: Vec<_> = there.iter().map(|event: &Recorded| event.id).collect();
        let wanted: Vec<_> =
            model.log.iter().filter(|(which, _)| *which == number).map(|(_, id)| *id).collect();
        assert_eq!(there, wanted);
    }
}

#[test]
fn two_nodes_in_turn_answer_as_a_plain_list_would() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let nodes = runtime.block_on(async {
        let url = Postgres::shared().await.database().await;
        [open(&url).await, open(&url).await]
    });
    let cases = ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(cases);
    let number = std::cell::Cell::new(0);
    runner
        .run(&prop::collection::vec(append(), 1..40), |appends| {
            number.set(number.get() + 1);
            runtime.block_on(run(number.get(), &nodes, appends));
            Ok(())
        })
        .unwrap();
}
