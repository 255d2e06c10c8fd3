//! Who writes: contacts, and the identifiers they are known by.

use event_schemas::contact::{ContactSeen, IdentifierLinked};
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ContactId, ContactIdentifierId, Timestamp, Version};
use follower::runner::DecodedEvent;
use follower::table::Json;
use serde_json::{Map, Value};

follower::table! {
    pub struct ContactRow in "contacts" key (account_id: AccountId, id: ContactId) {
        display_name: Option<String>,
        created_at: Timestamp,
        updated_at: Timestamp,
    }
}

follower::table! {
    pub struct ContactIdentifierRow in "contact_identifiers" key (id: ContactIdentifierId) {
        account_id: AccountId,
        contact_id: ContactId,
        channel_type: ChannelType,
        identifier: String,
        display_name: Option<String>,
        metadata: Json<Map<String, Value>>,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

/// An identifier belongs to another contact than before, and its conversations with it.
#[derive(Clone, Debug)]
pub struct Moved {
    pub account: AccountId,
    pub channel_type: ChannelType,
    pub identifier: String,
    /// AssigneeFilter its conversations may have been until now.
    pub from: Vec<ContactId>,
    pub to: ContactId,
}

impl ContactIdentifierRow {
    /// What it means that the identifier is somebody's now; None, if it was all along.
    pub fn moved(before: Option<&Self>, now: &Self) -> Option<Moved> {
        let was = before.map_or(now.id.own_contact(), |before| before.contact_id);
        (was != now.contact_id).then(|| now.moved_from(was, now.contact_id))
    }

    /// Nobody's identifier stands for itself.
    pub fn let_go(&self) -> Option<Moved> {
        let own = self.id.own_contact();
        (self.contact_id != own).then(|| self.moved_from(self.contact_id, own))
    }

    fn moved_from(&self, was: ContactId, to: ContactId) -> Moved {
        Moved {
            account: self.account_id,
            channel_type: self.channel_type,
            identifier: self.identifier.clone(),
            from: vec![was, self.id.own_contact()],
            to,
        }
    }
}

impl ContactRow {
    /// The contact after one of its identifiers was seen or linked: the name seen last is shown.
    pub fn named(
        before: Option<&Self>,
        id: ContactId,
        name: Option<&String>,
        happened: &DecodedEvent,
    ) -> Self {
        let at = happened.metadata.occurred_at;
        Self {
            account_id: happened.metadata.account_id,
            id,
            display_name: name.cloned().or_else(|| before?.display_name.clone()),
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
        }
    }
}

impl ContactIdentifierRow {
    pub fn seen(before: Option<&Self>, seen: &ContactSeen, happened: &DecodedEvent) -> Self {
        let at = happened.metadata.occurred_at;
        Self {
            id: seen.identifier_id,
            account_id: happened.metadata.account_id,
            contact_id: seen.contact_id,
            channel_type: seen.channel_type,
            identifier: seen.identifier.clone(),
            display_name: seen.display_name.clone().or_else(|| before?.display_name.clone()),
            metadata: before.map(|before| before.metadata.clone()).unwrap_or_default(),
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
            version: happened.version,
        }
    }

    pub fn linked(before: Option<&Self>, linked: &IdentifierLinked, happened: &DecodedEvent) -> Self {
        let at = happened.metadata.occurred_at;
        Self {
            id: linked.identifier_id,
            account_id: happened.metadata.account_id,
            contact_id: linked.contact_id,
            channel_type: linked.channel_type,
            identifier: linked.identifier.clone(),
            display_name: linked.display_name.clone(),
            metadata: Json(linked.metadata.clone()),
            created_at: before.map_or(at, |before| before.created_at),
            updated_at: at,
            version: happened.version,
        }
    }
}
