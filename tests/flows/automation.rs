//! Macros and automation rules through the API; and rules that run once per message while the program is
//! killed.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::kill::whole_log;
use crate::program::{Account, Person, Program, conversation_of, run, text_message, webhook};
use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;

/// A program that receives webhooks: its URL, and the headers and bodies it received.
pub async fn webhook_receiver() -> (String, Arc<Mutex<Vec<(HeaderMap, String)>>>) {
    let deliveries: Arc<Mutex<Vec<_>>> = Arc::default();
    let sink = Arc::clone(&deliveries);
    let handler = move |headers: HeaderMap, body: String| async move {
        sink.lock().unwrap().push((headers, body));
    };
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(socket, Router::new().route("/hook", post(handler))).await });
    (url, deliveries)
}

/// The event's name, such as `MessageSent` for `verbatim.conversation.MessageSent.v1`.
fn kind(event: &Value) -> &str {
    event["type"].as_str().and_then(|name| name.split('.').nth(2)).unwrap_or_default()
}

async fn history_until(person: &Person, id: &str, last: &str) -> Vec<Value> {
    let path = format!("/v1/conversations/{id}/events?limit=200");
    let has = |answer: &Value| {
        answer["data"].as_array().is_some_and(|events| events.iter().any(|event| kind(event) == last))
    };
    person.get_until(&path, has).await["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_acts_on_a_refund_and_calls_a_webhook_and_an_agent_runs_a_macro() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve_with(&data, &["--webhooks-to-private-addresses"]).await;
    let provider = FakeWhatsApp::start().await;
    let (url, deliveries) = webhook_receiver().await;
    let account = program.account();
    let (admin, ana) = (&account.admin, account.person("agent", "Ana"));
    let rule = json!({
        "name": "Refunds are urgent",
        "event": "message_received",
        "conditions": { "keywords": ["refund"], "assignee": "none" },
        "actions": [
            { "type": "set_priority", "priority": "urgent" },
            { "type": "note", "text": "{{contact_name}} wants money back" },
            { "type": "webhook", "url": url },
        ],
    });
    let rule = admin.post("/v1/automation-rules", rule).await;
    assert!(rule["webhook_secret"].as_str().unwrap().starts_with("whsec_"));
    let list = json!({
        "name": "Refund",
        "visibility": "everyone",
        "actions": [
            { "type": "reply", "text": "Dear {{contact_name}}, {{agent_name}} looks into it." },
            { "type": "add_labels", "labels": ["refund"] },
            { "type": "snooze", "for_seconds": 86400 },
        ],
    });
    let list = admin.post("/v1/macros", list).await;
    let whatsapp = account.whatsapp(&provider.base_url).await;
    whatsapp.customer_writes("251911000000", "wamid.1", "I want a refund").await;
    let id = conversation_of(&ana, "251911000000").await;

    let history = history_until(&ana, &id, "WebhookDelivered").await;
    let kinds: Vec<_> = history.iter().map(kind).collect();
    let acted = ["AutomationRan", "PriorityChanged", "NoteAdded", "WebhookRequested", "WebhookDelivered"];
    assert_eq!(kinds, [&["ConversationOpened", "MessageReceived"], &acted[..]].concat());
    let (received, ran) = (&history[1], &history[2]);
    assert_eq!(ran["causationid"], received["id"]);
    assert_eq!(ran["data"]["event_id"], received["id"]);
    assert_eq!(ran["actorname"], "automation");
    let calls = deliveries.lock().unwrap().clone();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].0["webhook-id"], history[5]["data"]["webhook_id"].as_str().unwrap());
    let body: Value = serde_json::from_str(&calls[0].1).unwrap();
    assert_eq!(body["event"]["id"], received["id"]);
    assert_eq!(body["conversation"]["priority"], "urgent");

    let state =
        ana.post(&format!("/v1/conversations/{id}/macros/{}", list["id"].as_str().unwrap()), json!({})).await;
    assert_eq!((&state["status"], &state["labels"]), (&json!("pending"), &json!(["refund"])));
    let sent = |answer: &Value| {
        answer["data"].as_array().is_some_and(|all| {
            all.iter().any(|message| {
                message["content"] == "Dear Customer 251911000000, Ana looks into it."
                    && message["delivery"]["state"] == "dispatched"
            })
        })
    };
    ana.get_until(&format!("/v1/conversations/{id}/messages"), sent).await;

    // Only the command that creates the secret shows it.
    for path in ["/v1/automation-rules", "/v1/macros"] {
        let all = ana.get_until(path, |all| all["data"].as_array().is_some_and(|all| all.len() == 1)).await;
        assert!(!all.to_string().contains("whsec_"), "{all}");
    }
    // Only its author sees a personal macro.
    let own = json!({
        "name": "My note", "visibility": "personal", "actions": [{ "type": "note", "text": "Mine" }],
    });
    let own = ana.post("/v1/macros", own).await;
    let path = format!("/v1/macros/{}", own["id"].as_str().unwrap());
    ana.get_until(&path, |mine| mine["name"] == "My note").await;
    let ben = account.person("agent", "Ben");
    assert_eq!(ben.try_get(&path).await.0, StatusCode::NOT_FOUND);
    let seen = ben.get("/v1/macros").await;
    assert_eq!(seen["data"].as_array().unwrap().len(), 1, "{seen}");

    let log = whole_log(admin).await;
    assert!(!json!(log).to_string().contains("whsec_"));
    let other = Account::new(&program, &crate::program::fresh_id());
    for path in [
        format!("/v1/automation-rules/{}", rule["id"].as_str().unwrap()),
        format!("/v1/macros/{}", list["id"].as_str().unwrap()),
    ] {
        assert_eq!(other.admin.try_get(&path).await.0, StatusCode::NOT_FOUND, "{path}");
        let (status, _) = other.admin.send(Method::PATCH, &path, json!({ "name": "Mine" })).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
    let theirs = format!("/v1/conversations/{id}/macros/{}", list["id"].as_str().unwrap());
    assert_eq!(other.admin.send(Method::POST, &theirs, json!({})).await.0, StatusCode::NOT_FOUND);
    assert_eq!(other.admin.get("/v1/macros").await["data"], json!([]));
}

const KILLS: usize = 10;
const CUSTOMERS: usize = 4;

#[tokio::test(flavor = "multi_thread")]
async fn each_message_triggers_its_rule_once_despite_kills() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut program = Program::serve(&data).await;
    let provider = FakeWhatsApp::start().await;
    let account_id = program.account().id;
    let (whatsapp, admin) = {
        let account = Account::new(&program, &account_id);
        (account.whatsapp(&provider.base_url).await, account.admin.clone())
    };
    let rule = json!({
        "name": "Every message",
        "event": "message_received",
        "actions": [{ "type": "note", "text": "It came" }],
    });
    admin.post("/v1/automation-rules", rule).await;
    let finished = Arc::new(AtomicBool::new(false));
    let customers: Vec<_> = (0..CUSTOMERS)
        .map(|customer| {
            let (whatsapp, finished) = (whatsapp.clone(), Arc::clone(&finished));
            tokio::spawn(async move {
                let mut number = 0;
                while !finished.load(Ordering::Relaxed) {
                    let id = format!("wamid.{customer}.{number}");
                    let text = text_message(&format!("2519110000{customer}"), &id, "hello");
                    match whatsapp.post(&webhook(&[text], &[])).await {
                        Ok(answer) if answer.status() == StatusCode::OK => number += 1,
                        Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(5)).await,
                    }
                }
                number
            })
        })
        .collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..KILLS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        tokio::time::sleep(Duration::from_millis(50 + random % 250)).await;
        program.kill().await;
        program.restart().await;
    }
    finished.store(true, Ordering::Relaxed);
    let mut written = 0;
    for customer in customers {
        written += customer.await.unwrap();
    }
    assert!(written > KILLS, "the load produced too few messages: {written}");

    // Waits until every message has triggered the rule.
    let started = std::time::Instant::now();
    let runs = loop {
        let mut runs: BTreeMap<String, usize> = BTreeMap::new();
        for event in whole_log(&admin).await {
            match kind(&event) {
                "MessageReceived" => {
                    runs.entry(event["id"].as_str().unwrap().to_owned()).or_default();
                }
                "AutomationRan" => {
                    *runs.entry(event["data"]["event_id"].as_str().unwrap().to_owned()).or_default() += 1;
                }
                _something_else => {}
            }
        }
        let missing = runs.values().filter(|times| **times == 0).count();
        if missing == 0 {
            break runs;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "{missing} messages triggered no rule");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(runs.len() >= written);
    let twice: Vec<_> = runs.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "{twice:?}");
    assert_eq!(program.stop().await.code(), Some(0));
    let (equal, output) = run(&data, &["verify"]).await;
    assert!(equal, "{output}");
}

/// The path of a webhook's address often is its secret.
#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_see_the_paths_of_webhooks() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let admin = account.admin.clone();
    let supervisor = account.person("supervisor", "Sol");
    let url = "https://hooks.example.com/services/T0/a-secret";
    let made = json!({
        "name": "Tell", "event": "message_received", "actions": [{ "type": "webhook", "url": url }],
    });
    let rule = admin.post("/v1/automation-rules", made).await;
    let path = format!("/v1/automation-rules/{}", rule["id"].as_str().unwrap());
    let of = |person: &Person| {
        let (person, path) = (person.clone(), path.clone());
        async move { person.get_until(&path, |rule| rule["id"].is_string()).await["actions"][0]["url"].clone() }
    };
    let hidden = "https://hooks.example.com/…";
    assert_eq!(of(&admin).await, url);
    assert_eq!(of(&supervisor).await, hidden);
    // What a supervisor sends back as it was shown stays what it is.
    let actions = json!([{ "type": "webhook", "url": hidden }, { "type": "resolve" }]);
    supervisor.patch(&path, json!({ "actions": actions })).await;
    let changed = admin.get_until(&path, |rule| rule["actions"][1]["type"] == "resolve").await;
    assert_eq!(changed["actions"][0]["url"], url);
    // Nor is it in the stream, nor in an export that was not asked for secrets.
    let events = admin.request(Method::GET, "/v1/events").send().await.unwrap().text().await.unwrap();
    assert!(events.contains("AutomationRuleDefined") && !events.contains("a-secret"));
    let data = folder.path().join("data");
    program.stop().await;
    for (arguments, has_secrets) in [(&["export"][..], false), (&["export", "--with-secrets"][..], true)] {
        let (exported, output) = run(&data, arguments).await;
        assert!(exported && output.contains("a-secret") == has_secrets, "{output}");
    }
}
