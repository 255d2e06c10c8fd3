//! A fenced message, and conflicts that say who did what.

use crate::service::{ana, ben, greta, id, person, start, sue};
use axum::http::Method;
use gate::Role;
use serde_json::{Value, json};

fn summaries(problem: &Value) -> Vec<&str> {
    problem["changes"].as_array().unwrap().iter().map(|change| change["summary"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_message_that_others_have_overtaken_is_refused_and_the_problem_says_by_whom() {
    let service = start().await;
    let conversation = service.conversation().await;
    let path = format!("{conversation}/messages");
    service.post(&ana(), &path, json!({ "content": "Hello" })).await.is(201);
    let note = json!({ "content": "She is upset", "is_private": true });
    let note = service.post(&ben(), &path, note).await.is(201);
    let before = service.event_types(&conversation).await;

    let late = json!({ "content": "Bye", "seen_version": 1 });
    let problem = service.post(&ana(), &path, late).await.refuses(409, "written-since", "seen_version");
    assert_eq!(problem["change_count"], 1);
    assert_eq!(summaries(&problem), ["Ben left a note"]);
    assert_eq!(problem["changes"][0]["event_id"], json!(id(&note)));
    assert_eq!(problem["changes"][0]["actor"]["name"], "Ben");
    assert!(!problem.to_string().contains("upset"), "{problem}");
    assert_eq!(service.event_types(&conversation).await, before);

    service.post(&ana(), &path, json!({ "content": "Bye", "seen_version": 2 })).await.is(201);
    let unread = json!({ "content": "Bye", "seen_version": 99 });
    service.post(&ana(), &path, unread).await.refuses(422, "unprocessable", "seen_version");
}

#[tokio::test]
async fn a_conversation_begins_without_a_fence() {
    let service = start().await;
    let channel = service.api_channel().await;
    let message = json!({ "content": "Hello", "seen_version": 0 });
    let body = json!({ "channel_id": channel, "contact_identifier": "hana", "message": message });
    let refused = service.post(&ana(), "/v1/conversations", body).await;
    refused.refuses(422, "unprocessable", "message.seen_version");
}

#[tokio::test]
async fn who_loses_a_conversation_learns_who_took_it() {
    let service = start().await;
    let path = format!("{}/assign", service.conversation().await);
    service.post(&ben(), &path, Value::Null).await.is(200);
    let problem =
        service.post(&ana(), &path, Value::Null).await.refuses(409, "already-assigned", "assignee_id");
    assert_eq!(summaries(&problem), ["Ben took the conversation"]);
    assert_eq!(problem["changes"][0]["type"], "Assigned");
    assert!(problem["changes"][0]["occurred_at"].is_string());
}

#[tokio::test]
async fn a_status_that_cannot_change_says_who_gave_it() {
    let service = start().await;
    let conversation = service.conversation().await;
    service.patch(&ben(), &conversation, json!({ "status": "resolved" })).await.is(200);
    service.patch(&sue(), &conversation, json!({ "priority": "high" })).await.is(200);
    let snooze = json!({ "status": "pending" });
    let problem = service.patch(&ana(), &conversation, snooze).await.refuses(409, "no-such-step", "status");
    assert_eq!(summaries(&problem), ["Ben resolved it"]);
}

#[tokio::test]
async fn a_version_that_has_passed_is_refused_with_the_changes_since() {
    let service = start().await;
    let conversation = service.conversation().await;
    for number in 0..25 {
        let labels = json!({ "labels": [format!("label-{number}")] });
        service.patch(&ben(), &conversation, labels).await.is(200);
    }
    let headers = [("if-match", "\"1\"")];
    let priority = json!({ "priority": "high" });
    let refused = service.ask(&ana(), Method::PATCH, &conversation, &headers, priority.clone()).await;
    let problem = refused.refuses(412, "version-mismatch", "If-Match");
    assert_eq!((&problem["current_version"], &problem["change_count"]), (&json!(25), &json!(24)));
    let summaries = summaries(&problem);
    assert_eq!(summaries.len(), 20);
    assert_eq!(summaries[19], "Ben changed its labels: +label-24 -label-23");

    let stranger = service.ask(&greta(), Method::PATCH, &conversation, &headers, priority).await;
    assert!(!stranger.text.contains("changes"), "{}", stranger.text);
    stranger.refuses(404, "not-found", "");
}

#[tokio::test]
async fn the_slower_of_writers_who_race_learns_of_the_faster() {
    let service = start().await;
    let path = format!("{}/messages", service.conversation().await);
    let writers: Vec<_> =
        (0..10).map(|n| person(crate::service::ACME, 100 + n, Role::Agent, &format!("Agent {n}"))).collect();
    let body = json!({ "content": "I will help you", "seen_version": 0 });
    let answers = writers.iter().map(|writer| service.post(writer, &path, body.clone()));
    let answers = futures::future::join_all(answers).await;
    let (sent, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((sent.len(), refused.len()), (1, 9));
    for answer in refused {
        let problem = answer.refuses(409, "written-since", "seen_version");
        let name = sent[0].json()["sender_name"].clone();
        assert_eq!(problem["changes"][0]["actor"]["name"], name);
    }
}
