//! The keys that the demo profile makes itself.

use std::fs;
use std::io::Write;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, EncodePrivateKey};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::{Scope, fresh_id};
use registry::PrincipalKind;
use serde_json::json;

use crate::keys::{AUDIENCE, Own, words};

/// A key that signs tokens for the demo's callers: for people as their provider would, for system clients as the service does.
pub struct Issuer {
    name: String,
    key: SigningKey,
    own: Own,
}

const KID: &str = "demo";

/// The file of the key.
const KEY: &str = "signing-key.pem";

impl Issuer {
    /// The key in `folder`, made if there is none yet, of people's issuer `name` and of the service at `public_url`.
    ///
    /// # Errors
    /// Why the folder can't be used.
    pub fn make(name: &str, public_url: &str, folder: &Path) -> Result<Self, String> {
        let file = folder.join(KEY);
        if !file.exists() {
            let key = SigningKey::from_bytes(&random()?);
            let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|it| format!("{}: {it}", file.display()))?;
            keep(&file, pem.as_bytes())?;
        }
        Self::open(name, public_url, folder)
    }

    /// The key in `folder`.
    ///
    /// # Errors
    /// That there is none, or why it can't be read.
    pub fn open(name: &str, public_url: &str, folder: &Path) -> Result<Self, String> {
        let file = folder.join(KEY);
        let wrong = |it: &dyn std::fmt::Display| format!("{}: {it}", file.display());
        if !file.exists() {
            return Err(wrong(&"there is no key here: run this where `lanyard --demo serve` runs"));
        }
        let pem = fs::read_to_string(&file).map_err(|it| wrong(&it))?;
        let key = SigningKey::from_pkcs8_pem(&pem).map_err(|it| wrong(&it))?;
        Ok(Self { name: name.to_owned(), key, own: Own::parse(public_url, &pem)? })
    }

    /// The service as the issuer of its system clients' tokens, with this key.
    #[must_use]
    pub fn into_own(self) -> Own {
        self.own
    }

    /// The public half, as a JWK set.
    #[must_use]
    pub fn jwks(&self) -> String {
        let x = BASE64_URL_SAFE_NO_PAD.encode(self.key.verifying_key().as_bytes());
        let key = json!({"kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "use": "sig", "kid": KID, "x": x});
        json!({"keys": [key]}).to_string()
    }

    /// A token for the demo caller `name`, good from `now` for `time`, with the scopes of its role.
    ///
    /// # Errors
    /// That there is no such caller; the error lists those that there are.
    pub fn token(&self, name: &str, now: DateTime<Utc>, time: TimeDelta) -> Result<String, String> {
        let callers = registry::demo::PRINCIPALS;
        let Some((sub, _, role, ..)) = callers.iter().find(|it| it.1 == name) else {
            return Err(format!("the demo callers are {}", callers.map(|it| it.1).join(", ")));
        };
        self.token_of(sub, role.kind(), role.scopes(), now, time)
    }

    /// A token for whoever has `sub` and is of this kind, with these scopes.
    ///
    /// # Errors
    /// If the key can't sign, which is a fault of ours.
    pub fn token_of(
        &self,
        sub: &str,
        kind: PrincipalKind,
        scopes: &[Scope],
        now: DateTime<Utc>,
        time: TimeDelta,
    ) -> Result<String, String> {
        if kind == PrincipalKind::System {
            return self.own.token(sub, scopes, now, time);
        }
        let claims = json!({
            "iss": self.name, "aud": AUDIENCE, "sub": sub, "client_id": "lanyard-cli", "scope": words(scopes),
            "iat": now.timestamp(), "exp": (now + time).timestamp(), "jti": fresh_id("jti", now),
            "acr": "mfa", "auth_time": now.timestamp(),
        });
        let head =
            Header { typ: Some("at+jwt".into()), kid: Some(KID.into()), ..Header::new(Algorithm::EdDSA) };
        let der = self.key.to_pkcs8_der().map_err(|it| it.to_string())?;
        encode(&head, &claims, &EncodingKey::from_ed_der(der.as_bytes())).map_err(|it| it.to_string())
    }
}

/// The secret in `folder`, made if there is none yet.
///
/// # Errors
/// Why the folder can't be used.
pub fn secret(folder: &Path) -> Result<Vec<u8>, String> {
    let file = folder.join("secret");
    if !file.exists() {
        keep(&file, &random()?)?;
    }
    crate::config::secret(&file)
}

fn random() -> Result<[u8; 32], String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|it| it.to_string())?;
    Ok(bytes)
}

/// Writes a file that only its owner may read.
fn keep(file: &Path, bytes: &[u8]) -> Result<(), String> {
    let wrong = |it: std::io::Error| format!("{}: {it}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(wrong)?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).and_then(|mut it| it.write_all(bytes)).map_err(wrong)
}
