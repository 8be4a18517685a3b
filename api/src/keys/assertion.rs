//! What a system client asserts to prove who it is (SMART Backend Services, RFC 7523), verified strictly.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::PrincipalId;
use registry::ClientKeySource;
use serde::Deserialize;

use super::set::{Key, Set, Signs, name};
use super::{ClientKeys, LEEWAY, LONGEST, claims, part};

/// How far ahead an assertion may expire.
const LONG: TimeDelta = TimeDelta::minutes(5);

/// A key of no one for each algorithm: whoever isn't known is refused no sooner than who signs with another key, so that the time
/// it takes doesn't tell who is a client.
static STRANGERS: LazyLock<Set> = LazyLock::new(|| {
    Set::on_record(Signs::Assertions, include_str!("strangers.json")).expect("the keys of no one are keys")
});

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
        source: Option<&ClientKeySource>,
        fetched: &ClientKeys,
        audience: &str,
        now: DateTime<Utc>,
    ) -> Result<Assertion, &'static str> {
        let found = self.key(source, fetched, now).await;
        let key = found.as_ref().map_or_else(|_| STRANGERS.key(&self.head.alg), |it| Some(Arc::clone(it)));
        let signed = key.and_then(|it| claims::<Claims>(&self.text, &it));
        found?;
        let claims = signed.ok_or("another signature, or claims of another form")?;
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

    /// The key that it names, if that is one of its client's and of the algorithm.
    async fn key(
        &self,
        source: Option<&ClientKeySource>,
        fetched: &ClientKeys,
        now: DateTime<Utc>,
    ) -> Result<Arc<Key>, &'static str> {
        let (key, url) = match source.ok_or("not a client, not any more, or without keys")? {
            ClientKeySource::Set(jwks) => {
                let set = Set::on_record(Signs::Assertions, jwks);
                (set.map_err(|_| "the client's keys can't be used")?.key(&self.head.kid), None)
            }
            ClientKeySource::Url(url) => (fetched.key(url, &self.head.kid, now).await, Some(url)),
        };
        let key = key.ok_or("no such `kid`")?;
        if self.head.jku.as_ref().is_some_and(|it| Some(it) != url) {
            return Err("another `jku`");
        }
        if self.head.alg == name(key.algorithm) { Ok(key) } else { Err("another `alg`") }
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    use super::*;
    use crate::keys::VERIFIED;

    const CLIENT: &str = "cli_0198c1f2a4b37c10a1b2c3d4e5f60703";

    fn asserted(algorithm: &str, kid: &str) -> Asserted {
        let part = |it: &Value| BASE64_URL_SAFE_NO_PAD.encode(it.to_string());
        let long = if algorithm == "ES384" { 96 } else { 256 };
        let signature = BASE64_URL_SAFE_NO_PAD.encode(vec![1; long]);
        let (head, claims) = (json!({"alg": algorithm, "kid": kid}), json!({"iss": CLIENT}));
        Asserted::read(&format!("{}.{}.{signature}", part(&head), part(&claims))).expect("an assertion")
    }

    /// One signature is verified, whoever it is that is refused: the strangers' keys stand for a client's, too.
    #[test]
    fn whoever_is_refused_has_one_signature_verified() {
        let known = ClientKeySource::Set(include_str!("strangers.json").to_owned());
        let now = DateTime::UNIX_EPOCH;
        for (source, algorithm, kid, cause, verified) in [
            (Some(&known), "ES384", "ES384", "another signature, or claims of another form", 1),
            (Some(&known), "RS384", "RS384", "another signature, or claims of another form", 1),
            (Some(&known), "ES384", "RS384", "another `alg`", 1),
            (Some(&known), "ES384", "x", "no such `kid`", 1),
            (Some(&known), "RS384", "x", "no such `kid`", 1),
            (None, "ES384", "x", "not a client, not any more, or without keys", 1),
            (None, "RS384", "x", "not a client, not any more, or without keys", 1),
            // The control: what no key could have signed isn't verified, for anyone.
            (Some(&known), "HS256", "ES384", "another `alg`", 0),
            (None, "HS256", "ES384", "not a client, not any more, or without keys", 0),
        ] {
            let before = VERIFIED.get();
            let (asserted, fetched) = (asserted(algorithm, kid), ClientKeys::default());
            let done = asserted.verify(source, &fetched, "x", now);
            let done = actix_web::rt::System::new().block_on(done);
            assert_eq!(done.expect_err("refused"), cause);
            assert_eq!(VERIFIED.get() - before, verified, "{algorithm} {kid} {}", source.is_some());
        }
    }
}
