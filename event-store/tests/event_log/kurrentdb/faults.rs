//! Faults between this program and a KurrentDB server, and the state of the log after them.

use event_schemas::{
    AccountId, Actor, Category, Clock, EventId, Metadata, NewEvent, Recorded, StreamId, Timestamp, Version,
};
use event_store::{AppendError, Appended, EventStore, Expected, Filter, KurrentStore, Subscription};
use futures::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use test_kurrentdb::Server;
use test_kurrentdb::faults::{Cut, Mode};

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
        data: r#"{"text":"hello"}"#.to_owned(),
    }
}

fn stream(number: usize) -> StreamId {
    StreamId::named(format!("conversation-{number}"))
}

async fn open(server: &Server) -> Arc<KurrentStore> {
    KurrentStore::open(&server.url(), Clock::System).await.unwrap()
}

async fn everything(store: &dyn EventStore, filter: &Filter) -> Vec<Recorded> {
    let (mut after, mut events) = (None, Vec::new());
    loop {
        let page = store.read_all(after, filter, 500).await.unwrap();
        after = page.through;
        events.extend(page.events);
        if page.at_end {
            return events;
        }
    }
}

/// Repeats an append until it is accepted, as a caller that gets the status 503 does.
async fn append_until_accepted(
    store: &KurrentStore,
    stream: &StreamId,
    expected: Expected,
    events: &[NewEvent],
) -> Appended {
    let retrying = async {
        loop {
            match store.append(stream, expected, events.to_vec()).await {
                Ok(appended) => return appended,
                Err(AppendError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(10)).await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), retrying).await.unwrap()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let waiting = async {
        while !done() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(30), waiting).await.is_ok(), "{what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_whose_connection_is_cut_is_recorded_once() {
    let server = Server::start().await.unwrap();
    let store = open(&server).await;
    let mut appended_ids = Vec::new();
    for (number, when) in [Cut::Before, Cut::After].into_iter().enumerate() {
        for (of, at) in ["conversation-", "id-"].into_iter().enumerate() {
            for expected in [Expected::NoStream, Expected::Any] {
                let events = vec![event(), event(), event()];
                let target = StreamId::named(format!("conversation-{number}{of}{expected:?}"));
                server.faults.cut_at_append(when, at);
                let appended = store.append(&target, expected, events.clone()).await.unwrap();
                assert_eq!(server.faults.cuts_left(), 0, "the connection was cut");
                assert_eq!((appended.version, appended.repeated), (Version(2), false));
                let there = store.read_stream(&target, Version::FIRST, 10).await.unwrap();
                assert_eq!(appended.position, there.last().unwrap().position);
                appended_ids.extend(events.into_iter().map(|event| event.id));
            }
        }
    }
    let log: Vec<EventId> = everything(&*store, &Filter::all()).await.iter().map(|event| event.id).collect();
    assert_eq!(log, appended_ids);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_server_is_named_and_appends_continue_when_it_is_back() {
    let server = Server::start().await.unwrap();
    let store = open(&server).await;
    let mut appended_ids = Vec::new();
    for round in 0..3 {
        let first = event();
        store.append(&stream(round), Expected::NoStream, vec![first.clone()]).await.unwrap();
        server.stop().await;
        let second = event();
        let refused = store.append(&stream(round), Expected::Exact(Version(0)), vec![second.clone()]).await;
        let Err(AppendError::Unavailable(why)) = refused else { panic!("{refused:?}") };
        let expected = format!("nothing answers at 127.0.0.1:{}", server.port());
        assert!(why.reason.contains(&expected), "{why}");
        assert!(store.check().await.is_err());
        assert!(store.read_all(None, &Filter::all(), 10).await.is_err());
        server.start_again().await.unwrap();
        let appended = append_until_accepted(
            &store,
            &stream(round),
            Expected::Exact(Version(0)),
            std::slice::from_ref(&second),
        )
        .await;
        assert_eq!(appended.version, Version(1));
        store.check().await.unwrap();
        appended_ids.extend([first.id, second.id]);
    }
    let log: Vec<EventId> = everything(&*store, &Filter::all()).await.iter().map(|event| event.id).collect();
    assert_eq!(log, appended_ids);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_stays_unknown_is_resolved_by_the_ids() {
    let server = Arc::new(Server::start().await.unwrap());
    let store = open(&server).await;
    for (number, when) in [Cut::Before, Cut::After].into_iter().enumerate() {
        let events = vec![event(), event()];
        server.faults.cut_at_append(when, "conversation-");
        let gone = {
            let server = Arc::clone(&server);
            tokio::spawn(async move {
                until("the append reaches the server", || server.faults.cuts_left() == 0).await;
                server.stop().await;
            })
        };
        let answer = store.append(&stream(number), Expected::NoStream, events.clone()).await;
        gone.await.unwrap();
        // If the second try was quicker than the stop, the events were recorded and are acknowledged.
        assert!(matches!(answer, Ok(_) | Err(AppendError::Unavailable(_))), "{answer:?}");
        server.start_again().await.unwrap();
        // Another process, which does not know of the first try.
        let other = open(&server).await;
        let appended = append_until_accepted(&other, &stream(number), Expected::NoStream, &events).await;
        assert_eq!(appended.version, Version(1));
        assert_eq!(other.read_stream(&stream(number), Version::FIRST, 10).await.unwrap().len(), 2);
        other.close().await;
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_event_appended_to_many_streams_at_once_is_recorded_once() {
    let server = Server::start().await.unwrap();
    let (one, two) = (open(&server).await, open(&server).await);
    for round in 0..10 {
        let shared = event();
        let callers = (0..8).map(|caller| {
            let store = Arc::clone(if caller % 2 == 0 { &one } else { &two });
            let shared = shared.clone();
            tokio::spawn(async move {
                store.append(&stream(round * 10 + caller), Expected::NoStream, vec![shared]).await
            })
        });
        let answers: Vec<_> =
            join_all(callers).await.into_iter().map(|answer| answer.unwrap().unwrap()).collect();
        assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
        assert!(answers.iter().all(|answer| answer.position == answers[0].position));
    }
    assert_eq!(everything(&*one, &Filter::all()).await.len(), 10);
    one.close().await;
    two.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_claims_of_a_writer_that_ended_can_be_taken_over() {
    let server = Server::start().await.unwrap();
    let clock = Clock::manual(Timestamp::from_secs(1_000_000));
    let store = KurrentStore::open(&server.url(), clock.clone()).await.unwrap();
    let events = vec![event()];
    // At each of the three tries the claim is written and the event is not.
    for _ in 0..3 {
        server.faults.cut_at_append(Cut::Before, "conversation-1");
    }
    let lost = store.append(&stream(1), Expected::NoStream, events.clone()).await;
    assert!(matches!(lost, Err(AppendError::Unavailable(_))), "{lost:?}");
    assert_eq!(server.faults.cuts_left(), 0);
    assert_eq!(store.find(events[0].id).await.unwrap(), None);
    let early = store.append(&stream(2), Expected::NoStream, events.clone()).await;
    assert!(matches!(early, Err(AppendError::Unavailable(_))), "{early:?}");
    clock.advance(Duration::from_secs(60));
    let appended = store.append(&stream(2), Expected::NoStream, events.clone()).await.unwrap();
    assert!(!appended.repeated);
    assert_eq!(store.find(events[0].id).await.unwrap().unwrap().stream, stream(2));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn followers_neither_miss_nor_repeat_while_connections_are_cut() {
    let server = Arc::new(Server::start().await.unwrap());
    let store = open(&server).await;
    let filters = [
        Filter::all(),
        Filter::categories([Category::Agent]),
        Filter { event_types: vec!["Said".to_owned()], ..Filter::all() },
    ];
    let done = Arc::new(AtomicBool::new(false));
    let followers = filters.clone().map(|filter| {
        let store: Arc<dyn EventStore> = Arc::clone(&store) as _;
        let done = Arc::clone(&done);
        tokio::spawn(async move {
            let mut subscription = Subscription::new(Arc::clone(&store), None, filter, 7);
            let mut seen = Vec::new();
            loop {
                let next = tokio::time::timeout(Duration::from_millis(200), subscription.next()).await;
                match next {
                    Ok(Ok(page)) => seen.extend(page.events),
                    Ok(Err(_cut)) => tokio::task::yield_now().await,
                    Err(_) if done.load(Ordering::SeqCst) => return seen,
                    Err(_) => {}
                }
            }
        })
    });
    let cutter = {
        let (server, done) = (Arc::clone(&server), Arc::clone(&done));
        tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                server.faults.cut();
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        })
    };
    for number in 0..100usize {
        let kind = ["conversation", "agent"][number % 2];
        let name = StreamId::named(format!("{kind}-{}", number % 7));
        append_until_accepted(&store, &name, Expected::Any, &[event(), event()]).await;
    }
    done.store(true, Ordering::SeqCst);
    cutter.await.unwrap();
    for (filter, follower) in filters.iter().zip(followers) {
        let truth = everything(&*store, filter).await;
        assert!(truth.len() >= 100);
        assert_eq!(follower.await.unwrap(), truth, "{filter:?}");
    }
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_live_subscription_reconnects() {
    let server = Server::start().await.unwrap();
    let store = open(&server).await;
    until("the subscription begins", || server.faults.subscriptions() == 1).await;
    let waiter = store.waiter();
    for round in 2..5 {
        server.stop().await;
        server.start_again().await.unwrap();
        until("the subscription begins again", || server.faults.subscriptions() >= round).await;
    }
    // An append of another process wakes the readers of this one.
    let other = open(&server).await;
    let mut changed = waiter.changed.clone();
    changed.mark_unchanged();
    other.append(&stream(1), Expected::NoStream, vec![event()]).await.unwrap();
    tokio::time::timeout(Duration::from_secs(30), changed.changed()).await.unwrap().unwrap();
    other.close().await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_that_is_near_the_end_needs_no_subscription_of_its_own() {
    let server = Server::start().await.unwrap();
    let store = open(&server).await;
    until("the subscription begins", || server.faults.subscriptions() == 1).await;
    let agents = Filter::categories([Category::Agent]);
    let mut followed = Subscription::new(Arc::clone(&store) as Arc<dyn EventStore>, None, agents.clone(), 7);
    let mut seen = Vec::new();
    for number in 0..100 {
        let kind = ["conversation", "agent"][number % 2];
        let name = StreamId::named(format!("{kind}-{number}"));
        store.append(&name, Expected::NoStream, vec![event()]).await.unwrap();
        if kind == "agent" {
            while seen.len() <= number / 2 {
                seen.extend(followed.next().await.unwrap().events);
            }
        }
    }
    assert_eq!(server.faults.subscriptions(), 1);
    assert_eq!(seen, everything(&*store, &agents).await);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_search_returns_how_far_it_has_come() {
    let server = Server::start().await.unwrap();
    let store = open(&server).await;
    for number in 0..10 {
        let many = (0..500).map(|_| event()).collect();
        store.append(&stream(number), Expected::NoStream, many).await.unwrap();
    }
    let rare = StreamId::named("agent-1");
    store.append(&rare, Expected::NoStream, vec![event()]).await.unwrap();
    server.faults.set_slow(Some(Duration::from_millis(700)));
    let filter = Filter::categories([Category::Agent]);
    let page = store.read_all(None, &filter, 10).await.unwrap();
    assert!(page.events.is_empty() && !page.at_end && page.through.is_some(), "{page:?}");
    server.faults.set_slow(None);
    let rest = store.read_all(page.through, &filter, 10).await.unwrap();
    assert_eq!((rest.events.len(), rest.at_end), (1, true));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_redirects_to_the_leader() {
    let (leader, follower) = (Server::start().await.unwrap(), Server::start().await.unwrap());
    let theirs = open(&leader).await;
    let store = KurrentStore::open(&follower.url(), Clock::System).await.unwrap();
    follower.faults.set_mode(Mode::FollowerOf { port: leader.port() });
    store.append(&stream(1), Expected::NoStream, vec![event()]).await.unwrap();
    assert_eq!(everything(&*theirs, &Filter::all()).await.len(), 1);
    // With a discovery URL the client finds the leader of the cluster.
    let url = follower.url().replace("esdb://", "kurrentdb+discover://");
    let store = KurrentStore::open(&url, Clock::System).await.unwrap();
    store.append(&stream(2), Expected::NoStream, vec![event()]).await.unwrap();
    assert_eq!(everything(&*theirs, &Filter::all()).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_logs_on_one_server_are_separate() {
    let server = Server::start().await.unwrap();
    let named = |name: &str| format!("{}&log={name}", server.url());
    let desk = KurrentStore::open(&named("desk"), Clock::System).await.unwrap();
    let other = KurrentStore::open(&named("desk2"), Clock::System).await.unwrap();
    let shared = event();
    let first = desk.append(&stream(1), Expected::NoStream, vec![shared.clone()]).await.unwrap();
    assert_eq!(other.end().await.unwrap(), None);
    assert_eq!(other.find(shared.id).await.unwrap(), None);
    let second = other.append(&stream(1), Expected::NoStream, vec![shared]).await.unwrap();
    assert!(!second.repeated && second.position > first.position);
    for store in [desk, other] {
        assert_eq!(everything(&*store, &Filter::all()).await.len(), 1);
        assert_eq!(everything(&*store, &Filter::categories([Category::Conversation])).await.len(), 1);
        let said = Filter { event_types: vec!["Said".to_owned()], ..Filter::all() };
        assert_eq!(everything(&*store, &said).await.len(), 1);
        store.close().await;
    }
}
