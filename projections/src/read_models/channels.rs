//! The channels of an account. Credentials are never shown again: only their names are here.

use crate::read_models::catalogue::{Entry, Since};
use event_schemas::catalogue::Channel;
use event_schemas::message::ChannelType;
use event_schemas::{AccountId, ChannelId, Timestamp, Version};
use follower::table::Json;

follower::table! {
    pub struct ChannelRow in "channels" key (id: ChannelId) {
        account_id: AccountId,
        channel_type: ChannelType,
        name: String,
        credential_names: Json<Vec<String>>,
        base_url: Option<String>,
        is_enabled: bool,
        created_at: Timestamp,
        updated_at: Timestamp,
        version: Version,
    }
}

impl Entry for ChannelRow {
    type CatalogueItem = Channel;
    fn key_of(channel: &Channel) -> (ChannelId,) {
        (channel.id,)
    }
    fn created_at(&self) -> Timestamp {
        self.created_at
    }
    fn defined(channel: &Channel, since: Since) -> Self {
        Self {
            id: channel.id,
            account_id: since.account_id,
            channel_type: channel.channel_type,
            name: channel.name.clone(),
            credential_names: Json(channel.credentials.keys().cloned().collect()),
            base_url: channel.base_url.clone(),
            is_enabled: channel.is_enabled,
            created_at: since.created_at,
            updated_at: since.updated_at,
            version: since.version,
        }
    }
}
