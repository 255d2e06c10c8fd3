//! The stream is kept to what is configured.

use crate::fixture::{Desk, made_by_hand, until};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};
use publication::StreamSettings;
use std::time::Duration;

fn configured() -> StreamSettings {
    StreamSettings {
        max_age: Some(Duration::from_secs(3600)),
        max_bytes: Some(100_000_000),
        duplicate_window: Duration::from_secs(30),
        ..StreamSettings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_is_made_as_configured_and_changed_when_that_changes() {
    let mut desk = Desk::new().await;
    desk.say(3).await;
    let publisher = desk.publish();
    desk.reaches(3).await;
    let made = desk.find_stream().await.cached_info().config.clone();
    assert_eq!(made.storage, StorageType::File);
    assert_eq!(made.subjects, ["verbatim.>"]);
    assert_eq!((made.max_age, made.duplicate_window), (Duration::ZERO, Duration::from_secs(120)));
    publisher.stop().await;

    desk.stream = configured();
    let _publisher = desk.publish();
    until("the stream is as configured", || async {
        let config = desk.find_stream().await.cached_info().config.clone();
        config.max_age == Duration::from_secs(3600)
            && config.max_bytes == 100_000_000
            && config.duplicate_window == Duration::from_secs(30)
    })
    .await;
    desk.say(3).await;
    desk.all_is_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_changed_is_changed_back_and_the_rest_is_left() {
    let mut desk = Desk::new().await;
    desk.stream = configured();
    let theirs = Config {
        description: Some("the desk's".to_owned()),
        discard: DiscardPolicy::New,
        max_messages: 2,
        allow_direct: true,
        ..made_by_hand("VERBATIM")
    };
    desk.context().await.create_stream(theirs).await.unwrap();
    desk.say(10).await;
    let _publisher = desk.publish();
    desk.all_is_told().await;
    let config = desk.find_stream().await.cached_info().config.clone();
    assert_eq!((config.discard, config.max_messages), (DiscardPolicy::Old, -1));
    assert_eq!((config.description.as_deref(), config.allow_direct), (Some("the desk's"), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_changed_is_said_and_nothing_is_written() {
    let desk = Desk::new().await;
    let context = desk.context().await;
    desk.say(10).await;
    let memory = Config { storage: StorageType::Memory, ..made_by_hand("VERBATIM") };
    let queue = Config { retention: RetentionPolicy::WorkQueue, ..made_by_hand("VERBATIM") };
    for (theirs, word) in [(memory, "in memory"), (queue, "drops what its consumers have read")] {
        context.create_stream(theirs).await.unwrap();
        let publisher = desk.publish();
        let said = publisher.complains().await;
        assert!(said.contains("VERBATIM") && said.contains(word), "{said}");
        assert_eq!(desk.last_sequence().await, 0);
        // It goes on by itself once the way is clear.
        context.delete_stream("VERBATIM").await.unwrap();
        desk.all_is_told().await;
        publisher.stop().await;
        context.delete_stream("VERBATIM").await.unwrap();
    }
    context.create_stream(made_by_hand("OTHER")).await.unwrap();
    let said = desk.publish().complains().await;
    assert!(said.contains("VERBATIM cannot be made") && said.contains("overlap"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_one_server_cannot_keep_are_said() {
    let mut desk = Desk::new().await;
    desk.stream.replicas = 3;
    let said = desk.publish().complains().await;
    assert!(said.contains("VERBATIM cannot be made") && said.contains("replicas"), "{said}");
}
