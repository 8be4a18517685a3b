//! Signatures by Standard Webhooks: of one secret that both sides have, and of a key whose public half the receiver has.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ed25519_dalek::{Signer, SigningKey};
use hmac::{Hmac, Mac};
use sha2::Sha256;

/// How many bytes each of the two has.
const LENGTH: usize = 32;

/// What the messages to one receiver are signed with.
pub struct Secrets {
    shared: [u8; LENGTH],
    key: SigningKey,
}

impl Secrets {
    /// New ones.
    ///
    /// # Errors
    /// If the machine has no random bytes.
    pub fn random() -> Result<Self, String> {
        let mut bytes = [0; 2 * LENGTH];
        getrandom::fill(&mut bytes).map_err(|it| it.to_string())?;
        Self::of_bytes(&bytes).ok_or_else(|| "too few bytes".to_owned())
    }

    /// Those that [`bytes`](Self::bytes) gave.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let (shared, key) = bytes.split_at_checked(LENGTH)?;
        let key = SigningKey::from_bytes(key.try_into().ok()?);
        Some(Self { shared: shared.try_into().ok()?, key })
    }

    /// All there is to them, to be sealed.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        [self.shared, self.key.to_bytes()].concat()
    }

    /// The secret that the receiver has, too (`whsec_…`).
    #[must_use]
    pub fn shared(&self) -> String {
        format!("whsec_{}", BASE64_STANDARD.encode(self.shared))
    }

    /// The public key (`whpk_…`).
    #[must_use]
    pub fn public(&self) -> String {
        format!("whpk_{}", BASE64_STANDARD.encode(self.key.verifying_key().as_bytes()))
    }

    fn signatures(&self, content: &[u8]) -> [String; 2] {
        let shared = Hmac::<Sha256>::new_from_slice(&self.shared).expect("a key of any length");
        let shared = shared.chain_update(content).finalize().into_bytes();
        let own = self.key.sign(content).to_bytes();
        [format!("v1,{}", BASE64_STANDARD.encode(shared)), format!("v1a,{}", BASE64_STANDARD.encode(own))]
    }
}

/// The headers of the message `id` with this `body`, sent at `timestamp` (seconds), signed with each of `secrets`.
#[must_use]
pub fn signed(secrets: &[Secrets], id: &str, timestamp: i64, body: &str) -> [(&'static str, String); 3] {
    let content = format!("{id}.{timestamp}.{body}");
    let all: Vec<_> = secrets.iter().flat_map(|it| it.signatures(content.as_bytes())).collect();
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp.to_string()),
        ("webhook-signature", all.join(" ")),
    ]
}
