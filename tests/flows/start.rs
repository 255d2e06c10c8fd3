//! Starting: every process answers at once, alone, first and without its database; and what it measures is shown.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::program::{
    DEADLINE, Engine, Program, conversation_of, engine, free_port, has_delivery_state, http, read,
};
use event_schemas::Clock;
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::time::{Duration, Instant};

const PARTS: [&str; 5] = ["serve", "command-api", "query-api", "projections", "process-managers"];

/// Waits until `/healthz` answers 200.
async fn until_alive(program: &mut Program) {
    let started = Instant::now();
    loop {
        let answer = http().get(format!("{}/healthz", program.base)).send().await;
        if answer.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            return;
        }
        let waits = !program.has_exited() && started.elapsed() < DEADLINE;
        assert!(waits, "{} does not answer; its log:\n{}", program.base, program.log());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until `/readyz` says that this part is waited for.
async fn until_waiting(program: &Program, part: &str, reason: &str) {
    let started = Instant::now();
    loop {
        let (status, checks) = program.checks().await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{checks:#}");
        if checks[part].as_str().is_some_and(|text| text.contains(reason)) {
            return;
        }
        assert!(started.elapsed() < DEADLINE, "{part} is not waited for: {checks:#}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_are_refused_until_the_projections_have_run_and_health_answers() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut queries = Program::spawn("query-api", &data, &[]).await;
    until_alive(&mut queries).await;
    until_waiting(&queries, "read-models", "waiting for `verbatim projections`").await;
    let admin = queries.account().admin;
    let answer = admin.request(Method::GET, "/v1/conversations").send().await.unwrap();
    assert_eq!(answer.headers()["retry-after"], "1");
    let (status, problem) = read(answer).await;
    assert_eq!(
        (status, &problem["type"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("/problems/unavailable"))
    );

    let _projections = Program::start("projections", &data, &[]).await;
    queries.until_ready().await;
    assert_eq!(admin.get("/v1/conversations").await["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_process_answers_when_it_is_started_alone() {
    for part in PARTS {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Program::spawn(part, &folder.path().join("data"), &[]).await;
        until_alive(&mut program).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_process_waits_for_its_database_and_says_so() {
    let nowhere = format!("postgres://nobody@127.0.0.1:{}/nothing", free_port());
    for part in PARTS {
        let folder = tempfile::tempdir().unwrap();
        let engines =
            vec![("VERBATIM_EVENT_STORE", nowhere.clone()), ("VERBATIM_READ_MODEL", nowhere.clone())];
        let mut program = Program::spawn_on(engines, part, &folder.path().join("data"), &[]);
        until_alive(&mut program).await;
        until_waiting(&program, "event-log", "").await;
        let answer = http().get(format!("{}/v1/conversations", program.base)).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(answer.headers()["retry-after"], "1");
        assert!(!program.has_exited());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_at_an_address_of_its_own_answers_while_the_database_is_waited_for() {
    let nowhere = format!("postgres://nobody@127.0.0.1:{}/nothing", free_port());
    let folder = tempfile::tempdir().unwrap();
    let engines = vec![("VERBATIM_EVENT_STORE", nowhere.clone()), ("VERBATIM_READ_MODEL", nowhere)];
    let operations = format!("127.0.0.1:{}", free_port());
    let arguments = ["--operations-listen", &operations];
    let mut program = Program::spawn_on(engines, "serve", &folder.path().join("data"), &arguments);
    program.base = format!("http://{operations}");
    until_alive(&mut program).await;
}

/// The metrics that need what this test does not have.
fn needs_more(name: &str) -> bool {
    // NATS, a deadline that passes, and a client that comes back.
    name.starts_with("verbatim_publication_")
        || name == "verbatim_realtime_gap_events"
        || name == "verbatim_sla_alarm_delay_seconds"
        || (engine() == Engine::KurrentDb && name.starts_with("verbatim_event_log_"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_metric_that_the_documents_name_is_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let provider = FakeWhatsApp::start().await;
    let account = program.account();
    let ana = account.person("agent", "Ana");
    account.whatsapp(&provider.base_url).await.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    ana.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
    ana.post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "Hi" })).await;
    let soon = Clock::System.now() + Duration::from_secs(5);
    ana.post(&format!("/v1/conversations/{id}/messages"), json!({ "content": "Later", "send_at": soon }))
        .await;
    ana.get_until(&format!("/v1/conversations/{id}/messages"), |a| has_delivery_state(a, "dispatched")).await;

    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/metrics.md")).unwrap();
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let named: Vec<_> = rows.filter(|name| !needs_more(name)).collect();
    assert!(named.len() > 20, "{named:?}");
    let started = Instant::now();
    loop {
        let shown = program.get("/metrics").send().await.unwrap().text().await.unwrap();
        let is_shown =
            |name: &str| shown.lines().any(|line| !line.starts_with('#') && line.starts_with(name));
        let missing: Vec<_> = named.iter().filter(|name| !is_shown(name)).collect();
        if missing.is_empty() {
            return;
        }
        assert!(started.elapsed() < DEADLINE, "not recorded: {missing:?}\n{shown}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
