//! Faults of the provider's API: outgoing messages wait, nothing else slows down, and every message is
//! finally delivered or failed.

use crate::fake_whatsapp::{Behaviour, FakeWhatsApp};
use crate::program::{Program, conversation_of};
use serde_json::{Value, json};

fn all_in(word: &'static str, count: usize) -> impl Fn(&Value) -> bool {
    move |answer| {
        answer["data"]
            .as_array()
            .is_some_and(|rows| rows.iter().filter(|row| row["delivery"]["state"] == word).count() == count)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_message_is_delivered_after_errors_and_rate_limits_of_the_provider() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(
        &folder.path().join("data"),
        &["--delivery-backoff-ms", "20", "--delivery-attempts", "20", "--delivery-grace", "1"],
    )
    .await;
    let account = program.account();
    let provider = FakeWhatsApp::start().await;
    provider.behave(Behaviour::Down(503));
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let path = format!("/v1/conversations/{id}/messages");
    for number in 0..5 {
        ana.post(&path, json!({ "content": format!("Answer {number}") })).await;
    }
    // While the provider is down, the inbox works.
    whatsapp.customer_writes("2", "wamid.2", "Me too").await;
    conversation_of(&ana, "2").await;
    provider.behave_next([
        Behaviour::Down(500),
        Behaviour::TooMany { retry_after: "0".to_owned() },
        Behaviour::Down(502),
    ]);
    provider.behave(Behaviour::Accept);
    ana.get_until(&path, all_in("dispatched", 5)).await;
    let texts: Vec<_> = provider.taken().iter().map(|taken| taken.text().to_owned()).collect();
    let expected: Vec<_> = (0..5).map(|number| format!("Answer {number}")).collect();
    assert_eq!(texts, expected, "each once, in order");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permanently_refused_message_fails_with_the_providers_reason() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let provider = FakeWhatsApp::start().await;
    provider.behave(Behaviour::Refuse { status: 400, code: 131_026, message: "Undeliverable".to_owned() });
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let path = format!("/v1/conversations/{id}/messages");
    ana.post(&path, json!({ "content": "Hi" })).await;
    let failed = ana.get_until(&path, all_in("failed", 1)).await;
    assert!(failed.to_string().contains("131026"), "{failed:#}");
    assert_eq!(provider.requests().len(), 1, "a permanent refusal is not retried");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_fails_when_the_provider_stays_down() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(
        &folder.path().join("data"),
        &["--delivery-backoff-ms", "10", "--delivery-attempts", "3"],
    )
    .await;
    let account = program.account();
    let provider = FakeWhatsApp::start().await;
    provider.behave(Behaviour::Down(500));
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let path = format!("/v1/conversations/{id}/messages");
    ana.post(&path, json!({ "content": "Hi" })).await;
    let failed = ana.get_until(&path, all_in("failed", 1)).await;
    assert!(failed.to_string().contains("gave_up"), "{failed:#}");
    assert_eq!(provider.requests().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_failed_did_not_answer_the_customer() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let targets = json!({ "first_response_seconds": 3600, "next_response_seconds": 1800 });
    let policy = json!({ "name": "Standard", "targets": { "normal": targets } });
    account.admin.post("/v1/sla-policies", policy).await;
    let provider = FakeWhatsApp::start().await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let (path, timers) = (format!("/v1/conversations/{id}"), format!("/v1/conversations/{id}/sla"));
    let since = ana.get(&path).await["unanswered_since"].clone();
    let due_at = ana.get(&path).await["sla_due_at"].clone();
    assert!(since.is_string() && due_at.is_string());
    let timer = |answer: &Value, metric: &str| {
        let timers = answer["data"].as_array().unwrap();
        timers.iter().find(|timer| timer["metric"] == metric).map(|timer| timer["state"].clone())
    };

    // The provider refuses the first answer.
    provider.behave_next([Behaviour::Refuse {
        status: 400,
        code: 131_026,
        message: "Undeliverable".to_owned(),
    }]);
    let messages = format!("{path}/messages");
    ana.post(&messages, json!({ "content": "Hi" })).await;
    ana.get_until(&messages, all_in("failed", 1)).await;
    let row = ana.get_until(&path, |row| row["unanswered_since"] == since).await;
    assert!(row["first_reply_at"].is_null());
    assert_eq!((&row["sla_due_at"], &row["sla_state"]), (&due_at, &json!("running")));
    let shown = ana.get_until(&timers, |answer| answer["data"][0]["state"] == "running").await;
    assert_eq!(timer(&shown, "first_response"), Some(json!("running")));

    // It takes the second, and the third fails later, after the customer has written again.
    ana.post(&messages, json!({ "content": "Hi again" })).await;
    ana.get_until(&messages, all_in("dispatched", 1)).await;
    let second = provider.taken()[0].clone();
    whatsapp.post_ok(&second.status("delivered", 1_795_222_900)).await;
    let row = ana.get_until(&path, |row| row["first_reply_at"].is_string()).await;
    assert!(row["unanswered_since"].is_null());
    whatsapp.customer_writes("1", "wamid.2", "And my refund?").await;
    let row = ana.get_until(&path, |row| row["unanswered_since"].is_string()).await;
    let since = row["unanswered_since"].clone();
    ana.post(&messages, json!({ "content": "Tomorrow" })).await;
    ana.get_until(&messages, all_in("dispatched", 1)).await;
    whatsapp.customer_writes("1", "wamid.3", "Hello?").await;
    ana.get_until(&path, |row| row["message_count"] == 6 && row["unanswered_since"] != since).await;
    let third = provider.taken()[1].clone();
    whatsapp.post_ok(&third.status("failed", 1_795_222_901)).await;
    let row = ana.get_until(&path, |row| row["unanswered_since"] == since).await;
    assert!(row["first_reply_at"].is_string() && row["sla_metric"] == "next_response");
    let shown = ana.get(&timers).await;
    assert_eq!(timer(&shown, "first_response"), Some(json!("met")));
    assert_eq!(timer(&shown, "next_response"), Some(json!("running")));
    // A conversation that is shown as of an earlier moment is answered as it was then.
    let history = ana.get(&format!("{path}/events?limit=200")).await;
    let of_kind = |name: &str| {
        let mut events = history["data"].as_array().unwrap().iter().rev();
        events.find(|event| event["type"].as_str().unwrap().contains(name)).unwrap()["time"].clone()
    };
    let as_of = of_kind("MessageDispatched").as_str().unwrap().to_owned();
    let then = ana.get(&format!("{path}?as_of={as_of}")).await;
    assert!(then["unanswered_since"].is_null(), "{then:#}");
}
