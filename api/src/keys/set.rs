//! A JWK set (RFC 7517), of which no key is taken that can't verify what it should.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk};
use jsonwebtoken::{Algorithm, DecodingKey, crypto};
use serde_json::{Value, json};

/// What the keys of a set sign, and so of which kinds they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    /// Access tokens.
    Tokens,
    /// The assertions of system clients (SMART Backend Services).
    Assertions,
}

/// A key's `kty` and `crv`, and the one algorithm for which it is good.
type Kind = (&'static str, Option<&'static str>, Algorithm);

impl Signs {
    fn kinds(self) -> &'static [Kind] {
        match self {
            Self::Tokens => &[
                ("OKP", Some("Ed25519"), Algorithm::EdDSA),
                ("EC", Some("P-256"), Algorithm::ES256),
                ("RSA", None, Algorithm::RS256),
            ],
            Self::Assertions => &[("EC", Some("P-384"), Algorithm::ES384), ("RSA", None, Algorithm::RS384)],
        }
    }

    /// The algorithm of a key that may sign such, and is for signing. An issuer may publish others, too.
    fn algorithm(self, jwk: &Value) -> Option<Algorithm> {
        let of_kind = |it: &&Kind| jwk["kty"] == it.0 && it.1.is_none_or(|crv| jwk["crv"] == crv);
        let (_, crv, algorithm) = *self.kinds().iter().find(of_kind)?;
        let verifies = |it: &Value| it.as_array().is_some_and(|it| it.contains(&json!("verify")));
        let signs = jwk.get("use").is_none_or(|it| it == "sig") && jwk.get("key_ops").is_none_or(verifies);
        // Only a key of RSA may be for one of several algorithms.
        let other = crv.is_none() && jwk.get("alg").is_some_and(|it| *it != name(algorithm));
        (signs && !other).then_some(algorithm)
    }
}

/// The keys in force, and how they are published.
#[derive(Default)]
pub(super) struct Set {
    keys: Vec<Arc<Key>>,
    pub(super) jwks: String,
}

/// A key is good for one algorithm only, whatever a token says.
pub(super) struct Key {
    kid: String,
    pub(super) algorithm: Algorithm,
    pub(super) public: DecodingKey,
}

impl Set {
    pub(super) fn of_file(file: &Path) -> Result<Self, String> {
        fs::read_to_string(file).map_err(|it| it.to_string()).and_then(|it| Self::parse(Signs::Tokens, &it))
    }

    pub(super) fn parse(signs: Signs, jwks: &str) -> Result<Self, String> {
        let set = Self::on_record(signs, jwks)?;
        set.keys.iter().try_for_each(|it| it.prove())?;
        Ok(set)
    }

    /// A set that was [parsed](Self::parse) before it was put on record, so that its keys needn't be tried again.
    pub(super) fn on_record(signs: Signs, jwks: &str) -> Result<Self, String> {
        let json: Value =
            serde_json::from_str(jwks).map_err(|it| format!("the JWK set can't be read: {it}"))?;
        let all = json["keys"].as_array().ok_or("the JWK set can't be read: it has no list of `keys`")?;
        let (mut keys, mut published) = (Vec::<Arc<Key>>::new(), Vec::new());
        for it in all {
            if it.get("d").or(it.get("k")).is_some() {
                return Err("a key of the JWK set is a secret one, which only the issuer may have".to_owned());
            }
            let Some(algorithm) = signs.algorithm(it) else { continue };
            let jwk: Jwk = serde_json::from_value(it.clone())
                .map_err(|why| format!("a key of the JWK set can't be read: {why}"))?;
            let key = Key::of(&jwk, algorithm)?;
            if keys.iter().any(|it| it.kid == key.kid) {
                return Err(format!("two keys have the `kid` `{}`", key.kid));
            }
            keys.push(Arc::new(key));
            published.push(jwk);
        }
        if keys.is_empty() {
            let names: Vec<_> = signs.kinds().iter().map(|it| name(it.2)).collect();
            return Err(format!("the JWK set has no key that signs by {}", names.join(" or ")));
        }
        Ok(Self { keys, jwks: json!({"keys": published}).to_string() })
    }

    pub(super) fn key(&self, kid: &str) -> Option<Arc<Key>> {
        self.keys.iter().find(|it| it.kid == kid).map(Arc::clone)
    }
}

/// Looks at the JWK set of a system client.
///
/// # Errors
/// What is wrong with it.
pub fn check(jwks: &str) -> Result<(), String> {
    Set::parse(Signs::Assertions, jwks).map(drop)
}

impl Key {
    fn of(jwk: &Jwk, algorithm: Algorithm) -> Result<Self, String> {
        let kid = jwk.common.key_id.clone().ok_or("a key of the JWK set has no `kid`")?;
        let (long, parts) = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(it) => (32..=32, vec![&it.x]),
            AlgorithmParameters::EllipticCurve(it) if algorithm == Algorithm::ES384 => {
                (48..=48, vec![&it.x, &it.y])
            }
            AlgorithmParameters::EllipticCurve(it) => (32..=32, vec![&it.x, &it.y]),
            // 2,048 bits or more; the exponent is the one that everyone uses.
            AlgorithmParameters::RSA(it) if it.e == "AQAB" => (256..=512, vec![&it.n]),
            _ => return Err(format!("the key `{kid}` is of no kind that is taken")),
        };
        let named = jwk.common.key_algorithm.map(|it| it.to_string());
        if named.is_some_and(|it| it != name(algorithm)) {
            return Err(format!("the key `{kid}` names an algorithm that isn't its own"));
        }
        let rsa = *long.start() == 256;
        let whole = |it: &&String| {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(it).unwrap_or_default();
            long.contains(&bytes.len()) && (!rsa || bytes[0] >= 0x80)
        };
        if !parts.iter().all(whole) {
            return Err(format!("the key `{kid}` has not the length of its kind"));
        }
        let public =
            DecodingKey::from_jwk(jwk).map_err(|it| format!("the key `{kid}` can't be used: {it}"))?;
        Ok(Self { kid, algorithm, public })
    }

    /// The library looks at a key when it verifies with it: a signature of nothing brings out one that is no point.
    fn prove(&self) -> Result<(), String> {
        let tried =
            crypto::verify(&BASE64_URL_SAFE_NO_PAD.encode([1; 64]), b"", &self.public, self.algorithm);
        tried.map(drop).map_err(|it| format!("the key `{}` can't be used: {it}", self.kid))
    }
}

pub(super) const fn name(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::EdDSA => "EdDSA",
        Algorithm::RS256 => "RS256",
        Algorithm::ES384 => "ES384",
        Algorithm::RS384 => "RS384",
        _ => "ES256",
    }
}
