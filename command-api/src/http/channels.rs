//! Where customers write to. Only administrators define channels, and nobody sees a secret again.

use super::AppState;
use super::answer::{Completed, Created};
use super::catalogue::{Retired, change, define, fresh_id, retire};
use super::command_headers::CommandHeaders;
use crate::problem::CommandProblem;
use crate::problem::bad_setting;
use aide::axum::ApiRouter;
use aide::axum::routing::{patch_with, post_with};
use axum::extract::State;
use commands::Commands;
use event_schemas::ChannelId;
use event_schemas::catalogue::{Channel, Secret};
use event_schemas::message::ChannelType;
use gate::{Administrator, Change, Json, Path, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn routes() -> ApiRouter<Arc<Commands>> {
    ApiRouter::new()
        .api_route(
            "/v1/channels",
            post_with(create, |op| op.id("createChannel").tag("channels").summary("Define a channel")),
        )
        .api_route(
            "/v1/channels/{id}",
            patch_with(update, |op| op.id("updateChannel").tag("channels").summary("Change a channel"))
                .delete_with(remove, |op| op.id("deleteChannel").tag("channels").summary("Retire a channel")),
        )
}

/// A channel, with its secrets by name alone.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ChannelState")]
struct View {
    id: ChannelId,
    channel_type: ChannelType,
    name: String,
    credential_names: Vec<String>,
    base_url: Option<String>,
    is_enabled: bool,
    /// What to give the provider as the webhook's address, after this server's own.
    webhook_path: String,
}

impl From<Channel> for View {
    fn from(channel: Channel) -> Self {
        Self {
            id: channel.id,
            webhook_path: format!("/v1/webhooks/{}/{}", channel.channel_type, channel.id),
            channel_type: channel.channel_type,
            name: channel.name,
            credential_names: channel.credentials.into_keys().collect(),
            base_url: channel.base_url,
            is_enabled: channel.is_enabled,
        }
    }
}

/// A channel to be.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewChannel {
    channel_type: ChannelType,
    name: String,
    /// What the provider wants to be shown, by its own names; for WhatsApp `phone_number_id`,
    /// `access_token`, `app_secret`, `verify_token`. Never shown again.
    #[serde(default)]
    credentials: BTreeMap<String, Secret>,
    /// Where the provider's API is, if not at its usual place.
    #[serde(default)]
    base_url: Option<String>,
    #[serde(default = "yes")]
    is_enabled: bool,
}

fn yes() -> bool {
    true
}

async fn create(
    State(commands): AppState,
    Administrator(caller): Administrator,
    asking: CommandHeaders,
    Json(new): Json<NewChannel>,
) -> Result<Created<View>, CommandProblem> {
    let context = asking.of(&caller);
    let channel = Channel {
        id: ChannelId(fresh_id(&commands, &context)),
        channel_type: new.channel_type,
        name: new.name.trim().to_owned(),
        credentials: new.credentials,
        base_url: new.base_url,
        is_enabled: new.is_enabled,
    };
    check(&commands, &channel)?;
    Ok(define(&commands, channel, &context).await?.map(View::from))
}

/// Whether a channel of these settings could work.
fn check(commands: &Commands, channel: &Channel) -> Result<(), CommandProblem> {
    let Some(provider) = commands.providers.of(channel.channel_type) else {
        let detail = format!("Channels of type {} are not served yet.", channel.channel_type);
        return Err(Problem::unprocessable("channel_type", detail).into());
    };
    provider.check(channel).map_err(|setting| bad_setting(&setting).into())
}

/// What changes; what is left out stays as it is. A channel's type is for ever.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct ChannelChange {
    #[serde(default)]
    name: Option<String>,
    /// Added to those that are there; `null` takes one away.
    #[serde(default)]
    credentials: BTreeMap<String, Option<Secret>>,
    #[serde(default)]
    base_url: Change<String>,
    #[serde(default)]
    is_enabled: Option<bool>,
}

impl ChannelChange {
    fn apply(&self, channel: &mut Channel) {
        if let Some(name) = &self.name {
            channel.name = name.trim().to_owned();
        }
        for (name, secret) in &self.credentials {
            match secret {
                Some(secret) => channel.credentials.insert(name.clone(), secret.clone()),
                None => channel.credentials.remove(name),
            };
        }
        self.base_url.clone().apply(&mut channel.base_url);
        channel.is_enabled = self.is_enabled.unwrap_or(channel.is_enabled);
    }
}

async fn update(
    State(commands): AppState,
    Administrator(caller): Administrator,
    asking: CommandHeaders,
    Path(id): Path<ChannelId>,
    Json(changes): Json<ChannelChange>,
) -> Result<Completed<View>, CommandProblem> {
    let context = asking.of(&caller);
    let before = commands.channel(caller.account, id).await?;
    let mut channel = before.ok_or_else(|| Problem::not_found("channel"))?;
    changes.apply(&mut channel);
    check(&commands, &channel)?;
    let done = change(&commands, id, &context, |channel| changes.apply(channel)).await?;
    Ok(done.map(View::from))
}

async fn remove(
    State(commands): AppState,
    Administrator(caller): Administrator,
    asking: CommandHeaders,
    Path(id): Path<ChannelId>,
) -> Result<Completed<Retired<ChannelId>>, CommandProblem> {
    retire::<Channel>(&commands, id, &asking.of(&caller)).await
}
