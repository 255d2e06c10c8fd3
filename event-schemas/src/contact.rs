//! The identifiers of contacts: streams `contact-<uuid>`, one for each identifier.
//!
//! The UUID is derived from the account, the kind of channel and the identifier. So one stream decides to
//! which contact an identifier belongs, without a lock, also for concurrent requests.

use crate::events::events;
use crate::message::ChannelType;
use crate::{ContactId, ContactIdentifierId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

events! {
    /// Every event of a stream `contact-<uuid>`.
    pub enum ContactEvent {
        ContactSeen = 1,
        IdentifierLinked = 1,
        IdentifierUnlinked = 1,
        IdentifierJoined = 1,
        AddressesKnown = 1,
    }
}

/// A phone number as it is stored: its digits, country code first. `None` when the text is none. People write it with
/// separators, and with `+` or `00` before the country code.
pub fn phone_digits(text: &str) -> Option<String> {
    let is_separator = |c: char| c.is_whitespace() || matches!(c, '-' | '(' | ')' | '.' | '/');
    let bare: String = text.chars().filter(|c| !is_separator(*c)).collect();
    let digits = bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")).unwrap_or(&bare);
    let is_number = (5..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.to_owned())
}

/// The first message of an identifier was received, or one with a new display name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContactSeen {
    pub identifier_id: ContactIdentifierId,
    pub contact_id: ContactId,
    pub channel_type: ChannelType,
    pub identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// The identifier is linked to a contact. The event has all fields after the change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentifierLinked {
    pub identifier_id: ContactIdentifierId,
    pub contact_id: ContactId,
    pub channel_type: ChannelType,
    pub identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The identifier is unlinked from its contact. Its next message creates a new contact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentifierUnlinked {
    pub identifier_id: ContactIdentifierId,
    pub contact_id: ContactId,
}

/// The provider says that the identifier belongs to the customer of another one: a business-scoped id and a phone
/// number, or the number before and after a change. Its messages go to the conversations of that customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentifierJoined {
    pub identifier_id: ContactIdentifierId,
    /// The contact of the customer.
    pub contact_id: ContactId,
    pub channel_type: ChannelType,
    pub identifier: String,
    /// The identifier in whose stream the customer's contact is decided.
    pub joined_to: String,
}

/// The identifiers of a customer who has several, and the one to which answers are sent. The event has all of them after
/// the change. It is in the stream of the identifier that the others are joined to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AddressesKnown {
    pub identifier_id: ContactIdentifierId,
    pub contact_id: ContactId,
    pub channel_type: ChannelType,
    pub identifier: String,
    /// The other identifiers, in the order in which they became known.
    pub others: Vec<String>,
    /// The identifier to which answers are sent.
    pub address: String,
    /// The numbers that the customer gave up. Another person may have them by now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given_up: Vec<String>,
}
