//! SLA timers and snoozes through the API.

use crate::program::{DEADLINE, Program, conversation_of};
use event_schemas::Timestamp;
use serde_json::{Value, json};
use std::time::Duration;

async fn policy(admin: &crate::program::Person, first_response_seconds: u32) {
    let targets = json!({ "first_response_seconds": first_response_seconds, "resolution_seconds": 3600 });
    admin
        .post(
            "/v1/sla-policies",
            json!({
                "name": "Standard",
                "warn_before_seconds": 1,
                "targets": { "low": targets, "normal": targets, "high": targets, "urgent": targets },
            }),
        )
        .await;
}

fn moment(value: &Value) -> Timestamp {
    value.as_str().expect("a time").parse().expect("RFC 3339")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missed_deadline_becomes_an_event_dated_when_it_was_due() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    policy(&account.admin, 2).await;
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    let row = ana.get(&format!("/v1/conversations/{id}")).await;
    assert_eq!(moment(&row["sla_due_at"]), moment(&row["created_at"]) + Duration::from_secs(2));

    let path = format!("/v1/conversations/{id}/events?limit=200");
    let has = |name: &'static str| {
        move |a: &Value| {
            let events = a["data"].as_array();
            events.is_some_and(|events| {
                events.iter().any(|event| event["type"].as_str().is_some_and(|t| t.contains(name)))
            })
        }
    };
    let history = ana.get_until(&path, has("SlaBreached")).await;
    assert!(has("SlaWarned")(&history), "{history:#}");
    let of = |name: &str| {
        let events = history["data"].as_array().unwrap();
        events.iter().filter(|event| event["type"].as_str().unwrap().contains(name)).collect::<Vec<_>>()
    };
    let breaches = of("SlaBreached");
    assert_eq!(breaches.len(), 1);
    let breach = breaches[0];
    let opened = moment(&of("ConversationOpened")[0]["time"]);
    assert_eq!(
        moment(&breach["time"]),
        opened + Duration::from_secs(2),
        "the event has the time at which it was due"
    );
    assert_eq!(moment(&breach["data"]["due_at"]), opened + Duration::from_secs(2));
    assert!(moment(&breach["data"]["detected_at"]) >= moment(&breach["data"]["due_at"]));
    // After a restart the breach is not recorded again.
    drop(account);
    program.stop().await;
    program.restart().await;
    let after = tokio::time::Instant::now();
    while after.elapsed() < Duration::from_millis(500) {
        let again = ana.get(&path).await;
        assert_eq!(again["data"].as_array().unwrap().len(), history["data"].as_array().unwrap().len());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_missed_while_the_program_was_down_is_recorded_later_and_one_that_was_met_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    policy(&account.admin, 2).await;
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    whatsapp.customer_writes("2", "wamid.2", "Hello").await;
    let (missed, met) = (conversation_of(&ana, "1").await, conversation_of(&ana, "2").await);
    ana.post(&format!("/v1/conversations/{met}/messages"), json!({ "content": "Hi" })).await;
    program.kill().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    program.restart().await;
    let breached = |id: String| {
        let ana = ana.clone();
        async move {
            let history = ana.get(&format!("/v1/conversations/{id}/events?limit=200")).await;
            let events = history["data"].as_array().unwrap().clone();
            events.into_iter().find(|event| event["type"].as_str().unwrap().contains("SlaBreached"))
        }
    };
    let started = std::time::Instant::now();
    let breach = loop {
        if let Some(breach) = breached(missed.clone()).await {
            break breach;
        }
        assert!(started.elapsed() < DEADLINE, "the breach was not recorded");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(moment(&breach["time"]), moment(&breach["data"]["due_at"]));
    assert!(breached(met).await.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snooze_ends_by_itself() {
    let folder = tempfile::tempdir().unwrap();
    let program = Program::serve(&folder.path().join("data")).await;
    let account = program.account();
    let whatsapp = account.whatsapp("http://127.0.0.1:9").await;
    let ana = account.person("agent", "Ana");
    whatsapp.customer_writes("1", "wamid.1", "Hello").await;
    let id = conversation_of(&ana, "1").await;
    ana.post(&format!("/v1/conversations/{id}/assign"), json!({})).await;
    let until = event_schemas::Clock::System.now() + Duration::from_millis(1500);
    ana.patch(&format!("/v1/conversations/{id}"), json!({ "status": "pending", "snoozed_until": until }))
        .await;
    ana.get_until(&format!("/v1/conversations/{id}"), |a| a["status"] == "pending").await;
    ana.get_until(&format!("/v1/conversations/{id}"), |a| a["status"] == "assigned").await;
    assert!(event_schemas::Clock::System.now() >= until);
}
