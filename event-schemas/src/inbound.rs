//! Webhook requests that Verbatim could not read: streams `inbound-<channel>`. No request is dropped.

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

/// A signed webhook request, or a part of one, that could not be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct WebhookRejected {
    pub channel_id: ChannelId,
    pub channel_type: ChannelType,
    /// The reason, for the administrator.
    pub reason: String,
    /// The body as text. Bytes that are not UTF-8 are replaced, and `body_base64` has the original.
    pub body: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_base64: Option<String>,
}
