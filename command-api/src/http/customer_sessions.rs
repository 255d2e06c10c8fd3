//! The sessions of customers, with which a page or an app shows a customer the customer's own conversations.

use super::AppState;
use super::contact_identifiers::stored;
use super::conversations::opened;
use crate::problem::CommandProblem;
use aide::axum::ApiRouter;
use aide::axum::routing::post_with;
use axum::extract::State;
use commands::Commands;
use commands::customers::Identifiers;
use event_schemas::{ChannelId, ConversationId, Timestamp};
use gate::auth::{CustomerSession, CustomerToken};
use gate::{AdministratorOrService, Authenticator, Created, Json, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new().api_route(
        "/v1/customer-sessions",
        post_with(issue, |op| {
            op.id("createCustomerSession")
                .tag("contacts")
                .summary("A token with which a customer follows their own conversations")
                .description(
                    "For your backend, when it knows who the customer is. The customer's page or app connects with the \
                     token to the Socket.IO namespace `/customers`. The token is valid for an hour, for this contact on \
                     this channel and nothing else.",
                )
        }),
    )
}

/// A customer on a channel.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewCustomerSession {
    channel_id: ChannelId,
    /// The customer's identifier on the channel. The customer need not have written yet.
    contact_identifier: String,
    /// The only conversation that the customer may see. Absent for all of the contact's on the channel.
    #[serde(default)]
    conversation_id: Option<ConversationId>,
}

/// A customer's session.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CustomerSession")]
struct View {
    /// The `token` of the namespace `/customers`.
    token: String,
    /// The time until which it is valid. A connection ends then.
    expires_at: Timestamp,
}

async fn issue(
    State(commands): AppState,
    AdministratorOrService(caller): AdministratorOrService,
    authenticator: Authenticator,
    Json(body): Json<NewCustomerSession>,
) -> Result<Created<View>, CommandProblem> {
    let account = caller.account;
    let channel = commands.channel(account, body.channel_id).await?;
    let channel =
        channel.ok_or_else(|| Problem::unprocessable("channel_id", "This account has no such channel."))?;
    let kind = channel.channel_type;
    let identifier = stored(&commands, account, kind, &body.contact_identifier, "contact_identifier").await?;
    let contact = commands.contact_of(Identifiers { account, kind }, &identifier).await?;
    if let Some(id) = body.conversation_id {
        let conversation = opened(&commands, &caller, id).await;
        let conversation = conversation.map_err(|problem| problem.field("conversation_id"))?;
        if conversation.channel_id != body.channel_id || conversation.contact_id != contact {
            let detail = "This conversation is not the contact's on this channel.";
            return Err(Problem::unprocessable("conversation_id", detail).into());
        }
    }
    let session =
        CustomerSession { account, channel: body.channel_id, contact, conversation: body.conversation_id };
    let issued = authenticator.issue_customer_token(session).map_err(|error| {
        tracing::error!(%error, "a customer's token cannot be signed");
        Problem::internal()
    })?;
    let CustomerToken { token, expires_at } = issued;
    Ok(Created(View { token, expires_at }))
}
