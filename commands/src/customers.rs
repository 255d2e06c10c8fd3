//! The customer of an identifier. WhatsApp names one customer by a phone number, by a business-scoped id, or by both, and
//! either can change. What belongs together is decided in the identifiers' streams before a message's conversation is
//! chosen.

use crate::Commands;
use crate::execute::{CommandError, Context, LoadError, Read, Versioned};
use crate::turns::Turn;
use domain::contact::{
    IdentifierState, Join, KnowAddresses, Rejection, best_first, is_better_address, is_number,
};
use domain::conversation::{self, ChangeDisplayName};
use event_schemas::catalogue::Channel;
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ContactId, ContactIdentifierId, Recorded, StreamId};
use futures::future::try_join_all;
use std::sync::Arc;

/// The most steps from an identifier to the one that decides.
const LONGEST_CHAIN: usize = 16;

/// The customer that some identifiers name.
#[derive(Clone, Debug)]
pub struct Customer {
    /// The identifier in whose stream the contact is decided.
    pub identifier: String,
    pub(crate) state: Arc<Versioned<IdentifierState>>,
    pub contact_id: ContactId,
    /// All identifiers of the customer. The first is the one that decides.
    pub names: Vec<String>,
    /// The identifier to which answers are sent.
    pub address: String,
    /// The name that a person gave to one of the identifiers. The first one's comes first.
    given_name: Option<String>,
    /// Whether one of the identifiers has a contact already.
    pub(crate) contact_is_known: bool,
    /// Whether several of the identifiers have contacts that are not joined yet, each with conversations of its own.
    has_several_contacts: bool,
    /// Whether all identifiers are joined to the one that decides.
    pub(crate) is_settled: bool,
}

impl Customer {
    pub fn is_known(&self) -> bool {
        self.state.state.contact_id().is_some()
    }
    /// The name that a person gave, or else that of the profile.
    pub fn display_name(&self) -> Option<&str> {
        self.given_name.as_deref().or(self.state.state.display_name())
    }
    /// The name after a message that came with this name of the profile: a person's name outranks it.
    pub(crate) fn name_with_profile(&self, profile: Option<&str>) -> Option<String> {
        self.given_name.as_deref().or(profile).or(self.display_name()).map(str::to_owned)
    }
}

/// An identifier that decides on a contact, and its state.
type Root = (String, Arc<Versioned<IdentifierState>>);

/// Identifiers on one kind of channel of an account.
#[derive(Clone, Copy, Debug)]
pub struct Identifiers {
    pub account: AccountId,
    pub kind: ChannelType,
}

impl Identifiers {
    pub fn id(self, identifier: &str) -> ContactIdentifierId {
        ContactIdentifierId::of(self.account, self.kind.as_str(), identifier)
    }
    pub(crate) fn stream(self, identifier: &str) -> StreamId {
        StreamId::contact(self.id(identifier))
    }
    /// The other identifier by which WhatsApp may know the customer of a number.
    fn other_spelling(self, number: &str) -> Option<String> {
        providers::identifier::other_spelling(number).filter(|_| self.kind == ChannelType::WhatsApp)
    }
    /// The other forms in which the log may have a number.
    pub(crate) fn other_forms(self, number: &str) -> Vec<String> {
        self.other_spelling(number).into_iter().chain(self.forms_elsewhere(number)).collect()
    }
    /// A number in the forms in which other programs store it. Empty for what is not a number.
    fn forms_elsewhere(self, number: &str) -> Vec<String> {
        let is_phone = matches!(self.kind, ChannelType::WhatsApp | ChannelType::Sms);
        match is_phone && is_number(number) {
            true => vec![format!("+{number}"), format!("00{number}")],
            false => Vec::new(),
        }
    }
}

/// The identifiers of a customer in one report of the provider.
#[derive(Clone, Debug, Default)]
pub(crate) struct NamedCustomer {
    pub identifiers: Vec<String>,
    /// The identifier of the sender of a message. Answers are sent to it unless a better address is known.
    pub received_from: Option<String>,
    /// The identifier that replaces the others.
    pub changed_to: Option<String>,
}

impl NamedCustomer {
    /// The new address of the customer. `None` when answers are sent to the present one.
    pub(crate) fn address(&self, customer: &Customer) -> Option<String> {
        let better = || {
            let is_better = |from: &&String| {
                is_better_address(from, &customer.address) && !customer.state.state.has_given_up(from)
            };
            self.received_from.as_ref().filter(is_better)
        };
        let address = self.changed_to.as_ref().or_else(better)?;
        let is_new = *address != customer.address && customer.names.contains(address);
        is_new.then(|| address.clone())
    }

    /// The identifiers that the customer has no more after a change: the sender of the notice and the address before.
    fn given_up(&self, customer: &Customer) -> Vec<String> {
        let Some(new) = &self.changed_to else { return Vec::new() };
        let former = self.identifiers.first().into_iter().chain([&customer.address]);
        former.filter(|identifier| *identifier != new).cloned().collect()
    }
}

impl Commands {
    /// The customer of these identifiers, by what is stored. There is at least one identifier.
    pub(crate) async fn customer(
        &self,
        of: Identifiers,
        identifiers: &[String],
        read: Read,
    ) -> Result<Customer, LoadError> {
        let (mut roots, named) = self.roots(of, identifiers, read).await?;
        roots.sort_by(|(one, first), (other, second)| {
            best_first(one, first.state.contact_id().is_some())
                .cmp(&best_first(other, second.state.contact_id().is_some()))
        });
        let Some((identifier, state)) = roots.first().cloned() else {
            unreachable!("a customer is asked for without an identifier")
        };
        let mut known_contacts = roots.iter().filter_map(|(_, state)| state.state.contact_id());
        let known_contact = known_contacts.next();
        let has_several_contacts = known_contacts.next().is_some();
        let contact_id = known_contact.unwrap_or_else(|| of.id(&identifier).own_contact());
        let mut is_settled = roots.len() == 1;
        let mut names = self.known_names(of, &roots, read).await?;
        for identifier in named {
            if !names.contains(&identifier) {
                is_settled = false;
                names.push(identifier);
            }
        }
        for other in names.iter().skip(1).filter(|other| identifiers.contains(other)) {
            let other = self.identifier(of, other, read).await?;
            is_settled &= other.state.contact_id() == Some(contact_id);
        }
        let given_name = self.given_name(of, &state, &names).await?;
        // A person may have given the address to another contact.
        let address = state.state.address().filter(|address| names.iter().any(|name| name == address));
        let address = address.unwrap_or(&identifier).to_owned();
        let contact_is_known = known_contact.is_some();
        Ok(Customer {
            identifier,
            state,
            contact_id,
            names,
            address,
            given_name,
            contact_is_known,
            has_several_contacts,
            is_settled,
        })
    }

    /// The identifiers that decide on the customers of these, each once, and the identifiers that count.
    async fn roots(
        &self,
        of: Identifiers,
        identifiers: &[String],
        read: Read,
    ) -> Result<(Vec<Root>, Vec<String>), LoadError> {
        let mut found: Vec<(&String, Root)> = Vec::new();
        for identifier in identifiers {
            let mut root = self.root(of, identifier, read).await?;
            if root.1.state.contact_id().is_none()
                && let Some(known) = self.known_by_other_spelling(of, &root.0, read).await?
            {
                root = known;
            }
            if let Some(imported) = self.known_as_imported(of, identifier).await? {
                match root.1.state.contact_id() {
                    Some(_) if imported.0 == root.0 => self.numbers_in_one_form.insert(of.id(identifier), ()),
                    Some(_) => found.push((identifier, imported)),
                    None => root = imported,
                }
            }
            found.push((identifier, root));
        }
        let (mut roots, mut named) = (Vec::<Root>::new(), Vec::<String>::new());
        for (identifier, root) in &found {
            // A number that the customer gave up and that comes with another customer's id is that customer's.
            let is_of_another =
                root.1.state.has_given_up(identifier) && found.iter().any(|(_, other)| other.0 != root.0);
            if is_of_another {
                continue;
            }
            if roots.iter().all(|(known, _)| *known != root.0) {
                roots.push(root.clone());
            }
            add(&mut named, identifier);
        }
        Ok((roots, named))
    }

    /// The identifiers that are stored as those of one customer. The first one decides.
    async fn known_names(
        &self,
        of: Identifiers,
        roots: &[Root],
        read: Read,
    ) -> Result<Vec<String>, LoadError> {
        let mut names = Vec::new();
        for (root, state) in roots {
            add(&mut names, root);
            for other in state.state.others() {
                // A person may have given it to another contact.
                let (decides, _) = self.root(of, other, read).await?;
                if roots.iter().any(|(root, _)| *root == decides) {
                    add(&mut names, other);
                }
            }
        }
        Ok(names)
    }

    /// The name that a person gave to the identifier that decides, or else to another one.
    async fn given_name(
        &self,
        of: Identifiers,
        decides: &Versioned<IdentifierState>,
        names: &[String],
    ) -> Result<Option<String>, LoadError> {
        let mut given = decides.state.given_name().map(str::to_owned);
        for name in &names[1..] {
            if given.is_none() {
                let other = self.identifier(of, name, Read::Cached).await?;
                given = other.state.given_name().map(str::to_owned);
            }
        }
        Ok(given)
    }

    /// The customer after the report is stored. The identifiers are joined before this returns, so that each
    /// process finds the same customer by any of them. When several contacts are found to be one, their open conversations
    /// are continued in one.
    pub(crate) async fn settled(
        &self,
        of: Identifiers,
        named: &NamedCustomer,
        context: &Context,
    ) -> Result<Customer, CommandError<Rejection>> {
        // After each refusal the identifiers are looked at again. The bound only ends a loop by a defect.
        let mut joins_contacts = false;
        for _ in 0..16 {
            let customer = self.customer(of, &named.identifiers, Read::Log).await?;
            let address = named.address(&customer);
            if customer.is_settled && address.is_none() {
                if joins_contacts {
                    self.continue_on_all_channels(of, &customer.names, context).await?;
                }
                return Ok(customer);
            }
            joins_contacts |= customer.has_several_contacts;
            let given_up = named.given_up(&customer);
            match self.store_names(of, &customer, address, given_up, context).await {
                Ok(()) | Err(CommandError::Rejected(Rejection::JoinedElsewhere)) => {}
                Err(error) => return Err(error),
            }
        }
        Err(CommandError::Contended)
    }

    async fn store_names(
        &self,
        of: Identifiers,
        customer: &Customer,
        address: Option<String>,
        given_up: Vec<String>,
        context: &Context,
    ) -> Result<(), CommandError<Rejection>> {
        let context = Context { key: None, request: None, if_match: None, ..context.clone() };
        let others = customer.names.iter().skip(1);
        try_join_all(others.clone().map(|other| self.join_identifier(of, other, customer, &context))).await?;
        let known = KnowAddresses {
            account_id: of.account,
            channel_type: of.kind,
            identifier: customer.identifier.clone(),
            contact_id: customer.contact_id,
            others: others.cloned().collect(),
            address,
            given_up,
        };
        let stream = of.stream(&customer.identifier);
        self.contacts.execute_on(Arc::clone(&customer.state), &stream, &known, &context).await.map(|_| ())
    }

    async fn join_identifier(
        &self,
        of: Identifiers,
        identifier: &str,
        customer: &Customer,
        context: &Context,
    ) -> Result<(), CommandError<Rejection>> {
        let state = self.identifier(of, identifier, Read::Cached).await?;
        let join = Join {
            account_id: of.account,
            channel_type: of.kind,
            identifier: identifier.to_owned(),
            was_joined_to: state.state.joined_to().map(str::to_owned),
            to: customer.identifier.clone(),
            contact_id: customer.contact_id,
        };
        self.contacts.execute_on(state, &of.stream(identifier), &join, context).await.map(|_| ())
    }

    /// The right to find out which customer these identifiers name. Two webhooks of a new customer, one with the number
    /// and one with the id, would each begin a conversation.
    pub(crate) async fn naming_turns(
        &self,
        of: Identifiers,
        identifiers: &[String],
    ) -> Result<Vec<Turn>, CommandError<Rejection>> {
        // In one order for all, so that no two callers wait for each other.
        let mut ids: Vec<_> = identifiers.iter().map(|identifier| of.id(identifier)).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut turns = Vec::with_capacity(ids.len());
        for id in ids {
            turns.push(self.naming.of(&StreamId::contact(id)).await.ok_or(CommandError::Contended)?);
        }
        Ok(turns)
    }

    /// Gives the customer's name, as it is now, to the open conversations with the identifier's customer. A conversation
    /// that is missed has it from the customer's next message on.
    pub async fn rename_in_conversations(
        &self,
        of: Identifiers,
        identifier: &str,
        context: &Context,
    ) -> Result<(), CommandError<conversation::Rejection>> {
        let customer = self.customer(of, &[identifier.to_owned()], Read::Log).await?;
        let rename = ChangeDisplayName { display_name: customer.display_name().map(str::to_owned) };
        let context = Context { key: None, request: None, if_match: None, ..context.clone() };
        let channels = self.catalogue::<Channel>(of.account).current().await?;
        for channel in channels.state.iter().filter(|channel| channel.channel_type == of.kind) {
            let found = self.current_of_customer(of, channel.id, &customer.names, Read::Cached).await?;
            for current in std::iter::once(&found.current).chain(&found.other_open) {
                match self.conversations.execute(&current.stream, &rename, &context).await {
                    Ok(_)
                    | Err(CommandError::Rejected(
                        conversation::Rejection::NotOpened | conversation::Rejection::Closed,
                    )) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Moves a customer's other identifiers to the contact to which a person has moved this one.
    pub async fn move_other_identifiers(
        &self,
        of: Identifiers,
        identifier: &str,
        context: &Context,
    ) -> Result<(), CommandError<Rejection>> {
        let identifiers = self.customer(of, &[identifier.to_owned()], Read::Log).await?.names;
        if identifiers.len() > 1 {
            let _turns = self.naming_turns(of, &identifiers).await?;
            self.settled(of, &NamedCustomer { identifiers, ..NamedCustomer::default() }, context).await?;
        }
        Ok(())
    }

    /// The identifier to which answers to a customer are sent.
    pub async fn address_of(&self, of: Identifiers, identifier: &str) -> Result<String, LoadError> {
        let address = self.customer(of, &[identifier.to_owned()], Read::Log).await?.address;
        // An imported address may have a form that the provider does not take.
        Ok(self.providers.normalize_identifier(of.kind, &address).unwrap_or(address))
    }

    /// The contact of an identifier: the stored one, or the one that it will have.
    pub async fn contact_of(&self, of: Identifiers, identifier: &str) -> Result<ContactId, LoadError> {
        Ok(self.customer(of, &[identifier.to_owned()], Read::Log).await?.contact_id)
    }

    /// Stores the identifiers by which a provider knows the addressee of a message. A failure is only logged: the message
    /// is sent, and the customer's answer may still tell it.
    pub async fn learn_of_addressee(
        &self,
        of: Identifiers,
        to: &str,
        addressee: Vec<String>,
        sent: &Recorded,
    ) {
        let mut identifiers = vec![to.to_owned()];
        addressee.iter().for_each(|identifier| add(&mut identifiers, identifier));
        if identifiers.len() == 1 {
            return;
        }
        let context = Context::because_of(sent, "customer-identity");
        if let Err(error) = self.join_all(of, identifiers, &context).await {
            tracing::warn!(message_id = %sent.id, %error, "the provider's name of an addressee was not stored");
        }
    }

    /// Stores that all these identifiers are one customer's, unless it is stored.
    pub(crate) async fn join_all(
        &self,
        of: Identifiers,
        identifiers: Vec<String>,
        context: &Context,
    ) -> Result<(), CommandError<Rejection>> {
        if self.customer(of, &identifiers, Read::Cached).await?.is_settled {
            return Ok(());
        }
        let _turns = self.naming_turns(of, &identifiers).await?;
        let named = NamedCustomer { identifiers, ..NamedCustomer::default() };
        self.settled(of, &named, context).await.map(|_| ())
    }

    /// The identifier that decides on the contact of the number in its other spelling, if that is known.
    async fn known_by_other_spelling(
        &self,
        of: Identifiers,
        number: &str,
        read: Read,
    ) -> Result<Option<Root>, LoadError> {
        let Some(spelled) = of.other_spelling(number) else { return Ok(None) };
        let root = self.root(of, &spelled, read).await?;
        Ok(root.1.state.contact_id().is_some().then_some(root))
    }

    /// The identifier that decides on the contact of the number as it is in an imported log, whose program may have
    /// stored it with `+` or `00`. `None` when it is in none of these forms in the log.
    async fn known_as_imported(&self, of: Identifiers, number: &str) -> Result<Option<Root>, LoadError> {
        let forms = of.forms_elsewhere(number);
        if forms.is_empty()
            || !self.was_moved().await?
            || self.numbers_in_one_form.get(&of.id(number)).is_some()
        {
            return Ok(None);
        }
        for form in forms {
            let root = self.root(of, &form, Read::Cached).await?;
            if root.1.state.contact_id().is_some() {
                return Ok(Some(root));
            }
        }
        // A log is imported while no server works, and no server stores these forms.
        self.numbers_in_one_form.insert(of.id(number), ());
        Ok(None)
    }

    /// The identifier as it is stored: a number of an imported log may be in another form there.
    pub async fn stored_identifier(&self, of: Identifiers, identifier: String) -> Result<String, LoadError> {
        if !self.was_moved().await?
            || self.identifier(of, &identifier, Read::Log).await?.state.contact_id().is_some()
        {
            return Ok(identifier);
        }
        Ok(self.known_as_imported(of, &identifier).await?.map_or(identifier, |(root, _)| root))
    }

    async fn identifier(
        &self,
        of: Identifiers,
        identifier: &str,
        read: Read,
    ) -> Result<Arc<Versioned<IdentifierState>>, LoadError> {
        self.contacts.read(&of.stream(identifier), read).await
    }

    /// The identifier that decides on the contact of this one. Two processes may join two identifiers to each other; then
    /// all take the same one of them.
    async fn root(&self, of: Identifiers, identifier: &str, read: Read) -> Result<Root, LoadError> {
        let mut passed: Vec<String> = Vec::new();
        let mut at = identifier.to_owned();
        loop {
            let state = self.identifier(of, &at, read).await?;
            let Some(next) = state.state.joined_to().filter(|_| passed.len() < LONGEST_CHAIN) else {
                return Ok((at, state));
            };
            if let Some(begin) = passed.iter().position(|before| before == next) {
                passed.push(at);
                let circle = passed.split_off(begin);
                let decides = circle
                    .into_iter()
                    .min_by(|one, other| best_first(one, true).cmp(&best_first(other, true)));
                let decides = decides.unwrap_or_else(|| identifier.to_owned());
                let state = self.identifier(of, &decides, read).await?;
                return Ok((decides, state));
            }
            let next = next.to_owned();
            passed.push(std::mem::replace(&mut at, next));
        }
    }
}

fn add(names: &mut Vec<String>, name: &str) {
    if names.iter().all(|known| known != name) {
        names.push(name.to_owned());
    }
}
