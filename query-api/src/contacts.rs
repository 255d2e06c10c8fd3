//! Contacts and their identifiers.

use crate::params::{Paging, limit, parsed};
use crate::problem::{list_problem, tables_unavailable};
use crate::response::{List, Tagged};
use crate::state::{Fresh, QueryState};
use aide::axum::ApiRouter;
use aide::axum::routing::get_with;
use event_schemas::message::ChannelType;
use event_schemas::{ContactId, ContactIdentifierId};
use gate::{Agent, Json, Path, Problem, Query};
use projections::queries::{Cursor, Limit, Page};
use projections::read_models::contacts::{self as table, ContactIdentifierRow, ContactRow, IdentifierFilter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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

/// A contact with its identifiers.
#[derive(Debug, Serialize, JsonSchema)]
struct ContactDetail {
    #[serde(flatten)]
    contact: ContactRow,
    identifiers: Vec<ContactIdentifierRow>,
}

async fn contacts(
    caller: Agent,
    Fresh(tables): Fresh,
    Query(paging): Query<Paging>,
) -> Result<Json<List<ContactRow>>, Problem> {
    let page = paging.of(caller.account);
    table::list(tables.readers(), page).await.map(List::rows).map_err(list_problem)
}

async fn contact(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ContactId>,
) -> Result<Json<ContactDetail>, Problem> {
    let found = table::find(tables.readers(), caller.account, id).await.map_err(tables_unavailable)?;
    let contact = found.ok_or_else(|| Problem::not_found("contact"))?;
    let identifiers =
        table::identifiers_of(tables.readers(), caller.account, id).await.map_err(tables_unavailable)?;
    Ok(Json(ContactDetail { contact, identifiers }))
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct IdentifierParams {
    #[serde(default)]
    contact_id: Option<ContactId>,
    #[serde(default)]
    channel_type: Option<ChannelType>,
    /// The identifier. On WhatsApp and in SMS a phone number is found however it is written: `+1 555 0100`,
    /// `001-555-0100`.
    #[serde(default)]
    identifier: Option<String>,
    /// Between 1 and 200. The default is 50.
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
    Query(params): Query<IdentifierParams>,
) -> Result<Json<List<ContactIdentifierRow>>, Problem> {
    let page = Page { account: caller.account, limit: params.limit, after: params.cursor };
    let filter = IdentifierFilter {
        contact: params.contact_id,
        channel_type: params.channel_type,
        identifier: params.identifier.map(|text| text.trim().to_owned()),
    };
    table::identifiers(tables.readers(), page, &filter).await.map(List::rows).map_err(list_problem)
}

async fn identifier(
    caller: Agent,
    Fresh(tables): Fresh,
    Path(id): Path<ContactIdentifierId>,
) -> Result<Tagged<ContactIdentifierRow>, Problem> {
    let found = table::identifier(tables.readers(), caller.account, id).await.map_err(tables_unavailable)?;
    let row = found.ok_or_else(|| Problem::not_found("contact identifier"))?;
    Ok(Tagged { version: row.version, body: row })
}
