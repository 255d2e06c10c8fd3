//! Replies that are sent later: so that they can be taken back, or at a time that their sender has chosen.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Person, Program, conversation_of, has_delivery_state};
use event_schemas::{Clock, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::Duration;

fn in_seconds(seconds: u64) -> Timestamp {
    Clock::System.now() + Duration::from_secs(seconds)
}

async fn until(moment: Timestamp) {
    tokio::time::sleep(moment.since(Clock::System.now())).await;
}

/// Schedules a reply, and returns its path in the list of scheduled messages.
async fn schedule(person: &Person, conversation: &str, text: &str, send_at: Timestamp) -> String {
    let body = json!({ "content": text, "send_at": send_at });
    let scheduled = person.post(&format!("{conversation}/messages"), body).await;
    assert_eq!(scheduled["scheduled"]["reason"], "send_later", "{scheduled}");
    assert!(scheduled["delivery"].is_null(), "{scheduled}");
    format!("{conversation}/scheduled-messages/{}", scheduled["id"].as_str().unwrap())
}

async fn until_held(person: &Person, message: &str, because: &str) -> Value {
    let held = person.get_until(message, |message| message["state"] == "held").await;
    assert_eq!(held["held_because"], because, "{held}");
    held
}

fn is_empty(list: &Value) -> bool {
    list["data"].as_array().is_some_and(Vec::is_empty)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_can_be_taken_back_until_it_is_sent() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let conversation = format!("/v1/conversations/{}", conversation_of(&ana, "1").await);
    let messages = format!("{conversation}/messages");
    let list = format!("{conversation}/scheduled-messages");

    assert_eq!(ana.get("/v1/account-settings").await["undo_send_seconds"], 0);
    let (refused, _) = ana.send(Method::PATCH, "/v1/account-settings", json!({})).await;
    assert_eq!(refused, StatusCode::FORBIDDEN);
    let too_long = json!({ "undo_send_seconds": 61 });
    let (refused, problem) = account.admin.send(Method::PATCH, "/v1/account-settings", too_long).await;
    assert_eq!((refused, &problem["field"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("undo_send_seconds")));
    account.admin.patch("/v1/account-settings", json!({ "undo_send_seconds": 60 })).await;

    let scheduled = ana.post(&messages, json!({ "content": "Oops" })).await;
    assert_eq!(scheduled["scheduled"]["reason"], "undo_send");
    assert_eq!(scheduled["scheduled"]["if_written"], "send");
    let shown = ben.get_until(&list, |list| list["data"][0]["id"] == scheduled["id"]).await;
    assert_eq!(
        (&shown["data"][0]["content"], &shown["data"][0]["sender_name"]),
        (&json!("Oops"), &json!("Ana"))
    );
    let path = format!("{list}/{}", scheduled["id"].as_str().unwrap());
    let stranger = program.account();
    let stranger = stranger.person("administrator", "Eva");
    for (method, path) in [(Method::GET, &path), (Method::DELETE, &path), (Method::GET, &list)] {
        assert_eq!(stranger.send(method, path, json!({})).await.0, StatusCode::NOT_FOUND);
    }
    ana.send_ok(Method::DELETE, &path, json!({})).await;
    ben.get_until(&list, is_empty).await;
    assert_eq!(ana.send(Method::DELETE, &path, json!({})).await.0, StatusCode::NOT_FOUND);

    account.admin.patch("/v1/account-settings", json!({ "undo_send_seconds": 1 })).await;
    let scheduled = ana.post(&messages, json!({ "content": "Good morning" })).await;
    let sent = ana.get_until(&messages, |messages| has_delivery_state(messages, "dispatched")).await;
    let sent = sent["data"].as_array().unwrap().last().unwrap();
    assert_eq!((&sent["id"], &sent["sender_name"]), (&scheduled["id"], &json!("Ana")));
    let path = format!("{list}/{}", scheduled["id"].as_str().unwrap());
    let (late, problem) = ana.send(Method::DELETE, &path, json!({})).await;
    assert_eq!((late, &problem["type"]), (StatusCode::CONFLICT, &json!("/problems/already-sent")));
    assert!(is_empty(&ana.get(&list).await));
    let texts: Vec<_> = provider.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["Good morning"]);

    // Programs take nothing back, and what is no reply is not sent later.
    let robot = account.person("service", "Robot");
    assert!(robot.post(&messages, json!({ "content": "Hi" })).await["scheduled"].is_null());
    let at = in_seconds(3600);
    for (who, body) in [
        (&robot, json!({ "content": "Hi", "send_at": at })),
        (&ana, json!({ "content": "Hm", "is_private": true, "send_at": at })),
        (&ana, json!({ "content": "Hi", "send_at": in_seconds(0) })),
    ] {
        let (refused, problem) = who.send(Method::POST, &messages, body).await;
        assert_eq!(
            (refused, &problem["field"]),
            (StatusCode::UNPROCESSABLE_ENTITY, &json!("send_at")),
            "{problem}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduled_message_is_sent_once_also_when_the_program_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let conversation = format!("/v1/conversations/{}", conversation_of(&ana, "1").await);
    let messages = format!("{conversation}/messages");
    let send_at = in_seconds(2);
    // The same request again is one message.
    let body = json!({ "content": "Your bag is here.", "send_at": send_at });
    for _ in 0..2 {
        let request = ana.request(Method::POST, &messages).header("Idempotency-Key", "later").json(&body);
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let location = answer.headers()["Location"].to_str().unwrap().to_owned();
        assert!(location.starts_with(&format!("{conversation}/scheduled-messages/")), "{location}");
    }
    program.kill().await;
    until(send_at).await;
    for _ in 0..2 {
        program.restart().await;
        ana.get_until(&messages, |messages| has_delivery_state(messages, "dispatched")).await;
        // What is sent afterwards has come: nothing else was sent before.
        let count = provider.how_many_taken();
        ana.post(&messages, json!({ "content": "Anything else?" })).await;
        while provider.how_many_taken() == count {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        program.kill().await;
    }
    let texts: Vec<_> = provider.taken().iter().map(|taken| taken.text().to_owned()).collect();
    assert_eq!(texts, ["Your bag is here.", "Anything else?", "Anything else?"]);
    program.restart().await;
    let history = ana.get(&format!("{conversation}/events?limit=200")).await;
    let events = history["data"].as_array().unwrap();
    let named = |name: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["type"].as_str().unwrap().contains(name)).collect()
    };
    let (scheduled, sent) = (named("MessageScheduled"), named("MessageSent"));
    assert_eq!((scheduled.len(), sent.len()), (1, 3));
    assert_eq!(sent[0]["actorname"], "Ana");
    assert_eq!(sent[0]["causationid"], scheduled[0]["id"]);
    assert!(sent[0]["time"].as_str().unwrap().parse::<Timestamp>().unwrap() >= send_at);
}

/// The process managers run only while a message is to be sent or held, so that what happens meanwhile is not a matter
/// of speed.
#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_cannot_or_should_not_be_sent_is_held_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let commands = Program::start("command-api", &data, &[]).await;
    let _projections = Program::start("projections", &data, &[]).await;
    let queries = Program::start("query-api", &data, &[]).await;
    let provider = FakeWhatsApp::start().await;
    let account = commands.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let (ana, ben) = (account.person("agent", "Ana"), account.person("agent", "Ben"));
    let (ana_reads, ben_reads) = (ana.at(&queries), ben.at(&queries));
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let conversation = format!("/v1/conversations/{}", conversation_of(&ana_reads, "1").await);
    let messages = format!("{conversation}/messages");
    let sent = |message: &str| message.replace("scheduled-messages", "messages");

    // The customer wrote meanwhile.
    let message = schedule(&ana, &conversation, "Are you there?", in_seconds(1)).await;
    whatsapp.customer_writes("1", "wamid.2", "I am here").await;
    let mut managers = Program::start("process-managers", &data, &[]).await;
    until_held(&ben_reads, &message, "written_since").await;
    let own = ana_reads.get("/v1/scheduled-messages").await;
    assert_eq!(own["data"][0]["state"], "held", "{own}");
    assert!(is_empty(&ben_reads.get("/v1/scheduled-messages").await));
    let send = format!("{message}/send");
    assert_eq!(ben.send(Method::POST, &send, json!({})).await.0, StatusCode::FORBIDDEN);
    ana.post(&send, json!({})).await;
    ana_reads.get_until(&messages, |messages| has_delivery_state(messages, "dispatched")).await;
    ana.post(&send, json!({})).await;
    assert_eq!(provider.how_many_taken(), 1, "sent once");
    managers.kill().await;

    // The customer wrote meanwhile, and the message is sent in any case.
    let body = json!({ "content": "It is ready", "send_at": in_seconds(1), "if_written": "send" });
    let ready = ana.post(&messages, body).await;
    whatsapp.customer_writes("1", "wamid.3", "Hello?").await;
    managers.restart().await;
    let ready = format!("{messages}/{}", ready["id"].as_str().unwrap());
    ana_reads.get_until(&ready, |message| message["delivery"]["state"] == "dispatched").await;
    managers.kill().await;

    // The channel was switched off meanwhile; then it is on again, and the message has a new time.
    let message = schedule(&ana, &conversation, "Good news", in_seconds(1)).await;
    let channel = format!("/v1/channels/{}", whatsapp.id);
    account.admin.patch(&channel, json!({ "is_enabled": false })).await;
    managers.restart().await;
    until_held(&ana_reads, &message, "channel_off").await;
    let (refused, problem) = ana.send(Method::POST, &format!("{message}/send"), json!({})).await;
    let kind = json!("/problems/channel-off");
    assert_eq!((refused, &problem["type"]), (StatusCode::UNPROCESSABLE_ENTITY, &kind));
    account.admin.patch(&channel, json!({ "is_enabled": true })).await;
    ana.patch(&message, json!({ "send_at": in_seconds(1) })).await;
    ana_reads.get_until(&sent(&message), |sent| sent["delivery"]["state"] == "dispatched").await;

    // The conversation is closed long before the time.
    let message = schedule(&ana, &conversation, "Tomorrow", in_seconds(3600)).await;
    ana.send_ok(Method::DELETE, &conversation, json!({})).await;
    until_held(&ana_reads, &message, "closed").await;
    ben.send_ok(Method::DELETE, &message, json!({})).await;
    ana_reads.get_until("/v1/scheduled-messages", is_empty).await;
    assert_eq!(provider.how_many_taken(), 3);
}
