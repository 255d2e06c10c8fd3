//! API keys: how programs get into an account, what they may do there, and how they are shut out.

use crate::people::{Answer, Browser, open_account, serve};
use crate::program::{DEADLINE, Program, http, run};
use crate::socket_client::{SocketClient, has_node};
use futures::StreamExt;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use std::time::Instant;

/// A program with an API key.
struct Keyed {
    base: String,
    id: String,
    token: String,
}

impl Keyed {
    async fn of(owner: &Browser, wanted: Value) -> Self {
        let created = owner.post("/v1/api-keys", wanted).await;
        assert_eq!(created.status, 201, "{}", created.body);
        let text = |name: &str| created.body[name].as_str().unwrap().to_owned();
        Self { base: owner.base.clone(), id: text("id"), token: text("token") }
    }

    fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        http().request(method, format!("{}{path}", self.base)).bearer_auth(&self.token)
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = self.request(method, path);
        let request = if body.is_null() { request } else { request.json(&body) };
        Answer::of(request.send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Value::Null).await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    async fn revoke(&self, owner: &Browser) {
        let revoked = owner.send(Method::DELETE, &format!("/v1/api-keys/{}", self.id), Value::Null).await;
        assert_eq!(revoked.status, 200, "{}", revoked.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_works_with_a_key_until_it_is_revoked() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let key = Keyed::of(&ada, json!({ "name": "Order system", "role": "administrator" })).await;
    assert!(key.token.starts_with("vbt_"), "{}", key.token);
    assert_eq!(key.get("/v1/conversations").await.status, 200);
    // A request with a key of idempotency is executed once, and in the name of the API key.
    let create = || {
        let request = key.request(Method::POST, "/v1/teams").header("Idempotency-Key", "a");
        request.json(&json!({ "name": "Billing" })).send()
    };
    let first = Answer::of(create().await.unwrap()).await;
    let again = Answer::of(create().await.unwrap()).await;
    assert_eq!((first.status, &first.body["id"]), (StatusCode::CREATED, &again.body["id"]));
    let events = ada.request(Method::GET, "/v1/events").header("Accept", "application/x-ndjson");
    let events = events.send().await.unwrap().text().await.unwrap();
    let defined = events.lines().find(|line| line.contains("TeamDefined")).unwrap();
    let defined: Value = serde_json::from_str(defined).unwrap();
    let actor = (&defined["actortype"], &defined["actorid"], &defined["actorname"]);
    assert_eq!(actor, (&json!("service"), &json!(key.id), &json!("Order system")));

    // The key is nowhere to be read again; its hash neither.
    let listed = ada.get("/v1/api-keys").await.body;
    assert_eq!(listed["data"][0]["name"], "Order system");
    assert!(listed["data"][0]["last_used_at"].is_string(), "{listed}");
    let (done, exported) = run(&program.data, &["export"]).await;
    assert!(done && exported.contains("\"ApiKeyCreated\""), "{exported}");
    assert!(events.contains("\"token_hash\":\"***\""), "{events}");
    for text in [&events, &exported, &listed.to_string(), &program.log()] {
        assert!(!text.contains(&key.token[8..]), "{text}");
    }
    // One use is recorded for all these requests.
    assert_eq!(events.matches("ApiKeyUsed.v1\"").count(), 1, "{events}");

    key.revoke(&ada).await;
    let refused = key.get("/v1/conversations").await;
    assert_eq!(refused.problem(), (401, "unauthenticated"), "{}", refused.body);
    assert_eq!(ada.get("/v1/api-keys").await.body["data"], json!([]));
    let path = format!("/v1/api-keys/{}", key.id);
    assert_eq!(ada.send(Method::DELETE, &path, Value::Null).await.problem(), (404, "not-found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_do_what_its_role_and_its_permissions_say() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let reader = json!({ "name": "Report", "role": "administrator", "permissions": ["settings:read"] });
    let reader = Keyed::of(&ada, reader).await;
    assert_eq!(reader.get("/v1/teams").await.status, 200);
    let team = json!({ "name": "Billing" });
    let refused = reader.post("/v1/teams", team.clone()).await;
    assert_eq!(refused.problem(), (403, "forbidden"), "{}", refused.body);
    assert_eq!(refused.body["permission"], "settings:write");
    for path in
        ["/v1/conversations", "/v1/contacts", "/v1/agents", "/v1/people", "/v1/events", "/v1/api-keys"]
    {
        assert_eq!(reader.get(path).await.problem(), (403, "forbidden"), "{path}");
    }
    // The role limits the permissions, and no key makes keys.
    let writer = json!({ "name": "Import", "role": "agent", "permissions": ["settings:write"] });
    let writer = Keyed::of(&ada, writer).await;
    let channel = json!({ "name": "Shop", "channel_type": "api" });
    assert_eq!(writer.post("/v1/channels", channel).await.problem(), (403, "forbidden"));
    let all = Keyed::of(&ada, json!({ "name": "All", "role": "administrator" })).await;
    assert_eq!(all.post("/v1/teams", team).await.status, 201);
    let another = all.post("/v1/api-keys", json!({ "name": "Another" })).await;
    assert_eq!(another.problem(), (403, "forbidden"), "{}", another.body);
    let path = format!("/v1/api-keys/{}", reader.id);
    assert_eq!(all.send(Method::DELETE, &path, Value::Null).await.problem(), (403, "forbidden"));
    // Only administrators make keys, and none of an owner.
    let (_, sue) = ada.invite(&program, "sue@example.com", "supervisor").await;
    assert_eq!(sue.post("/v1/api-keys", json!({ "name": "Mine" })).await.problem(), (403, "forbidden"));
    assert_eq!(sue.get("/v1/api-keys").await.problem(), (403, "forbidden"));
    for (field, wanted) in [
        ("name", json!({ "name": " " })),
        ("role", json!({ "name": "a", "role": "owner" })),
        ("permissions", json!({ "name": "a", "permissions": [] })),
        ("permissions[0]", json!({ "name": "a", "permissions": ["everything"] })),
        ("expires_at", json!({ "name": "a", "expires_at": "2020-01-01T00:00:00Z" })),
    ] {
        let refused = ada.post("/v1/api-keys", wanted).await;
        assert!(refused.status.is_client_error(), "{}", refused.body);
        assert_eq!(refused.body["field"], field, "{}", refused.body);
    }
    assert_eq!(ada.get("/v1/api-keys").await.body["data"].as_array().unwrap().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_of_one_account_and_is_refused_when_it_is_not_whole() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let eve = open_account(&program, "Globex", "eve@example.com").await;
    let key = Keyed::of(&ada, json!({ "name": "Order system", "role": "administrator" })).await;
    let path = format!("/v1/api-keys/{}", key.id);
    assert_eq!(eve.send(Method::DELETE, &path, Value::Null).await.problem(), (404, "not-found"));
    assert_eq!(eve.get("/v1/api-keys").await.body["data"], json!([]));
    let globex = eve.get("/v1/session").await.body["accounts"][0]["account_id"].as_str().unwrap().to_owned();
    let elsewhere = key.request(Method::GET, "/v1/teams").header("X-Account-Id", &globex);
    assert_eq!(Answer::of(elsewhere.send().await.unwrap()).await.problem(), (403, "forbidden"));
    for text in [&key.token[..key.token.len() - 1], &format!("{}A", key.token), "vbt_", "vbt_guessed"] {
        let guess = Keyed { base: key.base.clone(), id: String::new(), token: text.to_owned() };
        assert_eq!(guess.get("/v1/teams").await.problem(), (401, "unauthenticated"), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_expires() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let soon = (event_schemas::Clock::System.now() + std::time::Duration::from_secs(3)).to_string();
    let key = Keyed::of(&ada, json!({ "name": "Short", "expires_at": soon })).await;
    let began = Instant::now();
    while key.get("/v1/teams").await.status != 401 {
        assert!(began.elapsed() < DEADLINE, "the key is valid still");
    }
    assert_eq!(ada.get("/v1/api-keys").await.body["data"][0]["has_expired"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_refuses_a_revoked_key_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let writing = Program::start("command-api", &data, &[]).await;
    let _projections = Program::start("projections", &data, &[]).await;
    let reading = Program::start("query-api", &data, &[]).await;
    let ada = open_account(&writing, "Acme", "ada@example.com").await;
    let key = Keyed::of(&ada, json!({ "name": "Order system" })).await;
    let there = Keyed { base: reading.base.clone(), id: key.id.clone(), token: key.token.clone() };
    assert_eq!(there.get("/v1/conversations").await.status, 200);
    key.revoke(&ada).await;
    assert_eq!(there.get("/v1/conversations").await.problem(), (401, "unauthenticated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_loses_its_connections() {
    let folder = tempfile::tempdir().unwrap();
    let program = serve(folder.path()).await;
    let ada = open_account(&program, "Acme", "ada@example.com").await;
    let limited = json!({ "name": "Report", "permissions": ["conversations:read"] });
    let limited = Keyed::of(&ada, limited).await;
    let key = Keyed::of(&ada, json!({ "name": "Watcher", "permissions": ["events:read"] })).await;
    let stream = key.request(Method::GET, "/v1/events").header(header::ACCEPT, "text/event-stream");
    let stream = stream.send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let issued = key.post("/v1/events/tokens", json!({})).await.body;
    let path = format!("{}/v1/events?token={}", key.base, issued["token"].as_str().unwrap());
    let by_token = http().get(path).header(header::ACCEPT, "text/event-stream").send().await.unwrap();
    assert_eq!(by_token.status(), 200);
    let socket = |key: &Keyed| {
        SocketClient::start(&json!({
            "url": format!("{}/agents", key.base),
            "auth": { "token": key.token },
            "transports": ["websocket"],
        }))
    };
    let client = has_node().then(|| socket(&key));
    if let Some(client) = &client {
        client.until("a connection", |line| line["is"] == "event" && line["name"] == "sync").await;
        let refused = socket(&limited);
        refused.until("a refusal", |line| line["is"] == "connect_error").await;
    }
    key.revoke(&ada).await;
    for stream in [stream, by_token] {
        let ended = async { stream.bytes_stream().for_each(async |_| {}).await };
        tokio::time::timeout(DEADLINE, ended).await.expect("the event stream goes on");
    }
    if let Some(client) = client {
        client.until("the end", |line| line["is"] == "disconnect").await;
    }
}
