//! The schema, brought up to date: all of it or nothing.

use diesel::backend::Backend;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::migration::{MigrationConnection, MigrationSource};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::db::{Role, Target};
use crate::{Db, Error, failpoint};

pub(crate) const PORTABLE: EmbeddedMigrations = embed_migrations!("../../migrations/portable");
pub(crate) const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Brings the schema of the database at `url` up to date; how many migrations it took. All of them are one transaction, so
/// that whatever ends it leaves the schema of before (C-20).
///
/// # Errors
/// Why the database can't be reached or migrated, in its own words.
pub fn migrate(url: &str) -> Result<usize, Error> {
    match Target::parse(url)?.connect(Role::Owner)? {
        Db::Postgres(mut db) => {
            // Two nodes may start at once; DDL is transactional, but the second must wait for the first.
            db.batch_execute("set statement_timeout = 0; set lock_timeout = 0; select pg_advisory_lock(0)")?;
            whole(&mut db, "begin", |db| Ok(run(db, PORTABLE)? + run(db, POSTGRES)?))
        }
        Db::Sqlite(mut db) => whole(&mut db, "begin immediate", |db| run(db, PORTABLE)),
    }
}

/// Does `work` in one transaction, the steps of the migrations being savepoints in it.
fn whole<C>(
    db: &mut C,
    begin: &str,
    work: impl FnOnce(&mut C) -> Result<usize, Error>,
) -> Result<usize, Error>
where
    C: Connection<TransactionManager = AnsiTransactionManager> + MigrationConnection,
{
    // Made outside, since its own DDL would be a second writer's.
    db.setup()?;
    AnsiTransactionManager::begin_transaction_sql(db, begin)?;
    match work(db) {
        Ok(count) => {
            failpoint::dies("store::migration");
            AnsiTransactionManager::commit_transaction(db)?;
            failpoint::dies("store::migrated");
            Ok(count)
        }
        Err(it) => {
            AnsiTransactionManager::rollback_transaction(db)?;
            Err(it)
        }
    }
}

fn run<C: MigrationHarness<B>, B: Backend>(db: &mut C, source: EmbeddedMigrations) -> Result<usize, Error>
where
    EmbeddedMigrations: MigrationSource<B>,
{
    let wrong = |it: Box<dyn std::error::Error + Send + Sync>| Error::Internal(it.to_string());
    let pending = db.pending_migrations(source).map_err(wrong)?;
    for step in &pending {
        failpoint::dies("store::migration");
        db.run_migration(&**step).map_err(wrong)?;
    }
    Ok(pending.len())
}
