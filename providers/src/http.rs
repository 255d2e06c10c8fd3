//! How requests go out, and what an answer means before anybody reads its body.

use crate::DeliveryError;
use crate::outgoing_webhook::is_forbidden;
use event_schemas::Timestamp;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Client, ClientBuilder, RequestBuilder, StatusCode, redirect};
use std::time::Duration;

/// An answer's body is read up to here; no provider needs more to say yes or no.
const LONGEST_ANSWER: usize = 256 * 1024;

/// How long a provider may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    pub connect: Duration,
    /// From the first byte sent to the last byte of the answer.
    pub answer: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(30) }
    }
}

/// No client for HTTP could be made on this machine.
#[derive(Debug, thiserror::Error)]
#[error("cannot speak HTTPS on this machine")]
pub struct NoClient(#[from] reqwest::Error);

/// A client that trusts what the machine trusts, and follows no redirect: a message goes where the
/// administrator said, or nowhere.
pub fn client(timeouts: Timeouts) -> Result<Client, NoClient> {
    client_with(timeouts, |builder| builder)
}

/// The same, with something of its own.
pub(crate) fn client_with(
    timeouts: Timeouts,
    own: impl Fn(ClientBuilder) -> ClientBuilder,
) -> Result<Client, NoClient> {
    // An error means that the process has chosen one already, which is as good.
    let _chosen_before = rustls::crypto::ring::default_provider().install_default();
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
        Ok(builder().tls_certs_only([]).build()?)
    })
}

/// What came back.
pub(crate) struct Answer {
    pub status: StatusCode,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

/// Sends, and tells apart what certainly did not arrive from what may have.
pub(crate) async fn send(request: RequestBuilder, now: Timestamp) -> Result<Answer, DeliveryError> {
    let mut response = request.send().await.map_err(|error| {
        if error.is_builder() {
            DeliveryError::GiveUp { code: "bad_request".into(), reason: error.to_string() }
        } else if is_forbidden(&error) {
            let reason = "the address is a private one".into();
            DeliveryError::GiveUp { code: "forbidden_address".into(), reason }
        } else if error.is_connect() {
            let reason = "the provider cannot be reached".into();
            DeliveryError::TryAgain { after: None, reason, source: Some(error) }
        } else {
            let reason = if error.is_timeout() {
                "the provider took too long to answer"
            } else {
                "the connection broke before the provider answered"
            };
            DeliveryError::Unknown { reason: reason.into(), source: Some(error) }
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
                let reason = "the provider's answer broke off".into();
                return Err(DeliveryError::Unknown { reason, source: Some(error) });
            }
            // The status alone says that it was not taken.
            Err(_) => break,
        }
    }
    Ok(Answer { status, retry_after, body })
}

/// What the status alone means when it is not a success.
pub(crate) fn refusal(answer: &Answer, code: String, reason: String) -> DeliveryError {
    match answer.status {
        // A gateway stopped waiting for the provider, which may have taken the message all the same.
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

/// Seconds, or a date. A date that has passed means now.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let date = jiff::fmt::rfc2822::parse(text).ok()?;
    Some(Timestamp::from(date.timestamp()).since(now))
}

/// `http` or `https`, with a host and no query: an address that a path can be added to.
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
