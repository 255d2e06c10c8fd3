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
    "Offered.v1",
    "OfferDeclined.v1",
    "OfferLapsed.v1",
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
    "MacroRan.v1",
    "AutomationRan.v1",
    "WebhookRequested.v1",
    "WebhookDelivered.v1",
    "WebhookFailed.v1",
    "ChannelDefined.v1",
    "ChannelRetired.v1",
    "TeamDefined.v1",
    "TeamRetired.v1",
    "CannedResponseDefined.v1",
    "CannedResponseRetired.v1",
    "SlaPolicyDefined.v1",
    "SlaPolicyRetired.v1",
    "CalendarDefined.v1",
    "CalendarRetired.v1",
    "BotRuleDefined.v1",
    "BotRuleRetired.v1",
    "HandoffRuleDefined.v1",
    "HandoffRuleRetired.v1",
    "BotSettingsDefined.v1",
    "BotSettingsRetired.v1",
    "QueueDefined.v1",
    "QueueRetired.v1",
    "MacroDefined.v1",
    "MacroRetired.v1",
    "AutomationRuleDefined.v1",
    "AutomationRuleRetired.v1",
    "AgentRegistered.v1",
    "PreferencesChanged.v1",
    "PreferencesChanged.v2",
    "WentOnline.v1",
    "WentAway.v1",
    "WentOffline.v1",
    "PlaceTaken.v1",
    "PlaceFreed.v1",
    "ContactSeen.v1",
    "IdentifierLinked.v1",
    "IdentifierUnlinked.v1",
    "WebhookRejected.v1",
];

/// The schema of `MessageReceived.v1`, say, as a JSON text.
pub fn find(name: &str) -> Option<&'static str> {
    SCHEMAS.iter().find(|(known, _)| *known == name).map(|(_, schema)| *schema)
}

/// The names of all schemas there are.
pub fn names() -> impl Iterator<Item = &'static str> {
    SCHEMAS.iter().map(|(name, _)| *name)
}
