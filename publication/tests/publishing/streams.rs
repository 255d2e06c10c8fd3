//! The stream is updated to its configuration.

use crate::fixture::{Fixture, manual_config, until};
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
async fn the_stream_follows_its_configuration() {
    let mut fixture = Fixture::new().await;
    fixture.append_messages(3).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(3).await;
    let made = fixture.find_stream().await.cached_info().config.clone();
    assert_eq!(made.storage, StorageType::File);
    assert_eq!(made.subjects, ["verbatim.>"]);
    assert_eq!((made.max_age, made.duplicate_window), (Duration::ZERO, Duration::from_secs(120)));
    publisher.stop().await;

    fixture.stream = configured();
    let _publisher = fixture.publish();
    until("the stream is as configured", || async {
        let config = fixture.find_stream().await.cached_info().config.clone();
        config.max_age == Duration::from_secs(3600)
            && config.max_bytes == 100_000_000
            && config.duplicate_window == Duration::from_secs(30)
    })
    .await;
    fixture.append_messages(3).await;
    fixture.assert_all_published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_an_operator_to_configured_settings_are_reverted() {
    let mut fixture = Fixture::new().await;
    fixture.stream = configured();
    let theirs = Config {
        description: Some("the desk's".to_owned()),
        discard: DiscardPolicy::New,
        max_messages: 2,
        allow_direct: true,
        ..manual_config("VERBATIM")
    };
    fixture.context().await.create_stream(theirs).await.unwrap();
    fixture.append_messages(10).await;
    let _publisher = fixture.publish();
    fixture.assert_all_published().await;
    let config = fixture.find_stream().await.cached_info().config.clone();
    assert_eq!((config.discard, config.max_messages), (DiscardPolicy::Old, -1));
    assert_eq!((config.description.as_deref(), config.allow_direct), (Some("the desk's"), true));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_that_cannot_be_changed_is_reported_and_no_event_is_published() {
    let fixture = Fixture::new().await;
    let context = fixture.context().await;
    fixture.append_messages(10).await;
    let memory = Config { storage: StorageType::Memory, ..manual_config("VERBATIM") };
    let queue = Config { retention: RetentionPolicy::WorkQueue, ..manual_config("VERBATIM") };
    for (theirs, word) in [(memory, "in memory"), (queue, "drops messages that its consumers have read")] {
        context.create_stream(theirs).await.unwrap();
        let publisher = fixture.publish();
        let error = publisher.wait_for_error().await;
        assert!(error.contains("VERBATIM") && error.contains(word), "{error}");
        assert_eq!(fixture.last_sequence().await, 0);
        // Publishing starts by itself once the stream can be created.
        context.delete_stream("VERBATIM").await.unwrap();
        fixture.assert_all_published().await;
        publisher.stop().await;
        context.delete_stream("VERBATIM").await.unwrap();
    }
    context.create_stream(manual_config("OTHER")).await.unwrap();
    let error = fixture.publish().wait_for_error().await;
    assert!(error.contains("VERBATIM cannot be created") && error.contains("overlap"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replicas_that_one_server_cannot_keep_are_reported() {
    let mut fixture = Fixture::new().await;
    fixture.stream.replicas = 3;
    let error = fixture.publish().wait_for_error().await;
    assert!(error.contains("VERBATIM cannot be created") && error.contains("replicas"), "{error}");
}
