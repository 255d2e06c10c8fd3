//! Publication: the JetStream stream equals the log, even when the program and NATS are killed.

use crate::fake_whatsapp::FakeWhatsApp;
use crate::kill::whole_log;
use crate::program::{Account, DEADLINE, Program, run, text_message, webhook};
use async_nats::jetstream;
use serde_json::Value;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use test_engines::Nats;

/// All CloudEvents in the stream, in order.
pub async fn published_events(nats: &Nats) -> Vec<Value> {
    let context = jetstream::new(async_nats::connect(nats.url()).await.unwrap());
    let Ok(stream) = context.get_stream("VERBATIM").await else { return Vec::new() };
    let last = stream.cached_info().state.last_sequence;
    let mut events = Vec::new();
    for sequence in 1..=last {
        let message = stream.get_raw_message(sequence).await.unwrap();
        events.push(serde_json::from_slice(&message.payload).unwrap());
    }
    events
}

/// Waits until the stream has as many events as the log, and asserts that they are equal.
async fn until_published(nats: &Nats, log: &[Value]) {
    let began = Instant::now();
    let mut events = published_events(nats).await;
    while events.len() < log.len() {
        assert!(began.elapsed() < DEADLINE * 3, "{} of {} events are published", events.len(), log.len());
        tokio::time::sleep(Duration::from_millis(50)).await;
        events = published_events(nats).await;
    }
    let ids =
        |events: &[Value]| -> Vec<String> { events.iter().map(|event| event["id"].to_string()).collect() };
    assert_eq!(ids(&events), ids(log));
    assert_eq!(events, log);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_stream_equals_the_log_despite_kills() {
    const KILLS: usize = 20;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let nats = Nats::start().await;
    let options = ["--nats", &nats.url(), "--nats-duplicate-window", "1", "--public-url", "http://desk"];
    let mut program = Program::serve_with(&data, &options).await;
    let provider = FakeWhatsApp::start().await;
    // One account, so that its administrator sees the whole log.
    let account = program.account();
    let (whatsapp, admin) = (account.whatsapp(&provider.base_url).await, account.admin.clone());
    let finished = Arc::new(AtomicBool::new(false));
    let customers: Vec<_> = (0..6)
        .map(|customer| {
            let (whatsapp, finished) = (whatsapp.clone(), finished.clone());
            tokio::spawn(async move {
                let mut number = 0;
                while !finished.load(Ordering::Relaxed) {
                    let id = format!("wamid.{customer}.{number}");
                    let message = text_message(&format!("25191100000{customer}"), &id, "Hello");
                    let taken = whatsapp.post(&webhook(&[message], &[])).await;
                    if taken.is_ok_and(|answer| answer.status().is_success()) {
                        number += 1;
                    } else {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            })
        })
        .collect();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    for number in 0..KILLS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        tokio::time::sleep(Duration::from_millis(20 + random % 200)).await;
        if number % 4 == 3 {
            nats.kill();
            nats.resume().await;
        } else {
            program.kill().await;
            program.restart().await;
        }
    }
    finished.store(true, Ordering::Relaxed);
    for customer in customers {
        customer.await.unwrap();
    }
    let log = whole_log(&admin).await;
    assert!(log.len() > KILLS, "the load produced too few events: {}", log.len());
    until_published(&nats, &log).await;

    // The API also serves an event by its id, only to its own account.
    let address = format!("/v1/events/{}", log[7]["id"].as_str().unwrap());
    assert_eq!(admin.get(&address).await, log[7]);
    let stranger = Account::new(&program, &crate::program::fresh_id()).admin;
    assert_eq!(stranger.try_get(&address).await.0, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_served_and_health_reports_it_while_nats_is_unreachable() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let nats = Nats::reserved();
    let program = Program::serve_with(&data, &["--nats", &nats.url(), "--public-url", "http://desk"]).await;
    let account = program.account();
    account.admin.post("/v1/teams", serde_json::json!({ "name": "Billing" })).await;
    let health = |word: &'static str| {
        let asked = program.get("/readyz");
        async move {
            let answer = asked.send().await.unwrap();
            assert!(answer.status().is_success());
            let health: Value = answer.json().await.unwrap();
            health["checks"]["publication"].as_str().unwrap().contains(word)
        }
    };
    let began = Instant::now();
    while !health("NATS at 127.0.0.1").await {
        assert!(began.elapsed() < DEADLINE, "health does not report that NATS is unreachable");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    nats.resume().await;
    until_published(&nats, &whole_log(&account.admin).await).await;
    while !health("ok").await {
        assert!(began.elapsed() < DEADLINE * 2, "health does not report that NATS is back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let expected = ["verbatim_publication_lag_events 0", "verbatim_publication_lag_seconds 0"];
    loop {
        let figures = program.get("/metrics").send().await.unwrap().text().await.unwrap();
        if expected.iter().all(|figure| figures.lines().any(|line| line == *figure)) {
            break;
        }
        assert!(began.elapsed() < DEADLINE * 3, "the lag metrics did not become zero: {figures}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invalid_nats_url_is_refused_in_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (arguments, expected) in [
        (vec!["serve", "--nats", "http://ada:secret@nats"], "nats://host:4222"),
        (vec!["serve", "--nats", "nats://nats", "--nats-credentials", "/nowhere.creds"], "/nowhere.creds"),
        (vec!["serve", "--nats", "nats://nats", "--nats-stream", "a.b"], "'a.b'"),
    ] {
        let mut arguments = arguments;
        arguments.extend(["--listen", "127.0.0.1:0"]);
        let (started, output) = run(&data, &arguments).await;
        assert!(!started && output.contains(expected) && !output.contains("secret"), "{output}");
        // A log in a database says before it that it has no key of credentials.
        let refusal = output.lines().filter(|line| !line.contains("credentials_key"));
        assert_eq!(refusal.filter(|line| !line.trim().is_empty()).count(), 1, "{output}");
    }
}
