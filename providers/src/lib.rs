//! One room per provider: verify what it sends, read it, deliver what we answer; and one for the programs that
//! are told by webhook.
//!
//! Nothing here decides or remembers. A provider's words go in and values of the language come out; what
//! cannot be read is handed back whole, never dropped.

mod api;
mod http;
mod inbound_webhook;
mod outgoing;
pub mod outgoing_webhook;
mod provider;
mod registry;
mod signature;
mod whatsapp;

pub use api::{Api, SIGNATURE_HEADER as API_SIGNATURE_HEADER};
pub use http::{NoClient, Timeouts, client};
pub use inbound_webhook::{Inbound, InboundMessage, InboundStatus, UnreadablePart};
pub use outgoing::{CallbackData, DeliveryError, Dispatched, Outgoing};
pub use provider::{BadSetting, Proof, Provider, RefusedWebhook};
pub use registry::Providers;
pub use reqwest::header::HeaderMap;
pub use signature::sign;
pub use whatsapp::{SIGNATURE_HEADER as WHATSAPP_SIGNATURE_HEADER, WhatsApp};
