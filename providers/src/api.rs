//! Channels of type `api`, by which any program of a developer sends and receives messages as JSON.

mod read;

use crate::http::{self, Http};
use crate::provider::credential;
use crate::{
    BadSetting, Capabilities, DeliveryError, Dispatched, Inbound, Outgoing, Proof, Provider, RefusedWebhook,
    Request, UnreadablePart, signature,
};
use async_trait::async_trait;
use event_schemas::catalogue::Channel;
use event_schemas::conversation::MessageSent;
use event_schemas::message::ChannelType;
use event_schemas::{ConversationId, Timestamp};
use serde::{Deserialize, Serialize};

pub const SIGNATURE_HEADER: &str = "x-verbatim-signature-256";

const SECRET: &str = "secret";
/// The secret before, which is accepted too while the secret is replaced.
const FORMER_SECRET: &str = "former_secret";

pub(crate) struct Api {
    http: Http,
}

impl Api {
    pub fn new(http: Http) -> Self {
        Self { http }
    }
}

/// The body of a request to the developer's base URL.
#[derive(Serialize)]
struct Post<'a> {
    conversation_id: ConversationId,
    to: &'a str,
    #[serde(flatten)]
    message: &'a MessageSent,
}

/// The developer's response. Without an id in it, the message has our id.
#[derive(Deserialize)]
struct Accepted {
    id: String,
}

#[async_trait]
impl Provider for Api {
    fn channel_type(&self) -> ChannelType {
        ChannelType::Api
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::UNRESTRICTED
    }

    fn check(&self, channel: &Channel) -> Result<(), BadSetting> {
        if let Some(name) =
            channel.credentials.keys().find(|name| ![SECRET, FORMER_SECRET].contains(&name.as_str()))
        {
            return Err(BadSetting::new(
                format!("credentials.{name}"),
                "is not a credential of this channel",
            ));
        }
        if channel.credentials.get(SECRET).is_some_and(|secret| secret.0.is_empty()) {
            return Err(BadSetting::new("credentials.secret", "is empty"));
        }
        http::check_base_url(channel)
    }

    fn verify(&self, channel: &Channel, request: &Request<'_>) -> Result<Proof, RefusedWebhook> {
        let Ok(secret) = credential(channel, SECRET) else { return Ok(Proof::TokenNeeded) };
        let secrets = (secret, credential(channel, FORMER_SECRET).ok());
        signature::check_either(secrets, request.headers, SIGNATURE_HEADER, request.body)?;
        Ok(Proof::Signed)
    }

    /// Identifiers are the developer's own, and are taken exactly as posted.
    fn read(
        &self,
        _: &Channel,
        request: &Request<'_>,
        received_at: Timestamp,
    ) -> Result<Vec<Inbound>, UnreadablePart> {
        read::posted(request.body, received_at)
    }

    async fn deliver(&self, channel: &Channel, message: &Outgoing) -> Result<Dispatched, DeliveryError> {
        let message_id = message.message.message_id.to_string();
        // Without an address the developer reads the messages from the event stream.
        let Some(endpoint) = self.http.endpoint(self, channel)? else {
            return Ok(Dispatched { provider_message_id: message_id, addressee: Vec::new() });
        };
        let post =
            Post { conversation_id: message.conversation_id, to: &message.to, message: &message.message };
        let body = serde_json::to_vec(&post).map_err(|error| DeliveryError::GiveUp {
            code: "unsendable".into(),
            reason: error.to_string(),
        })?;
        let mut request = endpoint
            .post(endpoint.base_url)
            .header("content-type", "application/json")
            // The receiver recognises a repeated message by this header.
            .header("idempotency-key", &message_id);
        if let Ok(secret) = credential(channel, SECRET) {
            request = request.header(SIGNATURE_HEADER, signature::sign(secret, &body));
        }
        let answer = self.http.send(request.body(body)).await?;
        if answer.status.is_success() {
            let own_id = serde_json::from_slice(&answer.body).ok().map(|Accepted { id }| id);
            let provider_message_id = own_id.filter(|id| !id.is_empty()).unwrap_or(message_id);
            return Ok(Dispatched { provider_message_id, addressee: Vec::new() });
        }
        let status = answer.status.as_u16();
        Err(http::refusal(&answer, format!("http_{status}"), format!("the receiver answered {status}")))
    }
}

#[cfg(test)]
mod tests;
