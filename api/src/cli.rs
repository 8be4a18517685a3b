//! The command line.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web::Data;
use authorizations::Policy;
use chrono::TimeDelta;
use clap::{Parser, Subcommand};
use kernel::{Clock, SystemClock};
use registry::Release;
use store::{Options, Store};

use crate::codes::Codes;
use crate::config::{self, Settings};
use crate::cursor::Cursors;
use crate::keys::Keys;
use crate::{State, demo, load, log, openapi, server};

/// Lanyard: the provider-network service of a health plan.
#[derive(Parser)]
#[command(name = "lanyard", version)]
struct Cli {
    /// A TOML file of settings; `lanyard config` shows all of them.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    /// Use the demo profile: a made-up plan, keys of its own, loopback only.
    #[arg(long, global = true)]
    demo: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API.
    Serve,
    /// Bring the database up to date: its schema, and the code sets that are shipped.
    Migrate,
    /// Load the next release of a code set.
    Load {
        #[command(subcommand)]
        set: load::CodeSet,
    },
    /// Print an access token for a caller of the demo profile.
    Token {
        /// Which one.
        #[arg(long = "as", default_value = "single-site")]
        name: String,
        /// For how long it is good.
        #[arg(long, default_value_t = 12)]
        hours: u16,
    },
    /// Print the contract (OpenAPI 3.1, YAML).
    Openapi,
    /// Print the settings in force, secrets left out.
    Config {
        /// Print each setting's default and what it means instead.
        #[arg(long)]
        defaults: bool,
    },
}

/// Runs the command line; 0 if all went well, 2 if a setting or an argument is wrong, 1 for the rest.
#[must_use]
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("lanyard: {why}");
            ExitCode::FAILURE
        }
    }
}

/// Tells the user; that no one listens any more is no reason to stop.
pub(crate) fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

impl Cli {
    fn run(&self) -> Result<(), String> {
        let mut settings = Settings::load(self.config.as_deref())?;
        if self.demo || settings.demo {
            settings.be_demo();
        }
        match &self.command {
            Command::Serve => serve(&settings),
            Command::Migrate => migrate(&settings),
            Command::Load { set } => load::run(set, &open(&settings, 1)?),
            Command::Token { name, hours } => token(&settings, name, *hours).map(|it| say(&it)),
            Command::Openapi => {
                say(openapi::yaml().trim_end());
                Ok(())
            }
            Command::Config { defaults: true } => {
                say(config::DEFAULTS.trim_end());
                Ok(())
            }
            Command::Config { defaults: false } => {
                say(settings.shown()?.trim_end());
                Ok(())
            }
        }
    }
}

fn options(settings: &Settings) -> Options {
    Options {
        clock: Arc::new(SystemClock),
        zone: settings.plan.zone,
        pool: settings.pool(),
        ..Options::default()
    }
}

fn open(settings: &Settings, pool: u32) -> Result<Store, String> {
    let options = Options { pool, ..options(settings) };
    Store::open(&settings.database.url.0, options).map_err(|it| format!("database.url: {it:?}"))
}

fn migrate(settings: &Settings) -> Result<(), String> {
    let url = &settings.database.url.0;
    let count = store::migrate(url).map_err(|it| format!("{it:?}"))?;
    say(&format!("{count} migrations run"));
    let store = open(settings, 1)?;
    let codes = load_codes(&store).map_err(|it| format!("{it:?}"))?;
    say(&format!("{codes} diagnosis codes loaded (ICD-10-CM, April 2026)"));
    Ok(())
}

/// Loads the release that is shipped into a database that has none; how many codes.
///
/// # Errors
/// If the database can't answer.
pub fn load_codes(store: &Store) -> Result<usize, registry::Error> {
    if store.read(registry::has_diagnosis_codes).wait()? {
        return Ok(0);
    }
    let release = Release::shipped()?;
    store.write(&State::system("migrate"), |tx| registry::load_first_release(tx, release)).wait()
}

fn token(settings: &Settings, name: &str, hours: u16) -> Result<String, String> {
    if !settings.demo {
        return Err(
            "token: only the demo profile makes tokens; elsewhere they come from the issuer".to_owned()
        );
    }
    let issuer = demo::Issuer::open(&settings.auth.issuer, &settings.demo_folder)?;
    issuer.token(name, SystemClock.now(), TimeDelta::hours(hours.into()))
}

fn serve(settings: &Settings) -> Result<(), String> {
    settings.check()?;
    log::start(&settings.log, SystemClock);
    let listener = TcpListener::bind(settings.bind).map_err(|it| format!("bind: {}: {it}", settings.bind))?;
    if settings.demo {
        fs::create_dir_all(&settings.demo_folder).map_err(|it| format!("demo_folder: {it}"))?;
        migrate(settings)?;
    }
    let state = state(settings)?;
    if settings.demo && demo::load(&state.store).map_err(|it| format!("{it:?}"))? {
        say("a made-up plan loaded");
    }
    let address = listener.local_addr().map_err(|it| it.to_string())?;
    let workers = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    actix_web::rt::System::new().block_on(async {
        let state = Data::new(state);
        let server =
            server::serve(Data::clone(&state), listener, workers, true).map_err(|it| it.to_string())?;
        actix_web::rt::spawn(state.into_inner().warm());
        say(&format!("listening on http://{address}  (contract: http://{address}/openapi.yaml)"));
        if settings.demo {
            say(&welcome(settings, &address.to_string())?);
        }
        server.await.map_err(|it| it.to_string())
    })
}

fn state(settings: &Settings) -> Result<State, String> {
    let (jwks, secret) = if settings.demo {
        let issuer = demo::Issuer::make(&settings.auth.issuer, &settings.demo_folder)?;
        (issuer.jwks(), demo::secret(&settings.demo_folder)?)
    } else {
        let (Some(jwks), Some(secret)) = (&settings.auth.jwks_file, &settings.secret_file) else {
            return Err("auth.jwks_file and secret_file must be set".to_owned());
        };
        let jwks =
            fs::read_to_string(jwks).map_err(|it| format!("auth.jwks_file: {}: {it}", jwks.display()))?;
        (jwks, config::secret(secret).map_err(|it| format!("secret_file: {it}"))?)
    };
    let keys = Keys::parse(&settings.auth.issuer, &jwks).map_err(|it| format!("auth.jwks_file: {it}"))?;
    let policy = Arc::new(Policy::shipped());
    Ok(State {
        store: open(settings, settings.pool())?,
        clock: Arc::new(SystemClock),
        keys,
        decider: Arc::clone(&policy) as _,
        policy,
        cursors: Cursors::new(&secret),
        codes: Codes::default(),
    })
}

/// A request to paste into a shell.
fn welcome(settings: &Settings, address: &str) -> Result<String, String> {
    let token = token(settings, "single-site", 12)?;
    let start = (SystemClock.now() + TimeDelta::days(7)).with_timezone(&settings.plan.zone).date_naive();
    let end = start + TimeDelta::days(59);
    let example = include_str!("examples/create_authorization.request.json");
    let body = example.replace("2026-12-01", &start.to_string()).replace("2027-01-29", &end.to_string());
    let body: serde_json::Value = serde_json::from_str(&body).map_err(|it| it.to_string())?;
    Ok(format!(
        "\nAsk for an authorization (paste it twice: the second one is received, too, and pended as a possible duplicate):\n\n\
         curl -i http://{address}/v1/authorizations -H 'Content-Type: application/json' \\\n  \
         -H 'Authorization: Bearer {token}' \\\n  -d '{}'\n\n\
         Tokens for others, from this folder: {} --demo token --as {}\n",
        body,
        config::program(),
        registry::demo::PRINCIPALS.map(|it| it.1).join("|")
    ))
}
