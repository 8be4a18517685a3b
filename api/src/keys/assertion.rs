//! What a system client asserts to prove who it is (SMART Backend Services, RFC 7523), verified strictly.

use chrono::{DateTime, TimeDelta, Utc};
use kernel::PrincipalId;
use registry::ClientKeySource;
use serde::Deserialize;

use super::set::{Set, Signs, name};
use super::{ClientKeys, LEEWAY, LONGEST, claims, part};

/// How far ahead an assertion may expire.
const LONG: TimeDelta = TimeDelta::minutes(5);

/// What a client asserts, still to be verified by its keys.
pub struct Asserted {
    text: String,
    head: Head,
    /// Who it says it is.
    pub client: PrincipalId,
}

/// A good assertion, which may be taken once.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// Who it is.
    pub client: PrincipalId,
    /// Its name for this assertion.
    pub jti: String,
    /// Until when it is good.
    pub expires_at: DateTime<Utc>,
}

/// The whole of its head. `jku` may only repeat what is on record.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: Option<String>,
    kid: String,
    jku: Option<String>,
}

#[derive(Deserialize)]
struct Issuer {
    iss: String,
}

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    iat: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

impl Asserted {
    /// Reads `text`; nothing of it is believed yet.
    ///
    /// # Errors
    /// Why it can't be an assertion, for the log.
    pub fn read(text: &str) -> Result<Self, &'static str> {
        if text.len() > LONGEST {
            return Err("too long");
        }
        let head: Head = part(text, 0).ok_or("a head of another form")?;
        if head.typ.as_ref().is_some_and(|it| !it.eq_ignore_ascii_case("jwt")) {
            return Err("another `typ`");
        }
        let Issuer { iss } = part(text, 1).ok_or("no `iss`")?;
        let client =
            PrincipalId::parse(&iss).filter(|it| it.starts_with("cli_")).ok_or("`iss` is no client")?;
        Ok(Self { text: text.to_owned(), head, client })
    }

    /// Verifies it by its client's keys, as made for `audience` and good at `now`.
    ///
    /// # Errors
    /// Why it isn't a good one, for the log.
    pub async fn verify(
        &self,
        source: &ClientKeySource,
        fetched: &ClientKeys,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<Assertion, &'static str> {
        let (key, url) = match source {
            ClientKeySource::Set(jwks) => {
                let set =
                    Set::parse(Signs::Assertions, jwks).map_err(|_| "the client's keys can't be used")?;
                (set.key(&self.head.kid), None)
            }
            ClientKeySource::Url(url) => (fetched.key(url, &self.head.kid, now).await, Some(url)),
        };
        let key = key.ok_or("no such `kid`")?;
        if self.head.jku.as_ref().is_some_and(|it| Some(it) != url) {
            return Err("another `jku`");
        }
        if self.head.alg != name(key.algorithm) {
            return Err("another `alg`");
        }
        let claims: Claims =
            claims(&self.text, &key).ok_or("another signature, or claims of another form")?;
        let (at, soon) = (now.timestamp(), (now + LEEWAY).timestamp());
        let problem = [
            (
                claims.iss != *self.client || claims.sub != claims.iss,
                "`iss` and `sub` aren't both the client",
            ),
            (claims.aud != audience, "another `aud`"),
            (claims.exp <= at, "expired"),
            (claims.exp > soon + LONG.num_seconds(), "`exp` is too far ahead"),
            (claims.iat.is_some_and(|it| it > soon || it >= claims.exp), "`iat` is wrong"),
            (claims.nbf.is_some_and(|it| it > soon), "not yet good"),
            (!(1..=255).contains(&claims.jti.len()) || claims.jti.contains('\0'), "`jti` has another form"),
        ];
        if let Some((_, why)) = problem.into_iter().find(|it| it.0) {
            return Err(why);
        }
        let expires_at = DateTime::from_timestamp(claims.exp, 0).ok_or("`exp` is no time")?;
        Ok(Assertion { client: self.client.clone(), jti: claims.jti, expires_at })
    }
}
