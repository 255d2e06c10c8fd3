//! The contact of an identifier. It is decided in the identifier's own stream and nowhere else.

use crate::aggregate::{Decide, Evolve};
use event_schemas::contact::{ContactSeen, IdentifierLinked, IdentifierUnlinked};
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ContactEvent, ContactId, ContactIdentifierId, Timestamp};
use serde_json::{Map, Value};

mod join;

pub use join::{Join, KnowAddresses, best_first, is_better_address, is_number};

/// An identifier, and the contact to whom it belongs.
#[derive(Clone, Debug, Default)]
pub struct IdentifierState {
    contact_id: Option<ContactId>,
    display_name: Option<String>,
    metadata: Map<String, Value>,
    /// Whether a person gave the name. The provider's profile name does not replace it.
    is_named: bool,
    /// The identifier in whose stream the contact is decided. `None` when it is decided in this one.
    joined_to: Option<String>,
    /// The customer's other identifiers.
    others: Vec<String>,
    /// The identifier to which answers are sent. `None` for this one.
    address: Option<String>,
    /// The numbers that the customer gave up.
    given_up: Vec<String>,
}

impl IdentifierState {
    /// The contact of the identifier. `None` before the first message or link, and after unlinking.
    pub fn contact_id(&self) -> Option<ContactId> {
        self.contact_id
    }
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }
    /// The name that a person gave. `None` when the name is that of the profile.
    pub fn given_name(&self) -> Option<&str> {
        self.display_name.as_deref().filter(|_| self.is_named)
    }
    pub fn metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }
    /// The identifier in whose stream the contact is decided. `None` when it is decided in this one.
    pub fn joined_to(&self) -> Option<&str> {
        self.joined_to.as_deref()
    }
    /// The customer's other identifiers, in the order in which they became known.
    pub fn others(&self) -> &[String] {
        &self.others
    }
    /// The identifier to which answers are sent. `None` for this one.
    pub fn address(&self) -> Option<&str> {
        self.address.as_deref()
    }
    /// Whether the customer gave up this number. Another person may have it by now.
    pub fn has_given_up(&self, number: &str) -> bool {
        self.given_up.iter().any(|given_up| given_up == number)
    }
    /// Whether this message leads to an event: the identifier has no contact yet, or the display name is
    /// another and no person gave the present one.
    pub fn changes_contact(&self, see: &See) -> bool {
        let is_other = see.display_name.as_ref().is_some_and(|name| Some(name) != self.display_name.as_ref());
        self.contact_id.is_none() || (is_other && !self.is_named)
    }
}

impl Evolve for IdentifierState {
    type Event = ContactEvent;

    fn evolve(&mut self, event: &ContactEvent, _: Timestamp) {
        match event {
            ContactEvent::ContactSeen(seen) => {
                self.contact_id = Some(seen.contact_id);
                self.display_name = seen.display_name.clone().or(self.display_name.take());
            }
            ContactEvent::IdentifierLinked(linked) => {
                // A person who moves the identifier to another contact takes it from the customer.
                if self.contact_id != Some(linked.contact_id) {
                    self.joined_to = None;
                }
                self.contact_id = Some(linked.contact_id);
                self.display_name.clone_from(&linked.display_name);
                self.is_named = linked.display_name.is_some();
                self.metadata.clone_from(&linked.metadata);
            }
            ContactEvent::IdentifierUnlinked(_) => *self = Self::default(),
            ContactEvent::IdentifierJoined(joined) => {
                self.contact_id = Some(joined.contact_id);
                self.joined_to = Some(joined.joined_to.clone());
            }
            ContactEvent::AddressesKnown(known) => {
                self.contact_id = Some(known.contact_id);
                self.others.clone_from(&known.others);
                self.given_up.clone_from(&known.given_up);
                self.address = (known.address != known.identifier).then(|| known.address.clone());
            }
        }
    }
}

/// Why an identifier cannot be linked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("this identifier is linked to no contact")]
    NotLinked,
    #[error("this identifier belongs to another contact")]
    LinkedToAnother { contact_id: ContactId },
    #[error("this identifier was joined to another one meanwhile")]
    JoinedElsewhere,
    #[error("an identifier has between 1 and 256 characters")]
    BadIdentifier,
}

/// A message came from the identifier.
#[derive(Clone, Debug)]
pub struct See {
    pub account_id: AccountId,
    pub channel_type: ChannelType,
    pub identifier: String,
    pub display_name: Option<String>,
}

impl Decide<IdentifierState> for See {
    type Rejection = Rejection;

    fn decide(&self, state: &IdentifierState, _: Timestamp) -> Result<Vec<ContactEvent>, Rejection> {
        if !state.changes_contact(self) {
            return Ok(Vec::new());
        }
        let identifier_id =
            ContactIdentifierId::of(self.account_id, self.channel_type.as_str(), &self.identifier);
        Ok(vec![
            ContactSeen {
                identifier_id,
                contact_id: state.contact_id.unwrap_or_else(|| identifier_id.own_contact()),
                channel_type: self.channel_type,
                identifier: self.identifier.clone(),
                display_name: self.display_name.clone(),
            }
            .into(),
        ])
    }
}

/// Links the identifier to a contact, with a display name and metadata.
#[derive(Clone, Debug)]
pub struct Link {
    pub account_id: AccountId,
    /// `None` when the identifier keeps its contact, or gets one of its own.
    pub contact_id: Option<ContactId>,
    pub channel_type: ChannelType,
    pub identifier: String,
    pub display_name: Option<String>,
    pub metadata: Map<String, Value>,
    /// `true` when the identifier may be taken from another contact.
    pub may_move: bool,
    /// `true` when a missing name and empty metadata leave those that are known, `false` when they remove them.
    pub keeps_known: bool,
}

impl Decide<IdentifierState> for Link {
    type Rejection = Rejection;

    fn decide(&self, state: &IdentifierState, _: Timestamp) -> Result<Vec<ContactEvent>, Rejection> {
        if self.identifier.trim().is_empty() || self.identifier.chars().count() > 256 {
            return Err(Rejection::BadIdentifier);
        }
        let identifier_id =
            ContactIdentifierId::of(self.account_id, self.channel_type.as_str(), &self.identifier);
        let wanted = self.contact_id.or(state.contact_id).unwrap_or_else(|| identifier_id.own_contact());
        match state.contact_id {
            Some(holder) if holder != wanted && !self.may_move => {
                return Err(Rejection::LinkedToAnother { contact_id: holder });
            }
            Some(_) | None => {}
        }
        let known_name = state.display_name.as_ref().filter(|_| self.keeps_known);
        let display_name = self.display_name.as_ref().or(known_name).cloned();
        let metadata = match self.keeps_known && self.metadata.is_empty() {
            true => state.metadata.clone(),
            false => self.metadata.clone(),
        };
        let same = state.contact_id == Some(wanted)
            && state.display_name == display_name
            && state.metadata == metadata;
        if same {
            return Ok(Vec::new());
        }
        Ok(vec![
            IdentifierLinked {
                identifier_id,
                contact_id: wanted,
                channel_type: self.channel_type,
                identifier: self.identifier.clone(),
                display_name,
                metadata,
            }
            .into(),
        ])
    }
}

/// Unlinks the identifier from its contact.
#[derive(Clone, Debug)]
pub struct Unlink {
    pub identifier_id: ContactIdentifierId,
}

impl Decide<IdentifierState> for Unlink {
    type Rejection = Rejection;

    fn decide(&self, state: &IdentifierState, _: Timestamp) -> Result<Vec<ContactEvent>, Rejection> {
        let contact_id = state.contact_id.ok_or(Rejection::NotLinked)?;
        Ok(vec![IdentifierUnlinked { identifier_id: self.identifier_id, contact_id }.into()])
    }
}

#[cfg(test)]
mod tests;
