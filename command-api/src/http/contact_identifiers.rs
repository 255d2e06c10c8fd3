//! The contact of a phone number or an address.

use super::AppState;
use super::answer::{Answer, Completed, Created};
use super::catalogue::Retired;
use super::command_headers::CommandHeaders;
use super::sizes::check_bytes;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use commands::customers::Identifiers;
use commands::execute::{Context, LoadError};
use domain::Decide;
use domain::contact::{IdentifierState, Link, Rejection, Unlink};
use event_schemas::message::ChannelType;
use event_schemas::{
    AccountId, ContactEvent, ContactId, ContactIdentifierId, Events, StreamId, Timestamp, Version,
};
use gate::{Agent, Change, Json, NotNull, Path, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/contact-identifiers",
            post_with(create, |op| {
                op.id("createContactIdentifier")
                    .tag("contacts")
                    .summary("Link a phone number or an address to a contact")
            }),
        )
        .api_route(
            "/v1/contact-identifiers/{id}",
            patch_with(update, |op| {
                op.id("updateContactIdentifier")
                    .tag("contacts")
                    .summary("Link an identifier to another contact, or change its name")
            })
            .delete_with(remove, |op| {
                op.id("deleteContactIdentifier")
                    .tag("contacts")
                    .summary("Unlink an identifier from its contact")
            }),
        )
}

/// The identifier in the form in which channels of this kind store it, or in which an imported log has it. `field` is
/// the request's field with it.
pub(super) async fn stored(
    commands: &Commands,
    account: AccountId,
    kind: ChannelType,
    identifier: &str,
    field: &str,
) -> Result<String, CommandProblem> {
    let normalized = commands.providers.normalize_identifier(kind, identifier);
    let normalized = normalized.map_err(|bad| Problem::unprocessable(field, bad.to_string()))?;
    Ok(commands.stored_identifier(Identifiers { account, kind }, normalized).await?)
}

/// An identifier, and the contact to whom it belongs.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ContactIdentifierState")]
struct View {
    id: ContactIdentifierId,
    contact_id: ContactId,
    channel_type: ChannelType,
    identifier: String,
    display_name: Option<String>,
    metadata: Map<String, Value>,
}

impl View {
    fn of(address: Address, state: &IdentifierState) -> Self {
        Self {
            id: address.id,
            // The command has just linked it, so it has a contact.
            contact_id: state.contact_id().unwrap_or_else(|| address.id.own_contact()),
            channel_type: address.channel_type,
            identifier: address.identifier,
            display_name: state.display_name().map(str::to_owned),
            metadata: state.metadata().clone(),
        }
    }
}

/// The parts of an identifier that never change.
pub(super) struct Address {
    id: ContactIdentifierId,
    pub channel_type: ChannelType,
    pub identifier: String,
}

impl Address {
    fn stream(&self) -> StreamId {
        StreamId::contact(self.id)
    }

    /// The open conversations show the name that the identifier has now.
    async fn rename(&self, commands: &Commands, context: &Context) -> Result<(), CommandProblem> {
        let of = self.identifiers(context);
        Ok(commands.rename_in_conversations(of, &self.identifier, context).await?)
    }

    fn identifiers(&self, context: &Context) -> Identifiers {
        Identifiers { account: context.account, kind: self.channel_type }
    }
}

/// The account's identifier of this id. The id is derived from the account, so an identifier of another
/// account is not found.
pub(super) async fn address(
    commands: &Commands,
    account: AccountId,
    id: ContactIdentifierId,
) -> Result<Address, CommandProblem> {
    let missing = || Problem::not_found("contact identifier");
    let stream = StreamId::contact(id);
    let first = commands.store.read_stream(&stream, Version::FIRST, 1).await;
    let first = first.map_err(|error| LoadError::of(&stream, error))?;
    let first = first.first().ok_or_else(missing)?;
    let event = ContactEvent::decode(&first.event_type, first.schema_version, &first.data);
    let (channel_type, identifier) = match event.map_err(|_| missing())? {
        ContactEvent::ContactSeen(seen) => (seen.channel_type, seen.identifier),
        ContactEvent::IdentifierLinked(linked) => (linked.channel_type, linked.identifier),
        ContactEvent::IdentifierJoined(joined) => (joined.channel_type, joined.identifier),
        ContactEvent::AddressesKnown(known) => (known.channel_type, known.identifier),
        ContactEvent::IdentifierUnlinked(_) => return Err(missing().into()),
    };
    if ContactIdentifierId::of(account, channel_type.as_str(), &identifier) != id {
        return Err(missing().into());
    }
    Ok(Address { id, channel_type, identifier })
}

/// The contact of an identifier.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewContactIdentifier {
    /// Absent for the identifier's present contact, or a new one.
    #[serde(default)]
    contact_id: Option<ContactId>,
    channel_type: ChannelType,
    /// A phone number, an address, or a user's id on the platform.
    identifier: String,
    #[serde(default)]
    display_name: Option<String>,
    /// Data from the platform.
    #[serde(default)]
    metadata: Map<String, Value>,
}

async fn create(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Json(body): Json<NewContactIdentifier>,
) -> Result<Created<View>, CommandProblem> {
    check_bytes("metadata", &body.metadata)?;
    check_bytes("display_name", &body.display_name)?;
    let identifier =
        stored(&commands, caller.account, body.channel_type, &body.identifier, "identifier").await?;
    let id = ContactIdentifierId::of(caller.account, body.channel_type.as_str(), &identifier);
    let address = Address { id, channel_type: body.channel_type, identifier };
    let link = Link {
        account_id: caller.account,
        contact_id: body.contact_id,
        channel_type: address.channel_type,
        identifier: address.identifier.clone(),
        display_name: name(body.display_name),
        metadata: body.metadata,
        may_move: false,
        keeps_known: true,
    };
    let context = headers.of(&caller);
    let outcome = commands.contacts.execute(&address.stream(), &link, &context).await?;
    address.rename(&commands, &context).await?;
    let view = View::of(address, &outcome.state.state);
    let location = format!("/v1/contact-identifiers/{id}");
    Ok(Created(Answer::of(&commands, &outcome, view).await?, location))
}

fn name(text: Option<String>) -> Option<String> {
    text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
}

/// The changes. Absent fields stay as they are, and `null` removes a value.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ContactIdentifierChange {
    /// The new contact.
    #[serde(default)]
    contact_id: NotNull<ContactId>,
    #[serde(default)]
    display_name: Change<String>,
    /// Replaces the present metadata as a whole.
    #[serde(default)]
    metadata: Change<Map<String, Value>>,
}

/// A change that is made to the identifier's state at the time of the decision.
struct Relink {
    account_id: AccountId,
    channel_type: ChannelType,
    identifier: String,
    contact_id: Option<ContactId>,
    change: ContactIdentifierChange,
}

impl Decide<IdentifierState> for Relink {
    type Rejection = Rejection;

    fn decide(&self, state: &IdentifierState, now: Timestamp) -> Result<Vec<ContactEvent>, Rejection> {
        state.contact_id().ok_or(Rejection::NotLinked)?;
        let mut display_name = state.display_name().map(str::to_owned);
        self.change.display_name.clone().apply(&mut display_name);
        let link = Link {
            account_id: self.account_id,
            contact_id: self.contact_id,
            channel_type: self.channel_type,
            identifier: self.identifier.clone(),
            display_name: name(display_name),
            metadata: match self.change.metadata.clone().into_option() {
                Some(metadata) => metadata.unwrap_or_default(),
                None => state.metadata().clone(),
            },
            may_move: true,
            keeps_known: false,
        };
        link.decide(state, now)
    }
}

async fn update(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ContactIdentifierId>,
    Json(body): Json<ContactIdentifierChange>,
) -> Result<Completed<View>, CommandProblem> {
    if let Change::Set(metadata) = &body.metadata {
        check_bytes("metadata", metadata)?;
    }
    if let Change::Set(display_name) = &body.display_name {
        check_bytes("display_name", display_name)?;
    }
    let address = address(&commands, caller.account, id).await?;
    let relink = Relink {
        account_id: caller.account,
        channel_type: address.channel_type,
        identifier: address.identifier.clone(),
        contact_id: body.contact_id.value("contact_id")?,
        change: body,
    };
    let context = headers.of(&caller);
    let outcome = commands.contacts.execute(&address.stream(), &relink, &context).await?;
    if relink.contact_id.is_some() {
        commands.move_other_identifiers(address.identifiers(&context), &address.identifier, &context).await?;
    }
    address.rename(&commands, &context).await?;
    let view = View::of(address, &outcome.state.state);
    Ok(Completed(Answer::of(&commands, &outcome, view).await?))
}

async fn remove(
    State(commands): AppState,
    Agent(caller): Agent,
    headers: CommandHeaders,
    Path(id): Path<ContactIdentifierId>,
) -> Result<Completed<Retired<ContactIdentifierId>>, CommandProblem> {
    let address = address(&commands, caller.account, id).await?;
    let unlink = Unlink { identifier_id: id };
    let outcome = commands.contacts.execute(&address.stream(), &unlink, &headers.of(&caller)).await?;
    Ok(Completed(Answer::of(&commands, &outcome, Retired { id }).await?))
}
