//! The plain channel: JSON in, JSON out, for any program a developer writes.

mod read;

use crate::provider::{Proof, credential};
use crate::{
    BadSetting, DeliveryError, Dispatched, HeaderMap, Inbound, Outgoing, Provider, RefusedWebhook,
    UnreadablePart, http, signature,
};
use async_trait::async_trait;
use event_schemas::conversation::MessageSent;
use event_schemas::{Clock, ConversationId, Timestamp, catalogue};
use serde::{Deserialize, Serialize};
use std::time::Duration;

pub const SIGNATURE_HEADER: &str = "x-verbatim-signature-256";

const SECRET: &str = "secret";

pub struct Api {
    client: reqwest::Client,
    clock: Clock,
}

impl Api {
    pub fn new(client: reqwest::Client, clock: Clock) -> Self {
        Self { client, clock }
    }
}

/// What is posted to the developer's address.
#[derive(Serialize)]
struct Post<'a> {
    conversation_id: ConversationId,
    to: &'a str,
    #[serde(flatten)]
    message: &'a MessageSent,
}

/// The developer may name the message; otherwise it keeps our id.
#[derive(Deserialize)]
struct Named {
    id: String,
}

#[async_trait]
impl Provider for Api {
    fn check(&self, channel: &catalogue::Channel) -> Result<(), BadSetting> {
        if let Some(name) = channel.credentials.keys().find(|name| *name != SECRET) {
            return Err(BadSetting::new(
                format!("credentials.{name}"),
                "is not a credential of this channel",
            ));
        }
        if channel.credentials.get(SECRET).is_some_and(|secret| secret.0.is_empty()) {
            return Err(BadSetting::new("credentials.secret", "is empty"));
        }
        match &channel.base_url {
            Some(url) if !http::is_base_url(url) => {
                Err(BadSetting::new("base_url", "is not an http or https address"))
            }
            _ => Ok(()),
        }
    }

    fn handshake(&self, _: &catalogue::Channel, _: &[(String, String)]) -> Result<String, RefusedWebhook> {
        Err(RefusedWebhook::NotAHandshake("a channel of this kind has none: hub.mode"))
    }

    fn verify(
        &self,
        channel: &catalogue::Channel,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Proof, RefusedWebhook> {
        let Ok(secret) = credential(channel, SECRET) else { return Ok(Proof::TokenNeeded) };
        signature::check(secret, headers, SIGNATURE_HEADER, body)?;
        Ok(Proof::Signed)
    }

    fn read(
        &self,
        _: &catalogue::Channel,
        body: &[u8],
        received_at: Timestamp,
    ) -> Result<Vec<Inbound>, UnreadablePart> {
        read::posted(body, received_at)
    }

    async fn deliver(
        &self,
        channel: &catalogue::Channel,
        message: &Outgoing,
    ) -> Result<Dispatched, DeliveryError> {
        let message_id = message.message.message_id.to_string();
        // Without an address the developer reads the messages from the event stream.
        let Some(url) = &channel.base_url else {
            return Ok(Dispatched { provider_message_id: message_id });
        };
        let post =
            Post { conversation_id: message.conversation_id, to: &message.to, message: &message.message };
        let body = serde_json::to_vec(&post).map_err(|error| DeliveryError::GiveUp {
            code: "unsendable".into(),
            reason: error.to_string(),
        })?;
        let mut request = self
            .client
            .post(url)
            .header("content-type", "application/json")
            // A receiver that remembers it takes a repeated message once.
            .header("idempotency-key", &message_id);
        if let Ok(secret) = credential(channel, SECRET) {
            request = request.header(SIGNATURE_HEADER, signature::sign(secret, &body));
        }
        let answer = http::send(request.body(body), self.clock.now()).await?;
        if answer.status.is_success() {
            let named = serde_json::from_slice(&answer.body).ok().map(|Named { id }| id);
            let provider_message_id = named.filter(|id| !id.is_empty()).unwrap_or(message_id);
            return Ok(Dispatched { provider_message_id });
        }
        let status = answer.status.as_u16();
        Err(http::refusal(&answer, format!("http_{status}"), format!("the receiver answered {status}")))
    }

    fn reply_window(&self) -> Option<Duration> {
        None
    }
}

#[cfg(test)]
mod tests;
