//! Undoing what an event has changed.

use crate::service::{Answer, Person, Service, UNKNOWN_ID, ana, ben, greta, id, start, sue};
use axum::http::Method;
use serde_json::{Value, json};

impl Service {
    /// Undoes the event of this version.
    async fn undo(&self, who: &Person, conversation: &str, version: usize) -> Answer {
        let event = self.events(conversation).await[version].id;
        self.post(who, &format!("{conversation}/undo"), json!({ "event_id": event })).await
    }
}

#[tokio::test]
async fn an_undo_restores_the_state_and_names_its_cause() {
    let service = start().await;
    let conversation = service.conversation().await;
    service.patch(&ana(), &conversation, json!({ "priority": "urgent", "labels": ["vip"] })).await.is(200);
    let undone = service.undo(&ben(), &conversation, 1).await.is(200);
    assert_eq!((&undone["priority"], &undone["labels"]), (&json!("normal"), &json!(["vip"])));
    let events = service.events(&conversation).await;
    let types = service.event_types(&conversation).await;
    assert_eq!(types[3..], ["ChangeUndone", "PriorityChanged"]);
    assert!(events[3..].iter().all(|event| event.metadata.causation_id == Some(events[1].id)));
    assert!(events[3..].iter().all(|event| event.metadata.actor.name.as_deref() == Some("Ben")));

    let again = service.undo(&ana(), &conversation, 1).await.refuses(409, "cannot-undo", "event_id");
    assert_eq!(
        (&again["reason"], &again["event"]["summary"]),
        (&json!("undone"), &json!("Ben undid a change"))
    );
    let redone = service.undo(&ana(), &conversation, 3).await.is(200);
    assert_eq!(redone["priority"], "urgent");
}

#[tokio::test]
async fn what_cannot_be_undone_says_why_and_changes_nothing() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/undo");
    service.patch(&ana(), &conversation, json!({ "priority": "high" })).await.is(200);
    service.patch(&ben(), &conversation, json!({ "priority": "low" })).await.is(200);
    let before = service.event_types(&conversation).await;
    let problem = service.undo(&ana(), &conversation, 1).await.refuses(409, "cannot-undo", "event_id");
    assert_eq!(problem["reason"], "depended_on");
    assert_eq!(problem["event"]["summary"], "Ben made its priority low (high)");
    let opened = service.undo(&ana(), &conversation, 0).await.refuses(409, "cannot-undo", "event_id");
    assert_eq!((&opened["reason"], &opened["event"]), (&json!("final"), &Value::Null));

    let elsewhere = json!({ "event_id": UNKNOWN_ID });
    service.post(&ana(), &path, elsewhere).await.refuses(422, "unprocessable", "event_id");
    let event = json!({ "event_id": service.events(&conversation).await[2].id });
    service.post(&greta(), &path, event.clone()).await.refuses(404, "not-found", "");
    let unknown = format!("/v1/conversations/{UNKNOWN_ID}/undo");
    service.post(&ana(), &unknown, event).await.refuses(404, "not-found", "");
    assert_eq!(service.event_types(&conversation).await, before);
}

#[tokio::test]
async fn an_agent_takes_back_their_own_assignment_but_not_another_ones() {
    let service = start().await;
    service.post(&sue(), "/v1/agents", json!({ "user_id": ben().id, "name": "Ben" })).await.is(201);
    let conversation = service.conversation().await;
    let assign = format!("{conversation}/assign");
    service.post(&ana(), &assign, json!({ "assignee_id": ben().id })).await.is(200);
    let undone = service.undo(&ana(), &conversation, 1).await.is(200);
    assert_eq!((&undone["assignee_id"], &undone["status"]), (&Value::Null, &json!("open")));

    service.post(&sue(), &assign, json!({ "assignee_id": ben().id })).await.is(200);
    service.undo(&ana(), &conversation, 4).await.refuses(409, "already-assigned", "assignee_id");
    service.undo(&sue(), &conversation, 4).await.is(200);
}

#[tokio::test]
async fn an_undo_is_executed_once_for_a_key_and_only_at_the_version_of_if_match() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/undo");
    service.patch(&ana(), &conversation, json!({ "status": "resolved" })).await.is(200);
    let body = json!({ "event_id": service.events(&conversation).await[1].id });
    let stale = [("if-match", "\"0\"")];
    let refused = service.ask(&ana(), Method::POST, &path, &stale, body.clone()).await;
    refused.refuses(412, "version-mismatch", "If-Match");
    let key = [("idempotency-key", "once"), ("if-match", "\"1\"")];
    let first = service.ask(&ana(), Method::POST, &path, &key, body.clone()).await.is(200);
    assert_eq!(first["status"], "open");
    service.patch(&ana(), &conversation, json!({ "priority": "high" })).await.is(200);
    let again = service.ask(&ana(), Method::POST, &path, &key, body).await.is(200);
    assert_eq!(first, again);
}

#[tokio::test]
async fn a_macro_is_undone_with_its_actions_and_its_note_stays() {
    let service = start().await;
    let conversation = service.conversation().await;
    let actions = json!([
        { "type": "add_labels", "labels": ["refund"] },
        { "type": "note", "text": "Checked" },
        { "type": "set_priority", "priority": "high" },
    ]);
    let body = json!({ "name": "Refund", "visibility": "everyone", "actions": actions });
    let refund = id(&service.post(&sue(), "/v1/macros", body).await.is(201));
    service.post(&ana(), &format!("{conversation}/macros/{refund}"), Value::Null).await.is(200);
    let ran = service.event_types(&conversation).await.iter().position(|name| name == "MacroRan").unwrap();
    let undone = service.undo(&ana(), &conversation, ran).await.is(200);
    assert_eq!((&undone["priority"], &undone["labels"]), (&json!("normal"), &json!([])));
    let types = service.event_types(&conversation).await;
    assert_eq!(types.iter().filter(|name| *name == "NoteAdded").count(), 1);
}
