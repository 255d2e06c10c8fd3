//! The seam: what the rest of the house knows of a provider.

use crate::{DeliveryError, Dispatched, HeaderMap, Inbound, Outgoing, UnreadablePart};
use async_trait::async_trait;
use event_schemas::{Timestamp, catalogue};
use std::time::Duration;

/// One kind of channel. It keeps nothing about any one channel: each call is handed the channel as the
/// catalogue has it.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Whether the channel's settings can work, before they are written down.
    fn check(&self, channel: &catalogue::Channel) -> Result<(), BadSetting>;

    /// The provider asks whether this webhook is ours: what to echo.
    fn handshake(
        &self,
        channel: &catalogue::Channel,
        query: &[(String, String)],
    ) -> Result<String, RefusedWebhook>;

    /// Whether the raw body is from who it says it is, in constant time.
    fn verify(
        &self,
        channel: &catalogue::Channel,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Proof, RefusedWebhook>;

    /// Everything the body holds, in its order. An element that cannot be read comes back as
    /// [`Inbound::Unreadable`] and spoils none of the others. `received_at` dates what bears no date.
    fn read(
        &self,
        channel: &catalogue::Channel,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Vec<Inbound>, UnreadablePart>;

    /// Hands one message to the provider.
    async fn deliver(
        &self,
        channel: &catalogue::Channel,
        message: &Outgoing,
    ) -> Result<Dispatched, DeliveryError>;

    /// How long after the customer's last message anything but a template may be sent. None: always.
    fn reply_window(&self) -> Option<Duration>;
}

/// How a body was shown to be the provider's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is signed with the channel's secret.
    Signed,
    /// This channel has no secret: whoever sends must show a service's token instead.
    TokenNeeded,
}

/// Why a request on the webhook is not the provider's. Answered with 401, and nothing is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefusedWebhook {
    #[error("the header {0} is missing")]
    NoSignature(&'static str),
    #[error("the signature does not match the body")]
    WrongSignature,
    #[error("this is not a verification request: {0} is missing or not as expected")]
    NotAHandshake(&'static str),
    #[error("the verification token is not this channel's")]
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

/// The credential of this name.
pub(crate) fn credential<'a>(
    channel: &'a catalogue::Channel,
    name: &'static str,
) -> Result<&'a str, RefusedWebhook> {
    match channel.credentials.get(name) {
        Some(secret) if !secret.0.is_empty() => Ok(&secret.0),
        _ => Err(RefusedWebhook::NotConfigured(name)),
    }
}
