//! Settings that would expose the service, or by which no one could use it, are refused at the start.

use super::{Auth, DEMO_ISSUER, Limits, Rates, Settings};
use crate::hosts::Hosts;
use crate::{cors, keys};

impl Settings {
    /// Refuses settings that would expose the service (L-08).
    ///
    /// # Errors
    /// What would, and what to set.
    pub fn check(&self) -> Result<(), String> {
        let local = self.bind.ip().is_loopback();
        if self.demo && !local {
            return Err(
                "bind: the demo profile, whose keys anyone can make, listens on a loopback address only"
                    .into(),
            );
        }
        if self.tls.cert.is_some() != self.tls.key.is_some() {
            return Err("tls: name both a certificate (tls.cert) and its key (tls.key)".into());
        }
        if !local && self.trusted_proxies.is_empty() && self.tls.cert.is_none() {
            return Err("bind: beyond loopback, set tls.cert and tls.key, or put a proxy that ends TLS in front and name it in \
                        trusted_proxies"
                .into());
        }
        if !local && self.hosts.is_empty() {
            return Err("hosts: beyond loopback, set the names by which callers reach the service".into());
        }
        if let Err(wrong) = Hosts::new(&self.hosts) {
            return Err(format!(
                "hosts: `{wrong}` isn't a name or an address alone, without scheme, port and path"
            ));
        }
        if let Some(wrong) = self.cors_origins.iter().find(|it| !cors::is_origin(it)) {
            return Err(format!(
                "cors_origins: `{wrong}` isn't an origin, such as https://portal.example (http on loopback only, no path)"
            ));
        }
        let Rates { read, search, write, token, anonymous, misses } = self.rates;
        if [read, search, write, token, anonymous, misses].iter().any(|it| it.minute > 0 && it.burst == 0) {
            return Err("rates: a burst is at least 1; `minute = 0` means no limit".into());
        }
        let Limits { head, idle, body, body_credit, write_credit, linger, rate, per_address, .. } =
            self.limits;
        if [head, idle, body, body_credit, write_credit, linger, rate].contains(&0) || per_address == 0 {
            return Err(
                "limits: each is at least 1; only `connections = 0` means as many as there is room for"
                    .into(),
            );
        }
        self.check_issuers()
    }

    /// Refuses settings by which no token, or anyone's, would be good.
    fn check_issuers(&self) -> Result<(), String> {
        let Auth { issuer, jwks_file, signing_key_file, .. } = &self.auth;
        for (missing, why) in [
            (
                issuer == DEMO_ISSUER,
                "auth.issuer: outside the demo profile, name the OpenID provider at which people log in; its keys are those that \
                 it publishes, or those in auth.jwks_file",
            ),
            (
                self.secret_file.is_none(),
                "secret_file: outside the demo profile, name a file of 32 random bytes or more",
            ),
            (
                self.public_url.is_none(),
                "public_url: outside the demo profile, say how callers reach the service, as https://lanyard.plan.example",
            ),
            (
                signing_key_file.is_none(),
                "auth.signing_key_file: outside the demo profile, name a file of an Ed25519 key (PKCS#8, PEM)",
            ),
        ] {
            if missing && !self.demo {
                return Err(why.into());
            }
        }
        let public_url = self.public_url();
        if !cors::is_origin(&public_url) {
            return Err("public_url: not an address such as https://lanyard.plan.example (http on loopback only, no path)".into());
        }
        if public_url == *issuer {
            return Err(
                "public_url: the service itself isn't the issuer of people's tokens, auth.issuer".into()
            );
        }
        if let (false, None, Err(why)) = (self.demo, jwks_file, keys::address(issuer)) {
            return Err(format!("auth.issuer: {why}, and there is no auth.jwks_file"));
        }
        if self.demo {
            return Ok(());
        }
        if self.shown_to_others {
            return Err("database.url: others may read the file that holds its password; chmod 600 it".into());
        }
        match self.database.url.login() {
            (user, Some(password)) if password.len() < 12 || password == user => Err(
                "database.url: outside the demo profile, a password has at least 12 characters and isn't the user's name"
                    .into(),
            ),
            _ => Ok(()),
        }
    }
}
