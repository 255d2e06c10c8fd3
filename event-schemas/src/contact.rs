//! The customers: streams `contact-<uuid>`, one per identifier.
//!
//! The uuid is derived from account, kind of channel and identifier, so that the stream is the one place
//! where it is decided whom the identifier belongs to: unique without a lock, whatever races.

use crate::events::events;
use crate::message::ChannelType;
use crate::{ContactId, ContactIdentifierId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

events! {
    /// Every event of a stream `contact-<uuid>`.
    pub enum ContactEvent {
        ContactSeen = 1,
        IdentifierLinked = 1,
        IdentifierUnlinked = 1,
    }
}

/// The identifier was seen for the first time, or with another name than before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ContactSeen {
    pub identifier_id: ContactIdentifierId,
    pub contact_id: ContactId,
    pub channel_type: ChannelType,
    pub identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
}

/// The identifier is this contact's from now on; whole, as it stands afterwards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentifierLinked {
    pub identifier_id: ContactIdentifierId,
    pub contact_id: ContactId,
    pub channel_type: ChannelType,
    pub identifier: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub metadata: Map<String, Value>,
}

/// The identifier is unlinked; the next message by it makes a contact of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdentifierUnlinked {
    pub identifier_id: ContactIdentifierId,
    pub contact_id: ContactId,
}
