//! Dry runs of automation rules: the past matches as live operation would have matched, and nothing is written.

use crate::service::{Service, ana, id, start, sue};
use serde_json::{Value, json};

const PATH: &str = "/v1/automation-rules/dry-run";

fn rule(name: &str, event: &str, conditions: Value) -> Value {
    json!({
        "name": name,
        "event": event,
        "conditions": conditions,
        "actions": [{ "type": "set_priority", "priority": "urgent" }],
    })
}

fn november(rules: &[Value]) -> Value {
    json!({ "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z", "rules": rules })
}

async fn writes(service: &Service, channel: &str, from: &str, provider_id: &str, text: &str) {
    let answer = service.send(service.whatsapp_text(channel, from, provider_id, text)).await;
    assert_eq!(answer.status, 200);
}

/// The rules of the report by name: how often each matches, and in how many conversations.
async fn matches(service: &Service, rules: &[Value]) -> Vec<(String, u64, u64)> {
    let report = service.post(&sue(), PATH, november(rules)).await.is(200);
    let reported = report["rules"].as_array().unwrap();
    let counts = reported.iter().map(|rule| {
        let number = |field: &str| rule[field].as_u64().unwrap();
        (rule["name"].as_str().unwrap().to_owned(), number("matches"), number("conversations"))
    });
    counts.collect()
}

#[tokio::test]
async fn automation_rules_are_compared_with_past_events_and_nothing_is_appended() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    writes(&service, &channel, "2519", "wamid.1", "a refund, please").await;
    writes(&service, &channel, "2519", "wamid.2", "where is my refund?").await;
    writes(&service, &channel, "2518", "wamid.3", "hello").await;
    let end = service.commands.store.end().await.unwrap();
    let found = matches(
        &service,
        &[
            rule("refunds", "message_received", json!({ "keywords": ["refund"], "assignee": "none" })),
            rule("assigned", "message_received", json!({ "assignee": "any" })),
            rule("new", "conversation_created", json!({})),
            json!({ "name": "off", "is_active": false, "event": "conversation_created",
                "actions": [{ "type": "resolve" }] }),
        ],
    )
    .await;
    let expected = [("refunds", 2, 1), ("assigned", 0, 0), ("new", 2, 2)];
    assert_eq!(found, expected.map(|(name, matches, of)| (name.to_owned(), matches, of)));
    assert_eq!(service.commands.store.end().await.unwrap(), end);
}

#[tokio::test]
async fn one_request_is_one_update_and_its_rules_see_all_of_it() {
    let service = start().await;
    let path = service.conversation().await;
    let change = json!({ "priority": "high", "labels": ["vip"] });
    service.patch(&ana(), &path, change).await.is(200);
    let found = matches(
        &service,
        &[
            rule("both", "conversation_updated", json!({ "priorities": ["high"], "labels": ["vip"] })),
            rule("neither", "conversation_updated", json!({ "priorities": ["low"] })),
        ],
    )
    .await;
    assert_eq!(found, [("both".to_owned(), 1, 1), ("neither".to_owned(), 0, 0)]);
}

#[tokio::test]
async fn a_wait_matches_once_when_it_was_long_enough() {
    let service = start().await;
    let channel = service.whatsapp_channel().await;
    writes(&service, &channel, "2519", "wamid.1", "hello").await;
    writes(&service, &channel, "2519", "wamid.2", "are you there?").await;
    let waiting = |name: &str, seconds: u32| {
        let mut rule = rule(name, "waiting_longer_than", json!({ "assignee": "none" }));
        rule["waiting_seconds"] = json!(seconds);
        rule
    };
    let month = 31 * 24 * 3600;
    let found = matches(&service, &[waiting("a minute", 60), waiting("a month", month)]).await;
    assert_eq!(found, [("a minute".to_owned(), 1, 1), ("a month".to_owned(), 0, 0)]);
}

#[tokio::test]
async fn the_runs_of_the_present_rule_are_counted_and_a_wrong_draft_is_named() {
    let service = start().await;
    let defined = rule("refunds", "message_received", json!({ "keywords": ["refund"] }));
    let defined = service.post(&sue(), "/v1/automation-rules", defined).await.is(201);
    let everything = json!({ "from": "2026-11-01T00:00:00Z", "until": "2026-12-01T00:00:00Z" });
    let report = service.post(&sue(), PATH, everything).await.is(200);
    assert_eq!(report["rules"][0]["id"].as_str().unwrap(), id(&defined));
    assert_eq!(report["rules"][0]["ran"], 0);

    let mut wrong = rule("labels", "message_received", json!({}));
    wrong["actions"] = json!([{ "type": "add_labels", "labels": [] }]);
    let field = "rules[1].actions[0].labels";
    let drafts = [rule("fine", "message_received", json!({})), wrong];
    service.post(&sue(), PATH, november(&drafts)).await.refuses(422, "unprocessable", field);
    let unknown = [rule("unknown", "telepathy", json!({}))];
    service.post(&sue(), PATH, november(&unknown)).await.refuses(422, "unprocessable", "rules[0].event");
    let backwards = json!({ "from": "2026-12-01T00:00:00Z", "until": "2026-11-01T00:00:00Z" });
    service.post(&sue(), PATH, backwards).await.refuses(422, "unprocessable", "until");
    service.post(&ana(), PATH, november(&[])).await.refuses(403, "forbidden", "");
}
