//! A sample of every event of a conversation, for tests of what a follower reads.

use event_schemas::{
    AccountId, Actor, ConversationEvent, ConversationId, EventId, Events, Metadata, Position, Recorded,
    StreamId, Timestamp, Version,
};
use follower::DecodedEvent;
use uuid::Uuid;

/// Each event with the name of its type.
pub(crate) fn conversation_events() -> Vec<(&'static str, DecodedEvent)> {
    let sample = |(name, version): &(&'static str, u16)| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../event-schemas/samples");
        let recorded = Recorded {
            position: Position::at(1),
            stream: StreamId::conversation(ConversationId::from_u128(1)),
            version: Version::FIRST,
            id: EventId::from_u128(1),
            event_type: (*name).into(),
            schema_version: *version,
            recorded_at: Timestamp::from_secs(0),
            metadata: Metadata {
                account_id: AccountId::from_u128(1),
                actor: Actor::contact(),
                correlation_id: Uuid::nil(),
                causation_id: None,
                traceparent: None,
                request: None,
                credential: None,
                occurred_at: Timestamp::from_secs(0),
            },
            data: std::fs::read_to_string(format!("{folder}/{name}.v{version}.json")).unwrap(),
        };
        (*name, DecodedEvent::read(recorded).unwrap().unwrap())
    };
    ConversationEvent::TYPES.iter().map(sample).collect()
}
