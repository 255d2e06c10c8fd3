//! Cached states of aggregates, and how they get the events of other processes.

use crate::service::{ACME, Service, adam, ana, start};
use commands::execute::{Aggregates, Versioned};
use domain::conversation::Conversation;
use event_schemas::catalogue::Team;
use event_schemas::{ConversationEvent, Event, Recorded};
use event_store::EventStore;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn read(recorded: &Recorded) -> ConversationEvent {
    let Event::Conversation(event) = Event::read(recorded).unwrap() else {
        panic!("not an event of a conversation")
    };
    event
}

async fn load_at_least(
    aggregates: &Aggregates<Conversation>,
    from: &Recorded,
) -> Arc<Versioned<Conversation>> {
    let at = from.metadata.occurred_at;
    aggregates.at_least(&from.stream, from.version, &read(from), at).await.unwrap()
}

#[tokio::test]
async fn a_state_that_is_updated_by_one_event_is_the_state_of_the_whole_stream() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/messages");
    let store: Arc<dyn EventStore> = Arc::clone(&service.store) as _;
    let aggregates = || Aggregates::<Conversation>::new(Arc::clone(&store), service.clock.clone(), 8);
    let stream = service.events(&conversation).await[0].stream.clone();
    let second = aggregates();
    second.current(&stream).await.unwrap();

    service.post(&ana(), &path, json!({ "content": "One" })).await.is(201);
    let updated = load_at_least(&second, &service.events(&conversation).await[1]).await;
    let loaded = aggregates().current(&stream).await.unwrap();
    assert_eq!(format!("{updated:?}"), format!("{loaded:?}"));

    for words in ["Two", "Three", "Four"] {
        service.post(&ana(), &path, json!({ "content": words })).await.is(201);
    }
    let events = service.events(&conversation).await;
    let all = events.last().map(|last| last.version);
    assert_eq!(
        load_at_least(&second, &events[3]).await.version,
        all,
        "what is missing before it is asked for"
    );
    assert_eq!(load_at_least(&second, &events[2]).await.version, all, "what is known is not forgotten");
    assert_eq!(
        load_at_least(&aggregates(), &events[2]).await.version,
        all,
        "a stranger's history is asked for whole"
    );
}

#[tokio::test]
async fn a_recent_state_has_the_events_of_this_process_at_once_and_of_others_soon() {
    let service = start().await;
    let other = service.second();
    let seen = async |service: &Service| {
        service.commands.catalogue::<Team>(ACME).recent().await.unwrap().version.map(|v| v.0)
    };
    assert_eq!((seen(&service).await, seen(&other).await), (None, None));
    for teams in 0..2 {
        let team = json!({ "name": format!("Team {teams}") });
        service.post(&adam(), "/v1/teams", team).await.is(201);
        assert_eq!(seen(&service).await, Some(teams));
    }
    // The second may be over already, depending on the machine.
    assert!(matches!(seen(&other).await, None | Some(1)));
    let deadline = Instant::now() + Duration::from_secs(20);
    while seen(&other).await != Some(1) {
        assert!(Instant::now() < deadline, "still not seen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_item_that_is_missing_in_a_recent_state_is_read_from_the_log() {
    let service = start().await;
    let other = service.second();
    let teams = || other.commands.catalogue::<Team>(ACME);
    teams().recent().await.unwrap();
    let team = service.post(&adam(), "/v1/teams", json!({ "name": "Returns" })).await.is(201);
    let id = team["id"].as_str().unwrap().parse().unwrap();
    let found = teams().find_recent(|teams| teams.get(id).cloned()).await.unwrap();
    assert_eq!(found.map(|team| team.name), Some("Returns".to_owned()));
}
