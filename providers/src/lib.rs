//! The providers of channels: each verifies and reads inbound webhooks, and delivers outgoing messages.
//! This crate also sends the outgoing webhooks of macros and automation rules.
//!
//! No code here decides or stores anything. It translates between a provider's format and the values of
//! `event-schemas`; a part that cannot be read is returned whole.

mod addresses;
mod api;
mod capabilities;
mod http;
pub mod identifier;
mod inbound_webhook;
mod lenient_json;
mod media;
mod outgoing;
pub mod outgoing_webhook;
mod provider;
mod registry;
mod sendable;
mod signature;
mod whatsapp;

pub use addresses::{AllowedAddress, AllowedAddresses, BadAddress, BadAllowedAddress};
pub use api::SIGNATURE_HEADER as API_SIGNATURE_HEADER;
pub use capabilities::{Capabilities, Initiation, ReplyWindow, TextLimit};
pub use http::{Connections, NoClient, Timeouts};
pub use identifier::BadIdentifier;
pub use inbound_webhook::{
    Inbound, InboundEdit, InboundMessage, InboundNotice, InboundReaction, InboundRevoke, InboundStatus,
    Request, Response, UnreadablePart,
};
pub use media::{FetchedMedia, MediaError};
pub use outgoing::{CallbackData, DeliveryError, Dispatched, Outgoing, Source};
pub use provider::{BadSetting, Proof, Provider, RefusedWebhook};
pub use registry::Providers;
pub use reqwest::Method;
pub use reqwest::header::HeaderMap;
pub use sendable::{Sendable, Unsendable};
pub use signature::sign;
pub use whatsapp::SIGNATURE_HEADER as WHATSAPP_SIGNATURE_HEADER;
