use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use diesel::backend::Backend;
use diesel::connection::{LoadConnection, SimpleConnection};
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{BigInt, Text};
use diesel::sqlite::Sqlite;
use diesel_migrations::EmbeddedMigrations;

use crate::migrate::{PORTABLE, POSTGRES};
use crate::{Error, failpoint};

/// The oldest SQLite whose WAL mode is safe with several connections.
const OLDEST_SQLITE: [u32; 3] = [3, 51, 3];

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
    /// Who owns the tables, and migrates them.
    Owner,
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
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(with_timeouts(url))),
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
                     set idle_in_transaction_session_timeout = '10s'; set synchronous_commit = on; \
                     set default_transaction_isolation = 'read committed'",
                )?;
                match role {
                    Role::Reader => {
                        db.batch_execute("set default_transaction_read_only = on; set role lanyard_app")?;
                    }
                    Role::Writer => db.batch_execute("set role lanyard_app")?,
                    Role::Owner => {}
                }
                Ok(Db::Postgres(db))
            }
            Self::Sqlite(path) => {
                let mut db = SqliteConnection::establish(path)?;
                // The timeout comes first: switching to WAL needs a lock.
                db.batch_execute(
                    "pragma busy_timeout = 1000; pragma journal_mode = wal; pragma synchronous = full; \
                     pragma foreign_keys = on; \
                     pragma temp_store = memory; pragma cache_size = -16000",
                )?;
                if failpoint::is_wrong("store::unsynced") {
                    db.batch_execute("pragma synchronous = normal")?;
                }
                match role {
                    Role::Reader => db.batch_execute("pragma query_only = on")?,
                    // The log is moved by a thread of its own.
                    Role::Writer => db.batch_execute(
                        "pragma wal_autocheckpoint = 0; pragma journal_size_limit = 1048576",
                    )?,
                    Role::Owner => {}
                }
                Ok(Db::Sqlite(db))
            }
        }
    }

    /// Refuses a schema that isn't this build's, and a server that isn't one to trust; changes nothing.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong = |what: &str| Err(Error::Internal(what.to_owned()));
        if let Self::Sqlite(path) = self
            && !Path::new(path).exists()
        {
            return wrong("there is no such database: run `lanyard migrate`");
        }
        // Before the first migration the role of readers isn't there.
        let mut db = self.connect(Role::Owner)?;
        let (have, want) = (versions(&mut db)?, self.wanted()?);
        if have.is_subset(&want) && have != want {
            return wrong("the database's schema is older than this build: run `lanyard migrate`");
        }
        if have != want {
            return wrong("the database's schema is newer than this build");
        }
        let told = match &mut db {
            Db::Postgres(db) => text(db, "select current_setting('lc_messages') as it")?,
            Db::Sqlite(db) => text(db, "select sqlite_version() as it")?,
        };
        match &db {
            // What passes by itself is told from what doesn't by the server's words.
            Db::Postgres(_) if !is_told_in_english(&told) => {
                wrong("PostgreSQL's `lc_messages` must be C or English")
            }
            Db::Sqlite(_) if !is_trusted_sqlite(&told) => {
                wrong("this SQLite is too old for WAL with several connections")
            }
            _ => Ok(()),
        }
    }

    /// The versions of this build's migrations.
    pub(crate) fn wanted(&self) -> Result<BTreeSet<String>, Error> {
        fn all<B: Backend>(source: &EmbeddedMigrations) -> Result<Vec<String>, Error>
        where
            EmbeddedMigrations: MigrationSource<B>,
        {
            let found = source.migrations().map_err(|it| Error::Internal(it.to_string()))?;
            Ok(found.iter().map(|it| it.name().version().to_string()).collect())
        }
        Ok(match self {
            Self::Postgres(_) => {
                [all::<Pg>(&PORTABLE)?, all::<Pg>(&POSTGRES)?].concat().into_iter().collect()
            }
            Self::Sqlite(_) => all::<Sqlite>(&PORTABLE)?.into_iter().collect(),
        })
    }
}

/// Whether the server says what went wrong in words that [`Error`] knows.
pub(crate) fn is_told_in_english(lc_messages: &str) -> bool {
    ["C", "POSIX", "en"].iter().any(|it| lc_messages.starts_with(it))
}

pub(crate) fn is_trusted_sqlite(version: &str) -> bool {
    version.split('.').map(|it| it.parse().unwrap_or(0)).ge(OLDEST_SQLITE)
}

/// The folder in which the database at `url` is, if that is `SQLite`'s.
#[must_use]
pub fn folder(url: &str) -> Option<PathBuf> {
    let Ok(Target::Sqlite(path)) = Target::parse(url) else { return None };
    let folder = Path::new(&path).parent().filter(|it| !it.as_os_str().is_empty());
    Some(folder.unwrap_or(Path::new(".")).to_owned())
}

/// A dead link is noticed in seconds, unless the URL says otherwise.
fn with_timeouts(url: &str) -> String {
    let mut url = url.to_owned();
    for (name, value) in [
        ("connect_timeout", 2),
        ("keepalives_idle", 2),
        ("keepalives_interval", 1),
        ("keepalives_count", 3),
        ("tcp_user_timeout", 4000),
    ] {
        if !url.contains(name) {
            let sign = if url.contains('?') { '&' } else { '?' };
            url = format!("{url}{sign}{name}={value}");
        }
    }
    url
}

#[derive(QueryableByName)]
struct One {
    #[diesel(sql_type = Text)]
    it: String,
}

fn text<C>(db: &mut C, sql: &str) -> Result<String, Error>
where
    C: LoadConnection,
    diesel::query_builder::SqlQuery: for<'q> LoadQuery<'q, C, One>,
{
    Ok(diesel::sql_query(sql).get_result::<One>(db)?.it)
}

/// What a statement selects, as text.
pub(crate) fn texts(db: &mut Db, sql: &str) -> Result<Vec<String>, Error> {
    let found = diesel::sql_query(sql).load::<One>(db)?;
    Ok(found.into_iter().map(|it| it.it).collect())
}

/// The one text that a statement selects.
pub(crate) fn one(db: &mut Db, sql: &str) -> Result<String, Error> {
    Ok(diesel::sql_query(sql).get_result::<One>(db)?.it)
}

/// The one number that a statement selects.
pub(crate) fn count(db: &mut Db, sql: &str) -> Result<i64, Error> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        it: i64,
    }
    Ok(diesel::sql_query(sql).get_result::<Count>(db)?.it)
}

/// The versions of the migrations that were run; none where there was never any.
pub(crate) fn versions(db: &mut Db) -> Result<BTreeSet<String>, Error> {
    let sql = "select version as it from __diesel_schema_migrations";
    let found = diesel::sql_query(sql).load::<One>(db);
    match found {
        Ok(found) => Ok(found.into_iter().map(|it| it.it).collect()),
        Err(it) if it.to_string().contains("__diesel_schema_migrations") => Ok(BTreeSet::new()),
        Err(it) => Err(it.into()),
    }
}
