//! Access tokens (RFC 9068), verified strictly: a token says who calls; what they may do is in the database.
//!
//! Those of people come from the plan's OpenID provider, those of system clients from the service itself, for what they assert.

mod assertion;
mod own;
mod people;
mod remote;
mod seen;
mod set;

use std::sync::PoisonError;

use actix_web::http::header::HeaderValue;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Validation, decode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use self::set::{Key, name};

pub use assertion::{Asserted, Assertion};
pub use own::{Own, words};
pub use people::Keys;
pub(crate) use people::same;
pub use remote::{ClientKeys, address};
pub use set::check;

/// What every token is for.
pub const AUDIENCE: &str = "lanyard";

/// How far the clocks of issuer and service may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The longest token that is looked at.
const LONGEST: usize = 8192;

/// What a token says, each claim required and of its one type.
#[derive(Debug, Clone, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Who calls.
    pub sub: String,
    /// The program through which they call.
    pub client_id: String,
    /// The scopes that the token carries, separated by spaces.
    pub scope: String,
    iat: i64,
    exp: i64,
    nbf: Option<i64>,
    jti: String,
    acr: Option<String>,
    auth_time: Option<i64>,
    /// Whether the service gave it to a system client.
    #[serde(skip)]
    pub of_system: bool,
}

/// What login the operations take that take more than any (J-07).
#[derive(Debug, Clone)]
pub struct StepUp {
    /// The values of `acr` that stand for more than a password.
    pub acr: Vec<String>,
    /// How long ago it may have been.
    pub age: TimeDelta,
}

impl StepUp {
    /// What `WWW-Authenticate` asks for where the login isn't such a one (RFC 9470).
    #[must_use]
    pub fn challenge(&self) -> HeaderValue {
        let plain = |it: &&String| it.bytes().all(|it| it.is_ascii_graphic() && !br#""\"#.contains(&it));
        let acr: Vec<_> = self.acr.iter().filter(plain).map(String::as_str).collect();
        let error = r#"Bearer error="insufficient_user_authentication""#;
        let text =
            format!(r#"{error}, acr_values="{}", max_age="{}""#, acr.join(" "), self.age.num_seconds());
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(error))
    }
}

/// The whole of a token's head; one that says more (`jku`, `jwk`, `x5u`, `crit` …) is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

/// By whose keys a token is to be verified, if it is to be believed at all.
#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

/// What `token` says, if it is a good one at `now`, of the service's own or of people's issuer. Why one isn't is told to no one.
pub async fn verify(token: &str, own: &Own, people: &Keys, now: DateTime<Utc>) -> Option<Claims> {
    if token.len() > LONGEST {
        return None;
    }
    let (head, Issuer { iss }): (Head, Issuer) = (part(token, 0)?, part(token, 1)?);
    if !head.typ.eq_ignore_ascii_case("at+jwt") {
        return None;
    }
    let of_system = iss == own.name;
    let key = match of_system {
        true => own.set.key(&head.kid)?,
        // No one else's token has us ask the provider for its key.
        false if iss == people.issuer() => people.key(&head.kid, now).await?,
        false => return None,
    };
    if head.alg != name(key.algorithm) {
        return None;
    }
    let mut claims = people.seen.claims(token, &key, now, || claims(token, &key))?;
    claims.of_system = of_system;
    (claims.iss == iss && claims.are_good(now)).then_some(claims)
}

/// What a part of a token says, which may be anything.
fn part<T: DeserializeOwned>(token: &str, place: usize) -> Option<T> {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(place)?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

#[cfg(test)]
thread_local! {
    /// How many signatures this thread has verified.
    static VERIFIED: std::cell::Cell<u32> = const { std::cell::Cell::new(0) };
}

/// What a token claims, if it is signed with `key`.
fn claims<T: DeserializeOwned>(token: &str, key: &Key) -> Option<T> {
    #[cfg(test)]
    VERIFIED.set(VERIFIED.get() + 1);
    let mut only = Validation::new(key.algorithm);
    // The library would compare with the machine's clock, and skips claims of a wrong type: all of it is done here.
    only.required_spec_claims.clear();
    (only.validate_exp, only.validate_nbf, only.validate_aud) = (false, false, false);
    Some(decode(token, &key.public, &only).ok()?.claims)
}

/// What a lock guards. That a thread panicked while it held one leaves a whole value all the same.
fn guarded<G>(lock: Result<G, PoisonError<G>>) -> G {
    lock.unwrap_or_else(PoisonError::into_inner)
}

impl Claims {
    /// Whether its holder logged in lately, and by more than a password.
    #[must_use]
    pub fn is_strong(&self, step_up: &StepUp, now: DateTime<Utc>) -> bool {
        let acr = self.acr.as_ref().is_some_and(|it| step_up.acr.contains(it));
        let since = |it: i64| now.timestamp().saturating_sub(it);
        acr && self.auth_time.is_some_and(|it| since(it) <= step_up.age.num_seconds())
    }

    fn are_good(&self, now: DateTime<Utc>) -> bool {
        let (now, soon) = (now.timestamp(), (now + LEEWAY).timestamp());
        let person = !self.of_system;
        self.aud == AUDIENCE
            && now < self.exp
            && self.iat <= soon
            && self.iat < self.exp
            && self.nbf.is_none_or(|it| it <= soon)
            && (1..=255).contains(&self.sub.len())
            && self.sub.bytes().all(|it| it.is_ascii_graphic())
            && !self.jti.is_empty()
            && (1..=255).contains(&self.client_id.len())
            && self.client_id.bytes().all(|it| it.is_ascii_graphic())
            && (!person || (self.acr.is_some() && self.auth_time.is_some_and(|it| it <= soon)))
    }
}
