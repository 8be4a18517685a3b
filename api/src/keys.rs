//! Access tokens (RFC 9068), verified strictly: a token says who calls; what they may do is in the database.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use kernel::PrincipalId;
use serde::Deserialize;
use serde_json::Value;

/// What every token is for.
pub const AUDIENCE: &str = "lanyard";

/// How far the clocks of issuer and service may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The longest token that is looked at.
const LONGEST: usize = 8192;

/// The public keys of the tokens' issuer, of which a token's `kid` picks one.
pub struct Keys {
    issuer: String,
    /// The file that they are in, as it was when it was last looked at.
    file: Option<(PathBuf, RwLock<Option<Metadata>>)>,
    set: RwLock<Arc<Set>>,
}

/// The keys in force, and how they are published.
struct Set {
    keys: Vec<Key>,
    jwks: String,
}

/// A key is good for one algorithm only, whatever a token says.
struct Key {
    kid: String,
    algorithm: Algorithm,
    public: DecodingKey,
}

/// What a token says, each claim required and of its one type.
#[derive(Debug, Deserialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Who calls.
    pub sub: PrincipalId,
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
}

/// The whole of a token's head; one that says more (`jku`, `jwk`, `x5u`, `crit` …) is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

impl Keys {
    /// The keys of `issuer`, from a JWK set: Ed25519 for `EdDSA`, P-256 for `ES256`.
    ///
    /// # Errors
    /// Which key can't be used, and why; or that there is none.
    pub fn parse(issuer: &str, jwks: &str) -> Result<Self, String> {
        let set = RwLock::new(Arc::new(Set::parse(jwks)?));
        Ok(Self { issuer: issuer.to_owned(), file: None, set })
    }

    /// The keys of `issuer` in `file`, which is read again whenever it changes: a key that is added or removed is in force,
    /// or isn't any more, at the next request (J-04).
    ///
    /// # Errors
    /// Why the file can't be read, or which key can't be used.
    pub fn of_file(issuer: &str, file: &Path) -> Result<Self, String> {
        let wrong = |it: String| format!("{}: {it}", file.display());
        let seen = fs::metadata(file).map_err(|it| wrong(it.to_string()))?;
        let keys = Self::parse(issuer, &read(file).map_err(wrong)?).map_err(wrong)?;
        Ok(Self { file: Some((file.to_owned(), RwLock::new(Some(seen)))), ..keys })
    }

    /// The keys in force, as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.set().jwks.clone()
    }

    /// The keys in force. A file that can't be used leaves those of before, and says so in the log.
    fn set(&self) -> Arc<Set> {
        if let Some((file, seen)) = &self.file {
            let now = fs::metadata(file).ok();
            if changed(hold(seen.read()).as_ref(), now.as_ref()) {
                *hold(seen.write()) = now;
                match read(file).and_then(|it| Set::parse(&it)) {
                    Ok(set) => *hold(self.set.write()) = Arc::new(set),
                    Err(why) => {
                        ::log::error!(target: "lanyard::fault", cause = why; "auth.jwks_file can't be used, and the keys of before stay");
                    }
                }
            }
        }
        let set = hold(self.set.read());
        Arc::clone(&set)
    }

    /// What `token` says, if it is a good one at `now`. Why one isn't is told to no one.
    #[must_use]
    pub fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<Claims> {
        if token.len() > LONGEST {
            return None;
        }
        let head = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
        let head: Head = serde_json::from_slice(&head).ok()?;
        let set = self.set();
        let key = set.keys.iter().find(|it| it.kid == head.kid)?;
        if !head.typ.eq_ignore_ascii_case("at+jwt") || head.alg != name(key.algorithm) {
            return None;
        }
        let mut only = Validation::new(key.algorithm);
        // The library would compare with the machine's clock, and skips claims of a wrong type: all of it is done below.
        only.required_spec_claims.clear();
        (only.validate_exp, only.validate_nbf, only.validate_aud) = (false, false, false);
        let claims = decode::<Claims>(token, &key.public, &only).ok()?.claims;
        claims.hold(&self.issuer, now).then_some(claims)
    }
}

impl Set {
    fn parse(jwks: &str) -> Result<Self, String> {
        let json: Value =
            serde_json::from_str(jwks).map_err(|it| format!("the JWK set can't be read: {it}"))?;
        let set: JwkSet =
            serde_json::from_value(json.clone()).map_err(|it| format!("the JWK set can't be read: {it}"))?;
        let keys: Vec<_> = set.keys.iter().map(Key::of).collect::<Result<_, _>>()?;
        for (place, key) in keys.iter().enumerate() {
            if keys[..place].iter().any(|it| it.kid == key.kid) {
                return Err(format!("two keys have the `kid` `{}`", key.kid));
            }
            if json["keys"][place].get("d").is_some() {
                return Err(format!(
                    "the key `{}` is a private one, which only the issuer may have",
                    key.kid
                ));
            }
        }
        if keys.is_empty() {
            return Err("the JWK set has no key".to_owned());
        }
        let jwks = serde_json::to_string(&set).map_err(|it| it.to_string())?;
        Ok(Self { keys, jwks })
    }
}

fn read(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|it| it.to_string())
}

/// Whether a file is another one than it was.
fn changed(was: Option<&Metadata>, is: Option<&Metadata>) -> bool {
    #[cfg(unix)]
    let inode = |it: &Metadata| std::os::unix::fs::MetadataExt::ino(it);
    #[cfg(not(unix))]
    let inode = |_: &Metadata| 0;
    let seen = |it: &Metadata| (inode(it), it.len(), it.modified().ok());
    was.map(seen) != is.map(seen)
}

/// What a lock guards. That a thread panicked while it held one leaves a whole value all the same.
fn hold<G>(lock: Result<G, PoisonError<G>>) -> G {
    lock.unwrap_or_else(PoisonError::into_inner)
}

impl Claims {
    fn hold(&self, issuer: &str, now: DateTime<Utc>) -> bool {
        let (now, soon) = (now.timestamp(), (now + LEEWAY).timestamp());
        let person = self.sub.starts_with("usr_");
        self.iss == issuer
            && self.aud == AUDIENCE
            && now < self.exp
            && self.iat <= soon
            && self.iat < self.exp
            && self.nbf.is_none_or(|it| it <= soon)
            && !self.jti.is_empty()
            && !self.client_id.is_empty()
            && (!person || (self.acr.is_some() && self.auth_time.is_some_and(|it| it <= soon)))
    }
}

impl Key {
    fn of(jwk: &Jwk) -> Result<Self, String> {
        let kid = jwk.common.key_id.clone().ok_or("a key of the JWK set has no `kid`")?;
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(it) if it.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
            AlgorithmParameters::EllipticCurve(it) if it.curve == EllipticCurve::P256 => Algorithm::ES256,
            _ => return Err(format!("the key `{kid}` is neither Ed25519 nor P-256")),
        };
        let named = jwk.common.key_algorithm.map(|it| it.to_string());
        if named.is_some_and(|it| it != name(algorithm)) {
            return Err(format!("the key `{kid}` names an algorithm that isn't its own"));
        }
        let public =
            DecodingKey::from_jwk(jwk).map_err(|it| format!("the key `{kid}` can't be used: {it}"))?;
        Ok(Self { kid, algorithm, public })
    }
}

const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        _ => "ES256",
    }
}
