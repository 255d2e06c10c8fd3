//! The events of a conversation as its history has them, with their numbers and actors.

use event_schemas::{ConversationEvent, DecodeError, EventId, Events, Metadata, Recorded, Version};

/// An event of a conversation's history.
#[derive(Clone, Debug, PartialEq)]
pub struct PastEvent {
    pub id: EventId,
    pub version: Version,
    pub metadata: Metadata,
    pub event: ConversationEvent,
}

impl PastEvent {
    pub fn of(recorded: &Recorded) -> Result<Self, DecodeError> {
        Ok(Self {
            id: recorded.id,
            version: recorded.version,
            metadata: recorded.metadata.clone(),
            event: ConversationEvent::of(recorded)?,
        })
    }
}
