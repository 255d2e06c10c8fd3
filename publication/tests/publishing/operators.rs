//! Changes that operators make to the stream.

use crate::fixture::{Fixture, assert_equal, messages};
use event_schemas::{Clock, NewEvent};
use event_store::{EventStore, Expected, SqliteStore};
use publication::{PublicationError, StreamSettings};
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_stream_continues_with_the_next_event() {
    let fixture = Fixture::new().await;
    fixture.append_messages(30).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    publisher.stop().await;
    fixture.find_stream().await.purge().await.unwrap();
    fixture.append_messages(5).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(35).await;
    assert_equal(&fixture.log().await[30..], &messages(&fixture.find_stream().await).await);
    // And again while it publishes.
    fixture.find_stream().await.purge().await.unwrap();
    fixture.append_messages(5).await;
    fixture.wait_for_sequence(40).await;
    assert_equal(&fixture.log().await[35..], &messages(&fixture.find_stream().await).await);
    assert_eq!(publisher.health.error(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn expired_messages_are_not_published_again() {
    let mut fixture = Fixture::new().await;
    fixture.stream = StreamSettings { max_age: Some(Duration::from_secs(1)), ..StreamSettings::default() };
    fixture.append_messages(30).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    publisher.stop().await;
    crate::fixture::until("the messages are gone", || async {
        fixture.find_stream().await.cached_info().state.messages == 0
    })
    .await;
    fixture.stream.max_age = None;
    fixture.append_messages(5).await;
    let _publisher = fixture.publish();
    fixture.wait_for_sequence(35).await;
    assert_equal(&fixture.log().await[30..], &messages(&fixture.find_stream().await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_is_not_published_again() {
    let fixture = Fixture::new().await;
    fixture.append_messages(30).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    publisher.stop().await;
    let stream = fixture.find_stream().await;
    for sequence in [30, 29, 12] {
        stream.delete_message(sequence).await.unwrap();
    }
    fixture.append_messages(5).await;
    let _publisher = fixture.publish();
    fixture.wait_for_sequence(35).await;
    let mut log = fixture.log().await;
    for index in [29, 28, 11] {
        log.remove(index);
    }
    assert_equal(&log, &messages(&fixture.find_stream().await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_stream_is_created_again_and_filled_from_the_beginning() {
    let fixture = Fixture::new().await;
    fixture.append_messages(30).await;
    let _publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    fixture.context().await.delete_stream("VERBATIM").await.unwrap();
    fixture.append_messages(5).await;
    fixture.wait_for_sequence(35).await;
    fixture.assert_all_published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_another_publisher_are_skipped() {
    let fixture = Fixture::new().await;
    fixture.append_messages(30).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    let context = fixture.context().await;
    for _ in 0..3 {
        context.publish("verbatim.intruder", "boo".into()).await.unwrap().await.unwrap();
    }
    fixture.append_messages(30).await;
    fixture.wait_for_sequence(63).await;
    publisher.wait_until_recovered().await;
    let mut messages = messages(&fixture.find_stream().await).await;
    messages.retain(|message| message.subject.as_str() != "verbatim.intruder");
    assert_equal(&fixture.log().await, &messages);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_another_log_is_not_changed() {
    let fixture = Fixture::new().await;
    fixture.append_messages(30).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    publisher.stop().await;
    let other = Fixture::with(test_engines::Nats::start().await).await;
    other.append_messages(40).await;
    let other_publisher = other.publish_with(fixture.settings());
    let error = other_publisher.wait_for_error().await;
    assert!(error.contains("VERBATIM was not published from this log"), "{error}");
    other_publisher.stop().await;
    // The same error is reported when the stream has no message of its own log.
    fixture.find_stream().await.purge().await.unwrap();
    let shorter = Fixture::with(test_engines::Nats::start().await).await;
    shorter.append_messages(10).await;
    let error = shorter.publish_with(fixture.settings()).wait_for_error().await;
    assert!(error.contains("fewer events"), "{error}");
    assert_eq!(fixture.last_sequence().await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_moved_to_another_engine_continues_its_stream() {
    let mut fixture = Fixture::new().await;
    fixture.append_messages(30).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    publisher.stop().await;
    // The events have other positions in the other log.
    let folder = tempfile::tempdir().unwrap();
    let moved: Arc<dyn EventStore> =
        SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
    let log = fixture.log().await;
    moved.import(log.clone()).await.unwrap();
    fixture.store = moved;
    fixture.append_messages(30).await;
    let _publisher = fixture.publish();
    fixture.wait_for_sequence(60).await;
    let messages = messages(&fixture.find_stream().await).await;
    assert_equal(&log, &messages[..30]);
    assert_equal(&fixture.log().await[30..], &messages[30..]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_restored_continues_its_stream_after_the_lost_events() {
    let mut fixture = Fixture::new().await;
    fixture.append_messages(20).await;
    let log = fixture.log().await;
    fixture.append_messages(10).await;
    let lost = fixture.log().await.split_off(20);
    let publisher = fixture.publish();
    fixture.wait_for_sequence(30).await;
    publisher.stop().await;
    let folder = tempfile::tempdir().unwrap();
    let restored: Arc<dyn EventStore> =
        SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
    restored.import(log.clone()).await.unwrap();
    fixture.store = restored;
    let publisher = fixture.publish();
    let error = publisher.wait_for_error().await;
    assert!(error.contains("messages 21 to 30 are of events that the log does not have"), "{error}");
    assert!(matches!(publisher.publication.compare().await, Err(PublicationError::OlderLog { .. })));
    publisher.publication.accept_lost_messages().await.unwrap();
    publisher.publication.compare().await.unwrap();
    publisher.wait_until_recovered().await;
    // The first event that was lost happens again, with its id, as alarms do.
    let again = &lost[0];
    let event = NewEvent {
        id: again.id,
        event_type: again.event_type.clone(),
        schema_version: again.schema_version,
        metadata: again.metadata.clone(),
        data: again.data.clone(),
    };
    fixture.append_messages(2).await;
    fixture.store.append(&again.stream, Expected::Any, vec![event]).await.unwrap();
    fixture.append_messages(12).await;
    fixture.wait_for_sequence(45).await;
    publisher.stop().await;
    let messages = messages(&fixture.find_stream().await).await;
    assert_equal(&log, &messages[..20]);
    assert_equal(&fixture.log().await[20..], &messages[30..]);
    // The numbers are right although no message is left.
    fixture.find_stream().await.purge().await.unwrap();
    fixture.append_messages(5).await;
    let _publisher = fixture.publish();
    fixture.wait_for_sequence(50).await;
    let messages = self::messages(&fixture.find_stream().await).await;
    assert_equal(&fixture.log().await[35..], &messages);
}
