//! To which addresses the service may be sent by others.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::Url;
use reqwest::header::HeaderValue;

/// What isn't anyone's to reach in the open: private, loopback, link-local, shared, test, documentation, multicast and reserved.
const CLOSED_V4: &[&str] = &[
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.31.196.0/24",
    "192.52.193.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "192.175.48.0/24",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
];

/// The addresses of IPv6 that are given out; all else of it is closed.
const OPEN_V6: &str = "2000::/3";

/// What of these is for protocols (Teredo among them), for documentation, or leads to an IPv4 address (6to4).
const CLOSED_V6: &[&str] = &["2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48"];

/// Where IPv4 addresses stand in those of IPv6, the last 32 bits being theirs (NAT64).
const TRANSLATED: &str = "64:ff9b::/96";

/// Which addresses may be reached.
#[derive(Debug, Clone)]
pub struct Rules {
    allowed: Vec<IpNet>,
    ports: Vec<u16>,
    closed: (Vec<Ipv4Net>, Vec<Ipv6Net>),
    open: Ipv6Net,
    translated: Ipv6Net,
}

/// Why an address is none that the service sends to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It can't be read, or isn't of https.
    Form,
    /// It has a user, a password or a fragment.
    Parts,
    /// Its host is no name that leads anywhere.
    Name,
    /// Its port is none of those that are taken.
    Port,
    /// It is one that not everyone can reach.
    Closed,
}

impl Wrong {
    /// What it must be instead, in words for whoever named it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Form => "Must be an address of https.",
            Self::Parts => "Must be an address without user, password and fragment.",
            Self::Name => "Must name a host that others can reach, in labels of 1 to 63 characters.",
            Self::Port => "Must be at a port that is taken, which 443 is.",
            Self::Closed => "Must be an address that everyone can reach.",
        }
    }
}

/// An address that may be sent to, as far as that can be said before its name is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target(pub(crate) Url);

impl Target {
    /// The address, in its one form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl Rules {
    /// What is open to anyone, and the networks in `allow`; at these ports.
    ///
    /// # Errors
    /// Which network can't be read.
    pub fn new(allow: &[String], ports: &[u16]) -> Result<Self, String> {
        let network = |it: &String| {
            let one = it.parse::<IpAddr>().map(IpNet::from);
            it.parse::<IpNet>().or(one).map_err(|_| format!("`{it}` is no network, such as 10.20.0.0/16"))
        };
        let v4 = CLOSED_V4.iter().filter_map(|it| it.parse().ok()).collect();
        let v6 = CLOSED_V6.iter().filter_map(|it| it.parse().ok()).collect();
        let known = |it: &str| it.parse::<Ipv6Net>().map_err(|it| it.to_string());
        Ok(Self {
            allowed: allow.iter().map(network).collect::<Result<_, _>>()?,
            ports: ports.to_vec(),
            closed: (v4, v6),
            open: known(OPEN_V6)?,
            translated: known(TRANSLATED)?,
        })
    }

    /// Reads `text` as an address that may be sent to. A host that is written as a number, in whatever notation, is checked; a name
    /// is checked when it is resolved.
    ///
    /// # Errors
    /// Why it is none.
    pub fn target(&self, text: &str) -> Result<Target, Wrong> {
        let url = Url::parse(text).map_err(|_| Wrong::Form)?;
        let sent = HeaderValue::from_str(url.as_str()).is_ok();
        let Some(host) = url.host_str().filter(|_| url.scheme() == "https" && sent) else {
            return Err(Wrong::Form);
        };
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            return Err(Wrong::Parts);
        }
        if !url.port_or_known_default().is_some_and(|it| self.ports.contains(&it)) {
            return Err(Wrong::Port);
        }
        if !self.leads(host) {
            return Err(Wrong::Name);
        }
        let literal = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        if literal.is_ok_and(|it| !self.is_open(it)) {
            return Err(Wrong::Closed);
        }
        Ok(Target(url))
    }

    /// Whether `host` may be the name of anyone: of a name's form (RFC 1035), and none of which RFC 6761 says that it leads to this
    /// machine or nowhere.
    fn leads(&self, host: &str) -> bool {
        let name = host.strip_suffix('.').unwrap_or(host);
        let of = |it: &str| name.rsplit('.').next() == Some(it);
        let here = of("localhost") && !self.is_open(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let formed = name.len() <= 253 && name.split('.').all(|it| (1..=63).contains(&it.len()));
        formed && !here && !of("invalid")
    }

    /// Whether `address` may be connected to.
    #[must_use]
    pub fn is_open(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.allowed.iter().any(|it| it.contains(&address))
            || match address {
                IpAddr::V4(it) => self.is_open_v4(it),
                IpAddr::V6(it) => self.is_open_v6(it),
            }
    }

    fn is_open_v4(&self, address: Ipv4Addr) -> bool {
        !self.closed.0.iter().any(|it| it.contains(&address))
    }

    fn is_open_v6(&self, address: Ipv6Addr) -> bool {
        if self.translated.contains(&address) {
            let [.., a, b, c, d] = address.octets();
            return self.is_open_v4(Ipv4Addr::new(a, b, c, d));
        }
        self.open.contains(&address) && !self.closed.1.iter().any(|it| it.contains(&address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(allow: &[&str]) -> Rules {
        let allow: Vec<_> = allow.iter().map(|it| (*it).to_owned()).collect();
        Rules::new(&allow, &[443, 8443]).expect("rules")
    }

    #[test]
    fn every_range_is_read() {
        let it = rules(&[]);
        assert_eq!((it.closed.0.len(), it.closed.1.len()), (CLOSED_V4.len(), CLOSED_V6.len()));
        assert!(Rules::new(&["10.0.0.0/33".to_owned()], &[]).is_err());
    }

    /// W-01: hosts that lead inside, however they are written, are refused before anything is resolved.
    #[test]
    fn w_01_addresses_inside_are_refused_however_they_are_written() {
        let hosts = include_str!("closed.txt").lines().filter(|it| !it.is_empty()).collect::<Vec<_>>();
        assert!(hosts.len() >= 60, "{}", hosts.len());
        for host in hosts {
            let found = rules(&[]).target(&format!("https://{host}/hook"));
            assert!(matches!(found, Err(Wrong::Closed | Wrong::Form)), "{host} {found:?}");
        }
    }

    /// The control: what is open is taken, and so is what the plan allows.
    #[test]
    fn w_01_addresses_outside_are_taken() {
        for host in [
            "8.8.8.8",
            "1.1.1.1",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "[2606:4700:4700::1111]",
            "[64:ff9b::808:808]",
            "hooks.example.org",
        ] {
            assert!(rules(&[]).target(&format!("https://{host}/hook")).is_ok(), "{host}");
        }
        assert!(rules(&["127.0.0.0/8"]).target("https://127.0.0.1/").is_ok());
        assert!(rules(&["127.0.0.1"]).target("https://[::ffff:7f00:1]/").is_ok());
        assert_eq!(rules(&["127.0.0.1"]).target("https://127.0.0.2/"), Err(Wrong::Closed));
    }

    #[test]
    fn an_address_is_of_https_and_says_no_more_than_where() {
        for (text, wrong) in [
            ("http://hooks.example.org/", Wrong::Form),
            ("ftp://hooks.example.org/", Wrong::Form),
            ("https://", Wrong::Form),
            ("hooks.example.org", Wrong::Form),
            ("", Wrong::Form),
            ("file:///etc/passwd", Wrong::Form),
            ("https://user@hooks.example.org/", Wrong::Parts),
            ("https://user:word@hooks.example.org/", Wrong::Parts),
            ("https://:word@hooks.example.org/", Wrong::Parts),
            ("https://hooks.example.org/#x", Wrong::Parts),
            ("https://hooks.example.org:22/", Wrong::Port),
            ("https://hooks.example.org:80/", Wrong::Port),
            ("https://localhost/", Wrong::Name),
            ("https://LOCALHOST./", Wrong::Name),
            ("https://hooks.localhost/", Wrong::Name),
            ("https://hooks.invalid/", Wrong::Name),
            ("https://.../", Wrong::Name),
            ("https://a..b/", Wrong::Name),
            ("https://.b/", Wrong::Name),
            (&format!("https://{}.org/", "a".repeat(64)), Wrong::Name),
            (&format!("https://{}org/", "hooks.".repeat(50)), Wrong::Name),
        ] {
            assert_eq!(rules(&[]).target(text), Err(wrong), "{text}");
        }
        let (most, label) =
            (format!("https://{}org/", "abcde.".repeat(41)), format!("https://{}.org", "a".repeat(63)));
        for text in [
            "https://hooks.example.org",
            "https://hooks.example.org:8443/a?b=c",
            "https://hooks.example.org./",
            "https://invalid.example.org/",
            "https://localhost.example.org/",
            &most,
            &label,
        ] {
            assert!(rules(&[]).target(text).is_ok(), "{text}");
        }
        assert!(rules(&["127.0.0.0/8"]).target("https://localhost/").is_ok());
    }
}
