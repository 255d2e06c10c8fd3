//! The HTTP client of the providers, and the meaning of a response before its body is read.

use crate::outgoing_webhook::is_forbidden;
use crate::{DeliveryError, Provider, Source};
use event_schemas::catalogue::Channel;
use event_schemas::message::ChannelType;
use event_schemas::{Clock, Timestamp};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, RequestBuilder, StatusCode, redirect};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// The maximum number of bytes that are read of a response's body. No provider's response is longer.
const LONGEST_ANSWER: usize = 256 * 1024;

/// The time limits of a request.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// From the first byte of the request to the last byte of the response.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(30) }
    }
}

/// No HTTP client can be created on this machine.
#[derive(Debug, thiserror::Error)]
#[error("the HTTPS client cannot be created")]
pub struct NoClient(#[source] Source);

/// A client that trusts the machine's certificates and follows no redirect: a message is sent to the address
/// that the administrator named, or not at all.
fn client(timeouts: Timeouts) -> Result<Client, NoClient> {
    client_with(timeouts, |builder| builder)
}

/// A client as of [`client`] with further settings.
pub(crate) fn client_with(
    timeouts: Timeouts,
    own: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, NoClient> {
    // An error means that the process has already installed a provider, which is used then.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let builder = || {
        Client::builder()
            .user_agent(concat!("verbatim/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(timeouts.connect)
            .timeout(timeouts.answer)
            .redirect(redirect::Policy::none())
    };
    let builder = || own(builder());
    builder().build().or_else(|error| {
        // A bare container has no certificates. Channels on plain HTTP still work there.
        tracing::warn!(error = &error as &dyn std::error::Error, "no trusted certificates: HTTPS will fail");
        builder().tls_certs_only([]).build().map_err(|error| NoClient(error.into()))
    })
}

/// The HTTP client that all providers share, with the clock and the operator's base URLs.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    clock: Clock,
    base_urls: Arc<HashMap<ChannelType, String>>,
}

impl Http {
    pub fn new(
        base_urls: impl IntoIterator<Item = (ChannelType, String)>,
        timeouts: Timeouts,
        clock: Clock,
    ) -> Result<Self, NoClient> {
        let base_urls = Arc::new(base_urls.into_iter().collect());
        Ok(Self { client: client(timeouts)?, clock, base_urls })
    }

    pub fn post(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.client.post(url)
    }

    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, DeliveryError> {
        send(request, self.clock.now()).await
    }

    /// The channel's own base URL, or else the operator's, or else the provider's default.
    pub fn base_url<'a>(&'a self, provider: &dyn Provider, channel: &'a Channel) -> Option<&'a str> {
        let own = channel.base_url.as_deref();
        let configured = || self.base_urls.get(&channel.channel_type).map(String::as_str);
        own.or_else(configured).or_else(|| provider.default_base_url())
    }
}

/// A response to one of our requests.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// Sends a request. The error distinguishes a request that certainly did not arrive from one that may have.
pub(crate) async fn send(request: RequestBuilder, now: Timestamp) -> Result<Answer, DeliveryError> {
    let mut response = request.send().await.map_err(|error| {
        if error.is_builder() {
            DeliveryError::GiveUp { code: "bad_request".into(), reason: error.to_string() }
        } else if is_forbidden(&error) {
            let reason = "the address is a private one".into();
            DeliveryError::GiveUp { code: "forbidden_address".into(), reason }
        } else if error.is_connect() {
            let reason = "the provider cannot be reached".into();
            DeliveryError::TryAgain { after: None, reason, source: Some(error.into()) }
        } else {
            let reason = if error.is_timeout() {
                "the provider did not answer in time"
            } else {
                "the connection was lost before the provider answered"
            };
            DeliveryError::Unknown { reason: reason.into(), source: Some(error.into()) }
        }
    })?;
    let status = response.status();
    let retry_after = retry_after(response.headers(), now);
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() <= LONGEST_ANSWER => body.extend_from_slice(&chunk),
            Ok(_) => break,
            Err(error) if status.is_success() => {
                let reason = "the connection was lost before the provider's response was complete".into();
                return Err(DeliveryError::Unknown { reason, source: Some(error.into()) });
            }
            // The status alone shows that the provider did not accept the request.
            Err(_) => break,
        }
    }
    Ok(Answer { status, retry_after, body })
}

/// The error for a status that is not a success.
pub(crate) fn refusal(answer: &Answer, code: String, reason: String) -> DeliveryError {
    match answer.status {
        // A gateway stopped waiting for the provider, which may have accepted the message.
        StatusCode::GATEWAY_TIMEOUT => DeliveryError::Unknown { reason, source: None },
        status
            if status.is_server_error()
                || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) =>
        {
            DeliveryError::TryAgain { after: answer.retry_after, reason, source: None }
        }
        _ => DeliveryError::GiveUp { code, reason },
    }
}

/// The wait as seconds or as a date. A date in the past means no wait.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from(date.timestamp()).since(now))
}

/// Whether a path can be appended to this URL: it is `http` or `https`, and has a host and no query.
pub(crate) fn is_base_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(header: &str) -> Option<Duration> {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, header.parse().unwrap())]), now)
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        assert_eq!(wait("120"), Some(Duration::from_secs(120)));
        assert_eq!(wait("Sat, 21 Nov 2026 10:01:30 GMT"), Some(Duration::from_secs(90)));
        assert_eq!(wait("Sat, 21 Nov 2026 09:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(wait("soon"), None);
        assert_eq!(wait("-5"), None);
        assert_eq!(wait("99999999999999999999999"), None);
    }

    #[test]
    fn only_plain_web_addresses_are_base_urls() {
        assert!(is_base_url("https://graph.facebook.com"));
        assert!(is_base_url("http://127.0.0.1:4000/sandbox/"));
        for other in
            ["", "graph.facebook.com", "file:///etc/passwd", "ftp://a.b", "https://a.b?x=1", "http://"]
        {
            assert!(!is_base_url(other), "{other}");
        }
    }
}
