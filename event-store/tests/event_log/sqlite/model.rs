//! For any mix of groups of appends, the SQLite engine answers as a plain list does.

use event_schemas::{
    AccountId, Actor, Category, Clock, EventId, Metadata, NewEvent, Position, StreamId, Timestamp, Version,
};
use event_store::conformance::model::{Model, Outcome};
use event_store::{EventStore, Expected, Filter, SqliteStore};
use futures::future::join_all;
use proptest::prelude::*;
use std::path::Path;

#[derive(Clone, Debug)]
struct Append {
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
    (0..4u128, expected, prop::collection::vec(0..60u128, 1..4)).prop_map(|(stream, expected, ids)| Append {
        stream,
        expected,
        ids,
    })
}

/// A step of a case: a group of appends at once, or one append through another opener.
#[derive(Clone, Debug)]
enum Step {
    Group(Vec<Append>),
    OtherOpener(Append),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(append(), 1..8).prop_map(Step::Group),
        1 => append().prop_map(Step::OtherOpener),
    ]
}

fn event(id: u128) -> NewEvent {
    NewEvent {
        id: EventId::from_u128(id),
        event_type: "Said".into(),
        schema_version: 1,
        metadata: Metadata {
            account_id: AccountId::from_u128(1),
            actor: Actor::system("model"),
            correlation_id: uuid::Uuid::nil(),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: Timestamp::from_secs(0),
        },
        data: "{}".to_owned(),
    }
}

async fn append_to(store: &SqliteStore, append: &Append) -> Outcome {
    let events = append.ids.iter().map(|id| event(*id)).collect();
    Outcome::of(store.append(&stream(append.stream), append.expected, events).await)
}

fn stream(number: u128) -> StreamId {
    StreamId::named(format!("conversation-{number}"))
}

fn expected(model: &mut Model, append: &Append) -> Outcome {
    let ids: Vec<_> = append.ids.iter().map(|id| EventId::from_u128(*id)).collect();
    model.append(append.stream, append.expected, &ids)
}

async fn run(steps: Vec<Step>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.db");
    let store = SqliteStore::open(&path, Clock::System).await.unwrap();
    let other = SqliteStore::open(&path, Clock::System).await.unwrap();
    let mut model = Model::default();
    for step in steps {
        match step {
            // On one thread callers reach the queue in the order in which they are polled.
            Step::Group(appends) => {
                let answers = join_all(appends.iter().map(|append| append_to(&store, append))).await;
                for (append, answer) in appends.iter().zip(answers) {
                    assert_eq!(answer, expected(&mut model, append), "{append:?}");
                }
            }
            Step::OtherOpener(append) => {
                assert_eq!(append_to(&other, &append).await, expected(&mut model, &append), "{append:?}");
            }
        }
    }
    let page = store.read_all(None, &Filter::all(), 10_000).await.unwrap();
    let log: Vec<_> = page.events.iter().map(|event| (event.stream.clone(), event.id)).collect();
    let wanted: Vec<_> = model.log.iter().map(|(number, id)| (stream(*number), *id)).collect();
    assert_eq!(log, wanted);
    assert_memory_equals_file(&store, &path).await;
    store.close().await;
    other.close().await;
}

/// The store that wrote has its newest events in memory; a store that has just opened the file has none.
async fn assert_memory_equals_file(store: &SqliteStore, path: &Path) {
    let fresh = SqliteStore::open(path, Clock::System).await.unwrap();
    let end = fresh.end().await.unwrap().map_or(0, |position| position.commit());
    let filters = [
        Filter::all(),
        Filter::account(AccountId::from_u128(1)),
        Filter::account(AccountId::from_u128(2)),
        Filter::categories([Category::Conversation]),
        Filter::categories([Category::Agent]),
        Filter { event_types: vec!["Said".to_owned()], ..Filter::default() },
    ];
    for after in (0..=end).map(|position| (position > 0).then(|| Position::at(position))) {
        for (filter, limit) in filters.iter().flat_map(|filter| [(filter, 2), (filter, 1_000)]) {
            let (mut through, mut recent) = (after, Vec::new());
            while through.map_or(0, |position| position.commit()) < end {
                let page = store.read_recent(through, filter, limit).await.unwrap();
                recent.extend(page.events);
                through = page.through;
            }
            let file = fresh.read_all(after, filter, 10_000).await.unwrap();
            assert!(recent == file.events, "after {after:?}, {filter:?}, {limit} at a time");
        }
    }
    fresh.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_mix_of_groups_answers_as_a_plain_list_would(steps in prop::collection::vec(step(), 1..12)) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(run(steps));
    }
}
