//! The keys of the OpenID provider at which people log in.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

use chrono::{DateTime, Utc};

use super::guarded;
use super::remote::Remote;
use super::seen::Seen;
use super::set::{Key, Set, Signs};

/// The public keys of people's issuer, of which a token's `kid` picks one.
pub struct Keys {
    issuer: String,
    source: Source,
    pub(super) seen: Seen,
}

/// Where they come from.
enum Source {
    Fixed(Arc<Set>),
    File(PathBuf, Box<RwLock<Read>>),
    Provider(Arc<Remote>),
}

/// The keys in force, and the file as it was when they were read.
struct Read {
    seen: Option<Metadata>,
    set: Arc<Set>,
}

impl Keys {
    /// The keys of `issuer`, from a JWK set: Ed25519 for `EdDSA`, P-256 for `ES256`, RSA for `RS256`. Others in it are left
    /// aside.
    ///
    /// # Errors
    /// Which key can't be used, and why; or that there is none.
    pub fn parse(issuer: &str, jwks: &str) -> Result<Self, String> {
        let set = Arc::new(Set::parse(Signs::Tokens, jwks)?);
        Ok(Self { issuer: issuer.to_owned(), source: Source::Fixed(set), seen: Seen::default() })
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
        let read = Box::new(RwLock::new(Read { seen: Some(seen), set }));
        Ok(Self {
            issuer: issuer.to_owned(),
            source: Source::File(file.to_owned(), read),
            seen: Seen::default(),
        })
    }

    /// The keys that `issuer` publishes as an OpenID provider (Discovery 1.0). They are fetched when the first token comes, or by
    /// [`refresh`](Self::refresh), and again when they are five minutes old or a token names another.
    #[must_use]
    pub fn of_provider(issuer: &str) -> Self {
        let source = Source::Provider(Arc::new(Remote::of_provider(issuer)));
        Self { issuer: issuer.to_owned(), source, seen: Seen::default() }
    }

    /// Who signs with them.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The keys in force, as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> String {
        match &self.source {
            Source::Fixed(set) => set.jwks.clone(),
            Source::File(file, read) => in_force(file, read).jwks.clone(),
            Source::Provider(remote) => remote.held().jwks.clone(),
        }
    }

    /// Fetches what is fetched again, if it is old.
    pub async fn refresh(&self, now: DateTime<Utc>) {
        if let Source::Provider(remote) = &self.source {
            remote.refresh(now).await;
        }
    }

    pub(super) async fn key(&self, kid: &str, now: DateTime<Utc>) -> Option<Arc<Key>> {
        match &self.source {
            Source::Fixed(set) => set.key(kid),
            Source::File(file, read) => in_force(file, read).key(kid),
            Source::Provider(remote) => remote.key(kid, now).await,
        }
    }
}

/// The keys in `file`. One that can't be used leaves those of before, and says so in the log.
fn in_force(file: &Path, read: &RwLock<Read>) -> Arc<Set> {
    let now = fs::metadata(file).ok();
    let known = guarded(read.read());
    if same(known.seen.as_ref(), now.as_ref()) {
        return Arc::clone(&known.set);
    }
    drop(known);
    let mut read = guarded(read.write());
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

/// Whether a file is the one that it was.
fn same(was: Option<&Metadata>, is: Option<&Metadata>) -> bool {
    #[cfg(unix)]
    let inode = |it: &Metadata| std::os::unix::fs::MetadataExt::ino(it);
    #[cfg(not(unix))]
    let inode = |_: &Metadata| 0;
    let seen = |it: &Metadata| (inode(it), it.len(), it.modified().ok());
    was.map(seen) == is.map(seen)
}
