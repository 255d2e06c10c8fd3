//! Reactions, edits, deletions, notices and orders of a WhatsApp customer, from the webhook to the API's answers.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Person, Program, WhatsApp, conversation_of, has_delivery_state, webhook};
use serde_json::{Value, json};
use std::sync::LazyLock;

const CUSTOMER: &str = "251911000001";

/// The moment of these tests as one of the last minutes: the reply window counts from when a message was said.
fn lately(timestamp: u32) -> i64 {
    static STARTED: LazyLock<i64> =
        LazyLock::new(|| event_schemas::Clock::System.now().as_micros() / 1_000_000);
    *STARTED - (1_795_223_000 - i64::from(timestamp))
}

fn element(id: &str, timestamp: u32, kind: &str, part: Value) -> Value {
    let timestamp = lately(timestamp).to_string();
    json!({ "from": CUSTOMER, "id": id, "timestamp": timestamp, "type": kind, kind: part })
}

fn text(id: &str, timestamp: u32, words: &str) -> Value {
    element(id, timestamp, "text", json!({ "body": words }))
}

fn edit(id: &str, timestamp: u32, original: &str, words: &str) -> Value {
    let message = json!({ "type": "text", "text": { "body": words } });
    element(id, timestamp, "edit", json!({ "original_message_id": original, "message": message }))
}

fn revoke(id: &str, original: &str) -> Value {
    element(id, 1_795_222_900, "revoke", json!({ "original_message_id": original }))
}

/// The receipt of one element.
async fn received(whatsapp: &WhatsApp, element: Value) -> Value {
    let response = whatsapp.post(&webhook(&[element], &[])).await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

/// The conversation's messages after the event of this type, and the row of the inbox.
async fn seen(ana: &Person, id: &str, until: impl Fn(&Value) -> bool) -> (Vec<Value>, Value) {
    let row = ana.get_until(&format!("/v1/conversations/{id}"), until).await;
    (row["messages"].as_array().unwrap().clone(), row)
}

#[tokio::test(flavor = "multi_thread")]
async fn reactions_and_notices_ask_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    let policy = json!({ "name": "Hour", "targets": { "normal": { "next_response_seconds": 3600 } } });
    account.admin.post("/v1/sla-policies", policy).await;
    received(&whatsapp, text("wamid.1", 1_795_222_800, "Hello")).await;
    let id = conversation_of(&ana, CUSTOMER).await;
    let path = format!("/v1/conversations/{id}");
    ana.post(&format!("{path}/messages"), json!({ "content": "Hello, I am Ana" })).await;
    let sent = ana.get_until(&format!("{path}/messages"), |a| has_delivery_state(a, "dispatched")).await;
    let answer = sent["data"][1]["provider_message_id"].as_str().unwrap().to_owned();
    ana.patch(&path, json!({ "status": "resolved" })).await;
    let before = ana.get_until(&path, |row| row["status"] == "resolved").await;

    let reaction = |id: &str, emoji: Option<&str>| {
        let part = json!({ "message_id": answer, "emoji": emoji });
        element(id, 1_795_222_810, "reaction", part)
    };
    let receipt = received(&whatsapp, reaction("wamid.r1", Some("👍"))).await;
    assert_eq!((&receipt["changes"], &receipt["messages"]), (&json!(1), &json!(0)));
    let (messages, row) = seen(&ana, &id, |row| row["messages"][1]["reactions"][0]["emoji"] == "👍").await;
    assert_eq!(messages.len(), 2);
    for field in
        ["status", "unread_count", "waiting_since", "message_count", "reopened_count", "last_message_at"]
    {
        assert_eq!(row[field], before[field], "{field}");
    }
    assert_eq!(row["sla_timers"], before["sla_timers"]);

    received(&whatsapp, reaction("wamid.r2", None)).await;
    received(&whatsapp, reaction("wamid.r2", None)).await;
    seen(&ana, &id, |row| row["messages"][1]["reactions"] == json!([])).await;
    let notice =
        json!({ "type": "user_changed_number", "body": "Hana changed the number", "wa_id": "251911000002" });
    received(&whatsapp, element("wamid.n1", 1_795_222_820, "system", notice)).await;
    let events = format!("{path}/events?limit=100");
    let has_notice = |page: &Value| page.to_string().contains("Hana changed the number");
    let history = ana.get_until(&events, has_notice).await.to_string();
    assert_eq!(history.matches("\"The customer took a reaction back\"").count(), 1, "{history}");
    let (messages, row) = seen(&ana, &id, |_| true).await;
    assert_eq!((messages.len(), &row["status"]), (2, &json!("resolved")));

    // A reaction to a message that is not there, and a notice about a contact without a conversation, are kept.
    let unknown =
        element("wamid.r3", 1_795_222_830, "reaction", json!({ "message_id": "wamid.none", "emoji": "👍" }));
    assert_eq!(received(&whatsapp, unknown).await["rejected"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_shown_in_its_newest_version_and_a_deleted_one_without_its_words() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let ana = account.person("agent", "Ana");
    received(&whatsapp, text("wamid.1", 1_795_222_800, "I owe 1000")).await;
    let id = conversation_of(&ana, CUSTOMER).await;
    for _ in 0..2 {
        received(&whatsapp, edit("wamid.e2", 1_795_222_820, "wamid.1", "I owe 10")).await;
        received(&whatsapp, edit("wamid.e1", 1_795_222_810, "wamid.1", "I owe 100")).await;
    }
    let (messages, row) = seen(&ana, &id, |row| row["last_message_preview"] == "I owe 10").await;
    assert_eq!((messages.len(), &messages[0]["content"]), (1, &json!("I owe 10")));
    let edited_at = event_schemas::Timestamp::from_secs(lately(1_795_222_820));
    assert_eq!(messages[0]["edited_at"], edited_at.to_string());
    assert_eq!((&row["unread_count"], &row["message_count"]), (&json!(1), &json!(1)));

    // An edit that overtakes its message, and a deletion that overtakes another.
    received(&whatsapp, edit("wamid.e3", 1_795_222_840, "wamid.2", "Sorry, 20")).await;
    received(&whatsapp, text("wamid.2", 1_795_222_830, "Sorry, 2")).await;
    received(&whatsapp, revoke("wamid.d3", "wamid.3")).await;
    for _ in 0..2 {
        received(&whatsapp, text("wamid.3", 1_795_222_850, "Never mind")).await;
    }
    received(&whatsapp, text("wamid.4", 1_795_222_860, "Bye")).await;
    received(&whatsapp, revoke("wamid.d4", "wamid.4")).await;
    let is_deleted = |row: &Value| {
        row["messages"][2]["revoked_at"] != Value::Null && row["last_message_preview"] == "[deleted]"
    };
    let (messages, _) = seen(&ana, &id, is_deleted).await;
    let words: Vec<_> = messages.iter().map(|message| message["content"].as_str().unwrap()).collect();
    assert_eq!(words, ["I owe 10", "Sorry, 20", ""]);

    // The history has every version, once.
    let history = ana.get(&format!("/v1/conversations/{id}/events?limit=100")).await.to_string();
    for words in ["I owe 1000", "\"I owe 100\"", "Sorry, 2\"", "Never mind", "Bye"] {
        assert_eq!(history.matches(words).count(), 1, "{words}: {history}");
    }
    // At an earlier moment the message has its earlier words.
    let events = ana.get(&format!("/v1/conversations/{id}/events?limit=100")).await;
    let first =
        events["data"].as_array().unwrap().iter().find(|event| event.to_string().contains("I owe 1000"));
    let position = first.unwrap()["position"].as_str().unwrap();
    let then = ana.get(&format!("/v1/conversations/{id}?as_of={position}")).await;
    assert_eq!(then["messages"][0]["content"], "I owe 1000");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_or_a_notice_begins_no_conversation_and_a_group_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let whatsapp = account.whatsapp(&provider.base_url).await;
    let mut in_a_group = text("wamid.2", 1_795_222_800, "Hello everybody");
    in_a_group["group_id"] = json!("Y2FwaV9ncm91cDox");
    for element in [
        revoke("wamid.d1", "wamid.1"),
        element("wamid.n1", 1_795_222_800, "request_welcome", json!({})),
        in_a_group,
    ] {
        assert_eq!(received(&whatsapp, element).await["rejected"], 1);
    }
    let is_complete = |page: &Value| page["data"].as_array().is_some_and(|rows| rows.len() == 3);
    let rejections = account.admin.get_until("/v1/webhook-rejections", is_complete).await.to_string();
    for kept in ["wamid.d1", "request_welcome", "Hello everybody"] {
        assert!(rejections.contains(kept), "{kept}: {rejections}");
    }
    assert_eq!(account.admin.get("/v1/conversations").await["data"], json!([]));
    let order = json!({ "text": "Today please", "product_items": [{ "product_retailer_id": "sku1", "quantity": 2 }] });
    received(&whatsapp, element("wamid.3", 1_795_222_800, "order", order)).await;
    let ana = account.person("agent", "Ana");
    let id = conversation_of(&ana, CUSTOMER).await;
    let (messages, row) = seen(&ana, &id, |_| true).await;
    assert_eq!(messages[0]["content"], "Today please\n2 × sku1");
    assert_eq!(row["last_message_preview"], "Today please 2 × sku1");
}
