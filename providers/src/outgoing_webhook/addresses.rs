//! The addresses to which webhooks may be sent: only public ones unless the operator allows private ones. The resolved
//! addresses are checked, not the names, so that a name cannot resolve to a private address later.

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses to which webhooks may be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AllowedAddresses {
    /// Public addresses over HTTPS.
    #[default]
    PublicOnly,
    /// Public and private addresses over HTTPS or HTTP.
    Any,
}

/// The reason why a URL is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAddress {
    #[error("is not a URL such as https://example.com/hooks")]
    NoUrl,
    #[error("must not contain a user or a password")]
    Credentials,
    #[error("must begin with https://")]
    NotHttps,
    #[error("must not be a private address")]
    Private,
}

impl AllowedAddresses {
    pub fn check(self, url: &str) -> Result<Url, BadAddress> {
        let url = Url::parse(url).map_err(|_| BadAddress::NoUrl)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(BadAddress::NoUrl)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadAddress::NoUrl);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadAddress::Credentials);
        }
        if self == Self::PublicOnly {
            if url.scheme() != "https" {
                return Err(BadAddress::NotHttps);
            }
            let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            let is_private = match literal {
                Ok(address) => !is_public(address),
                Err(_) => name == "localhost" || name.ends_with(".localhost"),
            };
            if is_private {
                return Err(BadAddress::Private);
            }
        }
        Ok(url)
    }
}

/// Whether the address belongs to the public Internet.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let shared = a == 100 && (64..128).contains(&b);
    let protocols = (a, b, c) == (192, 0, 0);
    let benchmarks = a == 198 && (18..20).contains(&b);
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || protocols
        || benchmarks)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    // An address that contains an IPv4 address (mapped, NAT64 or 6to4) is public when that one is.
    let parts = address.segments();
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    if let Some(mapped) = address.to_ipv4_mapped() {
        return is_public_v4(mapped);
    }
    if parts[..6] == [0x64, 0xff9b, 0, 0, 0, 0] {
        return embedded(parts[6], parts[7]);
    }
    if parts[0] == 0x2002 {
        return embedded(parts[1], parts[2]);
    }
    let documentation = parts[0] == 0x2001 && parts[1] == 0xdb8;
    // Only global unicast is public.
    parts[0] & 0xe000 == 0x2000 && !documentation
}

/// A name that resolves to private addresses only.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name resolves to a private address")]
struct Forbidden;

/// Resolves names to their public addresses.
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<SocketAddr> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(Box::new(Forbidden) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// Whether a request was not sent because the name resolves to private addresses only.
pub(crate) fn is_forbidden(error: &(dyn Error + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if error.is::<Forbidden>() {
            return true;
        }
        next = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_allowed() {
        for url in ["https://example.com/hooks", "https://8.8.8.8/", "https://[2606:4700::1111]/x"] {
            assert!(AllowedAddresses::PublicOnly.check(url).is_ok(), "{url}");
        }
        for (url, bad) in [
            ("", BadAddress::NoUrl),
            ("example.com", BadAddress::NoUrl),
            ("ftp://example.com", BadAddress::NoUrl),
            ("https://u:p@example.com", BadAddress::Credentials),
            ("http://example.com", BadAddress::NotHttps),
            ("https://localhost:8080", BadAddress::Private),
            ("https://LOCALHOST.", BadAddress::Private),
            ("https://a.localhost", BadAddress::Private),
            ("https://127.0.0.1", BadAddress::Private),
            ("https://2130706433", BadAddress::Private),
            ("https://0x7f.1", BadAddress::Private),
            ("https://10.1.2.3", BadAddress::Private),
            ("https://172.20.0.1", BadAddress::Private),
            ("https://192.168.1.1", BadAddress::Private),
            ("https://169.254.169.254/latest/meta-data", BadAddress::Private),
            ("https://100.64.0.1", BadAddress::Private),
            ("https://0.0.0.0", BadAddress::Private),
            ("https://[::1]", BadAddress::Private),
            ("https://[::]", BadAddress::Private),
            ("https://[fd00::1]", BadAddress::Private),
            ("https://[fe80::1]", BadAddress::Private),
            ("https://[::ffff:127.0.0.1]", BadAddress::Private),
            ("https://[64:ff9b::7f00:1]", BadAddress::Private),
            ("https://[2002:7f00:1::]", BadAddress::Private),
        ] {
            assert_eq!(AllowedAddresses::PublicOnly.check(url), Err(bad), "{url}");
        }
        assert!(AllowedAddresses::Any.check("http://127.0.0.1:9000/hook").is_ok());
    }
}
