//! Sample events, and checks of a log's events.

use event_schemas::{
    AccountId, Actor, Clock, ConversationId, EventId, Metadata, NewEvent, Recorded, StreamId, Timestamp,
};
use event_store::{EventStore, Filter};
use std::collections::HashMap;

pub fn stream(number: u128) -> StreamId {
    StreamId::conversation(ConversationId::from_u128(number))
}

pub fn message(text: &str) -> NewEvent {
    event(Clock::System.event_id(), text)
}

pub fn numbered(id: u128) -> NewEvent {
    event(EventId::from_u128(id), "")
}

fn event(id: EventId, text: &str) -> NewEvent {
    NewEvent {
        id,
        event_type: "Said".into(),
        schema_version: 1,
        metadata: Metadata {
            account_id: AccountId::from_u128(1),
            actor: Actor::system("test"),
            correlation_id: uuid::Uuid::nil(),
            causation_id: None,
            traceparent: None,
            request: None,
            credential: None,
            occurred_at: Timestamp::from_secs(0),
        },
        data: format!(r#"{{"text":"{text}"}}"#),
    }
}

pub async fn everything(store: &dyn EventStore) -> Vec<Recorded> {
    let (mut after, mut events) = (None, Vec::new());
    loop {
        let page = store.read_all(after, &Filter::all(), 1_000).await.unwrap();
        after = page.through;
        events.extend(page.events);
        if page.at_end {
            return events;
        }
    }
}

/// Each position is above the one before, and none was recorded earlier.
pub fn assert_ordered(events: &[Recorded]) {
    for pair in events.windows(2) {
        assert!(pair[0].position < pair[1].position, "{} then {}", pair[0].position, pair[1].position);
        assert!(pair[0].recorded_at <= pair[1].recorded_at, "time went back at {}", pair[1].position);
    }
}

/// Each stream's versions are 0, 1, 2, … in the order of the log.
pub fn assert_dense(events: &[Recorded]) {
    let mut next: HashMap<&StreamId, u64> = HashMap::new();
    for event in events {
        let expected = next.entry(&event.stream).or_insert(0);
        assert_eq!(event.version.0, *expected, "{} has a hole or a double", event.stream);
        *expected += 1;
    }
}
