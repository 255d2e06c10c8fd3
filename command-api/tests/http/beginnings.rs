//! Beginning a conversation is one command and one append.

use crate::service::{Service, ana, id};
use async_trait::async_trait;
use axum::http::Method;
use event_schemas::{EventId, NewEvent, Position, Recorded, StreamId, Version};
use event_store::sqlite::SqliteStore;
use event_store::{
    AppendError, Appended, EventStore, Expected, Filter, Page, ReadError, Unavailable, Waiter,
};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The log, and the number of appends to it.
pub struct CountingStore {
    log: Arc<SqliteStore>,
    appends: AtomicUsize,
}

impl CountingStore {
    fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl EventStore for CountingStore {
    async fn append(
        &self,
        stream: &StreamId,
        expected: Expected,
        events: Vec<NewEvent>,
    ) -> Result<Appended, AppendError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.log.append(stream, expected, events).await
    }
    async fn import(&self, events: Vec<Recorded>) -> Result<Option<Position>, AppendError> {
        self.log.import(events).await
    }
    async fn read_stream(
        &self,
        stream: &StreamId,
        from: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, ReadError> {
        self.log.read_stream(stream, from, limit).await
    }
    async fn read_all(
        &self,
        after: Option<Position>,
        filter: &Filter,
        limit: usize,
    ) -> Result<Page, ReadError> {
        self.log.read_all(after, filter, limit).await
    }
    async fn find(&self, id: EventId) -> Result<Option<Recorded>, ReadError> {
        self.log.find(id).await
    }
    async fn stream_version(&self, stream: &StreamId) -> Result<Option<Version>, ReadError> {
        self.log.stream_version(stream).await
    }
    async fn end(&self) -> Result<Option<Position>, ReadError> {
        self.log.end().await
    }
    fn waiter(&self) -> Waiter {
        self.log.waiter()
    }
    async fn check(&self) -> Result<(), Unavailable> {
        self.log.check().await
    }
    async fn close(&self) {
        self.log.close().await;
    }
}

async fn start() -> (Service, Arc<CountingStore>) {
    let service = crate::service::start().await;
    let counting = Arc::new(CountingStore { log: Arc::clone(&service.store), appends: AtomicUsize::new(0) });
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
