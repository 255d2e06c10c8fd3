//! Macros: defined, seen by whom they are for, and run whole or not at all.

use crate::desk::{Desk, NOTHING, Person, adam, ana, ben, desk, greta, id, sue};
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

async fn defined(desk: &Desk, who: &Person, body: Value) -> String {
    id(&desk.post(who, "/v1/macros", body).await.is(201))
}

/// Agents are known to an account once it has registered them.
async fn registered(desk: &Desk, who: &Person) {
    let body = json!({ "user_id": who.id, "name": "Somebody" });
    desk.post(&adam(), "/v1/agents", body).await.is(201);
}

#[tokio::test]
async fn a_macro_does_all_of_its_actions_in_one_go_and_once_under_its_key() {
    let desk = desk().await;
    registered(&desk, &ana()).await;
    let path = desk.conversation().await;
    let list = defined(&desk, &sue(), refund("everyone")).await;
    let run = format!("{path}/macros/{list}");
    let key = [("idempotency-key", "once")];
    let ran = desk.ask(&ana(), Method::POST, &run, &key, Value::Null).await.is(200);
    assert_eq!(ran["labels"], json!(["refund"]));
    assert_eq!(ran["priority"], "high");
    assert_eq!(ran["assignee_id"], json!(ana().id));
    let expected =
        ["ConversationOpened", "MacroRan", "LabelsChanged", "PriorityChanged", "NoteAdded", "Assigned"];
    assert_eq!(desk.event_types(&path).await, expected);
    desk.ask(&ana(), Method::POST, &run, &key, Value::Null).await.is(200);
    assert_eq!(desk.event_types(&path).await, expected);
    // Without a key it is run again, and says so.
    desk.post(&ana(), &run, Value::Null).await.is(200);
    assert_eq!(desk.event_types(&path).await.len(), expected.len() + 2);
    let note = desk.events(&path).await.into_iter().find(|event| event.event_type == "NoteAdded").unwrap();
    assert!(note.data.contains("Abebe wants money back"), "{}", note.data);
}

#[tokio::test]
async fn what_cannot_be_done_leaves_everything_as_it_was_and_is_named() {
    let desk = desk().await;
    registered(&desk, &ana()).await;
    let path = desk.conversation().await;
    let list = defined(&desk, &sue(), refund("everyone")).await;
    let run = format!("{path}/macros/{list}");
    desk.post(&ben(), &format!("{path}/assign"), Value::Null).await.is(200);
    let before = desk.event_types(&path).await;
    // A colleague has it: taking it away is a supervisor's right.
    let refused = desk.post(&ana(), &run, Value::Null).await.refuses(409, "already-assigned", "actions[3]");
    assert_eq!(refused["action"], "assign_agent");
    let stale = [("if-match", "\"0\"")];
    desk.ask(&ana(), Method::POST, &run, &stale, Value::Null).await.is(412);
    assert_eq!(desk.event_types(&path).await, before);
    desk.post(&sue(), &run, Value::Null).await.is(200);
    desk.delete(&sue(), &path).await.is(200);
    desk.post(&ana(), &run, Value::Null).await.refuses(409, "conversation-closed", "actions[0]");
}

#[tokio::test]
async fn a_personal_macro_is_its_makers_and_nobody_elses() {
    let desk = desk().await;
    registered(&desk, &ana()).await;
    let path = desk.conversation().await;
    let list = defined(&desk, &ana(), refund("personal")).await;
    defined(&desk, &ben(), refund("personal")).await;
    for other in [ben(), sue(), greta()] {
        desk.post(&other, &format!("{path}/macros/{list}"), Value::Null).await.is(404);
        desk.patch(&other, &format!("/v1/macros/{list}"), json!({ "name": "Mine" })).await.is(404);
        desk.delete(&other, &format!("/v1/macros/{list}")).await.is(404);
    }
    desk.post(&ana(), &format!("{path}/macros/{list}"), Value::Null).await.is(200);
    let shared = desk.patch(&ana(), &format!("/v1/macros/{list}"), json!({ "visibility": "everyone" })).await;
    shared.refuses(403, "forbidden", "visibility");
    let renamed = desk.patch(&ana(), &format!("/v1/macros/{list}"), json!({ "name": "Back" })).await.is(200);
    assert_eq!(renamed["name"], "Back");
    desk.delete(&ana(), &format!("/v1/macros/{list}")).await.is(200);
    desk.post(&ana(), &format!("{path}/macros/{list}"), Value::Null).await.is(404);
}

#[tokio::test]
async fn another_account_sees_nothing() {
    let desk = desk().await;
    registered(&desk, &ana()).await;
    let path = desk.conversation().await;
    let list = defined(&desk, &sue(), refund("everyone")).await;
    desk.post(&greta(), &format!("{path}/macros/{list}"), Value::Null).await.is(404);
    desk.patch(&greta(), &format!("/v1/macros/{list}"), json!({ "name": "Theirs" })).await.is(404);
    desk.post(&ana(), &format!("/v1/conversations/{NOTHING}/macros/{list}"), Value::Null).await.is(404);
    desk.post(&ana(), &format!("{path}/macros/{NOTHING}"), Value::Null).await.is(404);
}

#[tokio::test]
async fn what_is_not_there_and_what_is_not_known_is_named_by_its_field() {
    let desk = desk().await;
    let stranger = UserId::from_u128(77);
    for (action, field) in [
        (json!({ "type": "dance" }), "type"),
        (json!({}), "type"),
        (json!({ "type": "add_labels" }), "labels"),
        (json!({ "type": "note", "text": "a", "colour": "red" }), "colour"),
        (json!({ "type": "assign_team", "team_id": NOTHING }), "team_id"),
        (json!({ "type": "route", "strategy": "least_busy", "team_id": NOTHING }), "team_id"),
        (json!({ "type": "assign_agent", "agent_id": stranger }), "agent_id"),
        (json!({ "type": "reply", "canned_response_id": NOTHING }), "canned_response_id"),
        (json!({ "type": "webhook", "url": "http://example.com" }), "url"),
        (json!({ "type": "webhook", "url": "https://127.0.0.1/" }), "url"),
    ] {
        let body = json!({ "name": "List", "visibility": "everyone", "actions": [action] });
        let refused = desk.post(&sue(), "/v1/macros", body).await;
        refused.refuses(422, "unprocessable", &format!("actions[0].{field}"));
    }
    let body = json!({ "name": "List", "visibility": "some", "actions": [{ "type": "resolve" }] });
    desk.post(&sue(), "/v1/macros", body).await.refuses(422, "unprocessable", "visibility");
}

#[tokio::test]
async fn the_secret_of_webhooks_is_shown_once() {
    let desk = desk().await;
    let hook = json!([{ "type": "webhook", "url": "https://example.com/hook" }]);
    let body = json!({ "name": "Tell", "visibility": "everyone", "actions": hook });
    let made = desk.post(&sue(), "/v1/macros", body).await.is(201);
    assert!(made["webhook_secret"].as_str().unwrap().starts_with("whsec_"), "{made}");
    let list = format!("/v1/macros/{}", id(&made));
    let changed = desk.patch(&sue(), &list, json!({ "description": "Tells the shop" })).await.is(200);
    assert!(changed.get("webhook_secret").is_none(), "{changed}");
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let changed = desk.patch(&sue(), &list, json!({ "webhook_secret": own })).await.is(200);
    assert!(changed.get("webhook_secret").is_none(), "{changed}");
    let bad = desk.patch(&sue(), &list, json!({ "webhook_secret": "secret" })).await;
    bad.refuses(422, "unprocessable", "webhook_secret");
    let mine = json!({ "name": "Mine", "visibility": "personal", "actions": hook });
    desk.post(&ana(), "/v1/macros", mine).await.refuses(403, "forbidden", "actions[0]");
}

#[tokio::test]
async fn an_automation_rule_is_defined_changed_and_retired_by_supervisors() {
    let desk = desk().await;
    let rule = json!({
        "name": "Refunds",
        "event": "message_received",
        "conditions": { "keywords": ["refund"] },
        "actions": [{ "type": "set_priority", "priority": "high" }],
    });
    desk.post(&ana(), "/v1/automation-rules", rule.clone()).await.is(403);
    let made = desk.post(&sue(), "/v1/automation-rules", rule.clone()).await.is(201);
    let path = format!("/v1/automation-rules/{}", id(&made));
    desk.post(&sue(), "/v1/automation-rules", rule.clone()).await.refuses(409, "name-taken", "name");
    desk.patch(&greta(), &path, json!({ "priority": 1 })).await.is(404);
    let changed = desk.patch(&sue(), &path, json!({ "is_active": false })).await.is(200);
    assert_eq!(changed["is_active"], false);
    for (change, field) in [
        (json!({ "event": "full_moon" }), "event"),
        (json!({ "event": "waiting_longer_than", "conditions": {} }), "waiting_seconds"),
        (json!({ "event": "sla_warning" }), "conditions.keywords"),
        (json!({ "conditions": { "team_ids": [NOTHING] } }), "conditions.team_ids[0]"),
        (json!({ "actions": [{ "type": "assign_team", "team_id": NOTHING }] }), "actions[0].team_id"),
        (
            json!({
                "event": "conversation_updated",
                "conditions": {},
                "actions": [{ "type": "route", "strategy": "least_busy" }],
            }),
            "actions[0]",
        ),
    ] {
        desk.patch(&sue(), &path, change).await.refuses(422, "unprocessable", field);
    }
    desk.delete(&sue(), &path).await.is(200);
    desk.delete(&sue(), &path).await.is(404);
}
