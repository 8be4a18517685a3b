//! Tokens whose signature proved good: it is verified once a token, and not once a request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::set::Key;
use super::{Claims, guarded};

/// The most that are remembered.
const MOST: usize = 10_000;

/// What was verified, by the digest of the token: with which key, and what it says.
#[derive(Default)]
pub(super) struct Seen(Mutex<HashMap<[u8; 32], (Arc<Key>, Claims)>>);

impl Seen {
    /// What `token` says, if it is signed with `key`; a key that isn't in force any more is another one. All else about it is for
    /// the caller to look at, each time anew.
    pub(super) fn claims(
        &self,
        token: &str,
        key: &Arc<Key>,
        now: DateTime<Utc>,
        verify: impl FnOnce() -> Option<Claims>,
    ) -> Option<Claims> {
        let digest = Sha256::digest(token).into();
        if let Some((by, claims)) = guarded(self.0.lock()).get(&digest)
            && Arc::ptr_eq(by, key)
        {
            return Some(claims.clone());
        }
        let claims = verify()?;
        let mut seen = guarded(self.0.lock());
        if seen.len() >= MOST {
            seen.retain(|_, it| it.1.exp > now.timestamp());
            if seen.len() >= MOST {
                seen.clear();
            }
        }
        seen.insert(digest, (Arc::clone(key), claims.clone()));
        Some(claims)
    }
}
