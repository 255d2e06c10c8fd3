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

/// The other spelling of a mobile number of Brazil, Mexico or Argentina. WhatsApp knows a customer there by the number
/// with or without the digit that was once added, and people write either. `None` for every other number: landlines of
/// Brazil never had that digit.
pub fn other_spelling(number: &str) -> Option<String> {
    // The country, the digit and its place, the length without it.
    const SPELLINGS: [(&str, usize, &str, usize); 3] =
        [("55", 4, "9", 12), ("52", 2, "1", 12), ("54", 2, "9", 12)];
    let (country, at, digit, shorter) = SPELLINGS.into_iter().find(|(code, ..)| number.starts_with(code))?;
    if !number.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (before, rest) = number.split_at_checked(at)?;
    let (without, is_longer) = match (number.len(), rest.strip_prefix(digit)) {
        (length, _) if length == shorter => (rest, false),
        (length, Some(without)) if length == shorter + 1 => (without, true),
        _ => return None,
    };
    let is_mobile = country != "55" || without.starts_with(['6', '7', '8', '9']);
    let spelled = if is_longer { format!("{before}{without}") } else { format!("{before}{digit}{without}") };
    is_mobile.then_some(spelled)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mobile_numbers_of_three_countries_have_two_spellings() {
        for (longer, shorter) in [
            ("5511987654321", "551187654321"),
            ("5215512345678", "525512345678"),
            ("5491123456789", "541123456789"),
        ] {
            assert_eq!(other_spelling(longer).as_deref(), Some(shorter));
            assert_eq!(other_spelling(shorter).as_deref(), Some(longer));
        }
        for other in ["551133445566", "5511933445566", "55119", "15551234567", "251911234567", "US.55", "é5"]
        {
            assert_eq!(other_spelling(other), None, "{other}");
        }
    }
}
