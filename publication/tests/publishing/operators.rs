//! What people do to the stream.

use crate::fixture::{Desk, assert_equal, messages};
use event_schemas::Clock;
use event_store::{EventStore, SqliteStore};
use publication::StreamSettings;
use std::sync::Arc;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_purged_stream_goes_on_with_what_comes_next() {
    let desk = Desk::new().await;
    desk.say(30).await;
    let publisher = desk.publish();
    desk.reaches(30).await;
    publisher.stop().await;
    desk.find_stream().await.purge().await.unwrap();
    desk.say(5).await;
    let publisher = desk.publish();
    desk.reaches(35).await;
    assert_equal(&desk.log().await[30..], &messages(&desk.find_stream().await).await);
    // And while it publishes.
    desk.find_stream().await.purge().await.unwrap();
    desk.say(5).await;
    desk.reaches(40).await;
    assert_equal(&desk.log().await[35..], &messages(&desk.find_stream().await).await);
    assert_eq!(publisher.health.trouble(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_has_outlived_its_time_is_not_told_again() {
    let mut desk = Desk::new().await;
    desk.stream = StreamSettings { max_age: Some(Duration::from_secs(1)), ..StreamSettings::default() };
    desk.say(30).await;
    let publisher = desk.publish();
    desk.reaches(30).await;
    publisher.stop().await;
    crate::fixture::until("the messages are gone", || async {
        desk.find_stream().await.cached_info().state.messages == 0
    })
    .await;
    desk.stream.max_age = None;
    desk.say(5).await;
    let _publisher = desk.publish();
    desk.reaches(35).await;
    assert_equal(&desk.log().await[30..], &messages(&desk.find_stream().await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_message_is_not_told_again() {
    let desk = Desk::new().await;
    desk.say(30).await;
    let publisher = desk.publish();
    desk.reaches(30).await;
    publisher.stop().await;
    let stream = desk.find_stream().await;
    for sequence in [30, 29, 12] {
        stream.delete_message(sequence).await.unwrap();
    }
    desk.say(5).await;
    let _publisher = desk.publish();
    desk.reaches(35).await;
    let mut log = desk.log().await;
    for index in [29, 28, 11] {
        log.remove(index);
    }
    assert_equal(&log, &messages(&desk.find_stream().await).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_stream_is_made_anew_and_filled_from_the_beginning() {
    let desk = Desk::new().await;
    desk.say(30).await;
    let _publisher = desk.publish();
    desk.reaches(30).await;
    desk.context().await.delete_stream("VERBATIM").await.unwrap();
    desk.say(5).await;
    desk.reaches(35).await;
    desk.all_is_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_publishes_is_passed_over() {
    let desk = Desk::new().await;
    desk.say(30).await;
    let publisher = desk.publish();
    desk.reaches(30).await;
    let context = desk.context().await;
    for _ in 0..3 {
        context.publish("verbatim.intruder", "boo".into()).await.unwrap().await.unwrap();
    }
    desk.say(30).await;
    desk.reaches(63).await;
    publisher.is_well().await;
    let mut messages = messages(&desk.find_stream().await).await;
    messages.retain(|message| message.subject.as_str() != "verbatim.intruder");
    assert_equal(&desk.log().await, &messages);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_another_log_is_left_alone() {
    let desk = Desk::new().await;
    desk.say(30).await;
    let publisher = desk.publish();
    desk.reaches(30).await;
    publisher.stop().await;
    let other = Desk::with(test_engines::Nats::start().await).await;
    other.say(40).await;
    let stranger = other.publish_with(desk.settings());
    let said = stranger.complains().await;
    assert!(said.contains("VERBATIM was not published from this log"), "{said}");
    stranger.stop().await;
    // Nor when there is nothing to recognise it by.
    desk.find_stream().await.purge().await.unwrap();
    let shorter = Desk::with(test_engines::Nats::start().await).await;
    shorter.say(10).await;
    let said = shorter.publish_with(desk.settings()).complains().await;
    assert!(said.contains("fewer events"), "{said}");
    assert_eq!(desk.last_sequence().await, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_moved_to_another_engine_goes_on_where_it_was() {
    let mut desk = Desk::new().await;
    desk.say(30).await;
    let publisher = desk.publish();
    desk.reaches(30).await;
    publisher.stop().await;
    // Its positions are others there.
    let folder = tempfile::tempdir().unwrap();
    let moved: Arc<dyn EventStore> =
        SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
    let log = desk.log().await;
    moved.import(log.clone()).await.unwrap();
    desk.store = moved;
    desk.say(30).await;
    let _publisher = desk.publish();
    desk.reaches(60).await;
    let messages = messages(&desk.find_stream().await).await;
    assert_equal(&log, &messages[..30]);
    assert_equal(&desk.log().await[30..], &messages[30..]);
}
