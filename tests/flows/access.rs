//! An account never sees data of another account.

use crate::program::{Engine, Program, conversation_of, engine, free_port, http, not_run};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn another_accounts_resources_are_not_found() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let (ours, theirs) = (program.account(), program.account());
    let whatsapp = ours.whatsapp("http://127.0.0.1:9").await;
    whatsapp.customer_writes("251911000000", "wamid.1", "A secret of ours").await;
    let ana = ours.person("agent", "Ana");
    let id = conversation_of(&ana, "251911000000").await;
    let team = ours.admin.post("/v1/teams", json!({ "name": "Billing" })).await["id"].clone();
    let team = team.as_str().unwrap();
    let eve = &theirs.admin;

    for path in [
        format!("/v1/conversations/{id}"),
        format!("/v1/conversations/{id}/messages"),
        format!("/v1/conversations/{id}/assignments"),
        format!("/v1/conversations/{id}/events"),
        format!("/v1/conversations/{id}?as_of=1000000"),
        format!("/v1/channels/{}", whatsapp.id),
        format!("/v1/teams/{team}"),
    ] {
        let (status, answer) = eve.try_get(&path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "GET {path}: {answer}");
    }
    for (method, path, body) in [
        (Method::POST, format!("/v1/conversations/{id}/messages"), json!({ "content": "Boo" })),
        (Method::POST, format!("/v1/conversations/{id}/assign"), json!({})),
        (Method::POST, format!("/v1/conversations/{id}/seen"), json!({})),
        (Method::PATCH, format!("/v1/conversations/{id}"), json!({ "subject": "Boo" })),
        (Method::DELETE, format!("/v1/conversations/{id}"), json!({})),
        (Method::PATCH, format!("/v1/channels/{}", whatsapp.id), json!({ "name": "Boo" })),
        (Method::DELETE, format!("/v1/teams/{team}"), json!({})),
    ] {
        let (status, answer) = eve.send(method.clone(), &path, body).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{method} {path}: {answer}");
    }
    for list in ["/v1/conversations", "/v1/channels", "/v1/teams", "/v1/contacts", "/v1/contact-identifiers"]
    {
        let answer = eve.get(list).await;
        assert_eq!(answer["data"], json!([]), "GET {list}");
    }
    let stream =
        eve.request(Method::GET, "/v1/events").header("Accept", "application/x-ndjson").send().await.unwrap();
    assert!(!stream.text().await.unwrap().contains("secret of ours"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_in_two_accounts_is_steered_by_each_alone() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let (ours, theirs) = (program.account(), program.account());
    let ana = ours.person("agent", "Ana");
    let there = theirs.person_of(&ana.user, "agent", "Ana Maria");
    ours.admin.post("/v1/agents", json!({ "user_id": ana.user, "name": "Ana" })).await;
    theirs.admin.post("/v1/agents", json!({ "user_id": ana.user, "name": "Ana Maria" })).await;

    let path = format!("/v1/agent-preferences/{}", ana.user);
    theirs.admin.patch(&path, json!({ "is_available": false, "max_concurrent_conversations": 1 })).await;
    there.post("/v1/agents/me/presence", json!({ "status": "offline" })).await;
    theirs.admin.get_until(&path, |seen| seen["presence"] == "offline").await;
    let seen = ours.admin.get(&path).await;
    assert_eq!((&seen["is_available"], &seen["presence"]), (&json!(true), &json!("unknown")));
    assert_eq!(seen["max_concurrent_conversations"], 5);

    // She takes a conversation here; her capacity there stays free.
    ours.admin.post("/v1/queues", json!({ "name": "All", "strategy": "manual_queue" })).await;
    let whatsapp = ours.whatsapp("http://127.0.0.1:9").await;
    whatsapp.customer_writes("251911000000", "wamid.1", "Good morning").await;
    let id = conversation_of(&ana, "251911000000").await;
    ana.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
    let seen = ours.admin.get_until(&path, |seen| seen["active_conversations"] == 1).await;
    assert_eq!(seen["is_available"], true);
    assert_eq!(theirs.admin.get(&path).await["active_conversations"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_a_request_gets_401_and_with_too_low_a_role_403() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let answer = program.get("/v1/conversations").send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
    let account = program.account();
    let ana = account.person("agent", "Ana");
    let (status, problem) = ana.send(Method::POST, "/v1/channels", json!({})).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_never_shown_again() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let admin = &account.admin;
    let listed = admin.get_until("/v1/channels", |a| a["data"][0]["id"] == whatsapp.id.as_str()).await;
    let one = admin.get(&format!("/v1/channels/{}", whatsapp.id)).await;
    let changed = admin.patch(&format!("/v1/channels/{}", whatsapp.id), json!({ "name": "Renamed" })).await;
    let events = admin
        .request(Method::GET, "/v1/events")
        .header("Accept", "application/x-ndjson")
        .send()
        .await
        .unwrap();
    let seen = format!("{listed}{one}{changed}{}{}", events.text().await.unwrap(), program.log());
    for secret in [crate::program::APP_SECRET, crate::program::VERIFY_TOKEN, "an-access-token"] {
        assert!(!seen.contains(secret), "{secret} was shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_files_of_the_program_are_its_users_alone() {
    if engine() == Engine::Postgres {
        return not_run("modes of files on PostgreSQL: log and tables are the server's files");
    }
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let program = Program::serve(&data).await;
    let account = program.account();
    account.whatsapp("http://127.0.0.1:9").await.customer_writes("1", "wamid.1", "Hello").await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    let files: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().path()).collect();
    for file in &files {
        assert_eq!(mode(file) & 0o077, 0, "{}", file.display());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_metrics_can_have_an_address_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    let operations = format!("127.0.0.1:{}", free_port());
    let program =
        Program::spawn("serve", &folder.path().join("data"), &["--operations-listen", &operations]).await;
    for path in ["/readyz", "/healthz", "/metrics"] {
        let url = format!("http://{operations}{path}");
        let started = Instant::now();
        while !http().get(&url).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            assert!(started.elapsed() < Duration::from_secs(30), "{url} never answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let answer = program.get(path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path} beside the API");
    }
}
