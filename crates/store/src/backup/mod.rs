//! A copy of the whole database in a folder, made while it is in use, and a database made from such a copy.
//!
//! The folder holds the copy and a manifest, which says what is in it: without a manifest it isn't a backup. SQLite copies
//! itself, in one read transaction; PostgreSQL's own programs do it, in the snapshot in which the rows are counted.

mod files;
mod gap;
mod postgres;
mod sqlite;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};
use kernel::{TrailAction, fresh_id};
use serde::{Deserialize, Serialize};

use crate::db::{Target, count};
use crate::{Db, Error, Trail, Tx, both};

pub(crate) use sqlite::untouched;

/// The form of a manifest that this build reads and writes.
const FORM: u32 = 1;

const MANIFEST: &str = "manifest.json";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
pub struct Manifest {
    /// The form of this manifest.
    pub form: u32,
    /// `sqlite` or `postgres`: a backup of one can't become a database of the other.
    pub database: String,
    /// The build that made it.
    pub build: String,
    /// When it was begun.
    pub made_at: DateTime<Utc>,
    /// The versions of the schema's migrations.
    pub schema: BTreeSet<String>,
    /// How many rows each table has.
    pub rows: BTreeMap<String, i64>,
    /// The length of the copy.
    pub bytes: u64,
    /// Its digest.
    pub sha256: String,
}

/// What was found in a database at the moment of its copy.
struct Content {
    schema: BTreeSet<String>,
    rows: BTreeMap<String, i64>,
}

impl Content {
    /// What a database holds, by the tables that `tables` selects.
    fn of(db: &mut Db, tables: &str) -> Result<Self, Error> {
        let rows = crate::db::texts(db, tables)?.into_iter().map(|table| {
            let rows = count(db, &format!("select count(*) as it from \"{table}\""))?;
            Ok((table, rows))
        });
        let rows = rows.collect::<Result<_, Error>>()?;
        Ok(Self { schema: crate::db::versions(db)?, rows })
    }
}

/// Makes a backup of the database at `url` in `folder`, which must be new or empty; whoever uses it goes on meanwhile.
/// `programs` is the folder of PostgreSQL's programs, where they aren't found otherwise.
///
/// # Errors
/// Why it couldn't be made; then the folder has no manifest.
pub fn backup(
    url: &str,
    folder: &Path,
    build: &str,
    now: DateTime<Utc>,
    programs: Option<&Path>,
) -> Result<Manifest, Error> {
    let target = Target::parse(url)?;
    files::make_folder(folder)?;
    let file = folder.join(copy_of(&target));
    files::create(&file)?;
    let content = match &target {
        Target::Sqlite(path) => sqlite::save(&target, path, &file)?,
        Target::Postgres(url) => postgres::save(&target, url, &file, programs)?,
    };
    let (bytes, sha256) = files::sync(&file)?;
    let manifest = Manifest {
        form: FORM,
        database: kind(&target).to_owned(),
        build: build.to_owned(),
        made_at: now,
        schema: content.schema,
        rows: content.rows,
        bytes,
        sha256,
    };
    let text = serde_json::to_string_pretty(&manifest).map_err(|it| Error::Internal(it.to_string()))?;
    files::write_last(folder, MANIFEST, &text)?;
    Ok(manifest)
}

/// Makes the database at `url`, which must not be there yet, or be empty, from the backup in `folder`. It gives no number of `today`,
/// and no event's position, that can have been given after the backup.
///
/// # Errors
/// Why it couldn't be made: it isn't a backup that this build can read, or not as it was made, or there is something already.
pub fn restore(
    url: &str,
    folder: &Path,
    today: NaiveDate,
    programs: Option<&Path>,
) -> Result<Manifest, Error> {
    let target = Target::parse(url)?;
    let manifest = manifest(folder)?;
    if manifest.database != kind(&target) {
        return wrong(&format!("it is a backup of {}, and database.url isn't", manifest.database));
    }
    if !manifest.schema.is_subset(&target.wanted()?) {
        return wrong(&format!(
            "its schema is newer than this build; restore it with build {}",
            manifest.build
        ));
    }
    let file = folder.join(copy_of(&target));
    if files::digest(&file)? != (manifest.bytes, manifest.sha256.clone()) {
        return wrong(&format!(
            "{} isn't as it was made: its digest isn't that in {MANIFEST}",
            file.display()
        ));
    }
    let content = match &target {
        Target::Sqlite(path) => sqlite::load(path, &file, today)?,
        Target::Postgres(url) => postgres::load(&target, url, &file, (today, programs))?,
    };
    if content.schema != manifest.schema || content.rows != manifest.rows {
        return wrong("what was restored isn't what the manifest says; don't use it");
    }
    Ok(manifest)
}

/// Has the database know of a backup, and the trail, since it holds all that the plan knows of its members.
///
/// # Errors
/// If the database can't be written to.
pub fn note_backup(tx: &mut Tx<'_>, manifest: &Manifest) -> Result<(), Error> {
    let (id, at) = (fresh_id("bck", manifest.made_at), manifest.made_at.naive_utc());
    let insert = diesel::sql_query("insert into backups (id, at, digest) values ($1, $2, $3)");
    both!(tx.db()?, |db| insert
        .bind::<Text, _>(&id)
        .bind::<Timestamp, _>(at)
        .bind::<Text, _>(&manifest.sha256)
        .execute(db))?;
    let (action, after) = (TrailAction::BackupMake, Some(manifest.sha256.clone()));
    tx.record(Trail { action, subject: id, site_id: None, reason: None, before: None, after });
    Ok(())
}

/// The manifest of the backup in `folder`.
fn manifest(folder: &Path) -> Result<Manifest, Error> {
    let path = folder.join(MANIFEST);
    let text = fs::read_to_string(&path).map_err(|it| files::failed(&path, &it))?;
    let form = serde_json::from_str::<serde_json::Value>(&text).ok().and_then(|it| it["form"].as_u64());
    match (serde_json::from_str(&text), form) {
        (_, Some(it)) if it > FORM.into() => {
            wrong("it was made by a newer build, whose manifest this one can't read")
        }
        (Ok(manifest), _) => Ok(manifest),
        (Err(_), _) => wrong(&format!("{} isn't the manifest of a backup", path.display())),
    }
}

const fn kind(target: &Target) -> &'static str {
    if target.is_sqlite() { "sqlite" } else { "postgres" }
}

fn copy_of(target: &Target) -> PathBuf {
    PathBuf::from(if target.is_sqlite() { "lanyard.db" } else { "lanyard.dump" })
}

fn wrong<T>(what: &str) -> Result<T, Error> {
    Err(Error::Internal(what.to_owned()))
}
