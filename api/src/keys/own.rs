//! The service's own keys, with which it signs the tokens of system clients.

use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use ed25519_dalek::{Signature, Signer, SigningKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::{Scope, fresh_id};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::AUDIENCE;
use super::set::{Set, Signs};
use crate::config;

/// The service as the issuer of its system clients' tokens: the first of its keys signs, and each verifies.
pub struct Own {
    pub(super) name: String,
    kid: String,
    secret: EncodingKey,
    keys: Vec<SigningKey>,
    pub(super) set: Set,
}

const END: &str = "-----END PRIVATE KEY-----";

impl Own {
    /// The issuer `name` with the keys in `file`, which no one else may read: Ed25519, PKCS#8, PEM.
    ///
    /// # Errors
    /// Why the file can't be used.
    pub fn of_file(name: &str, file: &Path) -> Result<Self, String> {
        let text = String::from_utf8(config::private(file)?).map_err(|it| it.to_string());
        text.and_then(|it| Self::parse(name, &it)).map_err(|it| format!("{}: {it}", file.display()))
    }

    /// The issuer `name` with these keys.
    ///
    /// # Errors
    /// Which of them can't be used, or that there is none.
    pub fn parse(name: &str, pem: &str) -> Result<Self, String> {
        let blocks = pem.split_inclusive(END).map(str::trim).filter(|it| !it.is_empty());
        let keys: Result<Vec<_>, _> = blocks.map(SigningKey::from_pkcs8_pem).collect();
        let keys = keys.map_err(|it| format!("not an Ed25519 key as PKCS#8: {it}"))?;
        let first = keys.first().ok_or("there is no key in it")?;
        let der = first.to_pkcs8_der().map_err(|it| it.to_string())?;
        let jwks = json!({"keys": keys.iter().map(public).collect::<Vec<_>>()});
        Ok(Self {
            name: name.to_owned(),
            kid: thumbprint(&x(first)),
            secret: EncodingKey::from_ed_der(der.as_bytes()),
            set: Set::parse(Signs::Tokens, &jwks.to_string())?,
            keys,
        })
    }

    /// Signs `said`, which says itself what it is for: the name of the key, and the signature as base64url.
    #[must_use]
    pub fn sign(&self, said: &[u8]) -> (String, String) {
        let signature = self.keys[0].sign(said);
        (self.kid.clone(), BASE64_URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    /// Whether the key of this name signed `said`.
    #[must_use]
    pub fn signed(&self, kid: &str, said: &[u8], signature: &str) -> bool {
        let key = self.keys.iter().find(|it| thumbprint(&x(it)) == kid);
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok();
        let signature = signature.and_then(|it| Signature::from_slice(&it).ok());
        let (Some(key), Some(signature)) = (key, signature) else { return false };
        key.verifying_key().verify_strict(said, &signature).is_ok()
    }

    /// By what name it issues: the address of the service.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where system clients get their tokens, and so the audience of what they assert.
    #[must_use]
    pub fn token_endpoint(&self) -> String {
        format!("{}/v1/oauth/token", self.name)
    }

    /// The public halves of its keys, as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> String {
        self.set.jwks.clone()
    }

    /// An access token (RFC 9068) for the system client `client`, good from `now` for `time`.
    ///
    /// # Errors
    /// If it can't be signed, which is a fault of ours.
    pub fn token(
        &self,
        client: &str,
        scopes: &[Scope],
        now: DateTime<Utc>,
        time: TimeDelta,
    ) -> Result<String, String> {
        let claims = json!({
            "iss": self.name, "aud": AUDIENCE, "sub": client, "client_id": client, "scope": words(scopes),
            "iat": now.timestamp(), "exp": (now + time).timestamp(), "jti": fresh_id("jti", now),
        });
        let head = Header::new(Algorithm::EdDSA);
        let head = Header { typ: Some("at+jwt".into()), kid: Some(self.kid.clone()), ..head };
        encode(&head, &claims, &self.secret).map_err(|it| it.to_string())
    }
}

/// Scopes, as a token carries them.
#[must_use]
pub fn words(scopes: &[Scope]) -> String {
    scopes.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(" ")
}

fn x(key: &SigningKey) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(key.verifying_key().as_bytes())
}

fn public(key: &SigningKey) -> Value {
    let x = x(key);
    json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": thumbprint(&x), "x": x})
}

/// The name of a key that follows from it alone (RFC 7638), so that all nodes have the same one.
fn thumbprint(x: &str) -> String {
    let digest = Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#));
    BASE64_URL_SAFE_NO_PAD.encode(digest)
}
