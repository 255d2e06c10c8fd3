//! Webhooks that Verbatim could not read: streams `inbound-<channel>`. Nothing is dropped.

use crate::ChannelId;
use crate::events::events;
use crate::message::ChannelType;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

events! {
    /// Every event of a stream `inbound-<channel>`.
    pub enum InboundEvent {
        WebhookRejected = 1,
    }
}

/// A webhook that was signed but could not be read, or a part of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookRejected {
    pub channel_id: ChannelId,
    pub channel_type: ChannelType,
    /// Why, for the administrator.
    pub reason: String,
    /// The body as text; bytes that are not UTF-8 are replaced and `body_base64` holds the original.
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}
