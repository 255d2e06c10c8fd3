//! WhatsApp, by Meta's Cloud API.

mod answer;
mod read;
mod request;

use crate::provider::{Proof, credential};
use crate::{
    BadSetting, DeliveryError, Dispatched, HeaderMap, Inbound, Outgoing, Provider, RefusedWebhook,
    UnreadablePart, http, signature,
};
use async_trait::async_trait;
use event_schemas::{Clock, Timestamp, catalogue};
use std::time::Duration;
use subtle::ConstantTimeEq;

pub const SIGNATURE_HEADER: &str = "x-hub-signature-256";

/// The version of the Graph API that requests name.
const GRAPH_VERSION: &str = "v23.0";

const PHONE_NUMBER_ID: &str = "phone_number_id";
const ACCESS_TOKEN: &str = "access_token";
const APP_SECRET: &str = "app_secret";
const VERIFY_TOKEN: &str = "verify_token";

/// Outside it only templates may be sent.
const REPLY_WINDOW: Duration = Duration::from_secs(24 * 3600);

pub struct WhatsApp {
    client: reqwest::Client,
    /// For channels that name no address of their own.
    base_url: String,
    clock: Clock,
}

impl WhatsApp {
    pub fn new(client: reqwest::Client, base_url: String, clock: Clock) -> Self {
        Self { client, base_url, clock }
    }
}

#[async_trait]
impl Provider for WhatsApp {
    fn check(&self, channel: &catalogue::Channel) -> Result<(), BadSetting> {
        for name in [PHONE_NUMBER_ID, ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN] {
            credential(channel, name)
                .map_err(|_| BadSetting::new(format!("credentials.{name}"), "is needed"))?;
        }
        let known = [PHONE_NUMBER_ID, ACCESS_TOKEN, APP_SECRET, VERIFY_TOKEN];
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
            return Err(BadSetting::new(field, "holds characters that no token has"));
        }
        match &channel.base_url {
            Some(url) if !http::is_base_url(url) => {
                Err(BadSetting::new("base_url", "is not an http or https address"))
            }
            _ => Ok(()),
        }
    }

    fn handshake(
        &self,
        channel: &catalogue::Channel,
        query: &[(String, String)],
    ) -> Result<String, RefusedWebhook> {
        let value = |name: &'static str| {
            let pair = query.iter().find(|(key, _)| key == name);
            pair.map(|(_, value)| value.as_str()).ok_or(RefusedWebhook::NotAHandshake(name))
        };
        if value("hub.mode")? != "subscribe" {
            return Err(RefusedWebhook::NotAHandshake("hub.mode"));
        }
        let (given, ours) = (value("hub.verify_token")?, credential(channel, VERIFY_TOKEN)?);
        if !bool::from(given.as_bytes().ct_eq(ours.as_bytes())) {
            return Err(RefusedWebhook::WrongToken);
        }
        value("hub.challenge").map(str::to_owned)
    }

    fn verify(
        &self,
        channel: &catalogue::Channel,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Proof, RefusedWebhook> {
        signature::check(credential(channel, APP_SECRET)?, headers, SIGNATURE_HEADER, body)?;
        Ok(Proof::Signed)
    }

    fn read(
        &self,
        channel: &catalogue::Channel,
        body: &[u8],
        _received_at: Timestamp,
    ) -> Result<Vec<Inbound>, UnreadablePart> {
        // A channel without a number takes nothing: no number is empty.
        read::webhook(body, credential(channel, PHONE_NUMBER_ID).unwrap_or_default())
    }

    async fn deliver(
        &self,
        channel: &catalogue::Channel,
        message: &Outgoing,
    ) -> Result<Dispatched, DeliveryError> {
        let base_url = channel.base_url.as_deref().unwrap_or(&self.base_url);
        let (Ok(number), Ok(token)) =
            (credential(channel, PHONE_NUMBER_ID), credential(channel, ACCESS_TOKEN))
        else {
            let reason = "the channel has no phone_number_id or no access_token".into();
            return Err(DeliveryError::GiveUp { code: "not_configured".into(), reason });
        };
        let body = request::body(message)?;
        let url = format!("{}/{GRAPH_VERSION}/{number}/messages", base_url.trim_end_matches('/'));
        let request = self.client.post(url).bearer_auth(token).json(&body);
        answer::read(http::send(request, self.clock.now()).await?)
    }

    fn reply_window(&self) -> Option<Duration> {
        Some(REPLY_WINDOW)
    }
}

#[cfg(test)]
mod tests;
