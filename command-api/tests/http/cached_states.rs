//! Folds that are kept between commands, and how they learn what others wrote.

use crate::desk::{ACME, Desk, adam, ana, desk};
use commands::execute::{Aggregates, Versioned};
use domain::conversation::Conversation;
use event_schemas::catalogue::Team;
use event_schemas::{ConversationEvent, Event, Recorded};
use event_store::EventStore;
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn read(recorded: &Recorded) -> ConversationEvent {
    let Event::Conversation(event) = Event::read(recorded).unwrap() else { panic!("of a conversation") };
    event
}

async fn learn(folds: &Aggregates<Conversation>, from: &Recorded) -> Arc<Versioned<Conversation>> {
    let at = from.metadata.occurred_at;
    folds.at_least(&from.stream, from.version, &read(from), at).await.unwrap()
}

#[tokio::test]
async fn a_fold_that_learns_from_an_event_is_the_fold_that_the_log_gives() {
    let desk = desk().await;
    let conversation = desk.conversation().await;
    let path = format!("{conversation}/messages");
    let store: Arc<dyn EventStore> = Arc::clone(&desk.store) as _;
    let folds = || Aggregates::<Conversation>::new(Arc::clone(&store), desk.clock.clone(), 8);
    let stream = desk.events(&conversation).await[0].stream.clone();
    let learning = folds();
    learning.current(&stream).await.unwrap();

    desk.post(&ana(), &path, json!({ "content": "One" })).await.is(201);
    let learnt = learn(&learning, &desk.events(&conversation).await[1]).await;
    let told = folds().current(&stream).await.unwrap();
    assert_eq!(format!("{learnt:?}"), format!("{told:?}"));

    for words in ["Two", "Three", "Four"] {
        desk.post(&ana(), &path, json!({ "content": words })).await.is(201);
    }
    let events = desk.events(&conversation).await;
    let all = events.last().map(|last| last.version);
    assert_eq!(learn(&learning, &events[3]).await.version, all, "what is missing before it is asked for");
    assert_eq!(learn(&learning, &events[2]).await.version, all, "what is known is not forgotten");
    assert_eq!(learn(&folds(), &events[2]).await.version, all, "a stranger's history is asked for whole");
}

#[tokio::test]
async fn a_glance_sees_at_once_what_this_process_writes_and_soon_what_others_write() {
    let desk = desk().await;
    let other = desk.beside();
    let seen = async |desk: &Desk| {
        desk.commands.catalogue::<Team>(ACME).recent().await.unwrap().version.map(|v| v.0)
    };
    assert_eq!((seen(&desk).await, seen(&other).await), (None, None));
    for teams in 0..2 {
        let team = json!({ "name": format!("Team {teams}") });
        desk.post(&adam(), "/v1/teams", team).await.is(201);
        assert_eq!(seen(&desk).await, Some(teams));
    }
    // Whether the second is over already is the machine's affair.
    assert!(matches!(seen(&other).await, None | Some(1)));
    let deadline = Instant::now() + Duration::from_secs(20);
    while seen(&other).await != Some(1) {
        assert!(Instant::now() < deadline, "still not seen");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn what_a_glance_does_not_find_is_looked_for_in_the_log() {
    let desk = desk().await;
    let other = desk.beside();
    let teams = || other.commands.catalogue::<Team>(ACME);
    teams().recent().await.unwrap();
    let team = desk.post(&adam(), "/v1/teams", json!({ "name": "Returns" })).await.is(201);
    let id = team["id"].as_str().unwrap().parse().unwrap();
    let found = teams().find_recent(|teams| teams.get(id).cloned()).await.unwrap();
    assert_eq!(found.map(|team| team.name), Some("Returns".to_owned()));
}
