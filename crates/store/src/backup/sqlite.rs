//! SQLite copies itself: `vacuum into` reads one snapshot, beside whoever writes, and what it writes is whole.

use std::fs;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use diesel::SqliteConnection;
use diesel::connection::{Connection, SimpleConnection};

use super::{Content, files, gap, wrong};
use crate::db::{Role, Target, texts};
use crate::{Db, Error};

const TABLES: &str =
    "select name as it from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name";

pub(super) fn save(target: &Target, path: &str, file: &Path) -> Result<Content, Error> {
    if !Path::new(path).exists() {
        return wrong("there is no such database");
    }
    let mut db = target.connect(Role::Owner)?;
    let into = file.display().to_string().replace('\'', "''");
    db.batch_execute(&format!("vacuum into '{into}'"))?;
    looked_at(file)
}

/// Puts a copy in the place of a database that isn't there, all at once.
pub(super) fn load(path: &str, file: &Path, today: NaiveDate) -> Result<Content, Error> {
    // The log of a database that was there before would be taken for this one's.
    for end in ["", "-wal", "-shm", "-journal"] {
        if Path::new(&format!("{path}{end}")).exists() {
            return wrong(&format!("{path}{end} is there; restore to where there is no database"));
        }
    }
    let partial = PathBuf::from(format!("{path}.restoring"));
    files::copy(file, &partial)?;
    let found = looked_at(&partial);
    let named = found.and_then(|found| {
        prepare(&partial, &found, today)?;
        fs::rename(&partial, path).map_err(|it| files::failed(&partial, &it))?;
        Ok(found)
    });
    if named.is_err() {
        let _ = fs::remove_file(&partial);
    }
    named
}

/// Has a copy be as the service keeps its database; its log is gone with the connection.
fn prepare(file: &Path, found: &Content, today: NaiveDate) -> Result<(), Error> {
    let mut db = SqliteConnection::establish(&file.display().to_string())?;
    db.batch_execute("pragma journal_mode = wal; pragma synchronous = full")?;
    let mut db = Db::Sqlite(db);
    gap::leave(&mut db, &found.schema, today)?;
    drop(db);
    for end in ["-wal", "-shm"] {
        if PathBuf::from(format!("{}{end}", file.display())).exists() {
            return wrong("the copy's log couldn't be written to it");
        }
    }
    files::sync(file).map(|_| ())
}

/// A connection that changes nothing, and sets nothing of what a file says of itself.
pub(crate) fn untouched(file: &Path, more: &str) -> Result<Db, Error> {
    let path = file.display().to_string().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    Ok(Db::Sqlite(SqliteConnection::establish(&format!("file:{path}?mode=ro{more}"))?))
}

/// What a copy holds, if it is sound; looking changes nothing of it.
fn looked_at(file: &Path) -> Result<Content, Error> {
    let mut db = untouched(file, "&immutable=1")?;
    let found = texts(&mut db, "select integrity_check as it from pragma_integrity_check limit 10")?;
    if found != ["ok"] {
        return wrong(&format!("the copy isn't sound: {}", found.join("; ")));
    }
    if !texts(&mut db, "select \"table\" as it from pragma_foreign_key_check limit 1")?.is_empty() {
        return wrong("the copy isn't sound: a row names another that isn't there");
    }
    Content::of(&mut db, TABLES)
}
