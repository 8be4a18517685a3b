//! Secrets as they are kept: encrypted with a key that the database doesn't have.

use base64::Engine;
use base64::prelude::BASE64_STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key, KeyInit, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

const NONCE: usize = 24;

/// What seals secrets and opens them again.
pub struct Seal(XChaCha20Poly1305);

impl Seal {
    /// By a key made of `secret`, which all nodes share, for secrets of this kind and no others.
    ///
    /// # Panics
    /// Never: 32 bytes can be made of any secret.
    #[must_use]
    pub fn new(secret: &[u8], kind: &str) -> Self {
        let mut key = Key::default();
        Hkdf::<Sha256>::new(None, secret).expand(kind.as_bytes(), &mut key).expect("32 bytes of a key");
        Self(XChaCha20Poly1305::new(&key))
    }

    /// `secret`, sealed for whatever `of` names.
    ///
    /// # Errors
    /// If the machine has no random bytes.
    pub fn seal(&self, of: &str, secret: &[u8]) -> Result<String, String> {
        let mut nonce = XNonce::default();
        getrandom::fill(&mut nonce).map_err(|it| it.to_string())?;
        let sealed = Payload { msg: secret, aad: of.as_bytes() };
        let sealed = self.0.encrypt(&nonce, sealed).map_err(|it| it.to_string())?;
        Ok(BASE64_STANDARD_NO_PAD.encode([&nonce[..], &sealed].concat()))
    }

    /// What was sealed for whatever `of` names; none where it was for something else, or with another key.
    #[must_use]
    pub fn open(&self, of: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64_STANDARD_NO_PAD.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce = XNonce::from(<[u8; NONCE]>::try_from(nonce).ok()?);
        self.0.decrypt(&nonce, Payload { msg: sealed, aad: of.as_bytes() }).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_own_only() {
        let (seal, other) = (Seal::new(b"a secret", "webhooks"), Seal::new(b"a secret", "mail"));
        let sealed = seal.seal("whk_1", b"word").expect("sealed");
        assert_eq!(seal.open("whk_1", &sealed).as_deref(), Some(&b"word"[..]));
        assert_ne!(seal.seal("whk_1", b"word").expect("sealed"), sealed);
        for found in [
            seal.open("whk_2", &sealed),
            other.open("whk_1", &sealed),
            Seal::new(b"another", "webhooks").open("whk_1", &sealed),
            seal.open("whk_1", &sealed[..sealed.len() - 2]),
            seal.open("whk_1", ""),
            seal.open("whk_1", "?"),
        ] {
            assert_eq!(found, None);
        }
    }
}
