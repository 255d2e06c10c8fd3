//! The JSON Schema of every version of every event's data, inside the program so that it can be served.

macro_rules! files {
    ($($name:literal),+ $(,)?) => {
        &[$(($name, include_str!(concat!("../schemas/", $name, ".json")))),+]
    };
}

/// By the name that `dataschema` ends with, less `.json`.
const SCHEMAS: &[(&str, &str)] = files![
    "ConversationOpened.v1",
    "MessageReceived.v1",
    "MessageSent.v1",
    "MessageSent.v2",
    "NoteAdded.v1",
    "MessageDispatched.v1",
    "MessageDelivered.v1",
    "MessageRead.v1",
    "MessageFailed.v1",
    "BotEngaged.v1",
    "BotContextCollected.v1",
    "Assigned.v1",
    "Assigned.v2",
    "Assigned.v3",
    "Unassigned.v1",
    "AssignmentDropped.v1",
    "Queued.v1",
    "Queued.v2",
    "Offered.v1",
    "Offered.v2",
    "OfferDeclined.v1",
    "OfferLapsed.v1",
    "OfferExpired.v2",
    "LeadNotified.v1",
    "MarkedPending.v1",
    "Resolved.v1",
    "Reopened.v1",
    "Closed.v1",
    "PriorityChanged.v1",
    "LabelsChanged.v1",
    "SubjectChanged.v1",
    "SlaApplied.v1",
    "SlaWarned.v1",
    "SlaBreached.v1",
    "SeenByAgent.v1",
    "LanguageDetected.v1",
    "InfoRequested.v1",
    "HandoffRequested.v1",
    "Expired.v1",
    "Expired.v2",
    "MacroRan.v1",
    "AutomationRan.v1",
    "AutomationRan.v2",
    "WebhookRequested.v1",
    "WebhookDelivered.v1",
    "WebhookFailed.v1",
    "AgentRegistered.v1",
    "PreferencesChanged.v1",
    "PreferencesChanged.v2",
    "WentOnline.v1",
    "WentAway.v1",
    "WentAway.v2",
    "WentOffline.v1",
    "WentOffline.v2",
    "PlaceTaken.v1",
    "CapacityReserved.v2",
    "PlaceFreed.v1",
    "CapacityReleased.v2",
    "ContactSeen.v1",
    "IdentifierLinked.v1",
    "IdentifierUnlinked.v1",
    "WebhookRejected.v1",
];

fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    SCHEMAS.iter().chain(crate::catalogue::SCHEMAS)
}

/// The schema of `MessageReceived.v1`, say, as a JSON text.
pub fn find(name: &str) -> Option<&'static str> {
    all().find(|(known, _)| *known == name).map(|(_, schema)| *schema)
}

/// The names of all schemas there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    all().map(|(name, _)| *name)
}
