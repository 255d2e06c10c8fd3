//! The events of `/agents`: the name of each, its object, and the clients that get it. A name exists only in such a
//! list, so that whatever is sent is described (`asyncapi.rs`). A new event is one entry below. The other namespaces
//! have lists of their own.

use event_schemas::catalogue::CatalogueKind;
use event_schemas::conversation::{AssignStrategy, SlaBreached, SlaWarned};
use event_schemas::{ConversationId, MessageId, Position, TeamId, Timestamp, UserId, Version};
use projections::queries::conversations::PushedConversation;
use projections::queries::message::Message;
use projections::read_models::scheduled_messages::ScheduledMessage;
use projections::read_models::tab_counts::ByStatus;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The name of an event that the server sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Name(&'static str);

impl Name {
    /// Only for [`server_events!`](crate::server_events), which describes the event too.
    #[doc(hidden)]
    pub const fn described(name: &'static str) -> Self {
        Self(name)
    }

    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

/// An event that the server sends.
pub trait ServerEvent {
    /// Its first argument.
    type Object: Serialize + JsonSchema;
    const NAME: Name;
}

/// How an event is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// In the order of the log, and again to a client that was away. Its object has `prev`, its last argument is its
    /// offset.
    Pushed,
    /// As if pushed, without `prev`.
    Unchained,
    /// As if pushed, but only the newest. A client that was away may get it without `prev` and offset.
    Summary,
    /// With the client's offset as its last argument.
    Placed,
    /// To clients that are there and read it in time.
    Once,
}

/// The description of an event that the server sends.
pub struct Described {
    pub name: &'static str,
    pub description: &'static str,
    /// The clients that get it.
    pub to: &'static str,
    pub sending: Sending,
    pub object: fn(&mut SchemaGenerator) -> Schema,
}

/// The description of a namespace: a channel of the description.
#[derive(Clone, Copy)]
pub struct DescribedNamespace {
    /// The name in references.
    pub id: &'static str,
    pub address: &'static str,
    pub description: &'static str,
    /// Without [`CONNECTION_EVENTS`], which all namespaces have.
    pub events: &'static [Described],
    pub requests: &'static [DescribedRequest],
}

/// The description of an event that a client sends.
pub struct DescribedRequest {
    pub name: &'static str,
    pub description: &'static str,
    pub argument: fn(&mut SchemaGenerator) -> Schema,
    pub answer: fn(&mut SchemaGenerator) -> Schema,
}

/// Declares events that the server sends, and the list of their descriptions.
#[macro_export]
macro_rules! server_events {
    ($all:ident: $($(#[doc = $doc:literal])+ $event:ident = $name:literal ($object:ty) $sending:ident to $to:literal;)+) => {
        $(
            $(#[doc = $doc])+
            pub enum $event {}
            impl $crate::events::ServerEvent for $event {
                type Object = $object;
                const NAME: $crate::events::Name = $crate::events::Name::described($name);
            }
        )+
        pub const $all: &[$crate::events::Described] = &[$($crate::events::Described {
            name: $name,
            description: concat!($($doc),+),
            to: $to,
            sending: $crate::events::Sending::$sending,
            object: <$object as ::schemars::JsonSchema>::json_schema,
        }),+];
    };
}

/// Declares events that clients send, and the list of their descriptions.
#[macro_export]
macro_rules! client_events {
    ($all:ident of $events:ident: $($(#[doc = $doc:literal])+ $event:ident = $name:literal ($argument:ty) -> $answer:ty;)+) => {
        /// An event that a client sends.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $events { $($(#[doc = $doc])+ $event),+ }

        impl $events {
            pub fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$event),)+ _ => None }
            }
        }

        pub const $all: &[$crate::events::DescribedRequest] = &[$($crate::events::DescribedRequest {
            name: $name,
            description: concat!($($doc),+),
            argument: <$argument as ::schemars::JsonSchema>::json_schema,
            answer: <$answer as ::schemars::JsonSchema>::json_schema,
        }),+];
    };
}

server_events! { AGENTS_EVENTS:
    /// A conversation was opened.
    ConversationNew = "conversation:new" (PushedConversation) Pushed to "all agents of the account";
    /// A conversation changed. Several changes that are read together cause one event, with the newest row.
    ConversationUpdated = "conversation:updated" (PushedConversation) Pushed
        to "all agents of the account, and the clients that joined the conversation";
    /// A new message, or a note.
    ConversationMessage = "conversation:message" (Pushed<Message>) Pushed to "the clients that joined the conversation";
    /// The delivery state, the text or the reactions of a message changed.
    ConversationMessageUpdated = "conversation:message:updated" (Pushed<Message>) Pushed
        to "the clients that joined the conversation";
    /// A message was scheduled, changed, held, cancelled or sent. `message` is absent once it was cancelled or sent.
    ConversationScheduled = "conversation:scheduled" (Pushed<OfConversation<Scheduled>>) Pushed
        to "the clients that joined the conversation, and the sender";
    /// The agent has seen the customer's messages, or has answered them.
    ConversationSeen = "conversation:seen" (Pushed<OfConversation<Seen>>) Pushed to "that agent";
    /// The conversations that wait for an agent. It is whole, and sent when it has changed, at most twice a second.
    QueueUpdate = "queue:update" (At<Queue>) Summary to "all agents of the account";
    /// The number of conversations of each status. It is whole, and sent when it has changed, at most twice a second.
    InboxCounts = "inbox:counts" (At<Counts>) Summary to "all agents of the account";
    /// An agent came, went away or left.
    AgentPresence = "agent:presence" (Pushed<Presence>) Pushed to "all agents of the account";
    /// A conversation was assigned to the agent.
    NotificationAssignment = "notification:assignment" (Pushed<OfConversation<Assignment>>) Pushed to "the assignee";
    /// A note mentions the agent.
    NotificationMention = "notification:mention" (Pushed<OfConversation<Mention>>) Pushed to "the mentioned agents";
    /// A deadline of the SLA is near.
    SlaWarning = "sla:warned" (Pushed<OfConversation<SlaWarned>>) Pushed to "all agents of the account";
    /// A deadline of the SLA was missed.
    SlaBreach = "sla:breached" (Pushed<OfConversation<SlaBreached>>) Pushed to "all agents of the account";
    /// Items of this kind changed: fetch them again.
    CatalogueChanged = "catalogue:changed" (Pushed<ChangedCatalogue>) Pushed to "all agents of the account";
    /// An agent or the customer types, or stopped. Without another sign it ends after 5 s.
    ConversationTyping = "conversation:typing" (Typing) Once to "the other clients that joined the conversation";
    /// The agents who joined the conversation. It is repeated every 20 s.
    ConversationViewers = "conversation:viewers" (Viewers) Once to "the clients that joined the conversation";
}

server_events! { CONNECTION_EVENTS:
    /// The client's place. It is the first event, and comes after each change of the joined conversations.
    Sync = "sync" (Place) Placed to "the client";
    /// The process ends. The client goes on at another one.
    ServerStopping = "server:stopping" (Stopping) Once to "all clients of the process";
    /// The client's token ends soon, and the connection with it.
    AuthExpiring = "auth:expiring" (Expiring) Once to "the client";
}

client_events! { AGENTS_REQUESTS of ClientEvent:
    /// Get the messages of a conversation. With `after`, those since then come first, with `{"replayed": true}` as their
    /// last argument. A client is in at most 50 conversations.
    Join = "conversation:join" (Join) -> Joined;
    /// Get the messages of a conversation no longer.
    Leave = "conversation:leave" (InConversation) -> Done;
    /// Tell the others that you type. It is sent every few seconds while you do.
    StartTyping = "conversation:typing:start" (StartTyping) -> Done;
    /// Tell the others that you stopped typing.
    StopTyping = "conversation:typing:stop" (InConversation) -> Done;
    /// Report your presence, as `POST /v1/agents/me/presence` does.
    ReportStatus = "agent:status" (Status) -> ReportedStatus;
}

/// An object with the place of its event.
#[derive(Serialize, JsonSchema)]
pub struct Pushed<T> {
    #[serde(flatten)]
    pub object: T,
    /// The version of the event's stream: of the conversation, the agent or the kind of items.
    pub version: Version,
    /// The position of the event in the log.
    pub position: Position,
}

/// A change of a conversation.
#[derive(Serialize, JsonSchema)]
pub struct OfConversation<T> {
    pub conversation_id: ConversationId,
    #[serde(flatten)]
    pub change: T,
}

#[derive(Serialize, JsonSchema)]
pub struct Presence {
    pub user_id: UserId,
    pub status: PresenceStatus,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PresenceStatus {
    Online,
    Away,
    Offline,
}

#[derive(Serialize, JsonSchema)]
pub struct Assignment {
    pub assignee_id: UserId,
    pub team_id: Option<TeamId>,
    /// How the agent was chosen. `null` when no strategy and no person chose.
    pub strategy: Option<AssignStrategy>,
    pub assigned_by: Option<UserId>,
    pub reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Mention {
    pub message_id: MessageId,
    pub author_id: UserId,
}

/// The change of a scheduled message.
#[derive(Serialize, JsonSchema)]
pub struct Scheduled {
    /// The id of the message.
    pub id: MessageId,
    pub change: ScheduledChange,
    /// `null` once it was cancelled or sent.
    pub message: Option<ScheduledMessage>,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScheduledChange {
    Scheduled,
    Rescheduled,
    Held,
    Cancelled,
    Sent,
}

#[derive(Serialize, JsonSchema)]
pub struct Seen {
    pub agent_id: UserId,
    /// The number of the customer's messages that the agent has seen. `received_count` of the conversation less this
    /// number are unread.
    pub received: u32,
}

/// A summary, and the position up to which it counts.
#[derive(Serialize, JsonSchema)]
pub struct At<T> {
    #[serde(flatten)]
    pub summary: T,
    pub position: Position,
}

#[derive(Serialize, JsonSchema)]
pub struct Queue {
    /// The first 200 of them.
    pub waiting: Vec<Queued>,
    /// The number of all.
    pub total: usize,
}

/// A conversation that waits for an agent.
#[derive(Serialize, JsonSchema)]
pub struct Queued {
    pub conversation_id: ConversationId,
    pub team_id: Option<TeamId>,
    /// Its position in the queue of its team, from 1.
    pub position: u32,
    pub queued_since: Timestamp,
}

/// The number of conversations of each status.
#[derive(Serialize, JsonSchema)]
pub struct Counts {
    pub all: ByStatus,
    pub unassigned: ByStatus,
    pub without_team: ByStatus,
    pub teams: BTreeMap<TeamId, ByStatus>,
    pub assignees: BTreeMap<UserId, ByStatus>,
}

#[derive(Serialize, JsonSchema)]
pub struct ChangedCatalogue {
    pub kind: CatalogueKind,
}

#[derive(Serialize, JsonSchema)]
pub struct Typing {
    pub conversation_id: ConversationId,
    /// The agent. `null` for the customer.
    pub user_id: Option<UserId>,
    /// Whether the agent types a note.
    pub is_private: bool,
    pub is_typing: bool,
}

#[derive(Serialize, JsonSchema)]
pub struct Viewers {
    pub conversation_id: ConversationId,
    pub user_ids: Vec<UserId>,
}

#[derive(Serialize, JsonSchema)]
pub struct Place {
    /// `live`: pushes begin after `position`. `resumed`: the client gets all that it missed, then goes on. `reset`: too
    /// much was missed, or the position is beyond the end of the log: fetch anew.
    #[schemars(extend("enum" = ["live", "resumed", "reset"]))]
    pub mode: &'static str,
    pub position: Position,
}

#[derive(Serialize, JsonSchema)]
pub struct Stopping {
    /// The pause, in milliseconds, after which the client should connect again.
    pub reconnect_after_ms: u64,
}

#[derive(Serialize, JsonSchema)]
pub struct Expiring {
    /// The seconds until the token ends, at most.
    pub seconds: u64,
}

#[derive(Deserialize, JsonSchema)]
pub struct Join {
    pub conversation_id: ConversationId,
    /// The position, or the offset of a push, after which the messages come first.
    pub after: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub struct Joined {
    /// Messages come from here on.
    pub position: Position,
}

#[derive(Deserialize, JsonSchema)]
pub struct InConversation {
    pub conversation_id: ConversationId,
}

#[derive(Deserialize, JsonSchema)]
pub struct StartTyping {
    pub conversation_id: ConversationId,
    /// Whether the agent types a note. The customer is not told then.
    #[serde(default)]
    pub is_private: bool,
}

#[derive(Deserialize, JsonSchema)]
pub struct Status {
    #[schemars(with = "PresenceStatus")]
    pub status: crate::presence::PresenceReport,
}

#[derive(Serialize, JsonSchema)]
pub struct Done {}

/// Your presence.
#[derive(Serialize, JsonSchema)]
pub struct ReportedStatus {
    pub user_id: UserId,
    pub status: PresenceStatus,
    /// When this status ends without a heartbeat. `null` when it does not end.
    pub until: Option<Timestamp>,
}
