//! A JWK set (RFC 7517), of which no key is taken that can't verify what it should.

use std::fs;
use std::path::Path;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Value, json};

/// The keys in force, and how they are published.
pub(super) struct Set {
    pub(super) keys: Vec<Key>,
    pub(super) jwks: String,
}

/// A key is good for one algorithm only, whatever a token says.
pub(super) struct Key {
    pub(super) kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) public: DecodingKey,
}

impl Set {
    pub(super) fn of_file(file: &Path) -> Result<Self, String> {
        fs::read_to_string(file).map_err(|it| it.to_string()).and_then(|it| Self::parse(&it))
    }

    pub(super) fn parse(jwks: &str) -> Result<Self, String> {
        let json: Value =
            serde_json::from_str(jwks).map_err(|it| format!("the JWK set can't be read: {it}"))?;
        let all = json["keys"].as_array().ok_or("the JWK set can't be read: it has no list of `keys`")?;
        let (mut keys, mut published) = (Vec::<Key>::new(), Vec::new());
        for it in all {
            if it.get("d").or(it.get("k")).is_some() {
                return Err("a key of the JWK set is a secret one, which only the issuer may have".to_owned());
            }
            // An issuer may publish keys of other kinds and for other uses, too.
            if !is_ours(it) {
                continue;
            }
            let jwk: Jwk = serde_json::from_value(it.clone())
                .map_err(|why| format!("a key of the JWK set can't be read: {why}"))?;
            let key = Key::of(&jwk)?;
            if keys.iter().any(|it| it.kid == key.kid) {
                return Err(format!("two keys have the `kid` `{}`", key.kid));
            }
            keys.push(key);
            published.push(jwk);
        }
        if keys.is_empty() {
            return Err("the JWK set has no key that signs by Ed25519 or P-256".to_owned());
        }
        Ok(Self { keys, jwks: json!({"keys": published}).to_string() })
    }
}

/// Whether it is a key of a kind that tokens may be signed with, and is for that.
fn is_ours(jwk: &Value) -> bool {
    let of_kind =
        [("OKP", "Ed25519"), ("EC", "P-256")].iter().any(|it| jwk["kty"] == it.0 && jwk["crv"] == it.1);
    let verifies = |it: &Value| it.as_array().is_some_and(|it| it.contains(&json!("verify")));
    of_kind && jwk.get("use").is_none_or(|it| it == "sig") && jwk.get("key_ops").is_none_or(verifies)
}

impl Key {
    fn of(jwk: &Jwk) -> Result<Self, String> {
        let kid = jwk.common.key_id.clone().ok_or("a key of the JWK set has no `kid`")?;
        let (algorithm, parts) = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(it) if it.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, vec![&it.x])
            }
            AlgorithmParameters::EllipticCurve(it) => (Algorithm::ES256, vec![&it.x, &it.y]),
            _ => return Err(format!("the key `{kid}` is neither Ed25519 nor P-256")),
        };
        let named = jwk.common.key_algorithm.map(|it| it.to_string());
        if named.is_some_and(|it| it != name(algorithm)) {
            return Err(format!("the key `{kid}` names an algorithm that isn't its own"));
        }
        let whole = |it: &&String| BASE64_URL_SAFE_NO_PAD.decode(it).is_ok_and(|it| it.len() == 32);
        if !parts.iter().all(whole) {
            return Err(format!("the key `{kid}` has not the length of its kind"));
        }
        let wrong = |it| format!("the key `{kid}` can't be used: {it}");
        let public = DecodingKey::from_jwk(jwk).map_err(wrong)?;
        // The library looks at a key when it verifies with it: a signature of nothing brings out one that is no point.
        crypto::verify(&BASE64_URL_SAFE_NO_PAD.encode([1; 64]), b"", &public, algorithm).map_err(wrong)?;
        Ok(Self { kid, algorithm, public })
    }
}

pub(super) const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        _ => "ES256",
    }
}
