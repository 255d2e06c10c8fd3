//! Where customers write to.

use super::{item, yes};
use crate::ChannelId;
use crate::catalogue::Credentials;
use crate::message::ChannelType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

item! {
    one: "a channel", all: "Channels, without their secrets", tag: "channels", order: name,
    public: PublicChannel, by PublicChannel::of;

    /// An address that customers write to: a WhatsApp number, a web chat.
    pub struct Channel: ChannelSpec {
        id id: ChannelId,
        /// Never changes.
        pub channel_type: ChannelType,
        pub name: String,
        /// The credentials that the provider asks for, by the provider's names; for WhatsApp `phone_number_id`,
        /// `access_token`, `app_secret`, `verify_token`. No answer shows them.
        #[serde(default)]
        pub credentials: Credentials,
        /// Where the provider's API is. `None`: at the provider's address in the configuration.
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
    /// The path that the provider's webhook calls, to be put after this server's address.
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
