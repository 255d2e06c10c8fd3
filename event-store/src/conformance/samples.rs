//! Sample events, and checks of a log's events.

use crate::{EventStore, Filter};
use event_schemas::{AccountId, Actor, Clock, EventId, Metadata, NewEvent, Recorded, StreamId, Timestamp};
use uuid::Uuid;

pub const ACCOUNT: AccountId = AccountId::from_u128(0xacc0);

pub fn stream(number: u128) -> StreamId {
    StreamId::conversation(event_schemas::ConversationId::from_u128(number))
}

pub fn message(text: &str) -> NewEvent {
    event(Clock::System.event_id(), ACCOUNT, "MessageReceived", text)
}

pub fn messages(count: usize) -> Vec<NewEvent> {
    (0..count).map(|number| message(&format!("number {number}"))).collect()
}

pub fn event(id: EventId, account: AccountId, event_type: &'static str, text: &str) -> NewEvent {
    NewEvent {
        id,
        event_type: event_type.into(),
        schema_version: 1,
        metadata: Metadata {
            account_id: account,
            actor: Actor::system("conformance"),
            correlation_id: Uuid::from_u128(7),
            causation_id: Some(EventId::from_u128(8)),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            request: Some(event_schemas::RequestHash("0af7651916cd43dd8448eb211c80319c".to_owned())),
            credential: None,
            occurred_at: Timestamp::from_micros(1_795_222_800_000_001),
        },
        data: serde_json::json!({ "text": text }).to_string(),
    }
}

/// All events of the log, read in pages of `limit`.
pub async fn everything(store: &dyn EventStore, filter: &Filter, limit: usize) -> Vec<Recorded> {
    let (mut after, mut events) = (None, Vec::new());
    loop {
        let page = store.read_all(after, filter, limit).await.unwrap();
        assert!(page.events.len() <= limit, "a page holds at most `limit` events");
        assert!(page.through >= after, "a page never goes back");
        assert!(page.through >= page.events.last().map(|event| event.position));
        assert!(page.at_end || page.through > after, "a page that is not the last moves forward");
        let end = store.end().await.unwrap();
        assert!(
            page.through <= end,
            "a page skips events that are yet to come: {:?} of {end:?}",
            page.through
        );
        after = page.through;
        events.extend(page.events);
        if page.at_end {
            return events;
        }
    }
}

/// Each position is above the one before.
pub fn assert_ordered(events: &[Recorded]) {
    for pair in events.windows(2) {
        assert!(pair[0].position < pair[1].position, "{} then {}", pair[0].position, pair[1].position);
    }
}

/// Each stream's versions are 0, 1, 2, … in the order of the log.
pub fn assert_dense(events: &[Recorded]) {
    let mut next = std::collections::HashMap::new();
    for event in events {
        let expected = next.entry(&event.stream).or_insert(0);
        assert_eq!(event.version.0, *expected, "{} has a hole or a double", event.stream);
        *expected += 1;
    }
}
