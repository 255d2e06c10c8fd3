//! The addresses that accounts may have this program call, by a webhook or by a channel's base URL: only public ones,
//! and those that the operator names. The resolved addresses are checked, not the names, so that a name cannot resolve
//! to a private address later.

use ipnet::IpNet;
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The addresses that accounts may have this program call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedAddresses {
    /// Public addresses; webhooks over HTTPS.
    #[default]
    PublicOnly,
    /// Also these, which webhooks may call over HTTP.
    AndListed(Arc<[AllowedAddress]>),
    /// Public and private addresses over HTTPS or HTTP.
    Any,
}

/// A private address that the operator allows accounts to name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedAddress {
    /// An address, or a network such as `10.1.0.0/16`.
    Network(IpNet),
    /// A host name, in lower case and without a final dot, and every address that it resolves to.
    Name(String),
}

/// The text is neither an address, nor a network, nor a host name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an address, a network such as 10.1.0.0/16 or a host name")]
pub struct BadAllowedAddress(String);

impl FromStr for AllowedAddress {
    type Err = BadAllowedAddress;

    fn from_str(text: &str) -> Result<Self, BadAllowedAddress> {
        let text = text.trim();
        if let Ok(network) = text.parse() {
            return Ok(Self::Network(network));
        }
        let literal = text.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = literal.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if text.is_empty() || !text.bytes().all(is_name) {
            return Err(BadAllowedAddress(text.to_owned()));
        }
        Ok(Self::Name(comparable(text)))
    }
}

fn comparable(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
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

/// The host of a URL: an address, or a name in comparable form.
enum Host {
    Address(IpAddr),
    Name(String),
}

fn host(url: &Url) -> Result<Host, BadAddress> {
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or(BadAddress::NoUrl)?;
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
    Ok(literal.map_or_else(|_| Host::Name(comparable(host)), Host::Address))
}

/// The URL, if it is `http` or `https` and has a host, no user and no password.
pub(crate) fn web_url(text: &str) -> Result<Url, BadAddress> {
    let url = Url::parse(text).map_err(|_| BadAddress::NoUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(BadAddress::NoUrl);
    }
    host(&url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BadAddress::Credentials);
    }
    Ok(url)
}

impl AllowedAddresses {
    /// Checks a webhook's URL, without resolving its name.
    pub fn check(&self, url: &str) -> Result<Url, BadAddress> {
        let url = web_url(url)?;
        if url.scheme() != "https" && !self.lists(&host(&url)?) {
            return Err(BadAddress::NotHttps);
        }
        self.check_host(&url)?;
        Ok(url)
    }

    /// Checks that the URL's host is not a private address in itself. A name is checked when it is resolved.
    pub(crate) fn check_host(&self, url: &Url) -> Result<(), BadAddress> {
        let host = host(url)?;
        let is_public = match &host {
            Host::Address(address) => is_public(*address),
            Host::Name(name) => name != "localhost" && !name.ends_with(".localhost"),
        };
        if is_public || self.lists(&host) { Ok(()) } else { Err(BadAddress::Private) }
    }

    /// Whether the operator allows this host, though it may be private.
    fn lists(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::PublicOnly, _) => false,
            (Self::Any, _) => true,
            (Self::AndListed(listed), Host::Address(address)) => contains(listed, *address),
            (Self::AndListed(listed), Host::Name(name)) => {
                listed.iter().any(|allowed| matches!(allowed, AllowedAddress::Name(listed) if listed == name))
            }
        }
    }
}

fn contains(listed: &[AllowedAddress], address: IpAddr) -> bool {
    let address = address.to_canonical();
    listed.iter().any(|allowed| match allowed {
        AllowedAddress::Network(network) => network.contains(&address),
        AllowedAddress::Name(_) => false,
    })
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
    let former_6to4_relays = (a, b, c) == (192, 88, 99);
    let benchmarks = a == 198 && (18..20).contains(&b);
    // The host of an Azure machine answers here, to that machine alone.
    let azure_host = address == Ipv4Addr::new(168, 63, 129, 16);
    !(address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        || a >= 240
        || shared
        || protocols
        || former_6to4_relays
        || benchmarks
        || azure_host)
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
    // ISATAP, by which a router reaches the IPv4 address in the second half.
    if parts[4] & 0xfcff == 0 && parts[5] == 0x5efe && !embedded(parts[6], parts[7]) {
        return false;
    }
    // Teredo, benchmarks, ORCHID and other protocols.
    let protocols = parts[0] == 0x2001 && parts[1] < 0x200;
    let documentation =
        (parts[0] == 0x2001 && parts[1] == 0xdb8) || (parts[0] == 0x3fff && parts[1] < 0x1000);
    // Only global unicast is public.
    parts[0] & 0xe000 == 0x2000 && !protocols && !documentation
}

/// A name that resolves to private addresses only.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the name resolves to a private address")]
struct Forbidden;

/// Resolves names to the addresses that are allowed. Addresses in URLs are not resolved: [`AllowedAddresses::check_host`]
/// checks them.
pub(crate) struct AllowedOnly(pub AllowedAddresses);

impl Resolve for AllowedOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allowed = self.0.clone();
        Box::pin(async move {
            let is_listed = allowed.lists(&Host::Name(comparable(name.as_str())));
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let is_allowed = |ip: IpAddr| is_listed || is_public(ip) || allowed.lists(&Host::Address(ip));
            let addresses: Vec<SocketAddr> = found.filter(|found| is_allowed(found.ip())).collect();
            if addresses.is_empty() {
                return Err(Box::new(Forbidden) as Box<dyn Error + Send + Sync>);
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
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
            ("https://168.63.129.16/machine", BadAddress::Private),
            ("https://192.88.99.1", BadAddress::Private),
            ("https://[64:ff9b:1::7f00:1]", BadAddress::Private),
            ("https://[2001::7f00:1]", BadAddress::Private),
            ("https://[2001:470:1:2:0:5efe:a00:1]", BadAddress::Private),
            ("https://[3fff::1]", BadAddress::Private),
            ("https://[ff0e::1]", BadAddress::Private),
        ] {
            assert_eq!(AllowedAddresses::PublicOnly.check(url), Err(bad), "{url}");
        }
        assert!(AllowedAddresses::Any.check("http://127.0.0.1:9000/hook").is_ok());
    }

    fn listed(texts: &[&str]) -> AllowedAddresses {
        AllowedAddresses::AndListed(texts.iter().map(|text| text.parse().unwrap()).collect())
    }

    #[test]
    fn the_operator_may_allow_single_private_addresses() {
        let allowed = listed(&["127.0.0.1", "10.1.0.0/16", "[fd00::9]", "Gateway.internal."]);
        for url in [
            "http://127.0.0.1:9000/",
            "http://[::ffff:127.0.0.1]/",
            "https://10.1.2.3/",
            "http://[fd00::9]/",
            "http://gateway.internal/x",
            "https://example.com/",
        ] {
            assert!(allowed.check(url).is_ok(), "{url}");
        }
        for (url, bad) in [
            ("https://127.0.0.2/", BadAddress::Private),
            ("https://10.2.0.1/", BadAddress::Private),
            ("https://169.254.169.254/", BadAddress::Private),
            ("http://example.com/", BadAddress::NotHttps),
            ("http://u:p@127.0.0.1/", BadAddress::Credentials),
        ] {
            assert_eq!(allowed.check(url), Err(bad), "{url}");
        }
        for text in ["", "http://127.0.0.1", "10.0.0.0/33", "a b", "127.0.0.1:80"] {
            assert!(text.parse::<AllowedAddress>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_listed_name_resolves_to_its_private_addresses() {
        let resolve = |allowed| AllowedOnly(allowed).resolve("localhost".parse().unwrap());
        assert!(resolve(listed(&["localhost"])).await.is_ok());
        assert!(resolve(listed(&["127.0.0.0/8", "::1"])).await.is_ok());
        assert!(resolve(listed(&["10.0.0.0/8"])).await.is_err());
    }
}
