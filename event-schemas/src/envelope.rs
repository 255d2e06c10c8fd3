//! The envelope of every event: its stream and position, its times, and the actor who caused it.

use crate::catalogue::CatalogueKind;
use crate::events::Events;
use crate::{
    AccountId, ApiKeyId, BulkId, ChannelId, ContactIdentifierId, ConversationId, EventId, SessionId,
    Timestamp, UserId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// The name of a stream, which has the events of one aggregate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamId(Cow<'static, str>);

/// The kinds of stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    Conversation,
    Catalogue,
    Agent,
    Contact,
    Inbound,
    Log,
    Account,
    Person,
    ApiKey,
    Bulk,
}

impl Category {
    pub const ALL: [Category; 10] = [
        Self::Conversation,
        Self::Catalogue,
        Self::Agent,
        Self::Contact,
        Self::Inbound,
        Self::Log,
        Self::Account,
        Self::Person,
        Self::ApiKey,
        Self::Bulk,
    ];
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conversation => "conversation",
            Self::Catalogue => "catalogue",
            Self::Agent => "agent",
            Self::Contact => "contact",
            Self::Inbound => "inbound",
            Self::Log => "log",
            Self::Account => "account",
            Self::Person => "person",
            Self::ApiKey => "apikey",
            Self::Bulk => "bulk",
        }
    }
}

impl StreamId {
    pub fn conversation(id: ConversationId) -> Self {
        Self(format!("conversation-{id}").into())
    }
    pub fn catalogue(kind: CatalogueKind, account: AccountId) -> Self {
        Self(format!("catalogue-{}-{account}", kind.as_str()).into())
    }
    pub fn agent(user: UserId) -> Self {
        Self(format!("agent-{user}").into())
    }
    pub fn account(account: AccountId) -> Self {
        Self(format!("account-{account}").into())
    }
    pub fn person(user: UserId) -> Self {
        Self(format!("person-{user}").into())
    }
    pub fn api_key(key: ApiKeyId) -> Self {
        Self(format!("apikey-{key}").into())
    }
    pub fn bulk(bulk: BulkId) -> Self {
        Self(format!("bulk-{bulk}").into())
    }
    pub fn contact(identifier: ContactIdentifierId) -> Self {
        Self(format!("contact-{identifier}").into())
    }
    pub fn inbound(channel: ChannelId) -> Self {
        Self(format!("inbound-{channel}").into())
    }
    /// The stream that says when the log was moved.
    pub const fn log_moves() -> Self {
        Self(Cow::Borrowed("log-moves"))
    }
    /// A stream of any name, for engines and imports.
    pub fn named(name: impl Into<String>) -> Self {
        Self(Cow::Owned(name.into()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// The kind of the stream, before the first `-`. `None` when this version does not know it.
    pub fn category(&self) -> Option<Category> {
        let kind = self.0.split('-').next()?;
        Category::ALL.into_iter().find(|c| c.as_str() == kind)
    }
    /// The conversation of this stream. `None` when it is another kind of stream.
    pub fn as_conversation(&self) -> Option<ConversationId> {
        self.0.strip_prefix("conversation-")?.parse().ok()
    }
    /// The bulk change of this stream. `None` when it is another kind of stream.
    pub fn as_bulk(&self) -> Option<BulkId> {
        self.0.strip_prefix("bulk-")?.parse().ok()
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of an event in its stream, from 0 without gaps.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, Default,
)]
#[serde(transparent)]
pub struct Version(pub u64);

impl Version {
    pub const FIRST: Version = Version(0);
    pub const fn next(self) -> Version {
        Version(self.0 + 1)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The position of an event in the log. It is opaque and ordered: positions can be compared and sent back,
/// and no number can be computed from them. Some engines need a pair of numbers; for the others both numbers
/// are the same.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    commit: u64,
    prepare: u64,
}

impl Position {
    pub const fn new(commit: u64, prepare: u64) -> Self {
        Self { commit, prepare }
    }
    pub const fn at(number: u64) -> Self {
        Self { commit: number, prepare: number }
    }
    pub const fn commit(self) -> u64 {
        self.commit
    }
    pub const fn prepare(self) -> u64 {
        self.prepare
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.commit == self.prepare {
            self.commit.fmt(f)
        } else {
            write!(f, "{}.{}", self.commit, self.prepare)
        }
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({self})")
    }
}

/// The text is not a position, such as `123` or `123.120`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("'{0}' is not a position of the log")]
pub struct NotAPosition(String);

impl FromStr for Position {
    type Err = NotAPosition;
    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        let invalid = || NotAPosition(text.to_owned());
        let (commit, prepare) = text.split_once('.').unwrap_or((text, text));
        Ok(Self {
            commit: commit.parse().map_err(|_| invalid())?,
            prepare: prepare.parse().map_err(|_| invalid())?,
        })
    }
}

impl Serialize for Position {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Position {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Position {
    fn schema_name() -> Cow<'static, str> {
        "Position".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A position in the log. It is opaque and ordered.",
            "examples": ["1729"]
        })
    }
}

/// The actor who caused an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Actor {
    #[serde(rename = "type")]
    pub actor_type: ActorType,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorType {
    /// A user.
    User,
    /// The customer, over a channel.
    Contact,
    /// Another program with its own token.
    Service,
    /// Verbatim itself: for example, a timer or the delivery.
    System,
}

impl Actor {
    pub fn system(name: &str) -> Self {
        Self { actor_type: ActorType::System, id: None, name: Some(name.to_owned()) }
    }
    pub fn contact() -> Self {
        Self { actor_type: ActorType::Contact, id: None, name: None }
    }
    pub fn user(id: UserId, name: Option<String>) -> Self {
        Self { actor_type: ActorType::User, id: Some(id.0), name }
    }
    pub fn service(id: UserId, name: Option<String>) -> Self {
        Self { actor_type: ActorType::Service, id: Some(id.0), name }
    }
}

/// How the caller of a request has proved who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", content = "id", rename_all = "snake_case")]
pub enum Credential {
    /// A session of a person who signed in.
    Session(SessionId),
    ApiKey(ApiKeyId),
    /// A bearer token of another system.
    Token,
    /// The headers of a gateway that the configuration trusts.
    Gateway,
}

/// Identifies what a client requested: the start of SHA-256 over method, path and body, in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct RequestHash(pub String);

/// The account, the actor, the causes and the time of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    pub account_id: AccountId,
    pub actor: Actor,
    /// The same for all events that one request or webhook led to.
    pub correlation_id: Uuid,
    /// The event that led to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<EventId>,
    /// W3C Trace Context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The request with an `Idempotency-Key` that led to it. Another request with this key is refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestHash>,
    /// How the actor has proved who they are. `None` of what no request led to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// When the event occurred, which may be before it was recorded.
    pub occurred_at: Timestamp,
}

/// An event to be appended.
#[derive(Clone, Debug, PartialEq)]
pub struct NewEvent {
    pub id: EventId,
    pub event_type: Cow<'static, str>,
    pub schema_version: u16,
    pub metadata: Metadata,
    /// JSON.
    pub data: String,
}

impl NewEvent {
    pub fn of<E: Events>(id: EventId, event: &E, metadata: Metadata) -> Self {
        Self {
            id,
            event_type: Cow::Borrowed(event.event_type()),
            schema_version: event.schema_version(),
            metadata,
            data: event.encode(),
        }
    }
}

/// An event as the log has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub position: Position,
    pub stream: StreamId,
    pub version: Version,
    pub id: EventId,
    pub event_type: Cow<'static, str>,
    pub schema_version: u16,
    pub recorded_at: Timestamp,
    pub metadata: Metadata,
    /// JSON.
    pub data: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_order_by_commit_then_prepare_and_read_back() {
        let (a, b) = (Position::new(5, 3), Position::at(5));
        assert!(a < b && b < Position::at(6));
        assert_eq!(a.to_string().parse::<Position>().unwrap(), a);
        assert_eq!("5".parse::<Position>().unwrap(), b);
        assert!("five".parse::<Position>().is_err());
    }

    #[test]
    fn the_kind_of_a_stream_is_in_its_name() {
        let account = AccountId::from_u128(1);
        assert_eq!(StreamId::catalogue(CatalogueKind::Teams, account).category(), Some(Category::Catalogue));
        assert_eq!(StreamId::named("elsewhere-1").category(), None);
    }
}
