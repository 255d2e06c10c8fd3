//! Contacts and their identifiers. Linking an identifier moves its conversations to another contact, which is why the
//! fold of the conversations contains these tables.

use super::registry::table_set;
use super::search::SearchIndex;
use crate::queries::{Cursor, ListError, Listed, Page, list_of, newest_first, row, rows};
use event_schemas::contact::{ContactSeen, IdentifierLinked, phone_digits};
use event_schemas::conversation::ConversationOpened;
use event_schemas::message::ChannelType;
use event_schemas::{
    AccountId, ContactEvent, ContactId, ContactIdentifierId, ConversationEvent, Event, LifecycleEvent,
    Timestamp, Version,
};
use follower::db::{DbError, Readers, Tx};
use follower::runner::DecodedEvent;
use follower::table::{Json, Row, Rows, Values};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::Arc;

follower::table! {
    /// A person who writes, on any channel.
    #[derive(Serialize, JsonSchema)]
    #[schemars(rename = "Contact")]
    pub struct ContactRow in "contacts" key (#[serde(skip)] account_id: AccountId, id: ContactId) {
        display_name: Option<String>,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
}

follower::table! {
    /// An identifier of a contact on one kind of channel (requirement 000, section 1.5).
    #[derive(Serialize, JsonSchema)]
    #[schemars(rename = "ContactIdentifier")]
    pub struct ContactIdentifierRow in "contact_identifiers" key (id: ContactIdentifierId) {
        account_id: AccountId,
        contact_id: ContactId,
        channel_type: ChannelType,
        identifier: String,
        display_name: Option<String>,
        metadata: Json<Map<String, Value>>,
        /// Its number in the search index.
        #[serde(skip)]
        search_no: i64,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

/// A move of an identifier and its conversations to another contact.
#[derive(Clone, Debug)]
pub struct IdentifierMove {
    pub account: AccountId,
    pub channel_type: ChannelType,
    pub identifier: String,
    /// The contacts to which its conversations may have belonged before.
    pub from: Vec<ContactId>,
    pub to: ContactId,
}

table_set! {
    pub struct Contacts {
        contacts: Rows<ContactRow>,
        identifiers: Rows<ContactIdentifierRow>,
    }
}

impl Default for Contacts {
    fn default() -> Self {
        Self { contacts: Rows::new(2_000), identifiers: Rows::new(2_000) }
    }
}

impl Contacts {
    pub async fn load(&mut self, page: &[Arc<DecodedEvent>], tx: &mut Tx) -> Result<(), DbError> {
        let (mut contacts, mut identifiers) = (Vec::new(), Vec::new());
        for decoded in page {
            if let Some(opened) = opened(decoded) {
                identifiers.push((identifier_of_opened(opened),));
            }
            let Event::Contact(event) = &decoded.event else { continue };
            let contact = match event {
                ContactEvent::ContactSeen(seen) => seen.contact_id,
                ContactEvent::IdentifierLinked(linked) => linked.contact_id,
                ContactEvent::IdentifierUnlinked(unlinked) => unlinked.contact_id,
                ContactEvent::IdentifierJoined(joined) => joined.contact_id,
                ContactEvent::AddressesKnown(known) => known.contact_id,
            };
            let identifier = (identifier_of(event),);
            match decoded.version {
                // The identifier's stream begins with this event, so the table has no row for it.
                Version::FIRST => self.identifiers.absent(identifier),
                _ => identifiers.push(identifier),
            }
            contacts.push((decoded.metadata.account_id, contact));
        }
        self.contacts.load(tx, contacts).await?;
        self.identifiers.load(tx, identifiers).await
    }

    /// The contact of the identifier under which a conversation begins. When another process has just joined the
    /// identifier to another contact's, that is not the contact that the event names.
    pub fn contact_of_opened(&self, opened: &ConversationOpened) -> ContactId {
        let identifier = self.identifiers.get(&(identifier_of_opened(opened),));
        identifier.map_or(opened.contact_id, |row| row.contact_id)
    }

    /// Applies the event to the contact and the identifier. Returns the move of the identifier's conversations.
    /// `None` when they stay with their contact.
    pub fn apply(
        &mut self,
        event: &ContactEvent,
        decoded: &DecodedEvent,
        search: &mut SearchIndex,
    ) -> Option<IdentifierMove> {
        let account = decoded.metadata.account_id;
        let before = self.identifiers.get(&(identifier_of(event),));
        let (mut row, name) = match event {
            ContactEvent::ContactSeen(seen) => {
                (ContactIdentifierRow::seen(before, seen, decoded), seen.display_name.as_ref())
            }
            ContactEvent::IdentifierLinked(linked) => {
                (ContactIdentifierRow::linked(before, linked, decoded), linked.display_name.as_ref())
            }
            ContactEvent::IdentifierJoined(joined) => {
                let (kind, identifier) = (joined.channel_type, &joined.identifier);
                let id = joined.identifier_id;
                (ContactIdentifierRow::joined(before, id, joined.contact_id, kind, identifier, decoded), None)
            }
            ContactEvent::AddressesKnown(known) => {
                let (kind, identifier) = (known.channel_type, &known.identifier);
                let id = known.identifier_id;
                (ContactIdentifierRow::joined(before, id, known.contact_id, kind, identifier, decoded), None)
            }
            ContactEvent::IdentifierUnlinked(unlinked) => {
                let moved = before.and_then(ContactIdentifierRow::unlinked);
                before.into_iter().for_each(|before| search.remove_identifier(before));
                self.identifiers.remove(&(unlinked.identifier_id,));
                return moved;
            }
        };
        row.search_no = search.index_identifier(before, &row);
        let moved = ContactIdentifierRow::moved(before, &row);
        let contact = self.contacts.get(&(account, row.contact_id));
        let contact = ContactRow::named(contact, row.contact_id, name, decoded);
        self.contacts.put(contact);
        self.identifiers.put(row);
        moved
    }

    /// The moves of conversations to another contact that this page may cause.
    pub fn possible_moves(&self, page: &[Arc<DecodedEvent>]) -> Vec<IdentifierMove> {
        let mut moves = HashMap::new();
        for decoded in page {
            let Event::Contact(event) = &decoded.event else { continue };
            let id = identifier_of(event);
            let stored = self.identifiers.get(&(id,));
            let account = decoded.metadata.account_id;
            let (contact, named) = match event {
                ContactEvent::ContactSeen(seen) => {
                    (seen.contact_id, Some((account, seen.channel_type, &seen.identifier)))
                }
                ContactEvent::IdentifierLinked(linked) => {
                    (linked.contact_id, Some((account, linked.channel_type, &linked.identifier)))
                }
                ContactEvent::IdentifierJoined(joined) => {
                    (joined.contact_id, Some((account, joined.channel_type, &joined.identifier)))
                }
                ContactEvent::AddressesKnown(known) => {
                    (known.contact_id, Some((account, known.channel_type, &known.identifier)))
                }
                ContactEvent::IdentifierUnlinked(_) => (id.own_contact(), None),
            };
            let named = named.or(stored.map(|row| (row.account_id, row.channel_type, &row.identifier)));
            let was = stored.map_or(id.own_contact(), |row| row.contact_id);
            let Some((account, channel_type, identifier)) = named else { continue };
            if contact != was {
                let moved = moves.entry(id).or_insert_with(|| IdentifierMove {
                    account,
                    channel_type,
                    identifier: identifier.clone(),
                    from: vec![was, id.own_contact()],
                    to: contact,
                });
                moved.from.push(contact);
            }
        }
        moves.into_values().collect()
    }
}

fn opened(decoded: &DecodedEvent) -> Option<&ConversationOpened> {
    match &decoded.event {
        Event::Conversation(ConversationEvent::Lifecycle(LifecycleEvent::ConversationOpened(opened))) => {
            Some(opened)
        }
        Event::Conversation(_)
        | Event::Contact(_)
        | Event::Agent(_)
        | Event::Catalogue(_)
        | Event::Inbound(_)
        | Event::Log(_)
        | Event::Account(_)
        | Event::Person(_)
        | Event::ApiKey(_)
        | Event::Bulk(_) => None,
    }
}

fn identifier_of_opened(opened: &ConversationOpened) -> ContactIdentifierId {
    ContactIdentifierId::of(opened.account_id, opened.channel_type.as_str(), &opened.contact_identifier)
}

fn identifier_of(event: &ContactEvent) -> ContactIdentifierId {
    match event {
        ContactEvent::ContactSeen(seen) => seen.identifier_id,
        ContactEvent::IdentifierLinked(linked) => linked.identifier_id,
        ContactEvent::IdentifierUnlinked(unlinked) => unlinked.identifier_id,
        ContactEvent::IdentifierJoined(joined) => joined.identifier_id,
        ContactEvent::AddressesKnown(known) => known.identifier_id,
    }
}

impl ContactIdentifierRow {
    /// The move of the identifier's conversations when its row changes. `None` when the contact is the same.
    pub fn moved(before: Option<&Self>, now: &Self) -> Option<IdentifierMove> {
        let was = before.map_or(now.id.own_contact(), |before| before.contact_id);
        (was != now.contact_id).then(|| now.moved_from(was, now.contact_id))
    }

    /// The move of the identifier's conversations when it is unlinked: it then belongs to a contact of its own.
    pub fn unlinked(&self) -> Option<IdentifierMove> {
        let own = self.id.own_contact();
        (self.contact_id != own).then(|| self.moved_from(self.contact_id, own))
    }

    fn moved_from(&self, was: ContactId, to: ContactId) -> IdentifierMove {
        IdentifierMove {
            account: self.account_id,
            channel_type: self.channel_type,
            identifier: self.identifier.clone(),
            from: vec![was, self.id.own_contact()],
            to,
        }
    }
}

impl ContactRow {
    /// The contact after one of its identifiers was seen or linked. Its display name is the last one that an event
    /// named.
    pub fn named(
        before: Option<&Self>,
        id: ContactId,
        name: Option<&String>,
        decoded: &DecodedEvent,
    ) -> Self {
        let at = decoded.metadata.occurred_at;
        Self {
            account_id: decoded.metadata.account_id,
            id,
            display_name: name.cloned().or_else(|| before?.display_name.clone()),
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
        }
    }
}

impl ContactIdentifierRow {
    pub fn seen(before: Option<&Self>, seen: &ContactSeen, decoded: &DecodedEvent) -> Self {
        let at = decoded.metadata.occurred_at;
        Self {
            id: seen.identifier_id,
            account_id: decoded.metadata.account_id,
            contact_id: seen.contact_id,
            channel_type: seen.channel_type,
            identifier: seen.identifier.clone(),
            display_name: seen.display_name.clone().or_else(|| before?.display_name.clone()),
            metadata: before.map(|before| before.metadata.clone()).unwrap_or_default(),
            search_no: 0,
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
            version: decoded.version,
        }
    }

    /// The identifier after it was found to be one of several of a customer. Its name and metadata stay.
    fn joined(
        before: Option<&Self>,
        id: ContactIdentifierId,
        contact_id: ContactId,
        channel_type: ChannelType,
        identifier: &str,
        decoded: &DecodedEvent,
    ) -> Self {
        let at = decoded.metadata.occurred_at;
        Self {
            id,
            account_id: decoded.metadata.account_id,
            contact_id,
            channel_type,
            identifier: identifier.to_owned(),
            display_name: before.and_then(|before| before.display_name.clone()),
            metadata: before.map(|before| before.metadata.clone()).unwrap_or_default(),
            search_no: 0,
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
            version: decoded.version,
        }
    }

    pub fn linked(before: Option<&Self>, linked: &IdentifierLinked, decoded: &DecodedEvent) -> Self {
        let at = decoded.metadata.occurred_at;
        Self {
            id: linked.identifier_id,
            account_id: decoded.metadata.account_id,
            contact_id: linked.contact_id,
            channel_type: linked.channel_type,
            identifier: linked.identifier.clone(),
            display_name: linked.display_name.clone(),
            metadata: Json(linked.metadata.clone()),
            search_no: 0,
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
            version: decoded.version,
        }
    }
}

/// Marks the cursors of the list of identifiers.
const IDENTIFIERS: u32 = list_of(ContactIdentifierRow::TABLE);

/// Contacts, the newest first. A contact whose own identifier was found to be another contact's, and who has no other one,
/// is no person of its own.
pub async fn list(readers: &Readers, page: Page) -> Result<Listed<ContactRow>, ListError> {
    const NEWEST: &str = "where account_id = $1 and (created_at, id) < ($3, $4)
        and (not exists (select 1 from contact_identifiers own
                where own.id = contacts.id and own.contact_id <> contacts.id)
            or exists (select 1 from contact_identifiers other
                where other.account_id = contacts.account_id and other.contact_id = contacts.id))
        order by created_at desc, id desc limit 0 + $2";
    newest_first(readers, page, NEWEST, |row: &ContactRow| (row.created_at, row.id.0)).await
}

pub async fn find(
    readers: &Readers,
    account: AccountId,
    id: ContactId,
) -> Result<Option<ContactRow>, DbError> {
    row(readers, "where account_id = $1 and id = $2", Values::default().with(&account).with(&id)).await
}

/// The identifiers of a contact.
pub async fn identifiers_of(
    readers: &Readers,
    account: AccountId,
    contact: ContactId,
) -> Result<Vec<ContactIdentifierRow>, DbError> {
    let values = Values::default().with(&account).with(&contact);
    rows(readers, "where account_id = $1 and contact_id = $2 order by created_at, id", values).await
}

/// A filter of identifiers.
#[derive(Clone, Debug, Default)]
pub struct IdentifierFilter {
    pub contact: Option<ContactId>,
    pub channel_type: Option<ChannelType>,
    /// As it is, or on channels of phone numbers any spelling of the number.
    pub identifier: Option<String>,
}

/// Identifiers, the newest first.
pub async fn identifiers(
    readers: &Readers,
    page: Page,
    filter: &IdentifierFilter,
) -> Result<Listed<ContactIdentifierRow>, ListError> {
    let mut values = page.values(IDENTIFIERS)?;
    let mut conditions = String::new();
    let mut parameters = 4;
    let mut also = |column: &str| {
        parameters += 1;
        conditions.push_str(&format!(" and {column} = ${parameters}"));
    };
    if let Some(contact) = &filter.contact {
        values.put(contact);
        also("contact_id");
    }
    if let Some(channel_type) = &filter.channel_type {
        values.put(channel_type);
        also("channel_type");
    }
    if let Some(identifier) = &filter.identifier {
        values.put(identifier);
        parameters += 1;
        let mut same = format!("identifier = ${parameters}");
        if let Some(number) = phone_digits(identifier) {
            // Logs of other programs were imported with numbers as those programs wrote them.
            for spelled in [format!("+{number}"), format!("00{number}"), number] {
                values.put(&spelled);
            }
            values.put(&ChannelType::WhatsApp);
            values.put(&ChannelType::Sms);
            let [plus, zeros, digits, whatsapp, sms] = std::array::from_fn(|index| parameters + 1 + index);
            same = format!(
                "({same} or identifier in (${plus}, ${zeros}, ${digits}) and channel_type in (${whatsapp}, ${sms}))"
            );
        }
        conditions.push_str(&format!(" and {same}"));
    }
    let rest = format!(
        "where account_id = $1 and (created_at, id) < ($3, $4){conditions}
         order by created_at desc, id desc limit 0 + $2"
    );
    let found = rows(readers, &rest, values).await?;
    Ok(Listed::of(found, page.limit, |row: &ContactIdentifierRow| {
        Cursor::new(IDENTIFIERS, false, row.created_at.as_micros(), row.id.0)
    }))
}

pub async fn identifier(
    readers: &Readers,
    account: AccountId,
    id: ContactIdentifierId,
) -> Result<Option<ContactIdentifierRow>, DbError> {
    row(readers, "where account_id = $1 and id = $2", Values::default().with(&account).with(&id)).await
}
