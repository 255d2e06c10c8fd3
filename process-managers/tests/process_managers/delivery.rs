//! Outbound delivery to a provider with many kinds of faults.

mod fixture;

use crate::fake_whatsapp::Behaviour;
use event_store::sqlite::Fault;
use fixture::{Fixture, eventually, fast_settings};
use process_managers::Schedule;
use process_managers::delivery::Settings;
use std::time::Duration;

#[tokio::test]
async fn a_message_is_sent_once_and_a_note_never() {
    let fixture = Fixture::new().await;
    let channel = fixture.channel(1).await;
    let conversation = fixture.conversation(channel, "251911234567").await;
    let delivery = fixture.open(fast_settings()).await;
    fixture.note(conversation, "She is upset").await;
    let message = fixture.say(conversation, "On its way").await;
    eventually("dispatched", || async { !fixture.dispatched(conversation).await.is_empty() }).await;
    delivery.until_empty().await;
    let [taken] = fixture.fake.taken().try_into().unwrap();
    assert_eq!((taken.to(), taken.text()), ("251911234567", "On its way"));
    assert_eq!(taken.body["biz_opaque_callback_data"], format!("{conversation}:{message}"));
    let [dispatched] = fixture.dispatched(conversation).await.try_into().unwrap();
    assert_eq!((dispatched.message_id, dispatched.provider_message_id), (message, taken.id));
    assert_eq!(fixture.fake.how_many_requests(), 1);
    delivery.stop().await;
}

#[tokio::test]
async fn an_unavailable_provider_is_tried_until_it_is_available() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave_next([Behaviour::Down(503), Behaviour::Down(500), Behaviour::Down(502)]);
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(conversation, "Hello").await;
    eventually("dispatched", || async { fixture.dispatched(conversation).await.len() == 1 }).await;
    assert_eq!((fixture.fake.how_many_requests(), fixture.fake.how_many_taken()), (4, 1));
    delivery.stop().await;
}

#[tokio::test]
async fn a_message_to_an_unavailable_provider_is_given_up_and_the_next_is_sent() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave_next(vec![Behaviour::Down(503); 5]);
    let delivery = fixture.open(fast_settings()).await;
    let lost = fixture.say(conversation, "Lost").await;
    let next = fixture.say(conversation, "Next").await;
    eventually("dispatched", || async { fixture.dispatched(conversation).await.len() == 1 }).await;
    let [failed] = fixture.failed(conversation).await.try_into().unwrap();
    assert_eq!((failed.message_id, failed.code.as_str()), (lost, "gave_up"));
    assert_eq!(fixture.dispatched(conversation).await[0].message_id, next);
    assert_eq!(fixture.fake.how_many_requests(), 6);
    delivery.stop().await;
}

#[tokio::test]
async fn a_rejection_is_final() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    let refusal = Behaviour::Refuse { status: 400, code: 131026, message: "Undeliverable".into() };
    fixture.fake.behave(refusal);
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(conversation, "Hello").await;
    delivery.until_empty_after(1, &fixture).await;
    let [failed] = fixture.failed(conversation).await.try_into().unwrap();
    assert_eq!((failed.code.as_str(), failed.reason.as_str()), ("131026", "Undeliverable"));
    assert_eq!(fixture.fake.how_many_requests(), 1);
    delivery.stop().await;
}

#[tokio::test]
async fn a_rate_limit_pauses_the_whole_channel() {
    let fixture = Fixture::new().await;
    let channel = fixture.channel(1).await;
    let (first, second) =
        (fixture.conversation(channel, "a").await, fixture.conversation(channel, "b").await);
    fixture.fake.behave_next([Behaviour::TooMany { retry_after: "1".into() }]);
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(first, "One").await;
    fixture.requests_reach(1).await;
    fixture.say(second, "Two").await;
    eventually("both dispatched", || async {
        fixture.dispatched(first).await.len() + fixture.dispatched(second).await.len() == 2
    })
    .await;
    let times: Vec<_> = fixture.fake.requests().iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 3);
    assert!(times[1..].iter().all(|time| time.duration_since(times[0]) >= Duration::from_secs(1)));
    delivery.stop().await;
}

#[tokio::test]
async fn a_restart_keeps_the_wait_of_a_message_that_was_rate_limited() {
    let fixture = Fixture::new().await;
    let channel = fixture.channel(1).await;
    let (first, second) =
        (fixture.conversation(channel, "a").await, fixture.conversation(channel, "b").await);
    fixture.fake.behave_next([Behaviour::TooMany { retry_after: "600".into() }]);
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(first, "Later").await;
    fixture.requests_reach(1).await;
    delivery.stop().await;

    let again = fixture.open(fast_settings()).await;
    fixture.say(second, "Now").await;
    eventually("dispatched", || async { fixture.dispatched(second).await.len() == 1 }).await;
    assert_eq!(fixture.fake.how_many_requests(), 2);
    assert!(fixture.dispatched(first).await.is_empty() && fixture.failed(first).await.is_empty());
    again.stop().await;
}

#[tokio::test]
async fn a_message_with_an_unreadable_response_is_retried_and_given_up_at_last() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave(Behaviour::Nonsense);
    let delivery = fixture.open(Settings { grace: Duration::from_millis(10), ..fast_settings() }).await;
    fixture.say(conversation, "Hello").await;
    delivery.until_empty_after(1, &fixture).await;
    assert_eq!(fixture.failed(conversation).await[0].code, "gave_up");
    assert_eq!(fixture.fake.how_many_requests(), 5);
    delivery.stop().await;
}

#[tokio::test]
async fn a_status_ends_a_delivery_whose_connection_was_lost() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave_next([Behaviour::TakeAndBreakOff]);
    let delivery = fixture.open(Settings { grace: Duration::from_secs(600), ..fast_settings() }).await;
    let message = fixture.say(conversation, "Once").await;
    fixture.requests_reach(1).await;
    fixture.status_says_dispatched(conversation, message).await;
    delivery.until_empty().await;
    fixture.say(conversation, "Twice").await;
    eventually("both dispatched", || async { fixture.dispatched(conversation).await.len() == 2 }).await;
    let texts: Vec<_> = fixture.fake.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["Once", "Twice"]);
    delivery.stop().await;
}

#[tokio::test]
async fn after_a_crash_a_status_keeps_a_message_from_being_sent_twice() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave(Behaviour::TakeAndHold);
    let delivery = fixture.open(fast_settings()).await;
    let message = fixture.say(conversation, "Once").await;
    fixture.requests_reach(1).await;
    delivery.kill().await;

    fixture.fake.behave(Behaviour::Accept);
    let again = fixture.open(Settings { grace: Duration::from_secs(600), ..fast_settings() }).await;
    assert_eq!(again.outbox.len().await.unwrap(), 1);
    fixture.status_says_dispatched(conversation, message).await;
    again.until_empty().await;
    assert_eq!(fixture.fake.how_many_requests(), 1);
    again.stop().await;
}

#[tokio::test]
async fn a_status_that_arrived_while_the_delivery_was_stopped_counts_at_once() {
    let fixture = Fixture::new().await;
    let channel = fixture.channel(1).await;
    fixture.fake.behave(Behaviour::TakeAndHold);
    let delivery = fixture.open(fast_settings()).await;
    let mut sent = Vec::new();
    for contact in ["a", "b", "c", "d"] {
        let conversation = fixture.conversation(channel, contact).await;
        sent.push((conversation, fixture.say(conversation, "Once").await));
    }
    fixture.requests_reach(4).await;
    delivery.kill().await;
    for (conversation, message) in sent {
        fixture.status_says_dispatched(conversation, message).await;
    }

    fixture.fake.behave(Behaviour::Accept);
    // Without a grace period the workers start before the log has been read.
    let again = fixture.open(Settings { grace: Duration::ZERO, ..fast_settings() }).await;
    again.until_empty().await;
    assert_eq!(fixture.fake.how_many_requests(), 4);
    again.stop().await;
}

#[tokio::test]
async fn after_a_crash_a_message_without_a_status_is_sent_again_after_the_grace_period() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave(Behaviour::TakeAndHold);
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(conversation, "Hello").await;
    fixture.requests_reach(1).await;
    delivery.kill().await;

    fixture.fake.behave(Behaviour::Accept);
    let again = fixture.open(fast_settings()).await;
    eventually("dispatched", || async { fixture.dispatched(conversation).await.len() == 1 }).await;
    assert_eq!(fixture.fake.how_many_requests(), 2);
    let requests = fixture.fake.requests();
    assert!(requests[1].at.duration_since(requests[0].at) >= Duration::from_millis(100));
    again.until_empty().await;
    again.stop().await;
}

#[tokio::test]
async fn the_messages_of_a_conversation_are_sent_in_order_despite_faults() {
    let fixture = Fixture::new().await;
    let channel = fixture.channel(1).await;
    let (first, second) =
        (fixture.conversation(channel, "a").await, fixture.conversation(channel, "b").await);
    let moods = (0..30).map(|turn| match turn % 3 {
        0 => Behaviour::Down(503),
        _ => Behaviour::Accept,
    });
    fixture.fake.behave_next(moods);
    // Enough attempts for a message that meets every fault.
    let schedule = Schedule { attempts: 20, ..fast_settings().schedule };
    let delivery = fixture.open(Settings { schedule, ..fast_settings() }).await;
    let expected: Vec<String> = (0..20).map(|turn| format!("{turn}")).collect();
    for text in &expected {
        fixture.say(first, text).await;
        fixture.say(second, text).await;
    }
    eventually("all dispatched", || async {
        fixture.dispatched(first).await.len() == 20 && fixture.dispatched(second).await.len() == 20
    })
    .await;
    for contact in ["a", "b"] {
        let taken = fixture.fake.taken();
        let texts: Vec<_> =
            taken.iter().filter(|taken| taken.to() == contact).map(|taken| taken.text()).collect();
        assert_eq!(texts, expected);
    }
    delivery.stop().await;
}

#[tokio::test]
async fn a_channel_that_does_not_respond_delays_no_other() {
    let fixture = Fixture::new().await;
    let (stuck, quick) = (fixture.channel(1).await, fixture.channel(2).await);
    fixture.fake.behave_for("1", Behaviour::TakeAndHold);
    let delivery = fixture.open(fast_settings()).await;
    let mut conversations = Vec::new();
    for contact in 0..20 {
        let conversation = fixture.conversation(stuck, &contact.to_string()).await;
        fixture.say(conversation, "Hello").await;
        conversations.push(fixture.conversation(quick, &contact.to_string()).await);
    }
    eventually("the slow channel has its maximum of requests", || async { fixture.fake.held() == 4 }).await;
    for conversation in &conversations {
        fixture.say(*conversation, "Hello").await;
    }
    eventually("the messages of the other channel are sent", || async {
        fixture.fake.taken().iter().filter(|taken| taken.phone_number_id == "2").count() == 20
    })
    .await;
    assert_eq!(fixture.fake.held(), 4);
    fixture.fake.behave_for("1", Behaviour::Accept);
    fixture.fake.release();
    delivery.until_empty().await;
    assert_eq!(fixture.fake.how_many_requests(), 40);
    delivery.stop().await;
}

#[tokio::test]
async fn a_retired_channel_fails_its_messages_and_sends_nothing() {
    let fixture = Fixture::new().await;
    let channel = fixture.channel(1).await;
    let conversation = fixture.conversation(channel, "a").await;
    fixture.retire(channel).await;
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(conversation, "Hello").await;
    eventually("failed", || async { !fixture.failed(conversation).await.is_empty() }).await;
    assert_eq!(fixture.failed(conversation).await[0].code, "channel_retired");
    assert!(fixture.fake.requests().is_empty());
    delivery.stop().await;
}

#[tokio::test]
async fn a_message_whose_result_is_in_the_log_is_never_sent() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    let message = fixture.say(conversation, "Long ago").await;
    fixture.status_says_dispatched(conversation, message).await;
    fixture.say(conversation, "Now").await;
    let delivery = fixture.open(fast_settings()).await;
    eventually("dispatched", || async { fixture.dispatched(conversation).await.len() == 2 }).await;
    let texts: Vec<_> = fixture.fake.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["Now"]);
    delivery.stop().await;
}

#[tokio::test]
async fn a_message_that_is_too_old_is_not_sent() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    let yesterday = fixture.clock.now() - Duration::from_secs(86_400);
    fixture.say_at(conversation, "Last month's answer", yesterday).await;
    let delivery = fixture.open(fast_settings()).await;
    eventually("given up", || async { !fixture.failed(conversation).await.is_empty() }).await;
    assert_eq!(fixture.failed(conversation).await[0].code, "gave_up");
    assert!(fixture.fake.requests().is_empty());
    delivery.stop().await;
}

#[tokio::test]
async fn a_full_disk_delays_the_result_and_no_message_is_sent_twice() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave(Behaviour::TakeAndHold);
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(conversation, "Hello").await;
    fixture.requests_reach(1).await;
    fixture.store.pretend(Some(Fault::ReadOnly));
    fixture.fake.release();
    eventually("the response has arrived", || async { fixture.fake.held() == 0 }).await;
    assert!(fixture.dispatched(conversation).await.is_empty());
    fixture.store.pretend(None);
    eventually("dispatched", || async { fixture.dispatched(conversation).await.len() == 1 }).await;
    delivery.until_empty().await;
    assert_eq!(fixture.fake.how_many_requests(), 1);
    delivery.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_the_attempts_in_progress_and_starts_no_other() {
    let fixture = Fixture::new().await;
    let conversation = fixture.conversation(fixture.channel(1).await, "a").await;
    fixture.fake.behave(Behaviour::TakeAndHold);
    let delivery = fixture.open(fast_settings()).await;
    fixture.say(conversation, "Under way").await;
    fixture.say(conversation, "Not begun").await;
    fixture.requests_reach(1).await;
    delivery.stop.cancel();
    fixture.fake.release();
    delivery.task.await.unwrap().unwrap();
    assert_eq!(fixture.dispatched(conversation).await.len(), 1);
    assert_eq!(fixture.fake.how_many_requests(), 1);

    fixture.fake.behave(Behaviour::Accept);
    let again = fixture.open(fast_settings()).await;
    eventually("both dispatched", || async { fixture.dispatched(conversation).await.len() == 2 }).await;
    assert_eq!(fixture.fake.how_many_requests(), 2);
    again.stop().await;
}
