//! What happens in a conversation. Status is not an event: it is derived from these.

use crate::automation::{ActionKind, AutomationEvent};
use crate::bot::{HandoffCause, InfoField};
use crate::catalogue::{BusinessCalendar, SlaPolicy};
use crate::events::events;
use crate::message::{ChannelType, Content, Priority, SenderType, SlaMetric, Template};
use crate::routing::{Decision, Ineligible};
use crate::{
    AccountId, AutomationRuleId, BotRuleId, ChannelId, ContactId, ConversationId, EventId, HandoffRuleId,
    MacroId, MessageId, OfferId, TeamId, Timestamp, UserId, WebhookId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

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

/// A contact's first message, or an agent who writes first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConversationOpened {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    pub channel_id: ChannelId,
    pub channel_type: ChannelType,
    pub contact_id: ContactId,
    pub contact_identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// Which conversation of this contact on this channel it is, from 0.
    pub ordinal: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    #[serde(default)]
    pub priority: Priority,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The customer wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageReceived {
    pub message_id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    /// The provider's id of the message this one answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
    /// When the customer sent it, by the provider's clock.
    pub sent_at: Timestamp,
    /// What others found out about it: intent, confidence, the provider's extras.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// An agent, the bot or the system answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageSent {
    pub message_id: MessageId,
    pub sender_type: SenderType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_name: Option<String>,
    #[serde(flatten)]
    pub body: Content,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<Template>,
    /// The message this one answers, as the customer's app will show it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<MessageId>,
    /// The provider's id of that message, for the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to_provider_id: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// An agent left an internal note. It never leaves the house.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NoteAdded {
    pub message_id: MessageId,
    pub author_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author_name: Option<String>,
    pub content: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<UserId>,
}

/// The provider accepted an outgoing message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageDispatched {
    pub message_id: MessageId,
    pub provider_message_id: String,
    pub time: Timestamp,
}

/// It reached the customer's device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageDelivered {
    pub message_id: MessageId,
    pub provider_message_id: String,
    pub time: Timestamp,
}

/// The customer saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageRead {
    pub message_id: MessageId,
    pub provider_message_id: String,
    pub time: Timestamp,
}

/// It will never arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MessageFailed {
    pub message_id: MessageId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider_message_id: Option<String>,
    pub time: Timestamp,
    /// The provider's code, or ours: `gave_up`, `unreachable`, `channel_retired`.
    pub code: String,
    pub reason: String,
}

/// The bot took the conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotEngaged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<BotRuleId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The bot learned something an agent will want to know. Later fields win over earlier ones.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BotContextCollected {
    pub fields: Map<String, Value>,
}

/// How an assignment came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AssignStrategy {
    /// An agent took it.
    Claimed,
    /// Somebody handed it to somebody.
    Manual,
    RoundRobin,
    LeastBusy,
    ManualQueue,
    LeastRecent,
    Random,
    RingAll,
}

/// It is somebody's now: an agent's, a team's, or both. Both fields say how it stands afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Assigned {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub strategy: AssignStrategy,
    /// Who decided, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_by: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who else could have had it and who could not, when Verbatim chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
    /// The offer that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<OfferId>,
    /// What a supervisor insisted in spite of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_spite_of: Option<Ineligible>,
}

/// It is taken off an agent, a team, or both. The fields say who lost it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Unassigned {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unassigned_by: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An assignment that was begun at this version never came about, and now cannot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AssignmentDropped {
    pub assignee_id: UserId,
}

/// Nobody can take it now: it waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Queued {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// Its place in the queue then, from 1.
    pub position: u32,
    /// Since when somebody has been wanted.
    pub waiting_since: Timestamp,
    pub reason: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<Decision>,
}

/// These agents are asked whether they take it. The first to accept has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Offered {
    pub offer_id: OfferId,
    pub agent_ids: Vec<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub strategy: AssignStrategy,
    /// Since when somebody has been wanted.
    pub waiting_since: Timestamp,
    pub until: Timestamp,
    pub decision: Decision,
}

/// An agent does not take it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferDeclined {
    pub offer_id: OfferId,
    pub agent_id: UserId,
}

/// Nobody accepted in time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OfferLapsed {
    pub offer_id: OfferId,
    pub agent_ids: Vec<UserId>,
}

/// The lead of the team is told of it, because it matters soon.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LeadNotified {
    pub lead_id: UserId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    pub priority: Priority,
    /// Whether somebody has it already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignee_id: Option<UserId>,
}

/// The agent waits for the customer; with `until`, at most until then (a snooze).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MarkedPending {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The matter is settled. A further message from the customer reopens it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Resolved {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Why a conversation is open again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReopenCause {
    /// The customer wrote after it was resolved.
    CustomerMessage,
    /// The time it was put aside for has passed.
    SnoozeEnded,
    /// An agent took it up again.
    Agent,
}

/// Open again. A pending conversation goes back to its agent; a resolved one opens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reopened {
    pub cause: ReopenCause,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Over for good. The contact's next message begins another conversation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Closed {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriorityChanged {
    pub old: Priority,
    pub new: Priority,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LabelsChanged {
    pub added: Vec<String>,
    pub removed: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SubjectChanged {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new: Option<String>,
}

/// A policy starts to count. It and its calendar are here whole, so that a replay needs nothing else.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaApplied {
    pub policy: SlaPolicy,
    /// None: every hour counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<BusinessCalendar>,
}

/// A deadline is near and nothing has met it yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaWarned {
    pub metric: SlaMetric,
    pub warn_at: Timestamp,
    pub due_at: Timestamp,
    pub detected_at: Timestamp,
}

/// A deadline was missed. The event is dated `due_at`; `detected_at` is when the clock noticed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SlaBreached {
    pub metric: SlaMetric,
    pub due_at: Timestamp,
    pub detected_at: Timestamp,
}

/// An agent has read the conversation up to the `received`th message of the customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeenByAgent {
    pub agent_id: UserId,
    pub received: u32,
}

/// The language of what the customer writes, as somebody who knows languages said. A replay asks nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LanguageDetected {
    /// ISO 639-1 where there is such a code, else 639-3: `en`, `am`.
    pub language: String,
    /// Between 0 and 1.
    pub confidence: f64,
    /// In which message.
    pub message_id: MessageId,
}

/// The bot asked the customer for something and waits for the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct InfoRequested {
    pub rule_id: BotRuleId,
    /// The question.
    pub message_id: MessageId,
    /// What the answer is kept as in the bot's context.
    pub field: String,
    /// What is asked after that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remaining: Vec<InfoField>,
    /// Whom it goes to with the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<AssignStrategy>,
}

/// A person is needed: who routes conversations takes it from here. The bot says no more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HandoffRequested {
    pub trigger: HandoffCause,
    /// In a sentence, as whoever asked is told.
    pub reason: String,
    /// The message that led to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<MessageId>,
    /// The bot's rule, when one said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<BotRuleId>,
    /// The account's handoff rule, when one said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handoff_rule_id: Option<HandoffRuleId>,
    /// For whom; none: whoever has the conversation's team, or anybody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub team_id: Option<TeamId>,
    /// How somebody is to be found; none: as the account usually does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<AssignStrategy>,
    /// The agent who was asked for by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<UserId>,
    /// Who asked, when a person did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_by: Option<UserId>,
}

/// Nobody said anything for so long that it is over for good. The contact's next message begins another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Expired {
    pub silent_since: Timestamp,
    pub after_seconds: u32,
}

/// An agent ran a macro: what it did follows in the same append, under the agent's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MacroRan {
    pub macro_id: MacroId,
    pub name: String,
}

/// A rule was set off: what it did follows in the same append.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AutomationRan {
    pub rule_id: AutomationRuleId,
    pub name: String,
    pub event: AutomationEvent,
    /// The event that set it off; none: time did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    /// Whether Verbatim itself, and not a person or another program, brought that about.
    #[serde(default)]
    pub by_itself: bool,
    /// Since when the customer had waited, where it was the waiting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// What could not be done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<Skipped>,
}

/// An action of a rule's that was left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Skipped {
    /// Its place in the list, from 0.
    pub index: u32,
    pub action: ActionKind,
    pub reason: String,
}

/// Another program is to be told. Its address is called until it answers, under this id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookRequested {
    pub webhook_id: WebhookId,
    pub url: String,
    /// What it is told of; none: of this very request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_id: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub macro_id: Option<MacroId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_id: Option<AutomationRuleId>,
}

/// The other program took it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookDelivered {
    pub webhook_id: WebhookId,
    /// As it answered: between 200 and 299.
    pub status: u16,
    /// How often it was called.
    pub attempts: u32,
}

/// The other program will not hear of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookFailed {
    pub webhook_id: WebhookId,
    /// `refused`, `gave_up`, `forbidden_address`, `no_secret`.
    pub code: String,
    pub reason: String,
    pub attempts: u32,
}
