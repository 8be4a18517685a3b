//! The cursors of lists: opaque, and signed, so that none is a question that we didn't ask.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// What signs the cursors.
pub struct Cursors(Hmac<Sha256>);

/// The cursors of one list, for one caller: another list's, and another's, are none of them.
pub struct Mine(Hmac<Sha256>);

/// As much of a signature as is sent: 16 bytes.
const SIGNATURE: usize = 16;

impl Cursors {
    /// Cursors signed with `secret`, which all nodes of a service share.
    ///
    /// # Panics
    /// Never: this signature takes keys of any length.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        Self(Hmac::new_from_slice(secret).expect("a key of any length"))
    }

    /// Those of `list`, for `caller`. Neither name has a colon.
    #[must_use]
    pub fn of(&self, list: &str, caller: &str) -> Mine {
        Mine(self.0.clone().chain_update(format!("cursor:{list}:{caller}:")))
    }
}

impl Mine {
    /// The cursor that goes on after `place`.
    #[must_use]
    pub fn after(&self, place: &impl ToString) -> String {
        let text = place.to_string();
        let signature = self.0.clone().chain_update(&text).finalize().into_bytes();
        BASE64_URL_SAFE_NO_PAD.encode([&signature[..SIGNATURE], text.as_bytes()].concat())
    }

    /// After which place `cursor` goes on, as `parse` reads it; none if it isn't one of these.
    #[must_use]
    pub fn read<T>(&self, cursor: &str, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (signature, text) = bytes.split_at_checked(SIGNATURE)?;
        let text = std::str::from_utf8(text).ok()?;
        self.0.clone().chain_update(text).verify_truncated_left(signature).ok()?;
        parse(text)
    }
}
