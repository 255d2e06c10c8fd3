//! For any appends of two openers in any order, the KurrentDB engine answers as a plain list does.

use event_schemas::{AccountId, Actor, Clock, EventId, Metadata, NewEvent, StreamId, Timestamp, Version};
use event_store::conformance::model::{Model, Outcome};
use event_store::{EventStore, Expected, Filter, KurrentStore};
use proptest::prelude::*;
use test_kurrentdb::Server;

#[derive(Clone, Debug)]
struct Append {
    other_opener: bool,
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
    let ids = prop::collection::vec(0..40u128, 1..4);
    (any::<bool>(), 0..4u128, expected, ids).prop_map(|(other_opener, stream, expected, ids)| Append {
        other_opener,
        stream,
        expected,
        ids,
    })
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

fn stream(number: u128) -> StreamId {
    StreamId::named(format!("conversation-{number}"))
}

async fn run(appends: Vec<Append>) {
    let server = Server::start().await.unwrap();
    let store = KurrentStore::open(&server.url(), Clock::System).await.unwrap();
    let other = KurrentStore::open(&server.url(), Clock::System).await.unwrap();
    let mut model = Model::default();
    for append in appends {
        let ids: Vec<_> = append.ids.iter().map(|id| EventId::from_u128(*id)).collect();
        let events = append.ids.iter().map(|id| event(*id)).collect();
        let opener = if append.other_opener { &other } else { &store };
        let answer = Outcome::of(opener.append(&stream(append.stream), append.expected, events).await);
        assert_eq!(answer, model.append(append.stream, append.expected, &ids), "{append:?}");
    }
    let page = store.read_all(None, &Filter::all(), 4_000).await.unwrap();
    let log: Vec<_> = page.events.iter().map(|event| (event.stream.clone(), event.id)).collect();
    let wanted: Vec<_> = model.log.iter().map(|(number, id)| (stream(*number), *id)).collect();
    assert_eq!(log, wanted);
    store.close().await;
    other.close().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 25, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_run_of_appends_answers_as_a_plain_list_would(appends in prop::collection::vec(append(), 1..40)) {
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
            .block_on(run(appends));
    }
}
