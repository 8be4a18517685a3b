use diesel::connection::SimpleConnection;
use diesel::migration::MigrationSource;
use diesel::{Connection, PgConnection, SqliteConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::Error;

const PORTABLE: EmbeddedMigrations = embed_migrations!("../../migrations/portable");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The oldest SQLite whose WAL mode is safe with several connections.
const OLDEST_SQLITE: i32 = 3_051_003;

/// A connection to whichever database the URL names.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// The server.
    Postgres(PgConnection),
    /// The embedded library.
    Sqlite(SqliteConnection),
}

/// What a connection is for; the database itself refuses a reader's writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Reader,
    Writer,
}

/// The database that a URL names.
///
/// The enum's own `establish` tries each variant in turn and replaces the real error with one of its own, so the scheme
/// chooses here and the database's words are kept.
#[derive(Debug, Clone)]
pub(crate) enum Target {
    Postgres(String),
    Sqlite(String),
}

impl Target {
    pub(crate) fn parse(url: &str) -> Result<Self, Error> {
        match url.split_once(':') {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(url.to_owned())),
            Some(("sqlite", path)) if !path.is_empty() && !path.contains(":memory:") => {
                Ok(Self::Sqlite(path.strip_prefix("//").unwrap_or(path).to_owned()))
            }
            _ => Err(Error::Internal(
                "a database URL begins with `postgres://` or `sqlite:` and names a database".to_owned(),
            )),
        }
    }

    pub(crate) const fn is_sqlite(&self) -> bool {
        matches!(self, Self::Sqlite(_))
    }

    pub(crate) fn connect(&self, role: Role) -> Result<Db, Error> {
        match self {
            Self::Postgres(url) => {
                let mut db = PgConnection::establish(url)?;
                db.batch_execute(
                    "set time zone 'UTC'; set statement_timeout = '5s'; set lock_timeout = '1s'; \
                     set idle_in_transaction_session_timeout = '10s'; set default_transaction_isolation = 'read committed'",
                )?;
                if role == Role::Reader {
                    db.batch_execute("set default_transaction_read_only = on")?;
                }
                Ok(Db::Postgres(db))
            }
            Self::Sqlite(path) => {
                if libsqlite3_sys::SQLITE_VERSION_NUMBER < OLDEST_SQLITE {
                    return Err(Error::Internal(
                        "this SQLite is too old for WAL with several connections".to_owned(),
                    ));
                }
                let mut db = SqliteConnection::establish(path)?;
                // The timeout comes first: switching to WAL needs a lock.
                db.batch_execute(
                    "pragma busy_timeout = 1000; pragma journal_mode = wal; pragma synchronous = full; \
                     pragma foreign_keys = on; \
                     pragma temp_store = memory; pragma cache_size = -16000",
                )?;
                if role == Role::Reader {
                    db.batch_execute("pragma query_only = on")?;
                }
                Ok(Db::Sqlite(db))
            }
        }
    }

    /// Runs the migrations that are `missing`, or only counts them.
    fn migrations(&self, run: bool) -> Result<usize, Error> {
        match self.connect(Role::Writer)? {
            Db::Postgres(mut db) => {
                if run {
                    // Two nodes may start at once; DDL is transactional, but the second must wait for the first.
                    db.batch_execute("set lock_timeout = '60s'; select pg_advisory_lock(0)")?;
                }
                Ok(pending(&mut db, PORTABLE, run)? + pending(&mut db, POSTGRES, run)?)
            }
            Db::Sqlite(mut db) => pending(&mut db, PORTABLE, run),
        }
    }

    /// Refuses a schema that isn't this build's.
    pub(crate) fn check(&self) -> Result<(), Error> {
        match self.migrations(false)? {
            0 => Ok(()),
            _ => Err(Error::Internal(
                "the database's schema is older than this build: run `lanyard migrate`".to_owned(),
            )),
        }
    }
}

/// Brings the schema of the database at `url` up to date; how many migrations it took.
///
/// # Errors
/// Why the database can't be reached or migrated, in its own words.
pub fn migrate(url: &str) -> Result<usize, Error> {
    Target::parse(url)?.migrations(true)
}

fn pending<C: MigrationHarness<B>, B: diesel::backend::Backend>(
    db: &mut C,
    source: EmbeddedMigrations,
    run: bool,
) -> Result<usize, Error>
where
    EmbeddedMigrations: MigrationSource<B>,
{
    let wrong = |it: Box<dyn std::error::Error + Send + Sync>| Error::Internal(it.to_string());
    if run {
        Ok(db.run_pending_migrations(source).map_err(wrong)?.len())
    } else {
        Ok(db.pending_migrations(source).map_err(wrong)?.len())
    }
}
