//! Databases of both kinds, each a copy of a template that is made once a run: the code sets and the demo's plan.
#![expect(
    clippy::disallowed_methods,
    reason = "the run's settings come from the environment; no test waits for the time"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use kernel::ManualClock;
use store::{Options, Store};

/// Which database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

/// A database that goes away with it.
pub(crate) struct Database {
    pub(crate) url: String,
    name: String,
    kind: Kind,
}

/// The folder of this run, which its processes share where `with-postgres` starts them.
pub(crate) fn run_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        std::env::var("LANYARD_TEST_RUN")
            .map_or_else(|_| tempfile::tempdir().expect("a folder").keep(), PathBuf::from)
    })
}

/// The server, if there is one. Where the run must have one, its absence fails.
fn server() -> Option<String> {
    let server = std::env::var("LANYARD_TEST_POSTGRES").ok();
    let required = std::env::var("REQUIRE_POSTGRES").is_ok_and(|it| it == "1");
    assert!(server.is_some() || !required, "REQUIRE_POSTGRES is set and LANYARD_TEST_POSTGRES isn't");
    server
}

impl Database {
    /// A copy of the template; none where there is no PostgreSQL.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        let template = template(kind)?;
        let it = Self::named(kind)?;
        match kind {
            Kind::Sqlite => {
                fs::copy(template, it.url.trim_start_matches("sqlite:")).expect("a copy of the template");
            }
            Kind::Postgres => {
                let name = &it.name;
                let make = format!("create database {name} template {template} strategy file_copy");
                admin(&server()?, &make);
            }
        }
        Some(it)
    }

    /// Where there is nothing yet.
    pub(crate) fn empty(kind: Kind) -> Option<Self> {
        let it = Self::named(kind)?;
        if kind == Kind::Postgres {
            admin(&server()?, &format!("create database {}", it.name));
        }
        Some(it)
    }

    fn named(kind: Kind) -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let url = match kind {
            Kind::Sqlite => format!("sqlite:{}", run_folder().join(format!("{name}.db")).display()),
            Kind::Postgres => format!("{}/{name}", server()?),
        };
        Some(Self { url, name, kind })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        match self.kind {
            Kind::Sqlite => {
                for end in ["", "-wal", "-shm"] {
                    let _ = fs::remove_file(run_folder().join(format!("{}.db{end}", self.name)));
                }
            }
            Kind::Postgres => {
                let server = server().expect("it was there");
                admin(&server, &format!("drop database {} with (force)", self.name));
            }
        }
    }
}

fn admin(server: &str, sql: &str) {
    let mut db = PgConnection::establish(&format!("{server}/postgres")).expect("the server");
    db.batch_execute(sql).expect(sql);
}

/// The name of the template, made by whichever process of the run comes first.
fn template(kind: Kind) -> Option<String> {
    let run = run_folder();
    let lock = File::create(run.join(format!("{kind:?}.lock"))).expect("a lock");
    lock.lock().expect("the lock");
    let done = run.join(format!("{kind:?}.done"));
    let (url, name) = match kind {
        Kind::Sqlite => {
            let file = run.join("template.db").display().to_string();
            (format!("sqlite:{file}"), file)
        }
        Kind::Postgres => {
            let name = format!(
                "template_{}",
                run.file_name()?.to_string_lossy().to_lowercase().replace(['.', '-'], "_")
            );
            (format!("{}/{name}", server()?), name)
        }
    };
    if !done.exists() {
        if kind == Kind::Postgres {
            admin(&server()?, &format!("create database {name}"));
        }
        fill(&url);
        match kind {
            Kind::Sqlite => {
                let mut db = SqliteConnection::establish(&name).expect("the template");
                db.batch_execute("pragma wal_checkpoint(truncate)").expect("a checkpoint");
            }
            Kind::Postgres => admin(
                &server()?,
                &format!(
                    "alter database {name} allow_connections false; \
                     select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
                ),
            ),
        }
        File::create(done).expect("a mark");
    }
    Some(name)
}

fn fill(url: &str) {
    store::migrate(url).expect("a schema");
    let clock = Arc::new(ManualClock::new(super::NOW.parse().expect("a time")));
    let store = Store::open(url, Options { clock, pool: 1, ..Options::default() }).expect("a store");
    assert_eq!(api::cli::load_codes(&store).expect("code sets"), 98_186);
    let loaded = api::demo::load(&store, api::demo::MEMBERS, |_| ()).expect("the demo's plan");
    assert!(matches!(loaded, api::demo::Loaded::Grown(_)));
}
