//! The events of a conversation as its history has them, with their numbers and actors.

use event_schemas::{
    ActionEvent, ConversationEvent, DecodeError, EventId, Events, Metadata, Recorded, Version,
};

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

    /// Whether the events of a list of actions follow the event in its append.
    pub fn is_head(&self) -> bool {
        let ConversationEvent::Automation(event) = &self.event else { return false };
        match event {
            ActionEvent::MacroRan(_)
            | ActionEvent::AutomationRan(_)
            | ActionEvent::BulkActionRan(_)
            | ActionEvent::ChangeUndone(_) => true,
            ActionEvent::WebhookRequested(_)
            | ActionEvent::WebhookDelivered(_)
            | ActionEvent::WebhookFailed(_) => false,
        }
    }

    /// Whether one request, or one run of a rule, led to both events.
    pub fn same_act(&self, other: &Self) -> bool {
        let (one, other) = (&self.metadata, &other.metadata);
        one.correlation_id == other.correlation_id
            && one.causation_id == other.causation_id
            && one.occurred_at == other.occurred_at
            && one.actor == other.actor
    }
}
