//! Beginning a conversation is one command and one append.

use crate::service::{Service, ana, id};
use crate::watched_log::{WatchedLog, watched};
use axum::http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

async fn start() -> (Service, Arc<WatchedLog>) {
    let service = crate::service::start().await;
    let counting = watched(&service.store);
    (service.on(counting.clone()), counting)
}

fn body(channel: &str, more: Value) -> Value {
    let mut body = json!({
        "channel_id": channel, "contact_identifier": "251911000000", "labels": ["billing"],
        "message": { "content": "We found your parcel." },
    });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

#[tokio::test]
async fn a_conversation_its_labels_and_its_first_message_are_one_append() {
    let (service, counting) = start().await;
    let channel = service.api_channel().await;
    let before = counting.appends();
    let created = service.post(&ana(), "/v1/conversations", body(&channel, json!({}))).await.is(201);
    assert_eq!(counting.appends(), before + 1);
    let path = format!("/v1/conversations/{}", id(&created));
    assert_eq!(service.event_types(&path).await, ["ConversationOpened", "LabelsChanged", "MessageSent"]);
}

#[tokio::test]
async fn a_part_that_is_refused_appends_nothing() {
    let (service, counting) = start().await;
    let channel = service.whatsapp_channel().await;
    let before = counting.appends();
    for (more, field) in [
        (json!({}), "template"),
        (json!({ "labels": [" "] }), "labels"),
        (json!({ "subject": "s".repeat(501) }), "subject"),
        (json!({ "message": { "content": " " } }), "content"),
    ] {
        let answer = service.post(&ana(), "/v1/conversations", body(&channel, more)).await;
        assert_eq!(answer.is(422)["field"], field);
    }
    assert_eq!(counting.appends(), before);
}

#[tokio::test]
async fn a_repeated_request_with_the_same_key_has_the_same_answer_and_appends_nothing() {
    let (service, counting) = start().await;
    let channel = service.api_channel().await;
    let begin = async |channel: &str| {
        let body = body(channel, json!({}));
        service
            .ask(&ana(), Method::POST, "/v1/conversations", &[("idempotency-key", "first")], body)
            .await
            .is(201)
    };
    let first = begin(&channel).await;
    let before = counting.appends();
    assert_eq!(begin(&channel).await, first);
    assert_eq!(counting.appends(), before);
}
