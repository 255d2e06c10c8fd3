//! What happens in a conversation. Status is not an event: it is derived from these.

pub use crate::families::{
    assignment::*, automation::*, bot::*, delivery::*, details::*, lifecycle::*, message::*, routing::*,
    sla::*,
};

use crate::events::events;

events! {
    /// Every event of a stream `conversation-<uuid>`.
    pub enum ConversationEvent {
        ConversationOpened = 1,
        MessageReceived = 1,
        MessageSent = 1,
        NoteAdded = 1,
        MessageDispatched = 1,
        MessageDelivered = 1,
        MessageRead = 1,
        MessageFailed = 1,
        BotEngaged = 1,
        BotContextCollected = 1,
        Assigned = 2,
        Unassigned = 1,
        AssignmentDropped = 1,
        Queued = 1,
        Offered = 1,
        OfferDeclined = 1,
        OfferLapsed = 1,
        LeadNotified = 1,
        MarkedPending = 1,
        Resolved = 1,
        Reopened = 1,
        Closed = 1,
        PriorityChanged = 1,
        LabelsChanged = 1,
        SubjectChanged = 1,
        SlaApplied = 1,
        SlaWarned = 1,
        SlaBreached = 1,
        SeenByAgent = 1,
        LanguageDetected = 1,
        InfoRequested = 1,
        HandoffRequested = 1,
        Expired = 1,
        MacroRan = 1,
        AutomationRan = 1,
        WebhookRequested = 1,
        WebhookDelivered = 1,
        WebhookFailed = 1,
    }
}
