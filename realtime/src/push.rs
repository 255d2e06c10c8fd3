//! A push: what an event of the log means for the clients of some rooms; and the place at which a client goes on.

use crate::events::Name;
use axum::extract::ws::Utf8Bytes;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use event_schemas::{AccountId, ApiKeyId, ChannelId, ContactId, ConversationId, Position, SessionId, UserId};
use std::fmt;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use uuid::Uuid;

/// A set of clients of one namespace that get the same pushes. A room belongs to one account, but for those of a
/// session and of an API key, which get none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Room {
    /// The agents of the account.
    Account(AccountId),
    /// The agents who joined the conversation.
    Conversation(AccountId, ConversationId),
    User(AccountId, UserId),
    /// The clients that were let in with a session of a person.
    Session(SessionId),
    /// The clients that were let in with an API key.
    ApiKey(ApiKeyId),
    /// A contact on a channel, who gets the pushes of all their conversations there.
    Customer(AccountId, ChannelId, ContactId),
    /// The customer's clients that joined the conversation.
    CustomerConversation(AccountId, ConversationId),
    /// The services that joined the tenant of a contract, and its conversation.
    Tenant(AccountId),
    TenantConversation(AccountId, ConversationId),
}

impl Room {
    /// The id by which a place names a room that a client joins and leaves. `None` of a room in which it always is.
    pub const fn joined(self) -> Option<Uuid> {
        match self {
            Self::Conversation(_, id)
            | Self::CustomerConversation(_, id)
            | Self::TenantConversation(_, id) => Some(id.0),
            Self::Tenant(account) => Some(account.0),
            Self::Account(_) | Self::User(..) | Self::Session(..) | Self::ApiKey(..) | Self::Customer(..) => {
                None
            }
        }
    }
}

/// The parts of a position's pushes, in the order in which they are sent.
pub mod part {
    pub const MESSAGE: u16 = 0;
    pub const CONVERSATION: u16 = 1;
    pub const NOTIFICATION: u16 = 2;
    pub const SCHEDULED: u16 = 3;
    /// The push of the event to its customer.
    pub const CUSTOMER: u16 = 10;
    /// The first of the pushes of a contract, which are several.
    pub const CONTRACT: u16 = 100;
    /// The first of the summaries, which are several and come after all pushes of the event.
    pub const SUMMARIES: u16 = 1_000;
}

/// The place of a push in the order of all pushes: the position of its event, and its number among that event's pushes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Offset {
    pub position: Position,
    pub part: u16,
}

impl Offset {
    /// After all pushes of the events up to this position.
    pub const fn after(position: Position) -> Self {
        Self { position, part: u16::MAX }
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            u16::MAX => write!(f, "{}", self.position),
            part => write!(f, "{}:{part}", self.position),
        }
    }
}

/// The text is not the offset of a push, such as `123` or `123:0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the offset of a push")]
pub struct NotAnOffset;

impl FromStr for Offset {
    type Err = NotAnOffset;
    fn from_str(text: &str) -> Result<Self, NotAnOffset> {
        let (position, part) = match text.split_once(':') {
            Some((position, part)) => (position, part.parse().map_err(|_| NotAnOffset)?),
            None => (text, u16::MAX),
        };
        Ok(Self { position: position.parse().map_err(|_| NotAnOffset)?, part })
    }
}

/// The place at which a client goes on: after this push, in these Socket.IO rooms.
///
/// Its text is the offset of Socket.IO's connection state recovery: the stock client sends that of the last push when it
/// comes back. So any process knows the Socket.IO rooms that the client had joined, and none keeps them for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub offset: Offset,
    /// The Socket.IO rooms that it had joined, by their ids: conversations, and the tenant of a contract.
    pub joined: Vec<Uuid>,
}

impl Place {
    /// The end of a place's text, after the offset.
    pub fn suffix(joined: impl Iterator<Item = Uuid>) -> String {
        let bytes: Vec<u8> = joined.flat_map(Uuid::into_bytes).collect();
        if bytes.is_empty() { String::new() } else { format!("~{}", BASE64_URL_SAFE_NO_PAD.encode(bytes)) }
    }
}

impl FromStr for Place {
    type Err = NotAnOffset;
    fn from_str(text: &str) -> Result<Self, NotAnOffset> {
        let (offset, ids) = text.split_once('~').unwrap_or((text, ""));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(ids).map_err(|_| NotAnOffset)?;
        let (ids, rest) = bytes.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(NotAnOffset);
        }
        let joined = ids.iter().map(|id| Uuid::from_bytes(*id)).collect();
        Ok(Self { offset: offset.parse()?, joined })
    }
}

/// An event for the clients of these Socket.IO rooms. Its JSON is made once, for all of them.
#[derive(Debug)]
pub struct Push {
    pub offset: Offset,
    pub rooms: Vec<Room>,
    /// The text of the offset.
    pub place: String,
    /// The array of the event's name and its object, without the end of both: `["agent:presence",{"a":1`.
    begun: String,
    /// Whether the object names the push before it.
    is_chained: bool,
    shared: Mutex<Shared>,
}

/// The packet that was made of a push last. Clients that show the same get the same packet, most often together.
#[derive(Debug)]
enum Shared {
    None,
    Last(Utf8Bytes),
    /// Its clients have got it. Others get packets of their own, so that the ring keeps none.
    Past,
}

impl Push {
    /// A push with the fields of a JSON object, among which are `version` and `position`.
    pub fn new(offset: Offset, rooms: Vec<Room>, name: Name, fields: &str) -> Self {
        let open = fields.trim_end().strip_suffix('}').unwrap_or("{");
        let (begun, place) = (format!("[\"{}\",{open}", name.as_str()), offset.to_string());
        Self { offset, rooms, place, begun, is_chained: true, shared: Mutex::new(Shared::None) }
    }

    /// The push with the fields of its object and no more, as a contract wants it.
    pub fn unchained(self) -> Self {
        Self { is_chained: false, ..self }
    }

    pub fn bytes(&self) -> usize {
        self.begun.len()
    }

    /// The packet for a client that joins a room late. It leaves the client's offset alone, because other pushes after it
    /// were sent already.
    pub fn replayed(&self, begun: &str) -> Utf8Bytes {
        format!("{begun}{}}},{{\"replayed\":true}}]", self.begun).into()
    }

    /// The packet for a client whose push before this one had the offset `prev`. The place is the last argument, where
    /// the stock client looks for it.
    pub fn packet(&self, begun: &str, prev: &str, suffix: &str) -> Utf8Bytes {
        let Self { place, begun: event, .. } = self;
        let comma = if event.ends_with('{') { "" } else { "," };
        // This is done for each client, and formatting would take several times as long.
        let [comma, key, prev, end] = match self.is_chained {
            true => [comma, "\"prev\":\"", prev, "\""],
            false => [""; 4],
        };
        let parts = [begun, event, comma, key, prev, end, "},\"", place, suffix, "\"]"];
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Shared::Last(packet) = &*shared
            && consists_of(packet, &parts)
        {
            return packet.clone();
        }
        let packet = Utf8Bytes::from(parts.concat());
        if !matches!(*shared, Shared::Past) {
            *shared = Shared::Last(packet.clone());
        }
        packet
    }

    /// Newer pushes have come: no packet is kept any more.
    pub fn forget_packet(&self) {
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = Shared::Past;
    }
}

fn consists_of(text: &str, parts: &[&str]) -> bool {
    let rest = parts.iter().try_fold(text, |rest, part| rest.strip_prefix(part));
    rest.is_some_and(str::is_empty)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::{AgentPresence, ServerEvent, Sync};

    #[test]
    fn offsets_are_ordered_as_events_and_their_parts() {
        let offsets: Vec<Offset> = ["7:0", "7:1", "7", "8:0"].map(|text| text.parse().unwrap()).to_vec();
        assert!(offsets.is_sorted());
        let texts: Vec<String> = offsets.iter().map(Offset::to_string).collect();
        assert_eq!(texts, ["7:0", "7:1", "7", "8:0"]);
        assert!("7:x".parse::<Offset>().is_err());
        assert!("x".parse::<Offset>().is_err());
    }

    #[test]
    fn a_place_is_read_as_it_was_written() {
        let joined: Vec<_> = (1..=3).map(Uuid::from_u128).collect();
        let place = Place { offset: "7:1".parse().unwrap(), joined };
        let text = format!("{}{}", place.offset, Place::suffix(place.joined.iter().copied()));
        assert_eq!(text.parse(), Ok(place));
        assert_eq!("7".parse(), Ok(Place { offset: "7".parse().unwrap(), joined: Vec::new() }));
        for wrong in ["7~AAAA", "7~!", "~", "7:1:2"] {
            assert_eq!(wrong.parse::<Place>(), Err(NotAnOffset), "{wrong}");
        }
    }

    #[test]
    fn clients_at_one_place_share_a_packet_until_newer_pushes_come() {
        let offset = Offset { position: Position::at(9), part: 0 };
        let push = Push::new(offset, Vec::new(), AgentPresence::NAME, r#"{"a":1}"#);
        let made = || push.packet("42/agents,", "8", "~AA");
        let address = |packet: &Utf8Bytes| packet.as_ptr();
        let first = made();
        assert_eq!(address(&first), address(&made()));
        push.forget_packet();
        let own = made();
        assert_eq!(first, own);
        assert_ne!(address(&first), address(&own));
        assert_ne!(address(&own), address(&made()));
    }

    #[test]
    fn a_packet_carries_the_push_before_it_and_its_own_offset() {
        let offset = Offset { position: Position::at(9), part: 0 };
        let push = Push::new(offset, Vec::new(), AgentPresence::NAME, r#"{"a":1}"#);
        let packet = push.packet("42/agents,", "8", "~AA");
        assert_eq!(&*packet, r#"42/agents,["agent:presence",{"a":1,"prev":"8"},"9:0~AA"]"#);
        let of_another_place = push.packet("42/agents,", "7", "~AA");
        assert_eq!(&*of_another_place, r#"42/agents,["agent:presence",{"a":1,"prev":"7"},"9:0~AA"]"#);
        let push = Push::new(offset, Vec::new(), AgentPresence::NAME, r#"{"a":1}"#).unchained();
        assert_eq!(&*push.packet("42", "8", "~AA"), r#"42["agent:presence",{"a":1},"9:0~AA"]"#);
        let empty = Push::new(offset, Vec::new(), Sync::NAME, "{}").packet("42", "9:0", "");
        assert_eq!(&*empty, r#"42["sync",{"prev":"9:0"},"9:0"]"#);
    }
}
