//! WhatsApp, by Meta's Cloud API.

mod answer;
mod read;
mod request;

use crate::http::{self, Http};
use crate::provider::credential;
use crate::{
    BadSetting, Capabilities, DeliveryError, Dispatched, Inbound, Initiation, Outgoing, Proof, Provider,
    RefusedWebhook, ReplyWindow, Request, Response, Sendable, TextLimit, UnreadablePart, Unsendable,
    identifier, signature,
};
use async_trait::async_trait;
use event_schemas::Timestamp;
use event_schemas::catalogue::Channel;
use event_schemas::message::ChannelType;
use reqwest::Method;
use std::time::Duration;
use subtle::ConstantTimeEq;

pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// The version of the Graph API in the URLs of requests.
const GRAPH_VERSION: &str = "v23.0";

const PHONE_NUMBER_ID: &str = "phone_number_id";
const ACCESS_TOKEN: &str = "access_token";
const APP_SECRET: &str = "app_secret";
/// The secret before, which is accepted too while Meta's is replaced.
const FORMER_APP_SECRET: &str = "former_app_secret";
const VERIFY_TOKEN: &str = "verify_token";

/// Outside the window of 24 hours only templates may be sent, and a text has at most 4096 characters.
const CAPABILITIES: Capabilities = Capabilities {
    reply_window: Some(ReplyWindow::of(Duration::from_secs(24 * 3600))),
    initiation: Initiation::BusinessByTemplate,
    longest_text: Some(TextLimit::Characters(4096)),
    most_attachments: Some(1),
    normalize_identifier: identifier::phone_number_or_business_scoped_id,
    ..Capabilities::UNRESTRICTED
};

pub(crate) struct WhatsApp {
    http: Http,
}

impl WhatsApp {
    pub fn new(http: Http) -> Self {
        Self { http }
    }
}

#[async_trait]
impl Provider for WhatsApp {
    fn channel_type(&self) -> ChannelType {
        ChannelType::WhatsApp
    }

    fn capabilities(&self) -> Capabilities {
        CAPABILITIES
    }

    fn default_base_url(&self) -> Option<&'static str> {
        Some("https://graph.facebook.com")
    }

    fn check(&self, channel: &Channel) -> Result<(), BadSetting> {
        for name in [PHONE_NUMBER_ID, ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN] {
            credential(channel, name)
                .map_err(|_| BadSetting::new(format!("credentials.{name}"), "is required"))?;
        }
        let known = [PHONE_NUMBER_ID, ACCESS_TOKEN, APP_SECRET, FORMER_APP_SECRET, VERIFY_TOKEN];
        if let Some(name) = channel.credentials.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(BadSetting::new(format!("credentials.{name}"), "is not a credential of WhatsApp"));
        }
        let is_number = |id: &str| id.bytes().all(|byte| byte.is_ascii_digit());
        if !credential(channel, PHONE_NUMBER_ID).is_ok_and(is_number) {
            let field = format!("credentials.{PHONE_NUMBER_ID}");
            return Err(BadSetting::new(field, "is digits only: the id of the number, not the number"));
        }
        if !credential(channel, ACCESS_TOKEN).is_ok_and(|token| token.bytes().all(|b| b.is_ascii_graphic())) {
            let field = format!("credentials.{ACCESS_TOKEN}");
            return Err(BadSetting::new(field, "contains characters that no token has"));
        }
        http::check_base_url(channel)
    }

    /// Meta sends a challenge and the channel's verification token, and expects the challenge back.
    fn handshake(
        &self,
        channel: &Channel,
        request: &Request<'_>,
    ) -> Result<Option<Response>, RefusedWebhook> {
        if request.method != Method::GET {
            return Ok(None);
        }
        let value = |name| request.query(name).ok_or(RefusedWebhook::NotAHandshake(name));
        if value("hub.mode")? != "subscribe" {
            return Err(RefusedWebhook::NotAHandshake("hub.mode"));
        }
        let (given, ours) = (value("hub.verify_token")?, credential(channel, VERIFY_TOKEN)?);
        if !bool::from(given.as_bytes().ct_eq(ours.as_bytes())) {
            return Err(RefusedWebhook::WrongToken);
        }
        Ok(Some(Response::ok(Response::TEXT, value("hub.challenge")?.into_owned())))
    }

    fn verify(&self, channel: &Channel, request: &Request<'_>) -> Result<Proof, RefusedWebhook> {
        let secrets = (credential(channel, APP_SECRET)?, credential(channel, FORMER_APP_SECRET).ok());
        signature::check_either(secrets, request.headers, SIGNATURE_HEADER, request.body)?;
        Ok(Proof::Signed)
    }

    fn read(
        &self,
        channel: &Channel,
        request: &Request<'_>,
        received_at: Timestamp,
    ) -> Result<Vec<Inbound>, UnreadablePart> {
        // A channel without a number receives nothing: no number is empty.
        let number = credential(channel, PHONE_NUMBER_ID).unwrap_or_default();
        read::webhook(request.body, number, received_at)
    }

    fn check_message(&self, message: &Sendable<'_>) -> Result<(), Unsendable> {
        request::check(message)
    }

    async fn deliver(&self, channel: &Channel, message: &Outgoing) -> Result<Dispatched, DeliveryError> {
        let (Some(endpoint), Ok(number), Ok(token)) = (
            self.http.endpoint(self, channel)?,
            credential(channel, PHONE_NUMBER_ID),
            credential(channel, ACCESS_TOKEN),
        ) else {
            let reason = "the channel has no phone_number_id or no access_token".into();
            return Err(DeliveryError::GiveUp { code: "not_configured".into(), reason });
        };
        let body = request::body(message)?;
        let url = format!("{}/{GRAPH_VERSION}/{number}/messages", endpoint.base_url.trim_end_matches('/'));
        answer::read(self.http.send(endpoint.post(url).bearer_auth(token).json(&body)).await?, &message.to)
    }
}

#[cfg(test)]
mod tests;
