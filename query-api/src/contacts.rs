//! Who writes: contacts and their identifiers.

use crate::answer::{List, Paging, Tagged, limit};
use crate::asking::{Fresh, QueryState, parsed, unlisted, unreadable};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ContactId, ContactIdentifierId, Timestamp, Version};
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::list::{self, Identified, Page};
use projections::queries::{Cursor, Limit};
use projections::read_models::contacts::{ContactIdentifierRow, ContactRow};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub fn routes() -> ApiRouter<QueryState> {
    ApiRouter::new()
        .api_route(
            "/v1/contacts",
            get_with(contacts, |op| op.id("listContacts").tag("contacts").summary("Contacts, newest first")),
        )
        .api_route(
            "/v1/contacts/{id}",
            get_with(contact, |op| {
                op.id("getContact").tag("contacts").summary("A contact and its identifiers")
            }),
        )
        .api_route(
            "/v1/contact-identifiers",
            get_with(identifiers, |op| {
                op.id("listContactIdentifiers").tag("contacts").summary("Identifiers, newest first")
            }),
        )
        .api_route(
            "/v1/contact-identifiers/{id}",
            get_with(identifier, |op| op.id("getContactIdentifier").tag("contacts").summary("An identifier")),
        )
}

/// A person who writes, on any channel.
#[derive(Debug, Serialize, JsonSchema)]
struct Contact {
    id: ContactId,
    display_name: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<ContactRow> for Contact {
    fn from(row: ContactRow) -> Self {
        Self {
            id: row.id,
            display_name: row.display_name,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// A contact with all it is known by.
#[derive(Debug, Serialize, JsonSchema)]
struct ContactDetail {
    #[serde(flatten)]
    contact: Contact,
    identifiers: Vec<ContactIdentifier>,
}

/// What a contact is known by on one kind of channel (requirement 000, section 1.5).
#[derive(Debug, Serialize, JsonSchema)]
struct ContactIdentifier {
    id: ContactIdentifierId,
    account_id: AccountId,
    contact_id: ContactId,
    channel_type: ChannelType,
    identifier: String,
    display_name: Option<String>,
    metadata: Map<String, Value>,
    created_at: Timestamp,
    updated_at: Timestamp,
    version: Version,
}

impl From<ContactIdentifierRow> for ContactIdentifier {
    fn from(row: ContactIdentifierRow) -> Self {
        Self {
            id: row.id,
            account_id: row.account_id,
            contact_id: row.contact_id,
            channel_type: row.channel_type,
            identifier: row.identifier,
            display_name: row.display_name,
            metadata: row.metadata.0,
            created_at: row.created_at,
            updated_at: row.updated_at,
            version: row.version,
        }
    }
}

async fn contacts(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(paging): Query<Paging>,
) -> Result<Json<List<Contact>>, Problem> {
    let page = paging.of(caller.account);
    let listed = list::contacts(tables.readers(), page).await.map_err(unlisted)?;
    Ok(List::page(listed, Contact::from))
}

async fn contact(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ContactId>,
) -> Result<Json<ContactDetail>, Problem> {
    let found = list::contact(tables.readers(), caller.account, id).await.map_err(unreadable)?;
    let contact = found.ok_or_else(|| Problem::not_found("contact"))?;
    let identifiers = list::identifiers_of(tables.readers(), caller.account, id).await.map_err(unreadable)?;
    let identifiers = identifiers.into_iter().map(ContactIdentifier::from).collect();
    Ok(Json(ContactDetail { contact: contact.into(), identifiers }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Asked {
    #[serde(default)]
    contact_id: Option<ContactId>,
    #[serde(default)]
    channel_type: Option<ChannelType>,
    #[serde(default)]
    identifier: Option<String>,
    /// Between 1 and 200; 50 where nothing is said.
    #[serde(default, deserialize_with = "limit")]
    #[schemars(with = "Option<u8>", range(min = 1, max = 200))]
    limit: Limit,
    /// The `next_cursor` of the page before.
    #[serde(default, deserialize_with = "parsed")]
    #[schemars(with = "Option<String>")]
    cursor: Option<Cursor>,
}

async fn identifiers(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(asked): Query<Asked>,
) -> Result<Json<List<ContactIdentifier>>, Problem> {
    let page = Page { account: caller.account, limit: asked.limit, after: asked.cursor };
    let which = Identified {
        contact: asked.contact_id,
        channel_type: asked.channel_type,
        identifier: asked.identifier,
    };
    let listed = list::identifiers(tables.readers(), page, &which).await.map_err(unlisted)?;
    Ok(List::page(listed, ContactIdentifier::from))
}

async fn identifier(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ContactIdentifierId>,
) -> Result<Tagged<ContactIdentifier>, Problem> {
    let found = list::identifier(tables.readers(), caller.account, id).await.map_err(unreadable)?;
    let row = found.ok_or_else(|| Problem::not_found("contact identifier"))?;
    Ok(Tagged { version: row.version, what: row.into() })
}
