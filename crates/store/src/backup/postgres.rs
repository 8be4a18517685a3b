//! PostgreSQL's own programs: `pg_dump` in a snapshot that stays ours until it is done, and `pg_restore`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use chrono::NaiveDate;
use diesel::connection::SimpleConnection;

use super::{Content, gap, wrong};
use crate::db::{Role, Target, count, one};
use crate::{Db, Error};

const TABLES: &str =
    "select tablename::text as it from pg_tables where schemaname = 'public' order by tablename";

/// The role of the service's connections is the server's own, not the database's, so that no copy has it. Of the tables that are
/// restored it gets what the copy says and nothing more, which it would by what is granted on tables to come.
const ROLE: &str = "do $$ begin \
     if not exists (select 1 from pg_roles where rolname = 'lanyard_app') then \
     create role lanyard_app nologin nobypassrls; end if; \
     exception when duplicate_object or unique_violation then null; end $$; \
     alter default privileges in schema public revoke all on tables from lanyard_app; \
     alter default privileges in schema public revoke all on sequences from lanyard_app";

/// What it is granted on tables to come, which a dump says of an owner whom another server may not have.
const TO_COME: &str = "alter default privileges in schema public grant select, insert, update, delete on tables to lanyard_app; \
     alter default privileges in schema public grant usage on sequences to lanyard_app";

pub(super) fn save(
    target: &Target,
    url: &str,
    file: &Path,
    programs: Option<&Path>,
) -> Result<Content, Error> {
    let mut db = patient(target)?;
    let server = Server::of(url, programs);
    server.check(&mut db, "pg_dump")?;
    db.batch_execute("begin isolation level repeatable read read only")?;
    let snapshot = one(&mut db, "select pg_export_snapshot() as it")?;
    let mut dump = server.program("pg_dump");
    dump.args(["--format=custom", "--no-owner", "--enable-row-security", "--lock-wait-timeout=10s"]);
    dump.arg(format!("--snapshot={snapshot}")).arg("--file").arg(file);
    finished("pg_dump", dump.output())?;
    let content = Content::of(&mut db, TABLES)?;
    db.batch_execute("commit")?;
    Ok(content)
}

pub(super) fn load(
    target: &Target,
    url: &str,
    file: &Path,
    (today, programs): (NaiveDate, Option<&Path>),
) -> Result<Content, Error> {
    let mut db = patient(target)?;
    let server = Server::of(url, programs);
    server.check(&mut db, "pg_restore")?;
    let there = "select count(*) as it from pg_class where relnamespace = 'public'::regnamespace";
    if count(&mut db, there)? > 0 {
        return wrong("the database isn't empty; make a new one (`createdb`) and restore to that");
    }
    db.batch_execute(ROLE)?;
    let contents = finished("pg_restore", server.bare("pg_restore").arg("--list").arg(file).output())?;
    let contents = String::from_utf8_lossy(&contents.stdout);
    let kept: String =
        contents.lines().filter(|it| !it.contains(" DEFAULT ACL ")).flat_map(|it| [it, "\n"]).collect();
    let mut restore = server.program("pg_restore");
    restore
        .args(["--no-owner", "--single-transaction", "--exit-on-error", "--use-list=/dev/stdin"])
        .arg(file);
    let child = restore.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let told = child.and_then(|mut child| {
        child.stdin.take().map_or(Ok(()), |mut it| it.write_all(kept.as_bytes()))?;
        child.wait_with_output()
    });
    finished("pg_restore", told)?;
    db.batch_execute(TO_COME)?;
    let content = Content::of(&mut db, TABLES)?;
    gap::leave(&mut db, &content.schema, today)?;
    db.batch_execute("analyze")?;
    Ok(content)
}

/// A connection that waits for as long as it takes, and sees the rows of every site.
fn patient(target: &Target) -> Result<Db, Error> {
    let mut db = target.connect(Role::Owner)?;
    db.batch_execute(
        "set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0; \
         set app.scope = 'job'",
    )?;
    Ok(db)
}

/// Where the server is, as its programs are told. Others on the machine see the arguments of a program, so that a password
/// isn't among them.
struct Server<'a> {
    url: String,
    password: Option<String>,
    programs: Option<&'a Path>,
}

impl<'a> Server<'a> {
    fn of(url: &str, programs: Option<&'a Path>) -> Self {
        let (url, password) = apart(url);
        Self { url: as_job(&url), password, programs }
    }

    fn bare(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.map_or_else(|| name.into(), |it| it.join(name)));
        // What went wrong is told in English.
        command.env("LC_ALL", "C");
        command
    }

    fn program(&self, name: &str) -> Command {
        let mut command = self.bare(name);
        command.arg("--no-password").arg(format!("--dbname={}", self.url));
        if let Some(password) = &self.password {
            command.env("PGPASSWORD", password);
        }
        command
    }

    /// Refuses a program that is older than the server, or isn't there.
    fn check(&self, db: &mut Db, name: &str) -> Result<(), Error> {
        let server = count(db, "select current_setting('server_version_num')::bigint / 10000 as it")?;
        let told = finished(name, self.bare(name).arg("--version").output())?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let version: Option<i64> =
            told.split(") ").nth(1).and_then(|it| it.split(['.', ' ', 'b', 'r']).next()?.trim().parse().ok());
        match version {
            Some(it) if it >= server => Ok(()),
            _ => wrong(&format!(
                "{name} is too old for a server of version {server} ({}): install its programs (postgresql-client-{server}), \
                 and name their folder in backup.programs",
                told.trim()
            )),
        }
    }
}

/// What a program printed, if it did its work. Of its complaints the first line tells why; later ones may quote rows.
fn finished(name: &str, told: std::io::Result<Output>) -> Result<Output, Error> {
    match told {
        Err(why) => wrong(&format!(
            "{name} can't be run ({why}): install PostgreSQL's programs (postgresql-client), or name their folder in \
             backup.programs"
        )),
        Ok(told) if told.status.success() => Ok(told),
        Ok(told) => {
            let said = String::from_utf8_lossy(&told.stderr);
            wrong(&format!("{name} failed: {}", said.lines().next().unwrap_or("without a word")))
        }
    }
}

/// A URL without its password, and the password.
fn apart(url: &str) -> (String, Option<String>) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (login, place) = rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
    let (user, own) = login.map_or(("", None), |it| match it.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (it, None),
    });
    let (place, parameters) = place.split_once('?').unwrap_or((place, ""));
    let (said, others): (Vec<_>, Vec<_>) =
        parameters.split('&').filter(|it| !it.is_empty()).partition(|it| it.starts_with("password="));
    let password = said.last().and_then(|it| it.split_once('=')).map(|it| it.1).or(own);
    let at = if login.is_some() { "@" } else { "" };
    let ask = if others.is_empty() { "" } else { "?" };
    (format!("{scheme}://{user}{at}{place}{ask}{}", others.join("&")), password.map(decoded))
}

/// Has the server show every site's rows, for as long as it takes, besides what the URL has it set: where that sets anything,
/// what the environment says isn't heeded.
fn as_job(url: &str) -> String {
    const SET: &str = "-c%20app.scope%3Djob%20-c%20statement_timeout%3D0";
    let (place, parameters) = url.split_once('?').unwrap_or((url, ""));
    let (set, mut all): (Vec<_>, Vec<_>) =
        parameters.split('&').filter(|it| !it.is_empty()).partition(|it| it.starts_with("options="));
    let set = set.last().map_or_else(|| format!("options={SET}"), |it| format!("{it}%20{SET}"));
    all.push(&set);
    format!("{place}?{}", all.join("&"))
}

/// What stands for a text in a URL.
fn decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).filter(|_| first == b'%').and_then(|it| std::str::from_utf8(it).ok());
        let byte = hex.and_then(|it| u8::from_str_radix(it, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_url_sets_is_kept_beside_what_a_backup_needs() {
        const SET: &str = "-c%20app.scope%3Djob%20-c%20statement_timeout%3D0";
        for (url, it) in [
            ("postgres://h/d", format!("postgres://h/d?options={SET}")),
            ("postgres://h/d?a=b", format!("postgres://h/d?a=b&options={SET}")),
            (
                "postgres://h/d?options=-c%20x%3Dy&a=b",
                format!("postgres://h/d?a=b&options=-c%20x%3Dy%20{SET}"),
            ),
        ] {
            assert_eq!(as_job(url), it, "{url}");
        }
    }

    #[test]
    fn a_password_is_taken_out_of_its_url() {
        for (url, bare, password) in [
            ("postgres://u:p%40s%3as@h:5432/d?a=b", "postgres://u@h:5432/d?a=b", Some("p@s:s")),
            ("postgres://u:p?@h/d", "postgres://u@h/d", Some("p?")),
            ("postgres://u@h/d?password=p%&sslmode=require", "postgres://u@h/d?sslmode=require", Some("p%")),
            ("postgresql://h/d", "postgresql://h/d", None),
            ("postgres:///d?host=/run", "postgres:///d?host=/run", None),
        ] {
            assert_eq!(apart(url), (bare.to_owned(), password.map(str::to_owned)), "{url}");
        }
    }
}
