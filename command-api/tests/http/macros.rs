//! Macros: who defines and sees them, and that their actions are executed together or not at all.

use crate::service::{Person, Service, UNKNOWN_ID, adam, ana, ben, greta, id, start, sue};
use axum::http::Method;
use event_schemas::UserId;
use serde_json::{Value, json};

fn refund(visibility: &str) -> Value {
    json!({
        "name": "Refund",
        "visibility": visibility,
        "actions": [
            { "type": "add_labels", "labels": ["refund"] },
            { "type": "set_priority", "priority": "high" },
            { "type": "note", "text": "{{contact_name}} wants money back" },
            { "type": "assign_agent", "agent_id": ana().id },
        ],
    })
}

async fn define(service: &Service, who: &Person, body: Value) -> String {
    id(&service.post(who, "/v1/macros", body).await.is(201))
}

/// Registers a user as an agent of the account.
async fn register(service: &Service, who: &Person) {
    let body = json!({ "user_id": who.id, "name": "Somebody" });
    service.post(&adam(), "/v1/agents", body).await.is(201);
}

#[tokio::test]
async fn the_actions_of_a_macro_are_one_append_and_run_once_with_the_same_key() {
    let service = start().await;
    register(&service, &ana()).await;
    let path = service.conversation().await;
    let list = define(&service, &sue(), refund("everyone")).await;
    let run = format!("{path}/macros/{list}");
    let key = [("idempotency-key", "once")];
    let ran = service.ask(&ana(), Method::POST, &run, &key, Value::Null).await.is(200);
    assert_eq!(ran["labels"], json!(["refund"]));
    assert_eq!(ran["priority"], "high");
    assert_eq!(ran["assignee_id"], json!(ana().id));
    let expected =
        ["ConversationOpened", "MacroRan", "LabelsChanged", "PriorityChanged", "NoteAdded", "Assigned"];
    assert_eq!(service.event_types(&path).await, expected);
    service.ask(&ana(), Method::POST, &run, &key, Value::Null).await.is(200);
    assert_eq!(service.event_types(&path).await, expected);
    // Without a key the macro runs again, and a second event records it.
    service.post(&ana(), &run, Value::Null).await.is(200);
    assert_eq!(service.event_types(&path).await.len(), expected.len() + 2);
    let note = service.events(&path).await.into_iter().find(|event| event.event_type == "NoteAdded").unwrap();
    assert!(note.data.contains("Abebe wants money back"), "{}", note.data);
}

#[tokio::test]
async fn an_action_that_cannot_be_executed_is_named_and_nothing_changes() {
    let service = start().await;
    register(&service, &ana()).await;
    let path = service.conversation().await;
    let list = define(&service, &sue(), refund("everyone")).await;
    let run = format!("{path}/macros/{list}");
    service.post(&ben(), &format!("{path}/assign"), Value::Null).await.is(200);
    let before = service.event_types(&path).await;
    // Only a supervisor can take the conversation from another agent.
    let refused =
        service.post(&ana(), &run, Value::Null).await.refuses(409, "already-assigned", "actions[3]");
    assert_eq!(refused["action"], "assign_agent");
    let stale = [("if-match", "\"0\"")];
    service.ask(&ana(), Method::POST, &run, &stale, Value::Null).await.is(412);
    assert_eq!(service.event_types(&path).await, before);
    service.post(&sue(), &run, Value::Null).await.is(200);
    service.delete(&sue(), &path).await.is(200);
    service.post(&ana(), &run, Value::Null).await.refuses(409, "conversation-closed", "actions[0]");
}

#[tokio::test]
async fn a_personal_macro_is_visible_only_to_its_author() {
    let service = start().await;
    register(&service, &ana()).await;
    let path = service.conversation().await;
    let list = define(&service, &ana(), refund("personal")).await;
    define(&service, &ben(), refund("personal")).await;
    for other in [ben(), sue(), greta()] {
        service.post(&other, &format!("{path}/macros/{list}"), Value::Null).await.is(404);
        service.patch(&other, &format!("/v1/macros/{list}"), json!({ "name": "Mine" })).await.is(404);
        service.delete(&other, &format!("/v1/macros/{list}")).await.is(404);
    }
    service.post(&ana(), &format!("{path}/macros/{list}"), Value::Null).await.is(200);
    let shared =
        service.patch(&ana(), &format!("/v1/macros/{list}"), json!({ "visibility": "everyone" })).await;
    shared.refuses(403, "forbidden", "visibility");
    let renamed =
        service.patch(&ana(), &format!("/v1/macros/{list}"), json!({ "name": "Back" })).await.is(200);
    assert_eq!(renamed["name"], "Back");
    service.delete(&ana(), &format!("/v1/macros/{list}")).await.is(200);
    service.post(&ana(), &format!("{path}/macros/{list}"), Value::Null).await.is(404);
}

#[tokio::test]
async fn another_account_finds_no_macro() {
    let service = start().await;
    register(&service, &ana()).await;
    let path = service.conversation().await;
    let list = define(&service, &sue(), refund("everyone")).await;
    service.post(&greta(), &format!("{path}/macros/{list}"), Value::Null).await.is(404);
    service.patch(&greta(), &format!("/v1/macros/{list}"), json!({ "name": "Theirs" })).await.is(404);
    service.post(&ana(), &format!("/v1/conversations/{UNKNOWN_ID}/macros/{list}"), Value::Null).await.is(404);
    service.post(&ana(), &format!("{path}/macros/{UNKNOWN_ID}"), Value::Null).await.is(404);
}

#[tokio::test]
async fn an_unknown_item_or_word_is_named_by_its_field() {
    let service = start().await;
    let stranger = UserId::from_u128(77);
    for (action, field) in [
        (json!({ "type": "dance" }), "type"),
        (json!({}), "type"),
        (json!({ "type": "add_labels" }), "labels"),
        (json!({ "type": "note", "text": "a", "colour": "red" }), "colour"),
        (json!({ "type": "assign_team", "team_id": UNKNOWN_ID }), "team_id"),
        (json!({ "type": "route", "strategy": "least_busy", "team_id": UNKNOWN_ID }), "team_id"),
        (json!({ "type": "assign_agent", "agent_id": stranger }), "agent_id"),
        (json!({ "type": "reply", "canned_response_id": UNKNOWN_ID }), "canned_response_id"),
        (json!({ "type": "webhook", "url": "http://example.com" }), "url"),
        (json!({ "type": "webhook", "url": "https://127.0.0.1/" }), "url"),
    ] {
        let body = json!({ "name": "List", "visibility": "everyone", "actions": [action] });
        let refused = service.post(&sue(), "/v1/macros", body).await;
        refused.refuses(422, "unprocessable", &format!("actions[0].{field}"));
    }
    let body = json!({ "name": "List", "visibility": "some", "actions": [{ "type": "resolve" }] });
    service.post(&sue(), "/v1/macros", body).await.refuses(422, "unprocessable", "visibility");
}

#[tokio::test]
async fn the_secret_of_webhooks_is_shown_once() {
    let service = start().await;
    let hook = json!([{ "type": "webhook", "url": "https://example.com/hook" }]);
    let body = json!({ "name": "Tell", "visibility": "everyone", "actions": hook });
    let created = service.post(&sue(), "/v1/macros", body).await.is(201);
    assert!(created["webhook_secret"].as_str().unwrap().starts_with("whsec_"), "{created}");
    let list = format!("/v1/macros/{}", id(&created));
    let changed = service.patch(&sue(), &list, json!({ "description": "Tells the shop" })).await.is(200);
    assert!(changed.get("webhook_secret").is_none(), "{changed}");
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let changed = service.patch(&sue(), &list, json!({ "webhook_secret": own })).await.is(200);
    assert!(changed.get("webhook_secret").is_none(), "{changed}");
    let bad = service.patch(&sue(), &list, json!({ "webhook_secret": "secret" })).await;
    bad.refuses(422, "unprocessable", "webhook_secret");
    let mine = json!({ "name": "Mine", "visibility": "personal", "actions": hook });
    service.post(&ana(), "/v1/macros", mine).await.refuses(403, "forbidden", "actions[0]");
}

#[tokio::test]
async fn an_automation_rule_is_defined_changed_and_retired_by_supervisors() {
    let service = start().await;
    let rule = json!({
        "name": "Refunds",
        "event": "message_received",
        "conditions": { "keywords": ["refund"] },
        "actions": [{ "type": "set_priority", "priority": "high" }],
    });
    service.post(&ana(), "/v1/automation-rules", rule.clone()).await.is(403);
    let created = service.post(&sue(), "/v1/automation-rules", rule.clone()).await.is(201);
    let path = format!("/v1/automation-rules/{}", id(&created));
    service.post(&sue(), "/v1/automation-rules", rule.clone()).await.refuses(409, "name-taken", "name");
    service.patch(&greta(), &path, json!({ "priority": 1 })).await.is(404);
    let changed = service.patch(&sue(), &path, json!({ "is_active": false })).await.is(200);
    assert_eq!(changed["is_active"], false);
    for (change, field) in [
        (json!({ "event": "full_moon" }), "event"),
        (json!({ "event": "waiting_longer_than", "conditions": {} }), "waiting_seconds"),
        (json!({ "event": "sla_warning" }), "conditions.keywords"),
        (json!({ "conditions": { "team_ids": [UNKNOWN_ID] } }), "conditions.team_ids[0]"),
        (json!({ "actions": [{ "type": "assign_team", "team_id": UNKNOWN_ID }] }), "actions[0].team_id"),
        (
            json!({
                "event": "conversation_updated",
                "conditions": {},
                "actions": [{ "type": "route", "strategy": "least_busy" }],
            }),
            "actions[0]",
        ),
    ] {
        service.patch(&sue(), &path, change).await.refuses(422, "unprocessable", field);
    }
    service.delete(&sue(), &path).await.is(200);
    service.delete(&sue(), &path).await.is(404);
}
