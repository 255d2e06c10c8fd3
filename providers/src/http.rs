//! The HTTP client of the providers, and the meaning of a response before its body is read.

use crate::addresses::{AllowedAddresses, AllowedOnly, BadAddress, is_forbidden, web_url};
use crate::{BadSetting, DeliveryError, Provider, Source};
use event_schemas::catalogue::Channel;
use event_schemas::message::ChannelType;
use event_schemas::{Clock, Timestamp};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, Proxy, RequestBuilder, StatusCode, redirect};
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

/// How providers and webhooks are called.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    pub timeouts: Timeouts,
    /// The addresses that accounts may name.
    pub addresses: AllowedAddresses,
    /// The URL of the proxy for all calls. It resolves the names, so it must refuse private addresses itself.
    /// `None`: calls are made directly, whatever the environment says of proxies.
    pub proxy: Option<String>,
}

impl From<Timeouts> for Connections {
    fn from(timeouts: Timeouts) -> Self {
        Self { timeouts, ..Self::default() }
    }
}

impl Connections {
    /// A client for addresses that accounts name. Addresses in URLs must be checked before each request.
    pub(crate) fn guarded_client(&self) -> Result<Client, NoClient> {
        match self.addresses {
            AllowedAddresses::Any => self.client(|builder| builder),
            AllowedAddresses::PublicOnly | AllowedAddresses::AndListed(_) if self.proxy.is_some() => {
                self.client(|builder| builder)
            }
            AllowedAddresses::PublicOnly | AllowedAddresses::AndListed(_) => {
                let resolver = Arc::new(AllowedOnly(self.addresses.clone()));
                self.client(|builder| builder.dns_resolver(resolver.clone()))
            }
        }
    }

    /// A client that trusts the machine's certificates and follows no redirect: a message is sent to the address
    /// that the administrator named, or not at all.
    fn client(&self, own: impl Fn(ClientBuilder) -> ClientBuilder) -> Result<Client, NoClient> {
        // An error means that the process has already installed a provider, which is used then.
        let _installed_before = rustls::crypto::ring::default_provider().install_default();
        let proxy = self.proxy.as_ref().map(Proxy::all).transpose();
        let proxy = proxy.map_err(|error| NoClient(error.without_url().into()))?;
        let builder = || {
            let builder = Client::builder()
                .user_agent(concat!("verbatim/", env!("CARGO_PKG_VERSION")))
                .connect_timeout(self.timeouts.connect)
                .timeout(self.timeouts.answer)
                .redirect(redirect::Policy::none())
                .no_proxy();
            own(match proxy.clone() {
                Some(proxy) => builder.proxy(proxy),
                None => builder,
            })
        };
        builder().build().or_else(|error| {
            // A bare container has no certificates. Channels on plain HTTP still work there.
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "no trusted certificates: HTTPS will fail");
            builder().tls_certs_only([]).build().map_err(|error| NoClient(error.into()))
        })
    }
}

/// The HTTP clients that all providers share, with the clock and the operator's base URLs.
#[derive(Clone)]
pub(crate) struct Http {
    /// For the operator's base URLs and the providers' own.
    trusted: Client,
    /// For the base URLs of channels.
    guarded: Client,
    addresses: AllowedAddresses,
    clock: Clock,
    base_urls: Arc<HashMap<ChannelType, String>>,
}

/// The base URL of a channel's provider, and the client with which it may be called.
pub(crate) struct Endpoint<'a> {
    pub base_url: &'a str,
    client: &'a Client,
}

impl Endpoint<'_> {
    pub fn post(&self, url: impl reqwest::IntoUrl) -> RequestBuilder {
        self.client.post(url)
    }
}

impl Http {
    pub fn new(
        base_urls: impl IntoIterator<Item = (ChannelType, String)>,
        connections: &Connections,
        clock: Clock,
    ) -> Result<Self, NoClient> {
        Ok(Self {
            trusted: connections.client(|builder| builder)?,
            guarded: connections.guarded_client()?,
            addresses: connections.addresses.clone(),
            clock,
            base_urls: Arc::new(base_urls.into_iter().collect()),
        })
    }

    pub async fn send(&self, request: RequestBuilder) -> Result<Answer, DeliveryError> {
        send(request, self.clock.now()).await
    }

    /// The channel's own base URL, or else the operator's, or else the provider's default. `None` when there is none.
    /// The channel's own is refused if it is a private address that the operator does not allow.
    pub fn endpoint<'a>(
        &'a self,
        provider: &dyn Provider,
        channel: &'a Channel,
    ) -> Result<Option<Endpoint<'a>>, DeliveryError> {
        if let Some(base_url) = &channel.base_url {
            // Channels of older logs may have a URL that is refused today.
            let checked = web_url(base_url).and_then(|url| self.addresses.check_host(&url));
            checked.map_err(forbidden)?;
            return Ok(Some(Endpoint { base_url, client: &self.guarded }));
        }
        let configured = self.base_urls.get(&channel.channel_type).map(String::as_str);
        let base_url = configured.or_else(|| provider.default_base_url());
        Ok(base_url.map(|base_url| Endpoint { base_url, client: &self.trusted }))
    }
}

fn forbidden(bad: BadAddress) -> DeliveryError {
    DeliveryError::GiveUp { code: "forbidden_address".into(), reason: format!("the address {bad}") }
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
        // The error is logged, and a URL may hold a secret in its path.
        let error = error.without_url();
        if error.is_builder() {
            DeliveryError::GiveUp { code: "bad_request".into(), reason: error.to_string() }
        } else if is_forbidden(&error) {
            forbidden(BadAddress::Private)
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
                let source = Some(error.without_url().into());
                return Err(DeliveryError::Unknown { reason, source });
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

/// Checks that a path can be appended to a channel's base URL, if it has one: it is `http` or `https`, has a host, and
/// has no query and no credentials.
pub(crate) fn check_base_url(channel: &Channel) -> Result<(), BadSetting> {
    let Some(text) = &channel.base_url else { return Ok(()) };
    match web_url(text) {
        Ok(url) if url.query().is_none() && url.fragment().is_none() => Ok(()),
        Err(BadAddress::Credentials) => Err(BadSetting::new("base_url", BadAddress::Credentials.to_string())),
        _ => Err(BadSetting::new("base_url", "is not an http or https address")),
    }
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
}
