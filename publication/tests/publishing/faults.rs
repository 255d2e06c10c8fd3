//! Publishers and servers that die, stand still, or are two.

use crate::fixture::{DESK, Desk, Publisher, assert_equal, messages, say};
use crate::relay::Relay;
use publication::{Settings, StreamSettings};
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(1);

async fn with_a_short_memory() -> Desk {
    let mut desk = Desk::new().await;
    desk.stream = StreamSettings { duplicate_window: WINDOW, ..StreamSettings::default() };
    desk
}

/// Nobody remembers by now what was published.
async fn forgotten(since: Instant) {
    tokio::time::sleep_until((since + WINDOW + WINDOW / 2).into()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_gone_for_longer_than_it_remembers_loses_nothing_and_doubles_nothing() {
    let desk = with_a_short_memory().await;
    desk.say(400).await;
    let publisher = desk.publish();
    // In the middle of it.
    desk.reaches(1).await;
    desk.nats.kill();
    let gone = Instant::now();
    desk.say(300).await;
    assert!(publisher.complains().await.contains("NATS"));
    drop(publisher);
    let publisher = desk.publish();
    desk.say(100).await;
    forgotten(gone).await;
    desk.nats.resume().await;
    desk.all_is_told().await;
    publisher.is_well().await;
    // And when there is nothing to do while it is away.
    desk.nats.stop();
    assert!(publisher.complains().await.contains("NATS"));
    desk.nats.resume().await;
    publisher.is_well().await;
    desk.say(10).await;
    desk.all_is_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_cut_off_at_any_moment_is_continued_exactly() {
    let desk = with_a_short_memory().await;
    let writer = {
        let store = desk.store.clone();
        tokio::spawn(async move { say(&store, 6_000).await })
    };
    let mut chance = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..50 {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let publisher = desk.publish();
        tokio::time::sleep(Duration::from_millis(chance % 60)).await;
        drop(publisher);
    }
    writer.await.unwrap();
    let _publisher = desk.publish();
    desk.all_is_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_killed_at_any_moment_is_continued_exactly() {
    let desk = with_a_short_memory().await;
    let writer = {
        let store = desk.store.clone();
        tokio::spawn(async move { say(&store, 3_000).await })
    };
    let _publisher = desk.publish();
    for number in 0..10_u64 {
        desk.reaches(1 + number * 50).await;
        desk.nats.kill();
        desk.nats.resume().await;
    }
    writer.await.unwrap();
    desk.all_is_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_publishers_at_once_publish_what_one_does() {
    let desk = with_a_short_memory().await;
    let _publishers: Vec<Publisher> = (0..2).map(|_| desk.publish()).collect();
    let began = Instant::now();
    // For longer than the server remembers what it has.
    while began.elapsed() < WINDOW * 4 {
        desk.say(100).await;
    }
    desk.all_is_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_publisher_of_the_past_still_had_to_say_is_refused() {
    let desk = with_a_short_memory().await;
    desk.say(10).await;
    let mut relay = Relay::before(desk.nats.port()).await;
    let url = format!("nats://127.0.0.1:{}", relay.port);
    let old = desk.publish_with(Settings::new(&url, desk.stream.clone(), DESK).unwrap());
    relay.connect().await;
    desk.reaches(10).await;
    relay.hold();
    desk.say(100).await;
    relay.holds(100 * 500).await;
    drop(old);
    let _new = desk.publish();
    desk.reaches(110).await;
    forgotten(Instant::now()).await;
    relay.release().await;
    desk.say(10).await;
    desk.all_is_told().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nats_standing_still_is_waited_for() {
    let desk = with_a_short_memory().await;
    desk.say(100).await;
    let publisher = desk.publish();
    desk.reaches(100).await;
    let frozen = desk.nats.freeze();
    desk.say(2_000).await;
    publisher.complains().await;
    drop(frozen);
    desk.all_is_told().await;
    publisher.is_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nats_forgets_it_is_told_again() {
    let desk = with_a_short_memory().await;
    desk.say(100).await;
    let _publisher = desk.publish();
    desk.reaches(100).await;
    // A copy of its files from before, as after a power cut or from a backup.
    desk.nats.stop();
    let (files, copy) = (desk.nats.folder().join("jetstream"), desk.nats.folder().join("copy"));
    let copied = std::process::Command::new("cp").args(["-a"]).args([&files, &copy]).status().unwrap();
    assert!(copied.success());
    desk.nats.resume().await;
    desk.say(100).await;
    desk.reaches(200).await;
    desk.nats.stop();
    std::fs::remove_dir_all(&files).unwrap();
    std::fs::rename(&copy, &files).unwrap();
    desk.nats.resume().await;
    desk.reaches(200).await;
    assert_equal(&desk.log().await, &messages(&desk.find_stream().await).await);
}
