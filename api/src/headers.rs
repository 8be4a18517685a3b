//! What the head of a request says: where it goes, by `Idempotency-Key` which of several it is, by `If-Match` of what.

use std::future::{Ready, ready};

use actix_web::dev::RequestHead;
use actix_web::http::header::{HeaderMap, IF_MATCH, UPGRADE};
use actix_web::{FromRequest, HttpRequest, dev};
use kernel::Read;
use store::IdempotencyKey;

use crate::body::Open;
use crate::caller::{Caller, Permission};
use crate::{Problem, problem};

/// Why a request is none that this service could take, if so.
#[must_use]
pub fn misdirected(head: &RequestHead) -> Option<Problem> {
    if !head.uri.path().starts_with('/') {
        return Some(problem::MALFORMED.because("The target of the request must be a path of this service."));
    }
    // The server takes all that follows such a head for its body, whatever its length is said to be.
    let mut upgrades = head.headers.get_all(UPGRADE);
    let socket = upgrades.any(|it| it.as_bytes().trim_ascii().eq_ignore_ascii_case(b"websocket"));
    socket.then(|| problem::MALFORMED.because("This service has no WebSocket: leave out Upgrade."))
}

/// A request's `Idempotency-Key`, still to be read.
pub struct Once {
    key: Result<Option<String>, Problem>,
    /// Method and route template.
    route: String,
    path: String,
}

impl Once {
    /// The key of a request from `caller` for `site`: by it a repeated request is known.
    ///
    /// # Errors
    /// 400 where the key has a wrong form, or a system client sent none.
    pub fn key<P: Permission, T: Read>(
        self,
        caller: &Caller<P>,
        site: &str,
        body: &Open<T>,
    ) -> Result<Option<IdempotencyKey>, Problem> {
        let Some(key) = self.key? else {
            let system = caller.credential.of_system;
            return if system { Err(problem::KEY_REQUIRED.problem()) } else { Ok(None) };
        };
        let scope = format!("{} {site} {}", caller.credential.login, self.route);
        Ok(Some(IdempotencyKey { scope, key, fingerprint: format!("{} {}", self.path, body.digest()) }))
    }
}

impl FromRequest for Once {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let route = format!("{} {}", request.method(), request.match_pattern().unwrap_or_default());
        let path = request.path().to_owned();
        let key = only(request.headers(), "idempotency-key")
            .map_err(|()| problem::KEY_INVALID.problem())
            .and_then(|key| {
                let right =
                    |it: &str| (1..=255).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_graphic());
                match key {
                    Some(key) if !right(key) => Err(problem::KEY_INVALID.problem()),
                    key => Ok(key.map(str::to_owned)),
                }
            });
        ready(Ok(Self { key, route, path }))
    }
}

/// The version that `If-Match` names; the rest of the `ETag` is for caches.
pub struct IfMatch(Result<Option<i32>, Problem>);

impl IfMatch {
    /// Of a request that names none.
    pub(crate) const NONE: Self = Self(Ok(None));

    /// The version.
    ///
    /// # Errors
    /// 428 where the header is missing, 400 where it isn't an `ETag` of ours.
    pub fn version(self) -> Result<i32, Problem> {
        self.0?.ok_or_else(|| problem::PRECONDITION.problem())
    }

    /// The version, where the header is there: without one, whatever is there is changed.
    ///
    /// # Errors
    /// 400 where it isn't an `ETag` of ours.
    pub fn if_sent(self) -> Result<Option<i32>, Problem> {
        self.0
    }
}

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let version = match only(request.headers(), IF_MATCH.as_str()) {
            Ok(None) => Ok(None),
            Ok(Some(etag)) => version(etag).map(Some).ok_or_else(|| problem::IF_MATCH.problem()),
            Err(()) => Err(problem::IF_MATCH.problem()),
        };
        ready(Ok(Self(version)))
    }
}

fn version(etag: &str) -> Option<i32> {
    let (version, digest) = etag.strip_prefix('"')?.strip_suffix('"')?.split_once('.')?;
    let hex = digest.len() == 8 && digest.bytes().all(|it| it.is_ascii_hexdigit());
    let digits = version.bytes().all(|it| it.is_ascii_digit());
    if hex && digits { version.parse().ok() } else { None }
}

/// The one value of a header; an error where it is sent twice or isn't text.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>, ()> {
    let mut sent = headers.get_all(name);
    match (sent.next(), sent.next()) {
        (None, _) => Ok(None),
        (Some(one), None) => one.to_str().map(Some).map_err(drop),
        _ => Err(()),
    }
}
