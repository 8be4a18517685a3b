//! Who may read the metrics.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{FORWARDED, HeaderName, X_FORWARDED_FOR};
use serde::{Deserialize, Serialize};

/// What a request has that came through a proxy.
const THROUGH: [HeaderName; 4] =
    [FORWARDED, X_FORWARDED_FOR, HeaderName::from_static("x-real-ip"), HeaderName::from_static("via")];

/// An address, or all that begin with the same bits: `10.1.2.3`, `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

impl Network {
    fn has(self, it: IpAddr) -> bool {
        let same = |a: u128, b: u128, width: u32| (a ^ b).checked_shr(width - self.bits).unwrap_or(0) == 0;
        match (self.address, it) {
            (IpAddr::V4(a), IpAddr::V4(b)) => same(a.to_bits().into(), b.to_bits().into(), 32),
            (IpAddr::V6(a), IpAddr::V6(b)) => same(a.to_bits(), b.to_bits(), 128),
            _ => false,
        }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither an address nor a network, such as 10.0.0.0/8");
        let (address, bits) = text.split_once('/').map_or((&*text, None), |(it, bits)| (it, Some(bits)));
        let address: IpAddr = address.trim().parse().map_err(|_| wrong())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(width), str::parse).map_err(|_| wrong())?;
        if bits <= width { Ok(Self { address, bits }) } else { Err(wrong()) }
    }
}

impl From<Network> for String {
    fn from(it: Network) -> Self {
        format!("{}/{}", it.address, it.bits)
    }
}

/// The settings `[metrics]`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Who may read them beside this machine itself.
    pub allow: Vec<Network>,
}

/// Who may read the metrics: whoever is on this machine, and those who are named; no one through a proxy.
#[derive(Debug, Clone, Default)]
pub struct Scrapers {
    /// Those who are named.
    pub allow: Vec<Network>,
    /// The proxies in front, for whom it isn't meant even where they are on this machine.
    pub proxies: Vec<IpAddr>,
}

impl Scrapers {
    pub(crate) fn know(&self, request: &HttpRequest) -> bool {
        let Some(peer) = request.peer_addr() else { return false };
        let peer = peer.ip().to_canonical();
        let proxied = self.proxies.iter().any(|it| it.to_canonical() == peer)
            || THROUGH.iter().any(|it| request.headers().contains_key(it));
        !proxied && (peer.is_loopback() || self.allow.iter().any(|it| it.has(peer)))
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn network(text: &str) -> Network {
        Network::try_from(text.to_owned()).expect(text)
    }

    #[test]
    fn only_this_machine_and_those_who_are_named_and_no_one_through_a_proxy() {
        let proxy = "10.0.0.9".parse().expect("an address");
        let scrapers = Scrapers { allow: vec![network("10.0.0.0/24")], proxies: vec![proxy] };
        let asked =
            |from: &str| TestRequest::default().peer_addr(format!("{from}:1").parse().expect("an address"));
        for (from, known) in [
            ("127.0.0.1", true),
            ("[::1]", true),
            ("[::ffff:127.0.0.1]", true),
            ("[::ffff:10.0.0.1]", true),
            ("10.0.0.1", true),
            ("10.0.0.9", false),
            ("10.0.1.1", false),
            ("192.0.2.1", false),
            ("[2001:db8::1]", false),
        ] {
            assert_eq!(scrapers.know(&asked(from).to_http_request()), known, "{from}");
            for header in THROUGH {
                let proxied = asked(from).insert_header((header, "127.0.0.1"));
                assert!(!scrapers.know(&proxied.to_http_request()), "{from}");
            }
        }
        assert!(!Scrapers::default().know(&asked("10.0.0.1").to_http_request()));
        assert!(!scrapers.know(&TestRequest::default().to_http_request()));
    }

    #[test]
    fn a_network_has_those_that_begin_as_it_does() {
        for (text, it, has) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("10.1.2.3", "10.1.2.2", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "2001:db8::1", false),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
            ("::/0", "2001:db9::1", true),
        ] {
            assert_eq!(network(text).has(it.parse().expect("an address")), has, "{text} {it}");
        }
        for text in ["", "10.0.0.0/33", "10.0.0/8", "plan.example", "10.0.0.0/-1", "10.0.0.0/"] {
            assert!(Network::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
