//! The contract of the conversation service (requirement 001).

use crate::cuts::Cuts;
use crate::program::{Account, Person, Program, fresh_id, http, not_run, read, text_message, webhook};
use crate::socket_client::{SocketClient, has_node};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;
use tokio::process::Command;

const EVERY_ACCOUNT: &[&str] = &["--conversation-service-accounts", "*"];
const TRUSTED: &[&str] =
    &["--conversation-service-accounts", "*", "--conversation-service-trusts-tenant-header"];

/// An account with a WhatsApp channel and a registered agent, and a service with a token.
struct Tenant {
    id: String,
    outlet: crate::program::WhatsApp,
    agent: Person,
    service: Person,
}

impl Tenant {
    async fn new(account: &Account<'_>) -> Self {
        let agent = account.person("agent", "Ana");
        account.admin.post("/v1/agents", json!({ "user_id": agent.user, "name": "Ana" })).await;
        Self {
            id: account.id.clone(),
            outlet: account.whatsapp("http://127.0.0.1:9").await,
            agent,
            service: account.person("service", "Orchestrator"),
        }
    }

    /// The same tenant as a client of another process.
    fn at(&self, program: &Program) -> Self {
        Self {
            id: self.id.clone(),
            outlet: self.outlet.at(program),
            agent: self.agent.at(program),
            service: self.service.at(program),
        }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.service.request(method, path).header("X-Tenant-Id", &self.id)
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
        read(self.request(method, path).json(&body).send().await.unwrap()).await
    }

    async fn get(&self, path: &str) -> Value {
        let (status, answer) = read(self.request(Method::GET, path).send().await.unwrap()).await;
        assert_eq!(status, StatusCode::OK, "GET {path}: {answer}");
        answer
    }

    fn customer(&self, phone: &str) -> Value {
        json!({ "outlet_id": self.outlet.id, "customer_phone": phone, "customer_name": "John Doe" })
    }

    async fn create(&self, phone: &str) -> Value {
        let (status, answer) = self.send(Method::POST, "/api/v1/conversations", self.customer(phone)).await;
        assert_eq!(status, StatusCode::CREATED, "{answer}");
        answer
    }

    /// Posts a message of the contract. Returns the stored message.
    async fn post_message(&self, conversation: &str, content: &str) -> Value {
        let message =
            json!({ "conversation_id": conversation, "sender_type": "customer", "content": content });
        let (status, stored) = self.send(Method::POST, "/api/v1/messages", message).await;
        assert_eq!(status, StatusCode::CREATED, "{stored}");
        stored["message"].clone()
    }

    /// A client of the contract's Socket.IO events.
    fn socket(&self, base: &str, token: &str) -> SocketClient {
        let auth = json!({ "token": token });
        SocketClient::start(&json!({ "url": base, "auth": auth, "transports": ["websocket"] }))
    }

    /// Runs the examples of the contract in Node.js.
    async fn run_examples(&self, program: &Program, token: Option<&str>) {
        let mut node = Command::new("node");
        node.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/contracts/conversation_service.mjs"))
            .env("BASE", &program.base)
            .env("TENANT", &self.id)
            .env("OUTLET", &self.outlet.id)
            .env("AGENT", &self.agent.user);
        if let Some(token) = token {
            node.env("TOKEN", token);
        }
        match node.output().await {
            Ok(output) => {
                let text = String::from_utf8_lossy(&output.stdout);
                assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
                assert!(text.contains("# pass 12") && text.contains("# fail 0"), "{text}");
            }
            Err(error) => not_run(&format!("the examples of the conversation service: no Node.js ({error})")),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_of_the_contract_work_with_a_service_token() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), EVERY_ACCOUNT).await;
    let tenant = Tenant::new(&program.account()).await;
    tenant.run_examples(&program, Some(&tenant.service.token)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_gateway_the_examples_need_no_token() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), TRUSTED).await;
    let tenant = Tenant::new(&program.account()).await;
    tenant.run_examples(&program, None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_service_of_the_tenant_may_use_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), EVERY_ACCOUNT).await;
    let (account, other) = (program.account(), program.account());
    let (tenant, theirs) = (Tenant::new(&account).await, Tenant::new(&other).await);
    let id = tenant.create("+628123456789").await["id"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/conversations/{id}");
    let bare = |tenant: &str| http().get(format!("{}{path}", program.base)).header("X-Tenant-Id", tenant);

    let (status, answer) = read(bare(&tenant.id).send().await.unwrap()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "the header alone: {answer}");
    let foreign = bare(&tenant.id).bearer_auth(&theirs.service.token);
    assert_eq!(foreign.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let agent = bare(&tenant.id).bearer_auth(&tenant.agent.token);
    assert_eq!(agent.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let no_tenant = tenant.service.request(Method::GET, &path).send().await.unwrap();
    assert_eq!(no_tenant.status(), StatusCode::BAD_REQUEST);
    let two = tenant.request(Method::GET, &path).header("X-Account-Id", &theirs.id).send().await.unwrap();
    assert_eq!(two.status(), StatusCode::FORBIDDEN);

    // Another account's conversation does not exist.
    for (method, path, body) in [
        (Method::GET, path.clone(), json!(null)),
        (Method::GET, format!("{path}/messages"), json!(null)),
        (Method::GET, format!("{path}/messages/recent"), json!(null)),
        (Method::POST, format!("{path}/handoff"), json!({})),
        (Method::PUT, format!("{path}/assign"), json!({ "agent_id": theirs.agent.user })),
        (Method::PUT, format!("{path}/status"), json!({ "status": "active" })),
        (Method::PUT, format!("{path}/status"), json!({ "status": "resolved" })),
        (Method::PUT, format!("{path}/status"), json!({ "status": "handed_off" })),
        (Method::PUT, format!("{path}/status"), json!({ "status": "expired" })),
        (
            Method::POST,
            "/api/v1/messages".to_owned(),
            json!({ "conversation_id": id, "sender_type": "customer", "content": "Boo" }),
        ),
    ] {
        let (status, answer) = theirs.send(method.clone(), &path, body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {answer}");
    }
    let outlet = theirs.send(Method::POST, "/api/v1/conversations", tenant.customer("+628123456788")).await;
    assert_eq!(outlet.0, StatusCode::UNPROCESSABLE_ENTITY, "{}", outlet.1);
    assert_eq!(outlet.1["field"], "outlet_id");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_is_not_listed_does_not_have_the_contract() {
    let folder = tempfile::tempdir().unwrap();
    let (listed, other) = (fresh_id(), fresh_id());
    let arguments = ["--conversation-service-accounts", listed.as_str()];
    let program = Program::serve_with(&folder.path().join("data"), &arguments).await;
    let tenant = Tenant::new(&Account::new(&program, &listed)).await;
    let unlisted = Tenant::new(&Account::new(&program, &other)).await;
    assert_eq!(tenant.get("/api/v1/conversations/active").await, json!([]));
    let (status, _) = unlisted.send(Method::GET, "/api/v1/conversations/active", json!(null)).await;
    assert_eq!(status, StatusCode::NOT_FOUND);

    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let tenant = Tenant::new(&program.account()).await;
    for path in ["/health", "/api/v1/conversations/active"] {
        let answer = tenant.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn find_or_create_is_one_conversation_although_a_webhook_and_an_agent_begin_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), EVERY_ACCOUNT).await;
    let account = program.account();
    let tenant = Tenant::new(&account).await;
    for round in 0..5 {
        let phone = format!("62812345678{round}");
        let asked = (0..10).map(|_| {
            tenant.send(Method::POST, "/api/v1/conversations/find-or-create", tenant.customer(&phone))
        });
        let message = webhook(&[text_message(&phone, &format!("wamid.{round}"), "Hello")], &[]);
        let begun = account.admin.send(
            Method::POST,
            "/v1/conversations",
            json!({ "channel_id": tenant.outlet.id, "contact_identifier": phone }),
        );
        let (asked, (), _) =
            futures::join!(futures::future::join_all(asked), tenant.outlet.post_ok(&message), begun);
        let ids: HashSet<String> = asked
            .into_iter()
            .map(|(status, answer)| {
                assert_eq!(status, StatusCode::OK, "{answer}");
                answer["id"].as_str().unwrap().to_owned()
            })
            .collect();
        assert_eq!(ids.len(), 1, "{ids:?}");
        let id = ids.into_iter().next().unwrap();
        let messages = tenant.get(&format!("/api/v1/conversations/{id}/messages")).await;
        assert_eq!(messages.as_array().unwrap().len(), 1, "{messages}");
        assert_eq!(messages[0]["content"], "Hello");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_are_not_shown_and_a_message_that_was_sent_is_not_sent_again() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), EVERY_ACCOUNT).await;
    let tenant = Tenant::new(&program.account()).await;
    let conversation = tenant.create("+628123456789").await;
    let id = conversation["id"].as_str().unwrap();
    let answer = json!({
        "conversation_id": id, "sender_type": "llm", "content": "Hello", "whatsapp_message_id": "wamid.sent",
    });
    let (status, stored) = tenant.send(Method::POST, "/api/v1/messages", answer).await;
    assert_eq!(status, StatusCode::CREATED, "{stored}");
    let path = format!("/v1/conversations/{id}/messages");
    tenant.agent.post(&path, json!({ "content": "Take care of him", "is_private": true })).await;
    let shown = tenant.get(&format!("/api/v1/conversations/{id}/messages/recent?count=1")).await;
    assert_eq!(shown, json!([stored["message"]]));
    let agents = tenant.agent.get(&path).await;
    assert_eq!(agents["data"][0]["delivery"]["state"], "dispatched", "{agents}");
    assert_eq!(agents["data"][0]["provider_message_id"], "wamid.sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_process_shows_what_was_written_at_another_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve_with(&data, EVERY_ACCOUNT).await;
    let other = Program::start("contracts", &data, EVERY_ACCOUNT).await;
    let here = Tenant::new(&program.account()).await;
    let there = here.at(&other);
    for round in 0..10 {
        let phone = format!("+62812345678{round}");
        let asked = (0..10).map(|number| {
            let tenant = if number % 2 == 0 { &here } else { &there };
            tenant.send(Method::POST, "/api/v1/conversations/find-or-create", here.customer(&phone))
        });
        let asked = futures::future::join_all(asked).await;
        let ids: HashSet<String> = asked.iter().map(|(_, answer)| answer["id"].to_string()).collect();
        assert_eq!(ids.len(), 1, "{asked:?}");
        let id = asked[0].1["id"].as_str().unwrap();
        let path = format!("/api/v1/conversations/{id}");
        for (tenant, reader) in [(&here, &there), (&there, &here)] {
            let message =
                json!({ "conversation_id": id, "sender_type": "customer", "content": format!("{round}") });
            let (status, stored) = tenant.send(Method::POST, "/api/v1/messages", message).await;
            assert_eq!(status, StatusCode::CREATED, "{stored}");
            let shown = reader.get(&format!("{path}/messages/recent?count=1")).await;
            assert_eq!(shown, json!([stored["message"]]));
        }
        let status = json!({ "status": "resolved" });
        let (_, resolved) = there.send(Method::PUT, &format!("{path}/status"), status).await;
        assert_eq!(here.get(&path).await, resolved);
        assert_eq!(resolved["status"], "resolved");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_acts_for_no_other_tenant_than_the_account_that_a_gateway_names() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = [EVERY_ACCOUNT, &["--trust-gateway-headers"]].concat();
    let program = Program::serve_with(&folder.path().join("data"), &arguments).await;
    let (ours, theirs) = (Tenant::new(&program.account()).await, Tenant::new(&program.account()).await);
    theirs.create("+628123456789").await;
    for (tenant, role, expected) in [
        (&ours.id, "service", StatusCode::OK),
        (&theirs.id, "service", StatusCode::FORBIDDEN),
        (&ours.id, "administrator", StatusCode::FORBIDDEN),
    ] {
        let request = program
            .get("/api/v1/conversations/active")
            .header("X-Account-Id", &ours.id)
            .header("X-User-Id", &ours.service.user)
            .header("X-User-Role", role)
            .header("X-Tenant-Id", tenant);
        assert_eq!(request.send().await.unwrap().status(), expected, "{role} for {tenant}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_with_its_key_takes_effect_once() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), EVERY_ACCOUNT).await;
    let tenant = Tenant::new(&program.account()).await;
    let post = async |path: &str, key: &str, body: &Value| {
        let request = tenant.request(Method::POST, path).header("Idempotency-Key", key);
        read(request.json(body).send().await.unwrap()).await
    };
    let begin = tenant.customer("+628123456789");
    let (status, begun) = post("/api/v1/conversations", "one", &begin).await;
    assert_eq!(
        (status, &post("/api/v1/conversations", "one", &begin).await.1),
        (StatusCode::CREATED, &begun)
    );
    let message = |content: &str| json!({ "conversation_id": begun["id"], "sender_type": "customer", "content": content });
    let (_, stored) = post("/api/v1/messages", "two", &message("A complaint")).await;
    assert_eq!(stored["handoff_requested"], true);
    assert_eq!(post("/api/v1/messages", "two", &message("A complaint")).await, (StatusCode::CREATED, stored));
    let (status, problem) = post("/api/v1/messages", "two", &message("Another")).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{problem}");
    let path = format!("/api/v1/conversations/{}/messages", begun["id"].as_str().unwrap());
    assert_eq!(tenant.get(&path).await.as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_of_socket_io_get_what_happens_in_the_words_of_the_contract() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), EVERY_ACCOUNT).await;
    let account = program.account();
    let tenant = Tenant::new(&account).await;
    assert_eq!(tenant.get("/health").await["websocket"], "active");
    let mut dashboard = tenant.socket(&program.base, &tenant.service.token);
    let mut chat = tenant.socket(&program.base, &tenant.service.token);
    dashboard.until_connected(1).await;
    chat.until_connected(1).await;
    let joined = dashboard.ask("tenant:join", json!({ "tenant_id": tenant.id })).await;
    assert_eq!(joined["tenant_id"], tenant.id.as_str(), "{joined}");

    let created = tenant.create("+628123456789").await;
    let id = created["id"].as_str().unwrap();
    assert_eq!(dashboard.until_event("conversation:new", |_| true).await, created);
    let joined = chat.ask("conversation:join", json!({ "conversation_id": id })).await;
    assert_eq!(joined["conversation_id"], id, "{joined}");

    let message = tenant.post_message(id, "I need help resetting my password").await;
    assert_eq!(chat.until_event("conversation:message", |_| true).await, message);
    // A note is for agents only.
    let note = json!({ "content": "canary", "is_private": true });
    tenant.agent.post(&format!("/v1/conversations/{id}/messages"), note).await;

    tenant.post_message(id, "I want to speak to human").await;
    let reason = "Customer requested human agent (keyword: 'speak to human')";
    let expected = json!({ "conversation_id": id, "reason": reason, "agent_id": null });
    for client in [&dashboard, &chat] {
        assert_eq!(client.until_event("conversation:handoff", |_| true).await, expected);
        let status = client.until_event("conversation:status", |_| true).await;
        assert_eq!(status, json!({ "conversation_id": id, "status": "handed_off" }));
    }
    let takeover = json!({ "conversation_id": id, "agent_id": tenant.agent.user });
    let taken = dashboard.ask("agent:takeover", takeover).await;
    assert_eq!(taken, tenant.get(&format!("/api/v1/conversations/{id}")).await);
    assert_eq!(taken["handoff_agent_id"], tenant.agent.user.as_str());
    let expected = json!({ "conversation_id": id, "agent_id": tenant.agent.user });
    assert_eq!(chat.until_event("agent:assigned", |_| true).await, expected);
    let unknown = json!({ "conversation_id": fresh_id(), "agent_id": tenant.agent.user });
    assert_eq!(dashboard.ask("agent:takeover", unknown).await["error"]["status"], 404);

    let left = chat.ask("conversation:leave", json!({ "conversation_id": id })).await;
    assert_eq!(left, json!({ "conversation_id": id }));
    tenant.post_message(id, "After it has left").await;
    let path = format!("/api/v1/conversations/{id}/status");
    tenant.send(Method::PUT, &path, json!({ "status": "resolved" })).await;
    dashboard.until_event("conversation:status", |status| status["status"] == "resolved").await;
    // The answer comes after all that the client was sent before.
    chat.ask("conversation:join", json!({ "conversation_id": id })).await;
    assert_eq!(chat.events("conversation:message").len(), 2);
    assert_eq!(
        chat.events("conversation:status").iter().filter(|args| args[0]["status"] == "resolved").count(),
        0
    );
    assert_eq!(dashboard.events("conversation:message").len(), 0, "it joined no conversation");
    for client in [&dashboard, &chat] {
        assert!(client.lines().iter().all(|line| !line.to_string().contains("canary")));
        let names: HashSet<String> = client
            .lines()
            .iter()
            .filter(|line| line["is"] == "event")
            .map(|line| line["name"].as_str().unwrap().to_owned())
            .collect();
        assert!(
            names.iter().all(|name| !name.starts_with("inbox:") && *name != "conversation:updated"),
            "{names:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_of_the_contract_that_was_away_gets_what_it_missed_at_another_process() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve_with(&data, EVERY_ACCOUNT).await;
    let other = Program::start("realtime", &data, EVERY_ACCOUNT).await;
    let tenant = Tenant::new(&program.account()).await;
    let proxy = Cuts::to(program.port).await;
    let mut client = tenant.socket(&proxy.base(), &tenant.service.token);
    client.until_connected(1).await;
    client.ask("tenant:join", json!({ "tenant_id": tenant.id })).await;
    let created = tenant.create("+628123456789").await;
    let id = created["id"].as_str().unwrap();
    client.ask("conversation:join", json!({ "conversation_id": id })).await;

    proxy.point_to(other.port);
    proxy.cut(None, Duration::ZERO);
    client.until("a disconnect", |line| line["is"] == "disconnect").await;
    let message = tenant.post_message(id, "While it was away").await;
    let second = tenant.create("+628123456788").await;
    assert_eq!(client.until_connected(2).await["recovered"], true);
    assert_eq!(client.until_event("conversation:message", |_| true).await, message);
    assert_eq!(client.until_event("conversation:new", |new| new["id"] == second["id"]).await, second);
    assert_eq!(client.events("conversation:message").len(), 1);
    assert_eq!(client.events("conversation:new").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_service_of_the_tenant_gets_its_events() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve_with(&folder.path().join("data"), EVERY_ACCOUNT).await;
    let (tenant, theirs) = (Tenant::new(&program.account()).await, Tenant::new(&program.account()).await);
    let created = tenant.create("+628123456789").await;
    for (token, status) in [("x", 401), (tenant.agent.token.as_str(), 403)] {
        let refused = tenant.socket(&program.base, token);
        let refused = refused.until("a refusal", |line| line["is"] == "connect_error").await;
        assert_eq!(refused["data"]["status"], status, "{refused}");
    }
    // The header alone is no credential here.
    let bare = json!({ "url": program.base, "extraHeaders": { "X-Tenant-Id": tenant.id } });
    let refused = SocketClient::start(&bare).until("a refusal", |line| line["is"] == "connect_error").await;
    assert_eq!(refused["data"]["status"], 401, "{refused}");

    let mut foreign = theirs.socket(&program.base, &theirs.service.token);
    foreign.until_connected(1).await;
    let refused = foreign.ask("tenant:join", json!({ "tenant_id": tenant.id })).await;
    assert_eq!(refused["error"]["status"], 403, "{refused}");
    let of_created = json!({ "conversation_id": created["id"], "agent_id": theirs.agent.user });
    for name in ["conversation:join", "agent:takeover"] {
        let refused = foreign.ask(name, of_created.clone()).await;
        assert_eq!(refused["error"]["status"], 404, "{refused}");
    }
    let unknown = foreign.ask("conversation:explode", json!({})).await;
    assert_eq!(unknown["error"]["status"], 400, "{unknown}");
    foreign.ask("tenant:join", json!({ "tenant_id": theirs.id })).await;
    tenant.post_message(created["id"].as_str().unwrap(), "Not for them").await;
    let own = theirs.create("+628123456787").await;
    assert_eq!(foreign.until_event("conversation:new", |_| true).await, own);
    let names = ["conversation:message", "conversation:new"].map(|name| foreign.events(name).len());
    assert_eq!(names, [0, 1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_names_the_tenant_of_a_socket_and_an_account_without_the_contract_has_none() {
    if !has_node() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (listed, other) = (fresh_id(), fresh_id());
    let arguments =
        ["--conversation-service-accounts", &listed, "--conversation-service-trusts-tenant-header"];
    let program = Program::serve_with(&folder.path().join("data"), &arguments).await;
    let tenant = Tenant::new(&Account::new(&program, &listed)).await;
    let unlisted = Tenant::new(&Account::new(&program, &other)).await;
    let of_gateway = |id: &str| {
        SocketClient::start(&json!({ "url": program.base, "extraHeaders": { "X-Tenant-Id": id } }))
    };
    let mut client = of_gateway(&tenant.id);
    client.until_connected(1).await;
    client.ask("tenant:join", json!({ "tenant_id": tenant.id })).await;
    let created = tenant.create("+628123456789").await;
    assert_eq!(client.until_event("conversation:new", |_| true).await, created);
    // A client names no tenant itself.
    let refused = client.ask("tenant:join", json!({ "tenant_id": unlisted.id })).await;
    assert_eq!(refused["error"]["status"], 403, "{refused}");

    for refused in [of_gateway(&unlisted.id), unlisted.socket(&program.base, &unlisted.service.token)] {
        let refused = refused.until("a refusal", |line| line["is"] == "connect_error").await;
        assert_eq!(refused["data"]["status"], 404, "{refused}");
    }
}
