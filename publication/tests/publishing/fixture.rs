//! A log, a NATS server, and publishers between the two.

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{Config, Info, Stream};
use async_nats::jetstream::{self, Context};
use event_schemas::{
    AccountId, Actor, Clock, CloudEvent, ConversationId, Metadata, NewEvent, Recorded, StreamId,
};
use event_store::{EventStore, Expected, Filter, SqliteStore};
use publication::{Health, Publication, Settings, StreamSettings};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use test_engines::{Nats, SOON};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub const PUBLIC_URL: &str = "https://desk.example.com";

pub struct Fixture {
    pub store: Arc<dyn EventStore>,
    pub stream: StreamSettings,
    pub nats: Nats,
    _folder: TempDir,
}

impl Fixture {
    pub async fn new() -> Self {
        Self::with(Nats::start().await).await
    }

    pub async fn with(nats: Nats) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store: Arc<dyn EventStore> =
            SqliteStore::open(folder.path().join("events.db"), Clock::System).await.unwrap();
        Self { store, stream: StreamSettings::default(), nats, _folder: folder }
    }

    pub fn settings(&self) -> Settings {
        Settings::new(&self.nats.url(), self.stream.clone(), PUBLIC_URL).unwrap()
    }

    pub fn publish(&self) -> Publisher {
        self.publish_with(self.settings())
    }

    pub fn publish_with(&self, settings: Settings) -> Publisher {
        let publication = Arc::new(Publication::new(self.store.clone(), settings, Clock::System));
        let (health, stop) = (publication.health(), CancellationToken::new());
        let task = {
            let (publication, stop) = (publication.clone(), stop.clone());
            tokio::spawn(async move { publication.run(stop).await })
        };
        Publisher { health, stop, task, publication }
    }

    /// Appends this many customers' messages, in several conversations of two accounts.
    pub async fn append_messages(&self, count: usize) {
        append_messages(&self.store, count).await;
    }

    pub async fn log(&self) -> Vec<Recorded> {
        let (mut after, mut events) = (None, Vec::new());
        loop {
            let page = self.store.read_all(after, &Filter::all(), 1_000).await.unwrap();
            events.extend(page.events);
            after = page.through;
            if page.at_end {
                return events;
            }
        }
    }

    pub async fn context(&self) -> Context {
        jetstream::new(async_nats::connect(self.nats.url()).await.unwrap())
    }

    pub async fn find_stream(&self) -> Stream<Info> {
        self.context().await.get_stream(&self.stream.name).await.unwrap()
    }

    pub async fn last_sequence(&self) -> u64 {
        match self.context().await.get_stream(&self.stream.name).await {
            Ok(stream) => stream.cached_info().state.last_sequence,
            Err(_) => 0,
        }
    }

    /// Waits until the stream has reached this sequence number.
    pub async fn wait_for_sequence(&self, sequence: u64) {
        until("the stream has reached the number", || async { self.last_sequence().await >= sequence }).await;
    }

    /// Waits until everything is published, and checks that the stream holds the log.
    pub async fn assert_all_published(&self) {
        let log = self.log().await;
        self.wait_for_sequence(log.len() as u64).await;
        assert_equal(&log, &messages(&self.find_stream().await).await);
    }
}

/// A running publisher. Dropping it aborts it at any moment.
pub struct Publisher {
    pub health: Health,
    pub publication: Arc<Publication>,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Publisher {
    pub async fn stop(mut self) {
        self.stop.cancel();
        (&mut self.task).await.unwrap();
    }

    /// Waits until it reports an error.
    pub async fn wait_for_error(&self) -> String {
        until("the publication reports an error", || async { self.health.error().is_some() }).await;
        self.health.error().unwrap()
    }

    pub async fn wait_until_recovered(&self) {
        until("the publication has recovered", || async { self.health.error().is_none() }).await;
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        self.task.abort();
    }
}

pub async fn append_messages(store: &Arc<dyn EventStore>, count: usize) {
    for number in 0..count {
        let account = AccountId::from_u128(1 + number as u128 % 2);
        let event = message(account, &format!("Hello, {number}"));
        store.append(&conversation(number % 7), Expected::Any, vec![event]).await.unwrap();
    }
}

pub fn conversation(number: usize) -> StreamId {
    StreamId::conversation(ConversationId::from_u128(number as u128))
}

pub fn message(account_id: AccountId, text: &str) -> NewEvent {
    let clock = Clock::System;
    NewEvent {
        id: clock.event_id(),
        event_type: "MessageReceived".into(),
        schema_version: 1,
        metadata: Metadata {
            account_id,
            actor: Actor::contact(),
            correlation_id: clock.fresh_id(),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: clock.now(),
        },
        data: serde_json::json!({ "text": text }).to_string(),
    }
}

pub async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let began = Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < SOON, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// All messages of the stream.
pub async fn messages(stream: &Stream<Info>) -> Vec<StreamMessage> {
    let state = stream.get_info().await.unwrap().state;
    let mut messages = Vec::new();
    if state.messages > 0 {
        for sequence in state.first_sequence..=state.last_sequence {
            if let Ok(message) = stream.get_raw_message(sequence).await {
                messages.push(message);
            }
        }
    }
    messages
}

/// Checks that the messages are the events, one after the other.
pub fn assert_equal(log: &[Recorded], messages: &[StreamMessage]) {
    let ids = |message: &StreamMessage| {
        let id = message.headers.get("Nats-Msg-Id").unwrap().to_string();
        // After a restore a number follows.
        id.split('.').next().unwrap().to_owned()
    };
    let published: Vec<String> = messages.iter().map(ids).collect();
    let expected: Vec<String> = log.iter().map(|event| event.id.to_string()).collect();
    let differs = published.iter().zip(&expected).position(|(published, expected)| published != expected);
    assert_eq!(differs, None, "of {} messages and {} events", published.len(), expected.len());
    assert_eq!(published.len(), expected.len());
    for (event, message) in log.iter().zip(messages) {
        let document = serde_json::to_value(CloudEvent::of(event, &format!("{PUBLIC_URL}/schemas"))).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&message.payload).unwrap(), document);
        assert_eq!(message.subject.as_str(), publication::subject(event));
    }
}

/// A stream as an operator may have created it.
pub fn manual_config(name: &str) -> Config {
    Config { name: name.to_owned(), subjects: vec!["verbatim.>".to_owned()], ..Config::default() }
}
