//! Outgoing webhooks: requests to other programs, signed as the Standard Webhooks specification requires. The receiver
//! verifies the sender and recognises a repeated request by the headers `webhook-id`, `webhook-timestamp` and
//! `webhook-signature`.

#[cfg(test)]
mod tests;

use crate::http::{Connections, NoClient, send};
use crate::{AllowedAddresses, DeliveryError};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use event_schemas::catalogue::Secret;
use event_schemas::{Timestamp, WebhookId};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, StatusCode, header};
use sha2::Sha256;
use std::time::Duration;

/// The prefix of a secret.
const PREFIX: &str = "whsec_";
/// The length of a key in bytes.
const KEY: std::ops::RangeInclusive<usize> = 24..=64;

/// The text is not a secret for signing webhooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be whsec_ followed by the Base64 of 24 to 64 bytes")]
pub struct BadSecret;

/// The secret of this key, in the form in which receivers get it.
pub fn secret_of(key: [u8; 32]) -> Secret {
    Secret(format!("{PREFIX}{}", BASE64_STANDARD.encode(key)))
}

/// Checks that webhooks can be signed with the secret.
pub fn check_secret(secret: &Secret) -> Result<(), BadSecret> {
    key_of(secret).map(|_| ())
}

fn key_of(secret: &Secret) -> Result<Vec<u8>, BadSecret> {
    let encoded = secret.0.strip_prefix(PREFIX).ok_or(BadSecret)?;
    let key = BASE64_STANDARD.decode(encoded).map_err(|_| BadSecret)?;
    if KEY.contains(&key.len()) { Ok(key) } else { Err(BadSecret) }
}

/// The value of `webhook-signature`.
pub fn signature(secret: &Secret, id: WebhookId, at: Timestamp, body: &[u8]) -> Result<String, BadSecret> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key_of(secret)?)
        .unwrap_or_else(|_| unreachable!("HMAC takes a key of any length"));
    mac.update(format!("{id}.{}.", seconds(at)).as_bytes());
    mac.update(body);
    Ok(format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes())))
}

fn seconds(at: Timestamp) -> i64 {
    at.as_micros().div_euclid(1_000_000)
}

/// A webhook to another program.
#[derive(Clone, Debug)]
pub struct WebhookRequest {
    /// The id, which is the same in every attempt.
    pub id: WebhookId,
    pub url: String,
    pub secret: Secret,
    /// The body, which is JSON.
    pub body: Vec<u8>,
}

/// The reason why a webhook was not delivered.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// A later attempt may succeed.
    #[error("try again: {reason}")]
    TryAgain {
        /// The wait that the receiver asks for.
        after: Option<Duration>,
        reason: String,
    },
    /// No attempt will succeed.
    #[error("given up with {code}: {reason}")]
    GiveUp { code: &'static str, reason: String },
}

/// The HTTP client of outgoing webhooks.
#[derive(Clone, Debug)]
pub struct WebhookClient {
    client: Client,
    addresses: AllowedAddresses,
}

impl WebhookClient {
    pub fn new(connections: Connections) -> Result<Self, NoClient> {
        Ok(Self { client: connections.guarded_client()?, addresses: connections.addresses })
    }

    /// Sends the request once. Returns the status of the successful response.
    pub async fn send(&self, webhook: &WebhookRequest, now: Timestamp) -> Result<u16, WebhookError> {
        let url = self
            .addresses
            .check(&webhook.url)
            .map_err(|bad| WebhookError::GiveUp { code: "forbidden_address", reason: bad.to_string() })?;
        let signature = signature(&webhook.secret, webhook.id, now, &webhook.body)
            .map_err(|bad| WebhookError::GiveUp { code: "no_secret", reason: format!("the secret {bad}") })?;
        let request = self
            .client
            .post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("webhook-id", webhook.id.to_string())
            .header("webhook-timestamp", seconds(now))
            .header("webhook-signature", signature)
            .body(webhook.body.clone());
        match send(request, now).await {
            Ok(answer) if answer.status.is_success() => Ok(answer.status.as_u16()),
            // The only status by which a receiver refuses further attempts.
            Ok(answer) if answer.status == StatusCode::GONE => Err(WebhookError::GiveUp {
                code: "refused",
                reason: "the receiver answered 410: gone".to_owned(),
            }),
            Ok(answer) => Err(WebhookError::TryAgain {
                after: answer.retry_after,
                reason: format!("the receiver answered {}", answer.status.as_u16()),
            }),
            Err(DeliveryError::GiveUp { code, reason }) if code == "forbidden_address" => {
                Err(WebhookError::GiveUp { code: "forbidden_address", reason })
            }
            Err(DeliveryError::GiveUp { reason, .. }) => {
                Err(WebhookError::GiveUp { code: "refused", reason })
            }
            // The receiver may have accepted the request. It recognises a repeated one by its id.
            Err(DeliveryError::TryAgain { after, .. }) => {
                Err(WebhookError::TryAgain { after, reason: "the receiver cannot be reached".to_owned() })
            }
            Err(DeliveryError::Unknown { .. }) => Err(WebhookError::TryAgain {
                after: None,
                reason: "the receiver did not answer in time".to_owned(),
            }),
        }
    }
}
