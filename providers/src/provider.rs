//! The interface of a provider for the rest of the program.
//!
//! A new kind of channel needs a file that implements [`Provider`], a word in [`ChannelType`], a module in `lib.rs` and
//! a line in `registry.rs`.

use crate::{
    Capabilities, DeliveryError, Dispatched, FetchedMedia, Inbound, MediaError, Outgoing, Request, Response,
    Sendable, UnreadablePart, Unsendable,
};
use async_trait::async_trait;
use event_schemas::Timestamp;
use event_schemas::catalogue::Channel;
use event_schemas::message::{Attachment, ChannelType};
use reqwest::Method;
use tokio::io::AsyncWrite;

/// One kind of channel. An implementation has no state of a channel: each call gets the channel's definition from the
/// catalogue, with its credentials in plain text.
#[async_trait]
pub trait Provider: Send + Sync {
    /// The kind of the channels that it serves.
    fn channel_type(&self) -> ChannelType;

    /// The limits of this kind of channel: who may send which messages when.
    fn capabilities(&self) -> Capabilities;

    /// The base URL of the provider's API, for channels that name none when the operator has configured none.
    /// `None` when each channel has to name its own.
    fn default_base_url(&self) -> Option<&'static str> {
        None
    }

    /// Checks a channel's settings before they are stored.
    fn check(&self, channel: &Channel) -> Result<(), BadSetting>;

    /// The response to a request by which the provider checks that the webhook belongs to this channel.
    /// `None` when it is not such a request; it is then verified and read.
    ///
    /// It is called before [`verify`](Self::verify), because most providers do not sign these requests: an
    /// implementation verifies them itself. By default every GET request is refused.
    fn handshake(&self, _: &Channel, request: &Request<'_>) -> Result<Option<Response>, RefusedWebhook> {
        if request.method == Method::GET { Err(RefusedWebhook::NoHandshake) } else { Ok(None) }
    }

    /// Verifies that the provider sent the request. Secrets are compared in constant time.
    fn verify(&self, channel: &Channel, request: &Request<'_>) -> Result<Proof, RefusedWebhook>;

    /// All parts of the request, in its order. A part that cannot be read becomes [`Inbound::Unreadable`] and
    /// does not affect the others. `received_at` is the time of parts that have none.
    fn read(
        &self,
        channel: &Channel,
        request: &Request<'_>,
        received_at: Timestamp,
    ) -> Result<Vec<Inbound>, UnreadablePart>;

    /// The response that the provider expects to a request once all its parts are stored. `None` when it
    /// accepts any successful response: then it receives the numbers of messages and statuses as JSON.
    fn respond(&self, _: &Channel, _: &Request<'_>) -> Option<Response> {
        None
    }

    /// Checks what is special about messages of this kind of channel. [`Capabilities::check_message`] has checked the
    /// rest before.
    fn check_message(&self, _: &Sendable<'_>) -> Result<(), Unsendable> {
        Ok(())
    }

    /// Sends one message to the provider.
    async fn deliver(&self, channel: &Channel, message: &Outgoing) -> Result<Dispatched, DeliveryError>;

    /// Fetches the file of a message from the provider and writes it to `to` as it arrives, so that a large
    /// file is never in memory.
    async fn fetch_media(
        &self,
        _channel: &Channel,
        _file: &Attachment,
        _to: &mut (dyn AsyncWrite + Unpin + Send),
    ) -> Result<FetchedMedia, MediaError> {
        Err(MediaError::NotSupported)
    }
}

/// The proof that a request comes from the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is signed with the channel's secret.
    Signed,
    /// The channel has no secret: the request must have a service's token of the channel's account.
    TokenNeeded,
}

/// The reason why a request to a webhook is refused. A refused request is not stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedWebhook {
    #[error("the header {0} is missing")]
    NoSignature(&'static str),
    #[error("the signature does not match the body")]
    WrongSignature,
    #[error("channels of this type have no verification request")]
    NoHandshake,
    #[error("this is not a verification request: {0} is missing or not as expected")]
    NotAHandshake(&'static str),
    #[error("the verification token is wrong")]
    WrongToken,
    #[error("the channel has no credential '{0}'")]
    NotConfigured(&'static str),
}

/// A setting with which a channel cannot work. `field` is its path in the request: `credentials.app_secret`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct BadSetting {
    pub field: String,
    pub reason: String,
}

impl BadSetting {
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }
}

/// The credential of this name, in plain text. A sealed one is refused: its text must never sign or prove anything.
pub(crate) fn credential<'a>(channel: &'a Channel, name: &'static str) -> Result<&'a str, RefusedWebhook> {
    match channel.credentials.get(name) {
        // An export without secrets has this mark instead. Every reader of the documentation could sign with it.
        Some(secret) if secret.is_absent() || secret.is_sealed() => Err(RefusedWebhook::NotConfigured(name)),
        Some(secret) => Ok(&secret.0),
        None => Err(RefusedWebhook::NotConfigured(name)),
    }
}
