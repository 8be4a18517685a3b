//! The command line.

use std::fs;
use std::io::{IsTerminal, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use actix_web::web::Data;
use chrono::TimeDelta;
use clap::{Parser, Subcommand};
use kernel::{Clock, SystemClock};
use registry::Release;
use store::{Options, Store};

use crate::codes::Codes;
use crate::config::{self, Settings};
use crate::cursor::Cursors;
use crate::demo::Loaded;
use crate::keys::Keys;
use crate::{State, demo, load, log, openapi, policies, server};

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
    /// Look at what the plan decides by.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Make up a plan: in the demo profile's database, or in that of `--config`, if it holds no other plan.
    Demo {
        /// With how many members; those that are there already stay.
        #[arg(long, default_value_t = demo::MEMBERS)]
        members: u32,
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

#[derive(Subcommand)]
enum PolicyCommand {
    /// Read a policy's file as the service does at its start, and say what is wrong with it, if anything is.
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Make every decision in the database again, by the version that made it: each must come out the same.
    Replay {
        /// Decide by this file instead, and say which decisions it would change.
        #[arg(long)]
        with: Option<PathBuf>,
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
        let own = self.config.is_none() && matches!(self.command, Command::Demo { .. });
        if self.demo || settings.demo || own {
            settings.be_demo();
        }
        match &self.command {
            Command::Serve => serve(&settings),
            Command::Migrate => migrate(&settings),
            Command::Load { set } => load::run(set, &open(&settings, 1)?),
            Command::Token { name, hours } => token(&settings, name, *hours).map(|it| say(&it)),
            Command::Policy { command: PolicyCommand::Check { file } } => {
                let it = policies::check(file)?;
                say(&format!("{}: version {}, {} rows, is sound", file.display(), it.version, it.rows.len()));
                Ok(())
            }
            Command::Policy { command: PolicyCommand::Replay { with } } => replay(&settings, with.as_ref()),
            Command::Demo { members } => make_up(&settings, *members),
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
    if settings.demo {
        fs::create_dir_all(&settings.demo_folder).map_err(|it| format!("demo_folder: {it}"))?;
    }
    let url = &settings.database.url.0;
    let count = store::migrate(url).map_err(|it| format!("{it:?}"))?;
    say(&format!("{count} migrations run"));
    let store = open(settings, 1)?;
    let codes = load_codes(&store).map_err(|it| format!("{it:?}"))?;
    say(&format!("{codes} diagnosis codes loaded (ICD-10-CM, April 2026)"));
    Ok(())
}

/// Makes up a plan, and tells how far it is on standard error: in one line for a person, in ten for a file.
fn make_up(settings: &Settings, members: u32) -> Result<(), String> {
    let start = SystemClock.now();
    migrate(settings)?;
    let store = Store::open(&settings.database.url.0, Options { pool: 1, ..options(settings) })
        .map_err(|it| format!("database.url: {it:?}"))?;
    let (terminal, mut tenth) = (std::io::stderr().is_terminal(), 0);
    let progress = |done: u32| {
        let now = u64::from(done) * 10 / u64::from(members);
        if terminal {
            eprint!("\r{done} of {members} members{}", if done == members { "\n" } else { "" });
        } else if now > tenth {
            eprintln!("{done} of {members} members");
        }
        tenth = now;
    };
    let loaded = demo::load(&store, members, progress).map_err(|it| format!("{it:?}"))?;
    if loaded == Loaded::Refused {
        return Err("demo: the database holds another plan; nothing was added to it".to_owned());
    }
    ask(settings)?;
    let time = (SystemClock.now() - start).as_seconds_f64();
    match loaded {
        Loaded::Refused => {}
        Loaded::Unchanged(plan) => say(&format!("nothing to add: {plan}")),
        Loaded::Grown(plan) => say(&format!("a made-up plan: {plan}; in {time:.1} s")),
    }
    Ok(())
}

/// Has the made-up plan's requests asked for, as far as they weren't.
fn ask(settings: &Settings) -> Result<(), String> {
    let policies = Arc::new(policies::load(settings.plan.policy_folder.as_deref())?);
    let made =
        demo::ask(&settings.database.url.0, &options(settings), &policies).map_err(|it| format!("{it:?}"))?;
    say(&format!("{made} authorizations of the past two months, in every status"));
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

/// Fails where a decision can't be made again; that another file decides otherwise is no failure.
fn replay(settings: &Settings, with: Option<&PathBuf>) -> Result<(), String> {
    let policies = policies::load(settings.plan.policy_folder.as_deref())?;
    let store = Store::open(&settings.database.url.0, Options { pool: 1, ..options(settings) });
    let store = store.map_err(|it| format!("database.url: {it:?}"))?;
    let it = policies::replay(&store, &policies, with, say)?;
    let what = if with.is_some() { "would change" } else { "do not come out the same" };
    say(&format!("{} decisions of policies, of which {} {what}", it.decisions, it.differ));
    if with.is_none() && it.differ > 0 {
        Err("replay: not every decision can be made again".to_owned())
    } else {
        Ok(())
    }
}

fn serve(settings: &Settings) -> Result<(), String> {
    settings.check()?;
    log::start(&settings.log, SystemClock);
    let listener = TcpListener::bind(settings.bind).map_err(|it| format!("bind: {}: {it}", settings.bind))?;
    if settings.demo {
        migrate(settings)?;
    }
    let state = state(settings)?;
    if settings.demo {
        match demo::load(&state.store, demo::MEMBERS, |_| ()).map_err(|it| format!("{it:?}"))? {
            Loaded::Refused => say("the database holds another plan, which is served as it is"),
            Loaded::Unchanged(plan) | Loaded::Grown(plan) => {
                say(&format!("a made-up plan: {plan}"));
                ask(settings)?;
            }
        }
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
    let policies = Arc::new(policies::load(settings.plan.policy_folder.as_deref())?);
    Ok(State {
        store: open(settings, settings.pool())?,
        clock: Arc::new(SystemClock),
        keys,
        decider: Arc::clone(&policies) as _,
        policies,
        zone: settings.plan.zone,
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
