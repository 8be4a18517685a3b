//! Settings: defaults, then a TOML file, then `LANYARD_*` variables; the one place that reads the environment.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use chrono_tz::Tz;
use config::{Config, Environment, File, FileFormat};
use serde::{Deserialize, Serialize};

pub use crate::database_url::Url;
use crate::hosts::Hosts;
use crate::{cors, keys};

/// The settings, with the default of each. `lanyard config` shows those in force.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The issuer of tokens that everyone has the default of, and a demo has the key of.
const DEMO_ISSUER: &str = "https://lanyard.invalid/demo";

/// How the service runs; `defaults.toml` says what each setting means.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Settings {
    pub bind: SocketAddr,
    pub public_url: Option<String>,
    pub demo: bool,
    pub demo_folder: PathBuf,
    pub log: String,
    pub secret_file: Option<PathBuf>,
    pub trusted_proxies: Vec<IpAddr>,
    pub hosts: Vec<String>,
    pub cors_origins: Vec<String>,
    pub database: Database,
    pub auth: Auth,
    pub rates: Rates,
    pub webhooks: Webhooks,
    pub plan: Plan,
    /// Whether the file that they come from shows others the database's password.
    #[serde(skip)]
    shown_to_others: bool,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Database {
    pub url: Url,
    pub pool: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Auth {
    pub issuer: String,
    pub jwks_file: Option<PathBuf>,
    pub signing_key_file: Option<PathBuf>,
    pub step_up_acr: Vec<String>,
    pub step_up_minutes: u16,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Plan {
    pub zone: Tz,
    pub policy_folder: Option<PathBuf>,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Webhooks {
    pub allow: Vec<String>,
    pub ports: Vec<u16>,
    pub ca_file: Option<PathBuf>,
}

/// How often a caller may call, by what they ask; without a limit by default.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Rates {
    pub read: Rate,
    pub search: Rate,
    pub write: Rate,
    pub token: Rate,
    pub anonymous: Rate,
    pub misses: Rate,
}

/// So many a minute, and at most so many at once.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Rate {
    pub minute: u32,
    pub burst: u32,
}

impl Settings {
    /// Reads the settings: the defaults, `file` if one is named, and the environment.
    ///
    /// # Errors
    /// Which setting is unknown or wrong.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    pub fn load(file: Option<&Path>) -> Result<Self, String> {
        let mut layers = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            layers = layers.add_source(File::from(file).format(FileFormat::Toml));
        }
        // An orchestrator that runs a service of this name sets these for whoever runs beside it; our tests set some, too.
        let ours = |name: &str| {
            let name = name.strip_prefix("LANYARD_").unwrap_or_default();
            name != "PORT" && !["PORT_", "SERVICE_", "TEST_", "UPDATE"].iter().any(|it| name.starts_with(it))
        };
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        let variables = env::vars_os().filter_map(text).filter(|it| ours(&it.0)).collect();
        let environment = Environment::with_prefix("LANYARD").prefix_separator("_").separator("__");
        let environment = environment.source(Some(variables)).try_parsing(true);
        let list = environment.list_separator(",");
        let lists = [
            "trusted_proxies",
            "hosts",
            "cors_origins",
            "auth.step_up_acr",
            "webhooks.allow",
            "webhooks.ports",
        ];
        let list = lists.into_iter().fold(list, Environment::with_list_parse_key);
        let all = layers.add_source(list).build().map_err(|it| it.to_string())?;
        let mut it: Self = all.try_deserialize().map_err(|it| it.to_string())?;
        for list in [&mut it.hosts, &mut it.cors_origins] {
            *list = list.iter().map(|it| it.trim().to_owned()).filter(|it| !it.is_empty()).collect();
        }
        if let (Some(file), Some(password)) = (file, it.database.url.login().1) {
            it.shown_to_others = others_may_read(file).map_err(|it| it.to_string())?
                && holds(file, password).map_err(|it| it.to_string())?;
        }
        Ok(it)
    }

    /// Turns to the demo profile, whose database is in its folder unless another one is named.
    pub fn be_demo(&mut self) {
        self.demo = true;
        if self.database.url.0 == "sqlite:lanyard.db" {
            self.database.url = Url(format!("sqlite:{}", self.demo_folder.join("lanyard.db").display()));
        }
    }

    /// The settings as a file of them, secrets left out.
    ///
    /// # Errors
    /// If they can't be written as TOML.
    pub fn shown(&self) -> Result<String, String> {
        toml::to_string_pretty(self).map_err(|it| it.to_string())
    }

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
        if !local && self.trusted_proxies.is_empty() {
            return Err(
                "bind: beyond loopback, put a proxy that ends TLS in front and name it in trusted_proxies"
                    .into(),
            );
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

    /// How callers reach the service.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.bind))
    }

    /// How many connections read, and write.
    #[must_use]
    pub fn pool(&self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        if self.database.pool > 0 { self.database.pool } else { 4 * u32::try_from(cores).unwrap_or(2) }
    }
}

/// How this program was called.
#[must_use]
pub fn program() -> String {
    env::args().next().unwrap_or_else(|| "lanyard".to_owned())
}

/// The secret in `file`: long enough, and no one else's to read.
///
/// # Errors
/// Why it isn't one (L-08).
pub fn secret(file: &Path) -> Result<Vec<u8>, String> {
    let bytes = private(file)?;
    if bytes.len() < 32 {
        return Err(format!("{}: a secret has at least 32 bytes", file.display()));
    }
    // Text that someone typed; of 32 random bytes, or as many random hex digits, hardly any are the same.
    if bytes.iter().collect::<BTreeSet<_>>().len() < 8 {
        return Err(format!("{}: a secret is random, such as `openssl rand 32` makes", file.display()));
    }
    Ok(bytes)
}

/// What is in `file`, if no one else may read it.
///
/// # Errors
/// That someone may, or why it can't be read (L-08).
pub fn private(file: &Path) -> Result<Vec<u8>, String> {
    let shown = file.display();
    let wrong = |it: io::Error| format!("{shown}: {it}");
    if others_may_read(file).map_err(wrong)? {
        return Err(format!("{shown}: others may read it; chmod 600 it"));
    }
    fs::read(file).map_err(wrong)
}

#[cfg(unix)]
fn others_may_read(file: &Path) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    Ok(fs::metadata(file)?.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn others_may_read(_: &Path) -> io::Result<bool> {
    Ok(false)
}

fn holds(file: &Path, text: &str) -> io::Result<bool> {
    Ok(fs::read_to_string(file)?.contains(text))
}
