//! What a provider's webhook holds, once read.

use crate::CallbackData;
use event_schemas::Timestamp;
use event_schemas::message::{Content, Delivery};
use serde_json::{Map, Value};

/// One element of a webhook.
#[derive(Clone, Debug, PartialEq)]
pub enum Inbound {
    Message(InboundMessage),
    Status(InboundStatus),
    Unreadable(UnreadablePart),
}

/// A customer wrote.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundMessage {
    /// The provider's own id: the same however often it delivers the message.
    pub provider_message_id: String,
    /// The contact's identifier on this kind of channel: a phone number, a name the developer chose.
    pub from: String,
    pub display_name: Option<String>,
    pub body: Content,
    /// The provider's id of the message this one answers.
    pub reply_to: Option<String>,
    pub sent_at: Timestamp,
    /// What else the provider said of it: forwarded, the advertisement it came by.
    pub metadata: Map<String, Value>,
}

/// The provider's word on a message of ours.
#[derive(Clone, Debug, PartialEq)]
pub struct InboundStatus {
    pub provider_message_id: String,
    pub recipient: Option<String>,
    /// Never [`Delivery::Queued`].
    pub status: Delivery,
    pub time: Timestamp,
    /// Why it failed: the provider's code and text.
    pub error: Option<(String, String)>,
    /// Which of our messages it is. None: it was not sent by Verbatim, or the provider does not say.
    pub about: Option<CallbackData>,
    /// What else the provider said: its price, its category.
    pub metadata: Map<String, Value>,
}

/// Something a provider sent that could not be read, or not be applied to this channel.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct UnreadablePart {
    /// It, whole, as text; bytes that are not UTF-8 are replaced.
    pub part: String,
    /// Why, for the administrator.
    pub reason: String,
}
