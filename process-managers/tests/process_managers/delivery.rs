//! Outbound delivery against a provider that misbehaves in every way a provider does.

mod desk;

use crate::fake_whatsapp::Behaviour;
use desk::{Desk, eventually, hurried};
use event_store::sqlite::Fault;
use process_managers::Schedule;
use process_managers::delivery::Settings;
use std::time::Duration;

#[tokio::test]
async fn a_message_goes_out_once_and_a_note_never() {
    let desk = Desk::new().await;
    let channel = desk.channel(1).await;
    let conversation = desk.conversation(channel, "251911234567").await;
    let working = desk.open(hurried()).await;
    desk.note(conversation, "She is upset").await;
    let message = desk.say(conversation, "On its way").await;
    eventually("dispatched", || async { !desk.dispatched(conversation).await.is_empty() }).await;
    working.until_empty().await;
    let [taken] = desk.fake.taken().try_into().unwrap();
    assert_eq!((taken.to(), taken.text()), ("251911234567", "On its way"));
    assert_eq!(taken.body["biz_opaque_callback_data"], format!("{conversation}:{message}"));
    let [dispatched] = desk.dispatched(conversation).await.try_into().unwrap();
    assert_eq!((dispatched.message_id, dispatched.provider_message_id), (message, taken.id));
    assert_eq!(desk.fake.how_many_requests(), 1);
    working.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_down_is_tried_until_it_is_up() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave_next([Behaviour::Down(503), Behaviour::Down(500), Behaviour::Down(502)]);
    let working = desk.open(hurried()).await;
    desk.say(conversation, "Hello").await;
    eventually("dispatched", || async { desk.dispatched(conversation).await.len() == 1 }).await;
    assert_eq!((desk.fake.how_many_requests(), desk.fake.how_many_taken()), (4, 1));
    working.stop().await;
}

#[tokio::test]
async fn a_provider_that_stays_down_is_given_up_and_the_next_message_has_its_turn() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave_next(vec![Behaviour::Down(503); 5]);
    let working = desk.open(hurried()).await;
    let lost = desk.say(conversation, "Lost").await;
    let next = desk.say(conversation, "Next").await;
    eventually("dispatched", || async { desk.dispatched(conversation).await.len() == 1 }).await;
    let [failed] = desk.failed(conversation).await.try_into().unwrap();
    assert_eq!((failed.message_id, failed.code.as_str()), (lost, "gave_up"));
    assert_eq!(desk.dispatched(conversation).await[0].message_id, next);
    assert_eq!(desk.fake.how_many_requests(), 6);
    working.stop().await;
}

#[tokio::test]
async fn a_refusal_is_final() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    let refusal = Behaviour::Refuse { status: 400, code: 131026, message: "Undeliverable".into() };
    desk.fake.behave(refusal);
    let working = desk.open(hurried()).await;
    desk.say(conversation, "Hello").await;
    working.until_empty_after(1, &desk).await;
    let [failed] = desk.failed(conversation).await.try_into().unwrap();
    assert_eq!((failed.code.as_str(), failed.reason.as_str()), ("131026", "Undeliverable"));
    assert_eq!(desk.fake.how_many_requests(), 1);
    working.stop().await;
}

#[tokio::test]
async fn who_asks_for_patience_gets_it_for_the_whole_channel() {
    let desk = Desk::new().await;
    let channel = desk.channel(1).await;
    let (first, second) = (desk.conversation(channel, "a").await, desk.conversation(channel, "b").await);
    desk.fake.behave_next([Behaviour::TooMany { retry_after: "1".into() }]);
    let working = desk.open(hurried()).await;
    desk.say(first, "One").await;
    desk.requests_reach(1).await;
    desk.say(second, "Two").await;
    eventually("both dispatched", || async {
        desk.dispatched(first).await.len() + desk.dispatched(second).await.len() == 2
    })
    .await;
    let times: Vec<_> = desk.fake.requests().iter().map(|request| request.at).collect();
    assert_eq!(times.len(), 3);
    assert!(times[1..].iter().all(|time| time.duration_since(times[0]) >= Duration::from_secs(1)));
    working.stop().await;
}

#[tokio::test]
async fn a_restart_does_not_forget_who_asked_for_patience() {
    let desk = Desk::new().await;
    let channel = desk.channel(1).await;
    let (first, second) = (desk.conversation(channel, "a").await, desk.conversation(channel, "b").await);
    desk.fake.behave_next([Behaviour::TooMany { retry_after: "600".into() }]);
    let working = desk.open(hurried()).await;
    desk.say(first, "Later").await;
    desk.requests_reach(1).await;
    working.stop().await;

    let again = desk.open(hurried()).await;
    desk.say(second, "Now").await;
    eventually("dispatched", || async { desk.dispatched(second).await.len() == 1 }).await;
    assert_eq!(desk.fake.how_many_requests(), 2);
    assert!(desk.dispatched(first).await.is_empty() && desk.failed(first).await.is_empty());
    again.stop().await;
}

#[tokio::test]
async fn nonsense_for_an_answer_is_asked_again_after_a_while_and_given_up_in_the_end() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave(Behaviour::Nonsense);
    let working = desk.open(Settings { grace: Duration::from_millis(10), ..hurried() }).await;
    desk.say(conversation, "Hello").await;
    working.until_empty_after(1, &desk).await;
    assert_eq!(desk.failed(conversation).await[0].code, "gave_up");
    assert_eq!(desk.fake.how_many_requests(), 5);
    working.stop().await;
}

#[tokio::test]
async fn a_status_settles_what_a_broken_connection_left_open() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave_next([Behaviour::TakeAndBreakOff]);
    let working = desk.open(Settings { grace: Duration::from_secs(600), ..hurried() }).await;
    let message = desk.say(conversation, "Once").await;
    desk.requests_reach(1).await;
    desk.status_says_dispatched(conversation, message).await;
    working.until_empty().await;
    desk.say(conversation, "Twice").await;
    eventually("both dispatched", || async { desk.dispatched(conversation).await.len() == 2 }).await;
    let texts: Vec<_> = desk.fake.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["Once", "Twice"]);
    working.stop().await;
}

#[tokio::test]
async fn after_a_crash_a_status_keeps_a_message_from_being_sent_twice() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave(Behaviour::TakeAndHold);
    let working = desk.open(hurried()).await;
    let message = desk.say(conversation, "Once").await;
    desk.requests_reach(1).await;
    working.kill().await;

    desk.fake.behave(Behaviour::Accept);
    let again = desk.open(Settings { grace: Duration::from_secs(600), ..hurried() }).await;
    assert_eq!(again.outbox.len().await.unwrap(), 1);
    desk.status_says_dispatched(conversation, message).await;
    again.until_empty().await;
    assert_eq!(desk.fake.how_many_requests(), 1);
    again.stop().await;
}

#[tokio::test]
async fn a_status_that_came_while_nobody_was_delivering_counts_at_once() {
    let desk = Desk::new().await;
    let channel = desk.channel(1).await;
    desk.fake.behave(Behaviour::TakeAndHold);
    let working = desk.open(hurried()).await;
    let mut sent = Vec::new();
    for contact in ["a", "b", "c", "d"] {
        let conversation = desk.conversation(channel, contact).await;
        sent.push((conversation, desk.say(conversation, "Once").await));
    }
    desk.requests_reach(4).await;
    working.kill().await;
    for (conversation, message) in sent {
        desk.status_says_dispatched(conversation, message).await;
    }

    desk.fake.behave(Behaviour::Accept);
    // Without any grace the lanes set off before the log has been followed.
    let again = desk.open(Settings { grace: Duration::ZERO, ..hurried() }).await;
    again.until_empty().await;
    assert_eq!(desk.fake.how_many_requests(), 4);
    again.stop().await;
}

#[tokio::test]
async fn after_a_crash_a_message_nobody_has_heard_of_is_sent_again_when_the_grace_is_over() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave(Behaviour::TakeAndHold);
    let working = desk.open(hurried()).await;
    desk.say(conversation, "Hello").await;
    desk.requests_reach(1).await;
    working.kill().await;

    desk.fake.behave(Behaviour::Accept);
    let again = desk.open(hurried()).await;
    eventually("dispatched", || async { desk.dispatched(conversation).await.len() == 1 }).await;
    assert_eq!(desk.fake.how_many_requests(), 2);
    let requests = desk.fake.requests();
    assert!(requests[1].at.duration_since(requests[0].at) >= Duration::from_millis(100));
    again.until_empty().await;
    again.stop().await;
}

#[tokio::test]
async fn a_conversation_is_told_in_order_whatever_the_provider_does() {
    let desk = Desk::new().await;
    let channel = desk.channel(1).await;
    let (first, second) = (desk.conversation(channel, "a").await, desk.conversation(channel, "b").await);
    let moods = (0..30).map(|turn| match turn % 3 {
        0 => Behaviour::Down(503),
        _ => Behaviour::Accept,
    });
    desk.fake.behave_next(moods);
    // Enough attempts for a message that meets every bad mood.
    let schedule = Schedule { attempts: 20, ..hurried().schedule };
    let working = desk.open(Settings { schedule, ..hurried() }).await;
    let expected: Vec<String> = (0..20).map(|turn| format!("{turn}")).collect();
    for text in &expected {
        desk.say(first, text).await;
        desk.say(second, text).await;
    }
    eventually("all dispatched", || async {
        desk.dispatched(first).await.len() == 20 && desk.dispatched(second).await.len() == 20
    })
    .await;
    for contact in ["a", "b"] {
        let taken = desk.fake.taken();
        let texts: Vec<_> =
            taken.iter().filter(|taken| taken.to() == contact).map(|taken| taken.text()).collect();
        assert_eq!(texts, expected);
    }
    working.stop().await;
}

#[tokio::test]
async fn a_channel_that_does_not_answer_slows_no_other() {
    let desk = Desk::new().await;
    let (stuck, quick) = (desk.channel(1).await, desk.channel(2).await);
    desk.fake.behave_for("1", Behaviour::TakeAndHold);
    let working = desk.open(hurried()).await;
    let mut conversations = Vec::new();
    for contact in 0..20 {
        let conversation = desk.conversation(stuck, &contact.to_string()).await;
        desk.say(conversation, "Hello").await;
        conversations.push(desk.conversation(quick, &contact.to_string()).await);
    }
    eventually("a full lane", || async { desk.fake.held() == 4 }).await;
    for conversation in &conversations {
        desk.say(*conversation, "Hello").await;
    }
    eventually("the quick channel's messages out", || async {
        desk.fake.taken().iter().filter(|taken| taken.phone_number_id == "2").count() == 20
    })
    .await;
    assert_eq!(desk.fake.held(), 4);
    desk.fake.behave_for("1", Behaviour::Accept);
    desk.fake.release();
    working.until_empty().await;
    assert_eq!(desk.fake.how_many_requests(), 40);
    working.stop().await;
}

#[tokio::test]
async fn a_retired_channel_fails_its_messages_and_sends_nothing() {
    let desk = Desk::new().await;
    let channel = desk.channel(1).await;
    let conversation = desk.conversation(channel, "a").await;
    desk.retire(channel).await;
    let working = desk.open(hurried()).await;
    desk.say(conversation, "Hello").await;
    eventually("failed", || async { !desk.failed(conversation).await.is_empty() }).await;
    assert_eq!(desk.failed(conversation).await[0].code, "channel_retired");
    assert!(desk.fake.requests().is_empty());
    working.stop().await;
}

#[tokio::test]
async fn what_the_log_tells_the_end_of_is_never_sent() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    let message = desk.say(conversation, "Long ago").await;
    desk.status_says_dispatched(conversation, message).await;
    desk.say(conversation, "Now").await;
    let working = desk.open(hurried()).await;
    eventually("dispatched", || async { desk.dispatched(conversation).await.len() == 2 }).await;
    let texts: Vec<_> = desk.fake.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["Now"]);
    working.stop().await;
}

#[tokio::test]
async fn what_is_too_old_is_given_up_unsent() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    let yesterday = desk.clock.now() - Duration::from_secs(86_400);
    desk.say_at(conversation, "Last month's answer", yesterday).await;
    let working = desk.open(hurried()).await;
    eventually("given up", || async { !desk.failed(conversation).await.is_empty() }).await;
    assert_eq!(desk.failed(conversation).await[0].code, "gave_up");
    assert!(desk.fake.requests().is_empty());
    working.stop().await;
}

#[tokio::test]
async fn a_full_disk_delays_the_news_and_sends_nothing_twice() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave(Behaviour::TakeAndHold);
    let working = desk.open(hurried()).await;
    desk.say(conversation, "Hello").await;
    desk.requests_reach(1).await;
    desk.store.pretend(Some(Fault::ReadOnly));
    desk.fake.release();
    eventually("the answer is there", || async { desk.fake.held() == 0 }).await;
    assert!(desk.dispatched(conversation).await.is_empty());
    desk.store.pretend(None);
    eventually("dispatched", || async { desk.dispatched(conversation).await.len() == 1 }).await;
    working.until_empty().await;
    assert_eq!(desk.fake.how_many_requests(), 1);
    working.stop().await;
}

#[tokio::test]
async fn stopping_finishes_what_is_under_way_and_begins_nothing() {
    let desk = Desk::new().await;
    let conversation = desk.conversation(desk.channel(1).await, "a").await;
    desk.fake.behave(Behaviour::TakeAndHold);
    let working = desk.open(hurried()).await;
    desk.say(conversation, "Under way").await;
    desk.say(conversation, "Not begun").await;
    desk.requests_reach(1).await;
    working.stop.cancel();
    desk.fake.release();
    working.task.await.unwrap().unwrap();
    assert_eq!(desk.dispatched(conversation).await.len(), 1);
    assert_eq!(desk.fake.how_many_requests(), 1);

    desk.fake.behave(Behaviour::Accept);
    let again = desk.open(hurried()).await;
    eventually("both dispatched", || async { desk.dispatched(conversation).await.len() == 2 }).await;
    assert_eq!(desk.fake.how_many_requests(), 2);
    again.stop().await;
}
