//! Customers follow their own conversations over the stock Socket.IO client, and see nothing else.

use crate::cuts::Cuts;
use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{Person, Program, conversation_of, fresh_id};
use crate::socket_client::{SocketClient, has_node};
use realtime::customers::CUSTOMERS_EVENTS;
use realtime::events::CONNECTION_EVENTS;
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const FIRST: &str = "251911000001";
const SECOND: &str = "251911000002";

async fn token(backend: &Person, channel: &str, identifier: &str) -> String {
    let session = json!({ "channel_id": channel, "contact_identifier": identifier });
    let session = backend.post("/v1/customer-sessions", session).await;
    assert!(session["expires_at"].is_string(), "{session}");
    session["token"].as_str().unwrap().to_owned()
}

fn customer(base: &str, token: &str) -> SocketClient {
    let url = format!("{base}/customers");
    SocketClient::start(&json!({ "url": url, "auth": { "token": token }, "transports": ["websocket"] }))
}

fn keys(object: &Value) -> BTreeSet<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_gets_what_is_said_and_nothing_internal() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let (ana, backend) =
        (account.person("agent", "ana.canary@desk.example"), account.person("service", "Backend"));
    let whatsapp = account.whatsapp(&provider.base_url).await;
    // The session begins before the customer has written.
    let mut first = customer(&program.base, &token(&backend, &whatsapp.id, FIRST).await);
    let mut agent = SocketClient::of(&ana, &program.base, &["websocket"]);
    first.until_event("sync", |sync| sync["mode"] == "live").await;
    agent.until_connected(1).await;

    whatsapp.customer_writes(SECOND, "wamid.2", "I am another customer").await;
    whatsapp.customer_writes(FIRST, "wamid.1", "Hello").await;
    let begun = first.until_event("conversation:new", |_| true).await;
    let id = conversation_of(&ana, FIRST).await;
    assert_eq!(begun["conversation_id"], id);
    assert_eq!(keys(&begun), BTreeSet::from(["conversation_id", "created_at", "position", "prev"]));
    let said = first.until_event("conversation:message", |_| true).await;
    assert_eq!((&said["content"], &said["sender_type"]), (&json!("Hello"), &json!("contact")));

    let path = format!("/v1/conversations/{id}");
    let messages = format!("{path}/messages");
    ana.post(&messages, json!({ "content": "A canary note", "is_private": true })).await;
    let details = json!({ "labels": ["canary"], "priority": "urgent", "subject": "The canary" });
    ana.patch(&path, details).await;
    ana.post(&format!("{path}/assign"), json!({})).await;
    let taken = first.until_event("conversation:taken", |_| true).await;
    assert_eq!(keys(&taken), BTreeSet::from(["conversation_id", "position", "prev"]));
    let answer = json!({ "content": "Hi", "metadata": { "draft": "canary" } });
    ana.post(&messages, answer).await;
    let answered = first.until_event("conversation:message", |message| message["content"] == "Hi").await;
    assert_eq!((&answered["sender_type"], &answered["sender_name"]), (&json!("agent"), &json!(null)));
    ana.patch(&path, json!({ "status": "resolved", "reason": "canary" })).await;
    first.until_event("conversation:status", |status| status["status"] == "resolved").await;
    whatsapp.customer_writes(FIRST, "wamid.3", "One more question").await;
    first.until_event("conversation:status", |status| status["status"] == "open").await;

    // Each sees the other type, and the customer no note.
    let of_conversation = json!({ "conversation_id": id });
    first.ask("conversation:join", of_conversation.clone()).await;
    agent.ask("conversation:join", of_conversation.clone()).await;
    first.ask("conversation:typing:start", of_conversation.clone()).await;
    let typing = agent.until_event("conversation:typing", |_| true).await;
    assert_eq!((&typing["user_id"], &typing["is_typing"]), (&json!(null), &json!(true)));
    let note = json!({ "conversation_id": id, "is_private": true });
    agent.ask("conversation:typing:start", note).await;
    agent.ask("conversation:typing:stop", of_conversation.clone()).await;
    agent.ask("conversation:typing:start", of_conversation.clone()).await;
    first.until_event("conversation:typing", |_| true).await;
    agent.ask("conversation:typing:stop", of_conversation).await;
    first.until_event("conversation:typing", |typing| typing["is_typing"] == false).await;
    let typed: Vec<Value> = first.events("conversation:typing").iter().map(|args| args[0].clone()).collect();
    let typing = |is_typing: bool| json!({ "conversation_id": id, "is_typing": is_typing });
    assert_eq!(typed, [typing(true), typing(false)]);

    assert_only_theirs(&first, &id);
    program.stop().await;
    first.until_event("server:stopping", |_| true).await;
    let described: BTreeSet<&str> =
        CUSTOMERS_EVENTS.iter().chain(CONNECTION_EVENTS).map(|event| event.name).collect();
    let names = first.names();
    assert!(names.iter().all(|name| described.contains(name.as_str())), "{names:?}");
}

/// Asserts that nothing internal came, and nothing of another conversation.
fn assert_only_theirs(client: &SocketClient, id: &str) {
    for line in client.lines().iter().filter(|line| line["is"] == "event") {
        assert!(!line.to_string().contains("canary"), "{line}");
        assert!(line["args"][0].get("version").is_none(), "{line}");
        let conversation = &line["args"][0]["conversation_id"];
        assert!(conversation.is_null() || conversation == id, "{line}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_who_was_away_gets_what_was_said_at_another_process() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve(&data).await;
    let other = Program::start("realtime", &data, &[]).await;
    let account = program.account();
    let (ana, backend) = (account.person("agent", "Ana"), account.person("service", "Backend"));
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let proxy = Cuts::to(program.port).await;
    let client = customer(&proxy.base(), &token(&backend, &whatsapp.id, FIRST).await);
    client.until_connected(1).await;
    whatsapp.customer_writes(FIRST, "wamid.1", "Hello").await;
    client.until_event("conversation:message", |_| true).await;

    proxy.point_to(other.port);
    proxy.cut(None, Duration::ZERO);
    client.until("a disconnect", |line| line["is"] == "disconnect").await;
    let id = conversation_of(&ana, FIRST).await;
    let messages = format!("/v1/conversations/{id}/messages");
    ana.post(&messages, json!({ "content": "A canary", "is_private": true })).await;
    ana.post(&messages, json!({ "content": "Hi" })).await;
    assert_eq!(client.until_connected(2).await["recovered"], true);
    let answer = client.until_event("conversation:message", |message| message["content"] == "Hi").await;
    assert_eq!(answer["sender_name"], "Ana");
    let texts: Vec<Value> =
        client.events("conversation:message").iter().map(|args| args[0]["content"].clone()).collect();
    assert_eq!(texts, ["Hello", "Hi"]);
    assert_only_theirs(&client, &id);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_customers_conversation_is_refused_and_so_is_another_kind_of_token() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let (account, foreign) = (program.account(), program.account());
    let (ana, backend) = (account.person("agent", "Ana"), account.person("service", "Backend"));
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let second = account.whatsapp("http://127.0.0.1:9").await;
    for (number, channel) in [(FIRST, &whatsapp), (SECOND, &whatsapp)] {
        channel.customer_writes(number, &format!("wamid.{number}"), "Hello").await;
    }
    let (own, theirs) = (conversation_of(&ana, FIRST).await, conversation_of(&ana, SECOND).await);
    let first = token(&backend, &whatsapp.id, FIRST).await;
    let mut client = customer(&program.base, &first);
    client.until_connected(1).await;
    for name in ["conversation:join", "conversation:typing:start"] {
        for unseen in [&theirs, &fresh_id()] {
            let refused = client.ask(name, json!({ "conversation_id": unseen, "after": "0" })).await;
            assert_eq!(refused["error"]["status"], 404, "{refused}");
        }
    }
    assert_eq!(client.ask("agent:status", json!({ "status": "away" })).await["error"]["status"], 400);
    let joined = client.ask("conversation:join", json!({ "conversation_id": own, "after": "0" })).await;
    assert!(joined["position"].is_string(), "{joined}");
    client.until_event("conversation:message", |message| message["content"] == "Hello").await;
    // The same contact on another channel, and a session of one conversation.
    let mut elsewhere = customer(&program.base, &token(&backend, &second.id, FIRST).await);
    elsewhere.until_connected(1).await;
    let refused = elsewhere.ask("conversation:join", json!({ "conversation_id": own })).await;
    assert_eq!(refused["error"]["status"], 404, "{refused}");
    let session = |channel: &str, identifier: &str, id: &str| json!({ "channel_id": channel, "contact_identifier": identifier, "conversation_id": id });
    let one = backend.post("/v1/customer-sessions", session(&whatsapp.id, FIRST, &own)).await;
    let one = customer(&program.base, one["token"].as_str().unwrap());
    one.until_connected(1).await;
    whatsapp.customer_writes(SECOND, "wamid.3", "Not for them").await;
    whatsapp.customer_writes(FIRST, "wamid.4", "For both").await;
    for client in [&client, &one] {
        client.until_event("conversation:message", |message| message["content"] == "For both").await;
        assert_only_theirs(client, &own);
    }

    for (wrong, field) in [
        (session(&whatsapp.id, FIRST, &theirs), "conversation_id"),
        (session(&second.id, FIRST, &own), "conversation_id"),
        (session(&fresh_id(), FIRST, &own), "channel_id"),
        (session(&whatsapp.id, "", &own), "contact_identifier"),
    ] {
        let (status, problem) = backend.send(reqwest::Method::POST, "/v1/customer-sessions", wrong).await;
        assert!(status.is_client_error() && problem["field"] == field, "{status} {problem}");
    }
    let of_account = session(&whatsapp.id, FIRST, &own);
    let (status, _) = ana.send(reqwest::Method::POST, "/v1/customer-sessions", of_account.clone()).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    let (status, _) = foreign.admin.send(reqwest::Method::POST, "/v1/customer-sessions", of_account).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);

    let as_bearer = program.get("/v1/conversations").bearer_auth(&first).send().await.unwrap();
    assert_eq!(as_bearer.status(), StatusCode::UNAUTHORIZED);
    for (namespace, token) in
        [("agents", &first), ("customers", &ana.token), ("customers", &format!("{first}x"))]
    {
        let url = format!("{}/{namespace}", program.base);
        let refused = SocketClient::start(&json!({ "url": url, "auth": { "token": token } }));
        let refused = refused.until("a refusal", |line| line["is"] == "connect_error").await;
        assert_eq!(refused["data"]["status"], 401, "{refused}");
    }
}
