//! The names by which the service is reached: a request for another is refused (I-15).

use std::fmt;
use std::net::Ipv6Addr;

use actix_web::HttpRequest;
use actix_web::http::header::HOST;

/// A name or an address, in its one form, and the port where one is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// Small letters, without the last dot; an IPv6 address in its brackets.
    pub name: String,
    /// The port.
    pub port: Option<u16>,
}

impl Host {
    /// Reads what `Host` may hold (RFC 9110), and nothing else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let end =
            if text.starts_with('[') { text.find(']')? + 1 } else { text.find(':').unwrap_or(text.len()) };
        let (name, port) = text.split_at(end);
        let digits = |it: &&str| it.bytes().all(|it| it.is_ascii_digit());
        let port = match port {
            "" => None,
            it => Some(it.strip_prefix(':').filter(digits)?.parse().ok()?),
        };
        let name = match name.strip_prefix('[').and_then(|it| it.strip_suffix(']')) {
            Some(address) => format!("[{}]", address.parse::<Ipv6Addr>().ok()?),
            None => name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase(),
        };
        (name.starts_with('[') || name.split('.').all(is_label)).then_some(Self { name, port })
    }

    /// Whether it is this machine itself.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        ["localhost", "127.0.0.1", "[::1]"].contains(&&*self.name)
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.port.map_or(Ok(()), |it| write!(f, ":{it}"))
    }
}

fn is_label(it: &str) -> bool {
    let inner = |it: u8| it.is_ascii_alphanumeric() || it == b'-' || it == b'_';
    (1..=63).contains(&it.len()) && it.bytes().all(inner)
}

/// The names by which the service is reached, beside loopback's.
#[derive(Debug, Default)]
pub struct Hosts(Vec<Host>);

impl Hosts {
    /// These names, beside loopback's.
    ///
    /// # Errors
    /// The first that isn't a name or an address alone.
    pub fn new(names: &[String]) -> Result<Self, String> {
        let alone = |it: &String| Host::parse(it).filter(|it| it.port.is_none()).ok_or_else(|| it.clone());
        names.iter().map(alone).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a request is for one of them.
    #[must_use]
    pub fn know(&self, request: &HttpRequest) -> bool {
        let authority = request.uri().authority().is_none_or(|it| self.has(it.as_str()));
        authority && self.asked(request).is_some()
    }

    /// The one that a request is for.
    #[must_use]
    pub fn asked(&self, request: &HttpRequest) -> Option<Host> {
        let mut sent = request.headers().get_all(HOST);
        let (host, None) = (sent.next()?, sent.next()) else { return None };
        Host::parse(host.to_str().ok()?).filter(|it| self.knows(it))
    }

    fn has(&self, text: &str) -> bool {
        Host::parse(text).is_some_and(|it| self.knows(&it))
    }

    fn knows(&self, it: &Host) -> bool {
        it.is_loopback() || self.0.iter().any(|known| known.name == it.name)
    }
}
