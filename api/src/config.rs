//! Settings: defaults, then a TOML file, then `LANYARD_*` variables; the one place that reads the environment.

mod check;

use std::env;
use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use chrono_tz::Tz;
use config::{Config, Environment, File, FileFormat};
use serde::{Deserialize, Serialize};

use crate::cli::Backup;
pub use crate::database_url::Url;
use crate::metrics::Allowed;
use crate::secrets::{holds, others_may_read};
pub use crate::secrets::{private, secret};

/// The settings, with the default of each. `lanyard config` shows those in force.
pub const DEFAULTS: &str = include_str!("defaults.toml");

/// The issuer of tokens that everyone has the default of, and a demo has the key of.
pub(crate) const DEMO_ISSUER: &str = "https://lanyard.invalid/demo";

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
    pub tls: Tls,
    pub database: Database,
    pub auth: Auth,
    pub rates: Rates,
    pub metrics: Allowed,
    pub backup: Backup,
    pub limits: Limits,
    pub webhooks: Webhooks,
    pub plan: Plan,
    pub trail: Trail,
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
    pub decision_limit_ms: u32,
}

#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Trail {
    pub checkpoints: Option<PathBuf>,
}

#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Tls {
    pub cert: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// How long, in seconds, and for how much clients may have the service wait.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "`defaults.toml` describes each, for those who set them")]
pub struct Limits {
    pub head: u32,
    pub idle: u32,
    pub body: u32,
    pub body_credit: u32,
    pub write_credit: u32,
    pub linger: u32,
    pub rate: u32,
    pub per_address: usize,
    pub connections: usize,
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
            "metrics.allow",
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

    /// Turns to the demo profile, whose database is in its folder unless another one is named, and whose tokens stay good for what
    /// takes a recent login, since there is none.
    pub fn be_demo(&mut self) {
        self.demo = true;
        if self.auth.step_up_minutes == 15 {
            self.auth.step_up_minutes = 24 * 60;
        }
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

    /// How callers reach the service.
    #[must_use]
    pub fn public_url(&self) -> String {
        self.public_url.clone().unwrap_or_else(|| format!("{}://{}", self.scheme(), self.bind))
    }

    /// How callers speak to it: with TLS, or without.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.cert.is_some() { "https" } else { "http" }
    }

    /// Where the signed ends of the trail are kept.
    #[must_use]
    pub fn checkpoints(&self) -> Option<PathBuf> {
        let demo = self.demo.then(|| self.demo_folder.join("trail-checkpoints.jsonl"));
        self.trail.checkpoints.clone().or(demo)
    }

    /// How many connections read, and write.
    #[must_use]
    pub fn pool(&self) -> u32 {
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        if self.database.pool > 0 { self.database.pool } else { 4 * u32::try_from(cores).unwrap_or(2) }
    }
}

/// Where the tests' build is to die.
#[cfg(feature = "failpoints")]
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
pub(crate) fn failpoints() -> String {
    env::var("LANYARD_TEST_FAILPOINTS").unwrap_or_default()
}

/// How this program was called.
#[must_use]
pub fn program() -> String {
    env::args().next().unwrap_or_else(|| "lanyard".to_owned())
}
