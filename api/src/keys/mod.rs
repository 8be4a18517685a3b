//! Access tokens (RFC 9068), verified strictly: a token says who calls; what they may do is in the database.

mod set;

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Validation, decode};
use serde::Deserialize;

use self::set::{Set, name};

/// What every token is for.
pub const AUDIENCE: &str = "lanyard";

/// How far the clocks of issuer and service may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// The longest token that is looked at.
const LONGEST: usize = 8192;

/// The public keys of the tokens' issuer, of which a token's `kid` picks one.
pub struct Keys {
    issuer: String,
    /// The file that they are in, if any.
    file: Option<PathBuf>,
    read: RwLock<Read>,
}

/// The keys in force, and the file as it was when they were read.
struct Read {
    seen: Option<Metadata>,
    set: Arc<Set>,
}

/// What a token says, each claim required and of its one type.
#[derive(Debug, Deserialize)]
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
    /// Whether it is a system client.
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

/// The whole of a token's head; one that says more (`jku`, `jwk`, `x5u`, `crit` …) is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    alg: String,
    typ: String,
    kid: String,
}

impl Keys {
    /// The keys of `issuer`, from a JWK set: Ed25519 for `EdDSA`, P-256 for `ES256`. Others in it are left aside.
    ///
    /// # Errors
    /// Which key can't be used, and why; or that there is none.
    pub fn parse(issuer: &str, jwks: &str) -> Result<Self, String> {
        let read = Read { seen: None, set: Arc::new(Set::parse(jwks)?) };
        Ok(Self { issuer: issuer.to_owned(), file: None, read: RwLock::new(read) })
    }

    /// The keys of `issuer` in `file`, which is read again whenever it changes: a key that is added or removed is in force,
    /// or isn't any more, at the next request (J-04).
    ///
    /// # Errors
    /// Why the file can't be read, or which key can't be used.
    pub fn of_file(issuer: &str, file: &Path) -> Result<Self, String> {
        let wrong = |it: String| format!("{}: {it}", file.display());
        let seen = fs::metadata(file).map_err(|it| wrong(it.to_string()))?;
        let set = Arc::new(Set::of_file(file).map_err(wrong)?);
        let read = RwLock::new(Read { seen: Some(seen), set });
        Ok(Self { issuer: issuer.to_owned(), file: Some(file.to_owned()), read })
    }

    /// The keys in force, as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.set().jwks.clone()
    }

    /// The keys in force. A file that can't be used leaves those of before, and says so in the log.
    fn set(&self) -> Arc<Set> {
        let Some(file) = &self.file else { return Arc::clone(&guarded(self.read.read()).set) };
        let now = fs::metadata(file).ok();
        let known = guarded(self.read.read());
        if same(known.seen.as_ref(), now.as_ref()) {
            return Arc::clone(&known.set);
        }
        drop(known);
        let mut read = guarded(self.read.write());
        // Looked at again while no one else may read it, so that an older file never takes the place of a newer one.
        let now = fs::metadata(file).ok();
        if !same(read.seen.as_ref(), now.as_ref()) {
            read.seen = now;
            match Set::of_file(file) {
                Ok(set) => read.set = Arc::new(set),
                Err(why) => ::log::error!(
                    target: "lanyard::fault", cause = why; "auth.jwks_file can't be used, and the keys of before stay"
                ),
            }
        }
        Arc::clone(&read.set)
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
        let mut claims = decode::<Claims>(token, &key.public, &only).ok()?.claims;
        claims.of_system = claims.sub.starts_with("cli_");
        claims.are_good(&self.issuer, now).then_some(claims)
    }
}

/// Whether a file is the one that it was.
fn same(was: Option<&Metadata>, is: Option<&Metadata>) -> bool {
    #[cfg(unix)]
    let inode = |it: &Metadata| std::os::unix::fs::MetadataExt::ino(it);
    #[cfg(not(unix))]
    let inode = |_: &Metadata| 0;
    let seen = |it: &Metadata| (inode(it), it.len(), it.modified().ok());
    was.map(seen) == is.map(seen)
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

    fn are_good(&self, issuer: &str, now: DateTime<Utc>) -> bool {
        let (now, soon) = (now.timestamp(), (now + LEEWAY).timestamp());
        let person = !self.of_system;
        self.iss == issuer
            && self.aud == AUDIENCE
            && now < self.exp
            && self.iat <= soon
            && self.iat < self.exp
            && self.nbf.is_none_or(|it| it <= soon)
            && (1..=255).contains(&self.sub.len())
            && self.sub.bytes().all(|it| it.is_ascii_graphic())
            && !self.jti.is_empty()
            && !self.client_id.is_empty()
            && (!person || (self.acr.is_some() && self.auth_time.is_some_and(|it| it <= soon)))
    }
}
