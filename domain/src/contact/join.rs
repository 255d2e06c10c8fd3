//! Several identifiers of one customer on one kind of channel: a phone number and a business-scoped id, the number before
//! and after a change. One of them decides; the others are joined to it.

use super::{IdentifierState, Rejection};
use crate::aggregate::Decide;
use event_schemas::contact::{AddressesKnown, IdentifierJoined, phone_digits};
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ContactEvent, ContactId, ContactIdentifierId, Timestamp};

/// Whether the identifier is a phone number as it is stored.
pub fn is_number(identifier: &str) -> bool {
    phone_digits(identifier).is_some_and(|digits| digits == identifier)
}

/// Whether `new`, from which a message was received, is a better address than `known`. Every kind of message can be sent to
/// a number, so that an id does not replace one.
pub fn is_better_address(new: &str, known: &str) -> bool {
    new != known && (is_number(new) || !is_number(known))
}

/// The order in which identifiers become the one that the others are joined to: numbers first, then those with a
/// contact. It does not depend on the order in which they are received, so that concurrent webhooks agree.
pub fn best_first(identifier: &str, is_known: bool) -> impl Ord + use<'_> {
    (!is_number(identifier), !is_known, identifier)
}

/// Joins the identifier to the one that decides on the customer's contact.
#[derive(Clone, Debug)]
pub struct Join {
    pub account_id: AccountId,
    pub channel_type: ChannelType,
    pub identifier: String,
    /// The identifier to which it was joined when the caller decided this.
    pub was_joined_to: Option<String>,
    pub to: String,
    pub contact_id: ContactId,
}

impl Decide<IdentifierState> for Join {
    type Rejection = Rejection;

    fn decide(&self, state: &IdentifierState, _: Timestamp) -> Result<Vec<ContactEvent>, Rejection> {
        let is_joined = state.joined_to.as_ref() == Some(&self.to);
        if self.identifier == self.to || (is_joined && state.contact_id == Some(self.contact_id)) {
            return Ok(Vec::new());
        }
        if !is_joined && state.joined_to != self.was_joined_to {
            return Err(Rejection::JoinedElsewhere);
        }
        Ok(vec![
            IdentifierJoined {
                identifier_id: id_of(self.account_id, self.channel_type, &self.identifier),
                contact_id: self.contact_id,
                channel_type: self.channel_type,
                identifier: self.identifier.clone(),
                joined_to: self.to.clone(),
            }
            .into(),
        ])
    }
}

/// Records the identifiers that are joined to this one, and the one to which answers are sent.
#[derive(Clone, Debug)]
pub struct KnowAddresses {
    pub account_id: AccountId,
    pub channel_type: ChannelType,
    pub identifier: String,
    /// The contact when the identifier has none yet.
    pub contact_id: ContactId,
    pub others: Vec<String>,
    /// The identifier that answers reach. `None` when it is not known to be another than before.
    pub address: Option<String>,
    /// The identifiers that the customer has no more. Only numbers are given to other persons.
    pub given_up: Vec<String>,
}

impl Decide<IdentifierState> for KnowAddresses {
    type Rejection = Rejection;

    fn decide(&self, state: &IdentifierState, _: Timestamp) -> Result<Vec<ContactEvent>, Rejection> {
        let mut others = state.others.clone();
        for other in &self.others {
            if *other != self.identifier && !others.contains(other) {
                others.push(other.clone());
            }
        }
        let known = state.address.as_ref().unwrap_or(&self.identifier);
        let address = self.address.as_ref().unwrap_or(known);
        let mut given_up = state.given_up.clone();
        for number in self.given_up.iter().filter(|identifier| is_number(identifier)) {
            if !given_up.contains(number) {
                given_up.push(number.clone());
            }
        }
        given_up.retain(|number| self.address.as_ref() != Some(number));
        if others == state.others && address == known && given_up == state.given_up {
            return Ok(Vec::new());
        }
        Ok(vec![
            AddressesKnown {
                identifier_id: id_of(self.account_id, self.channel_type, &self.identifier),
                contact_id: state.contact_id.unwrap_or(self.contact_id),
                channel_type: self.channel_type,
                identifier: self.identifier.clone(),
                others,
                address: address.clone(),
                given_up,
            }
            .into(),
        ])
    }
}

fn id_of(account: AccountId, kind: ChannelType, identifier: &str) -> ContactIdentifierId {
    ContactIdentifierId::of(account, kind.as_str(), identifier)
}
