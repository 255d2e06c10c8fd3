//! A log with notes in it, and waiting with a deadline.

use event_schemas::conversation::NoteAdded;
use event_schemas::{
    AccountId, Actor, Clock, ConversationEvent, ConversationId, MessageId, Metadata, NewEvent, Position,
    StreamId, UserId,
};
use event_store::sqlite::SqliteStore;
use event_store::{EventStore, Expected};
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const ACCOUNT: AccountId = AccountId::from_u128(0xacc);

pub struct Log {
    pub folder: TempDir,
    pub clock: Clock,
    pub store: Arc<dyn EventStore>,
}

impl Log {
    pub async fn new() -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Clock::System);
        let store = SqliteStore::open(folder.path().join("events.db"), clock.clone()).await.unwrap();
        Self { folder, clock, store }
    }

    /// Appends `count` notes to a conversation, each in an append of its own. Returns the position of the last one.
    pub async fn notes(&self, conversation: u128, count: usize) -> Option<Position> {
        let stream = StreamId::conversation(ConversationId::from_u128(conversation));
        let mut last = None;
        for _ in 0..count {
            let id = self.clock.event_id();
            let note = NoteAdded {
                message_id: MessageId::from(id),
                author_id: UserId::from_u128(1),
                author_name: None,
                content: "a note".into(),
                mentions: vec![],
            };
            let metadata = Metadata {
                account_id: ACCOUNT,
                actor: Actor::system("test"),
                correlation_id: id.0,
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: self.clock.now(),
            };
            let event = NewEvent::of(id, &ConversationEvent::from(note), metadata);
            last = Some(self.store.append(&stream, Expected::Any, vec![event]).await.unwrap().position);
        }
        last
    }
}

/// Polls until the condition holds, at most 20 s.
pub async fn eventually<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(Instant::now() < deadline, "still not: {what}");
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}
