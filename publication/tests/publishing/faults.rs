//! Publishers and servers that are killed or suspended, and two publishers at once.

use crate::fixture::{Fixture, PUBLIC_URL, Publisher, append_messages, assert_equal, messages};
use crate::relay::Relay;
use publication::{Settings, StreamSettings};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

async fn with_a_short_window() -> Fixture {
    let mut fixture = Fixture::new().await;
    fixture.stream = StreamSettings { duplicate_window: WINDOW, ..StreamSettings::default() };
    fixture
}

/// Waits until the server's duplicate window is over.
async fn wait_past_window(since: Instant) {
    tokio::time::sleep_until((since + WINDOW + WINDOW / 2).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_nats_longer_than_its_duplicate_window_loses_and_repeats_no_event() {
    let fixture = with_a_short_window().await;
    fixture.append_messages(400).await;
    let publisher = fixture.publish();
    // NATS is killed while it publishes.
    fixture.wait_for_sequence(1).await;
    fixture.nats.kill();
    let killed_at = Instant::now();
    fixture.append_messages(300).await;
    assert!(publisher.wait_for_error().await.contains("NATS"));
    drop(publisher);
    let publisher = fixture.publish();
    fixture.append_messages(100).await;
    wait_past_window(killed_at).await;
    fixture.nats.resume().await;
    fixture.assert_all_published().await;
    publisher.wait_until_recovered().await;
    // NATS is also stopped while there is no event to publish.
    fixture.nats.stop();
    assert!(publisher.wait_for_error().await.contains("NATS"));
    fixture.nats.resume().await;
    publisher.wait_until_recovered().await;
    fixture.append_messages(10).await;
    fixture.assert_all_published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_continues_exactly_after_an_abort_at_any_moment() {
    let fixture = with_a_short_window().await;
    let writer = {
        let store = fixture.store.clone();
        tokio::spawn(async move { append_messages(&store, 6_000).await })
    };
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..50 {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let publisher = fixture.publish();
        tokio::time::sleep(Duration::from_millis(chance % 60)).await;
        drop(publisher);
    }
    writer.await.unwrap();
    let _publisher = fixture.publish();
    fixture.assert_all_published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn publishing_continues_exactly_after_nats_is_killed_at_any_moment() {
    let fixture = with_a_short_window().await;
    let writer = {
        let store = fixture.store.clone();
        tokio::spawn(async move { append_messages(&store, 3_000).await })
    };
    let _publisher = fixture.publish();
    for number in 0..10_u64 {
        fixture.wait_for_sequence(1 + number * 50).await;
        fixture.nats.kill();
        fixture.nats.resume().await;
    }
    writer.await.unwrap();
    fixture.assert_all_published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_publishers_at_once_publish_each_event_once() {
    let fixture = with_a_short_window().await;
    let _publishers: Vec<Publisher> = (0..2).map(|_| fixture.publish()).collect();
    let began = Instant::now();
    // For longer than the server's duplicate window.
    while began.elapsed() < WINDOW * 4 {
        fixture.append_messages(100).await;
    }
    fixture.assert_all_published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delayed_messages_of_an_old_publisher_are_refused() {
    let fixture = with_a_short_window().await;
    fixture.append_messages(10).await;
    let mut relay = Relay::before(fixture.nats.port()).await;
    let url = format!("nats://127.0.0.1:{}", relay.port);
    let old = fixture.publish_with(Settings::new(&url, fixture.stream.clone(), PUBLIC_URL).unwrap());
    relay.connect().await;
    fixture.wait_for_sequence(10).await;
    relay.hold();
    fixture.append_messages(100).await;
    relay.holds(100 * 500).await;
    drop(old);
    let _new = fixture.publish();
    fixture.wait_for_sequence(110).await;
    wait_past_window(Instant::now()).await;
    relay.release().await;
    fixture.append_messages(10).await;
    fixture.assert_all_published().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_nats_is_waited_for() {
    let fixture = with_a_short_window().await;
    fixture.append_messages(100).await;
    let publisher = fixture.publish();
    fixture.wait_for_sequence(100).await;
    let frozen = fixture.nats.freeze();
    fixture.append_messages(2_000).await;
    publisher.wait_for_error().await;
    drop(frozen);
    fixture.assert_all_published().await;
    publisher.wait_until_recovered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_nats_has_lost_are_published_again() {
    let fixture = with_a_short_window().await;
    fixture.append_messages(100).await;
    let _publisher = fixture.publish();
    fixture.wait_for_sequence(100).await;
    // A copy of NATS's files, to be restored later as after a power cut or from a backup.
    fixture.nats.stop();
    let (files, copy) = (fixture.nats.folder().join("jetstream"), fixture.nats.folder().join("copy"));
    let copied = std::process::Command::new("cp").args(["-a"]).args([&files, &copy]).status().unwrap();
    assert!(copied.success());
    fixture.nats.resume().await;
    fixture.append_messages(100).await;
    fixture.wait_for_sequence(200).await;
    fixture.nats.stop();
    std::fs::remove_dir_all(&files).unwrap();
    std::fs::rename(&copy, &files).unwrap();
    fixture.nats.resume().await;
    fixture.wait_for_sequence(200).await;
    assert_equal(&fixture.log().await, &messages(&fixture.find_stream().await).await);
}
