//! Folds that are kept between commands, and how they learn what others wrote.

use crate::desk::{ana, desk};
use command_api::write::{Aggregates, Folded};
use domain::conversation::Conversation;
use event_schemas::{ConversationEvent, Event, Recorded};
use event_store::EventStore;
use serde_json::json;
use std::sync::Arc;

fn read(recorded: &Recorded) -> ConversationEvent {
    let Event::Conversation(event) = Event::read(recorded).unwrap() else { panic!("of a conversation") };
    event
}

async fn learn(folds: &Aggregates<Conversation>, from: &Recorded) -> Arc<Folded<Conversation>> {
    let at = from.metadata.occurred_at;
    folds.learn(&from.stream, from.version, &read(from), at).await.unwrap()
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
    learning.load(&stream).await.unwrap();

    desk.post(&ana(), &path, json!({ "content": "One" })).await.is(201);
    let learnt = learn(&learning, &desk.events(&conversation).await[1]).await;
    let told = folds().load(&stream).await.unwrap();
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
