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
