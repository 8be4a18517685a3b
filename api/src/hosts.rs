//! The names by which the service is reached: a request for another is refused (I-15).

use actix_web::HttpRequest;
use actix_web::http::header::HOST;
use actix_web::http::uri::Authority;

/// The names by which the service is reached, beside loopback's.
#[derive(Debug, Default)]
pub struct Hosts(Vec<String>);

impl Hosts {
    /// These names, beside loopback's.
    #[must_use]
    pub fn new(names: &[String]) -> Self {
        Self(names.iter().map(|it| it.to_ascii_lowercase()).collect())
    }

    /// Whether a request is for one of them. Those who ask for health reach each node by its address.
    #[must_use]
    pub fn know(&self, request: &HttpRequest) -> bool {
        if request.path().starts_with("/healthz/") {
            return true;
        }
        let mut sent = request.headers().get_all(HOST).map(|it| it.to_str().unwrap_or_default());
        let named = match (sent.next(), sent.next()) {
            (Some(host), None) => self.has(host),
            _ => false,
        };
        named && request.uri().authority().is_none_or(|it| self.has(it.as_str()))
    }

    fn has(&self, host: &str) -> bool {
        let Some(name) = name(host) else { return false };
        is_loopback(&name) || self.0.contains(&name)
    }
}

/// Whether `host`, a name with or without a port, is this machine's own.
#[must_use]
pub fn local(host: &str) -> bool {
    name(host).is_some_and(|it| is_loopback(&it))
}

/// Whether `it` is a name or an address alone.
#[must_use]
pub fn is_name(it: &str) -> bool {
    it.parse::<Authority>().is_ok_and(|name| name.host() == it && !it.is_empty())
}

/// The name in `Host`, without its port.
fn name(host: &str) -> Option<String> {
    let authority = host.parse::<Authority>().ok().filter(|_| !host.contains('@'))?;
    Some(authority.host().trim_end_matches('.').to_ascii_lowercase())
}

fn is_loopback(name: &str) -> bool {
    ["localhost", "127.0.0.1", "[::1]"].contains(&name)
}
