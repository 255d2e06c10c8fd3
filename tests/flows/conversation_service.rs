//! The contract of the conversation service (requirement 001).

use crate::program::{Account, Person, Program, fresh_id, http, not_run, read, text_message, webhook};
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use std::collections::HashSet;
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
