//! The published messages.

use crate::fixture::{Fixture, PUBLIC_URL, conversation, message, messages, until};
use event_schemas::AccountId;
use event_store::Expected;
use serde_json::Value;
use test_engines::Nats;

#[tokio::test(flavor = "multi_thread")]
async fn every_event_is_published_in_the_order_of_the_log() {
    let fixture = Fixture::new().await;
    fixture.append_messages(1_300).await;
    let _publisher = fixture.publish();
    fixture.assert_all_published().await;
    fixture.append_messages(50).await;
    fixture.assert_all_published().await;
    let first = &messages(&fixture.find_stream().await).await[0];
    let log = fixture.log().await;
    assert_eq!(
        first.subject.as_str(),
        format!("verbatim.{}.conversation.MessageReceived", AccountId::from_u128(1))
    );
    assert_eq!(first.headers.get("Verbatim-Position").unwrap().as_str(), log[0].position.to_string());
    let document: Value = serde_json::from_slice(&first.payload).unwrap();
    assert_eq!(document["dataschema"], format!("{PUBLIC_URL}/schemas/MessageReceived.v1.json"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_is_too_large_is_published_with_its_address() {
    let fixture = Fixture::with(Nats::configured("max_payload: 8192").await).await;
    fixture.append_messages(3).await;
    let large = "x".repeat(20_000);
    let event = message(AccountId::from_u128(1), &large);
    let id = event.id;
    fixture.store.append(&conversation(1), Expected::Any, vec![event]).await.unwrap();
    fixture.append_messages(3).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(7).await;
    let messages = messages(&fixture.find_stream().await).await;
    let document: Value = serde_json::from_slice(&messages[3].payload).unwrap();
    assert_eq!(document["id"], id.to_string());
    assert_eq!(document.get("data"), None);
    assert_eq!(document["dataref"], format!("{PUBLIC_URL}/v1/events/{id}"));
    assert_eq!(messages.len(), 7);
    assert_eq!(publisher.health.error(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_reports_its_position_and_can_be_stopped_and_started_again() {
    let fixture = Fixture::new().await;
    fixture.append_messages(20).await;
    let publisher = fixture.publish();
    let end = fixture.store.end().await.unwrap();
    until("everything is published", || async { publisher.publication.published() == end }).await;
    let again = publisher.publication.clone();
    publisher.stop().await;
    fixture.append_messages(20).await;
    let stop = tokio_util::sync::CancellationToken::new();
    let (running, stopping) = (again.clone(), stop.clone());
    let task = tokio::spawn(async move { running.run(stopping).await });
    fixture.assert_all_published().await;
    stop.cancel();
    task.await.unwrap();
}
