//! The command line.

mod backup;
mod data;
mod doctor;
mod serve;

pub use backup::Backup;
pub use data::load_codes;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use kernel::SystemClock;
use store::{Options, Store};

use crate::config::{self, Settings};
use crate::{demo, load, openapi, policies};

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
    /// Make an administrator of the plan; the first two are made this way, and two administrators make the others.
    Admin {
        /// The `sub` of their tokens.
        #[arg(long)]
        login: String,
        /// First and last name.
        #[arg(long)]
        name: String,
    },
    /// Look at what the plan decides by.
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// Look at who did and saw what.
    Trail {
        #[command(subcommand)]
        command: TrailCommand,
    },
    /// Make up a plan: in the demo profile's database, or in that of `--config`, if it holds no other plan.
    Demo {
        /// With how many members; those that are there already stay.
        #[arg(long, default_value_t = demo::MEMBERS)]
        members: u32,
    },
    /// Make a backup, while the service goes on: of SQLite, or of PostgreSQL by its own programs.
    Backup {
        /// The folder to make it in: a new one, or an empty one.
        to: PathBuf,
    },
    /// Make the database from a backup; where there is one already, nothing is done.
    Restore {
        /// The folder that `lanyard backup` made.
        from: PathBuf,
    },
    /// Look whether all is well: settings, secrets, database, policies, keys, what waits, the machine. 1 if something failed.
    Doctor {
        /// Print it as JSON.
        #[arg(long)]
        json: bool,
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
enum TrailCommand {
    /// Walk the whole trail: name the first entry that isn't as it was sealed, or say that all are.
    Verify {
        /// Compare it with these files of checkpoints, too, beside that of `trail.checkpoints`.
        #[arg(long)]
        checkpoints: Vec<PathBuf>,
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
            Command::Serve => serve::serve(&settings),
            Command::Migrate => data::migrate(&settings),
            Command::Load { set } => load::run(set, &open(&settings, 1)?),
            Command::Token { name, hours } => serve::token(&settings, name, *hours).map(|it| say(&it)),
            Command::Admin { login, name } => data::add_administrator(&open(&settings, 1)?, login, name),
            Command::Policy { command: PolicyCommand::Check { file } } => {
                let it = policies::check(file)?;
                say(&format!("{}: version {}, {} rows, is sound", file.display(), it.version, it.rows.len()));
                Ok(())
            }
            Command::Policy { command: PolicyCommand::Replay { with } } => {
                data::replay(&settings, with.as_ref())
            }
            Command::Trail { command: TrailCommand::Verify { checkpoints } } => {
                data::verify_trail(&settings, checkpoints)
            }
            Command::Demo { members } => data::make_up(&settings, *members),
            Command::Backup { to } => backup::backup(&settings, to),
            Command::Restore { from } => backup::restore(&settings, from),
            Command::Doctor { json } => doctor::run(&settings, *json),
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
    Store::open(&settings.database.url.0, options).map_err(|it| match it {
        store::Error::Internal(why) => format!("database.url: {why}"),
        it => format!("database.url: {it:?}"),
    })
}
