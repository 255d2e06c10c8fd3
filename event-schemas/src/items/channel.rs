//! Channels, on which customers write.

use super::{item, yes};
use crate::ChannelId;
use crate::catalogue::Credentials;
use crate::message::ChannelType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

item! {
    one: "a channel", all: "Channels, without their secrets", tag: "channels", order: name,
    public: PublicChannel, by PublicChannel::of;

    /// A channel on which customers write: a WhatsApp number, a web chat.
    pub struct Channel: ChannelSpec {
        id id: ChannelId,
        /// Never changes.
        pub channel_type: ChannelType,
        pub name: String,
        /// The credentials that the provider asks for, by the provider's names; for WhatsApp
        /// `phone_number_id`, `access_token`, `app_secret`, `verify_token`. No answer shows them.
        #[serde(default)]
        pub credentials: Credentials,
        /// The base URL of the provider's API. `null` for the URL in the configuration.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub base_url: Option<String>,
        #[serde(default = "yes")]
        pub is_enabled: bool,
    }
}

/// A channel, with the names of its credentials instead of the credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PublicChannel {
    pub id: ChannelId,
    pub channel_type: ChannelType,
    pub name: String,
    pub credential_names: Vec<String>,
    pub base_url: Option<String>,
    pub is_enabled: bool,
    /// The path of the channel's webhook on this server, to configure at the provider.
    pub webhook_path: String,
}

impl PublicChannel {
    fn of(channel: &Channel) -> Self {
        Self {
            id: channel.id,
            channel_type: channel.channel_type,
            name: channel.name.clone(),
            credential_names: channel.credentials.keys().cloned().collect(),
            base_url: channel.base_url.clone(),
            is_enabled: channel.is_enabled,
            webhook_path: format!("/v1/webhooks/{}/{}", channel.channel_type, channel.id),
        }
    }
}
