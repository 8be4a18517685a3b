//! Whether a database is one to trust: what was found, how bad that is, and what to do.

use std::collections::BTreeSet;
use std::path::Path;

use kernel::Clock;
use serde::Serialize;

use crate::backup::untouched;
use crate::db::{Role, Target, count, one, texts, versions};
use crate::{Db, Error};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// To be looked at.
    Warn,
    /// The service can't do what it promises.
    Fail,
}

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What to do, where something is to be done.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub advice: &'static str,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, level: Level::Ok, found: found.into(), advice: "" }
    }

    /// The same, with what to do, if it isn't.
    #[must_use]
    pub fn unless(self, good: bool, level: Level, advice: &'static str) -> Self {
        if good { self } else { Self { level, advice, ..self } }
    }
}

/// Looks at the database at `url`; changes nothing.
pub fn examine(url: &str, clock: &dyn Clock) -> Vec<Finding> {
    let unreachable = |it: Error| {
        let advice = "see that it runs, that database.url names it, and that its user may log in";
        vec![Finding::ok("database", it.words()).unless(false, Level::Fail, advice)]
    };
    let target = match Target::parse(url) {
        Ok(target) => target,
        Err(it) => return unreachable(it),
    };
    if let Target::Sqlite(path) = &target
        && !Path::new(path).exists()
    {
        let advice = "run `lanyard migrate`, or `lanyard restore` a backup";
        return vec![Finding::ok("database", "there is none").unless(false, Level::Fail, advice)];
    }
    // The service's own connections set what is looked at here.
    let db = match &target {
        Target::Sqlite(path) => untouched(Path::new(path), ""),
        Target::Postgres(_) => target.connect(Role::Owner),
    };
    let mut db = match db {
        Ok(db) => db,
        Err(it) => return unreachable(it),
    };
    let mut all = vec![Finding::ok("database", "it answers")];
    let checks: &[(&'static str, Check)] = if target.is_sqlite() { SQLITE } else { POSTGRES };
    for (name, check) in [("schema", schema as Check)].iter().chain(checks) {
        let found = check(&target, &mut db, clock);
        all.push(match found {
            Ok(it) => Finding { check: name, ..it },
            Err(it) => {
                let advice = "it couldn't be looked at; mend what it says";
                Finding::ok(name, it.words()).unless(false, Level::Fail, advice)
            }
        });
    }
    all
}

type Check = fn(&Target, &mut Db, &dyn Clock) -> Result<Finding, Error>;

const SQLITE: &[(&str, Check)] =
    &[("version", sqlite_version), ("durability", sqlite_durability), ("integrity", integrity)];

const POSTGRES: &[(&str, Check)] = &[
    ("version", postgres_version),
    ("durability", postgres_durability),
    ("role", role),
    ("rights", rights),
    ("row-level security", row_level_security),
    ("clock", clocks),
    ("messages", messages),
];

fn found(it: impl Into<String>) -> Finding {
    Finding::ok("", it)
}

fn schema(target: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let (have, want) = (versions(db)?, target.wanted()?);
    let last = |it: &BTreeSet<String>| it.last().cloned().unwrap_or_else(|| "none".to_owned());
    let it = found(format!("{} migrations, the last of them {}", have.len(), last(&have)));
    let advice = if have.is_subset(&want) {
        "it is older than this build: run `lanyard migrate`"
    } else {
        "it is newer than this build: run that build"
    };
    Ok(it.unless(have == want, Level::Fail, advice))
}

fn sqlite_version(_: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let version = one(db, "select sqlite_version() as it")?;
    let good = crate::db::is_trusted_sqlite(&version);
    Ok(found(format!("SQLite {version}")).unless(good, Level::Fail, "build with the bundled library"))
}

/// How the file is kept, and, only where that is right, whether the service's own connections sync.
fn sqlite_durability(target: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let journal = one(db, "select journal_mode as it from pragma_journal_mode")?;
    if journal != "wal" {
        let advice = "run `lanyard migrate`, which sets WAL; where that doesn't last, put the database on a local disk: \
                      SQLite must be able to share memory there";
        return Ok(found(format!("journal_mode {journal}")).unless(false, Level::Fail, advice));
    }
    let synchronous =
        count(&mut target.connect(Role::Owner)?, "select synchronous as it from pragma_synchronous")?;
    let it = found(format!("journal_mode {journal}, synchronous {synchronous}"));
    Ok(it.unless(synchronous == 2, Level::Fail, "use another build: what is acknowledged isn't on disk"))
}

fn integrity(_: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let told = texts(db, "select quick_check as it from pragma_quick_check limit 3")?;
    let good = told == ["ok"];
    Ok(found(told.join("; ")).unless(
        good,
        Level::Fail,
        "stop the service, keep the files, and restore the last backup",
    ))
}

fn postgres_version(_: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let version = one(db, "select current_setting('server_version') as it")?;
    let major = count(db, "select current_setting('server_version_num')::bigint / 10000 as it")?;
    let advice = "upgrade it: versions before 14 get no more corrections";
    Ok(found(format!("PostgreSQL {version}")).unless(major >= 14, Level::Warn, advice))
}

fn postgres_durability(_: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let names = ["fsync", "full_page_writes", "synchronous_commit"];
    let told = names.map(|it| one(db, &format!("select current_setting('{it}') as it")));
    let told = told.into_iter().collect::<Result<Vec<_>, _>>()?;
    let good = told[..2].iter().all(|it| it == "on") && told[2] != "off" && told[2] != "local";
    let shown: Vec<_> = names.iter().zip(&told).map(|(name, it)| format!("{name} {it}")).collect();
    let advice = "turn them on in postgresql.conf: what is acknowledged can be lost with the server's power";
    Ok(found(shown.join(", ")).unless(good, Level::Fail, advice))
}

/// Whoever logs in takes the role of the service's connections, which no policy spares.
fn role(target: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let who = one(db, "select session_user::text as it")?;
    let spared =
        "select count(*) as it from pg_roles where rolname = 'lanyard_app' and (rolsuper or rolbypassrls)";
    let spared = count(db, spared)? > 0;
    let above =
        count(db, "select count(*) as it from pg_roles where rolname = session_user and rolsuper")? > 0;
    if let Err(it) = target.connect(Role::Writer) {
        let advice = "have `create role lanyard_app nologin` run, then `grant lanyard_app to` who logs in";
        return Ok(found(format!("{who}: {}", it.words())).unless(false, Level::Fail, advice));
    }
    let it = found(format!("{who}, as lanyard_app"));
    let it = it.unless(!above, Level::Warn, "log in as a user that is no superuser");
    Ok(it.unless(
        !spared,
        Level::Fail,
        "`alter role lanyard_app nosuperuser nobypassrls`: it sees the rows of every site",
    ))
}

/// What `lanyard_app` may do, table by table, is what the migrations let it: of the trail nothing but to add to it.
fn rights(_: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let wrong = texts(
        db,
        "select lower(p) || ' ' || c.relname as it from pg_class c \
         cross join unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p \
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' \
         and has_table_privilege('lanyard_app', c.oid, p) = (p = 'TRUNCATE' \
         or c.relname = 'trail' and p in ('UPDATE', 'DELETE') \
         or c.relname in ('principals', 'grants', 'delegations', 'emergency_accesses') and p = 'DELETE' \
         or c.relname = '__diesel_schema_migrations' and p <> 'SELECT') \
         union all \
         select 'update trail.' || attname from pg_attribute where attrelid = 'public.trail'::regclass and attnum > 0 \
         and not attisdropped \
         and has_column_privilege('lanyard_app', attrelid, attnum, 'UPDATE') <> (attname in ('position', 'chain')) \
         order by it",
    )?;
    let advice = "`grant` or `revoke` these, as the owner of the tables: what is kept for good could be changed, or the service \
                  can't work";
    let told = if wrong.is_empty() {
        "as the migrations grant them".to_owned()
    } else {
        format!("not as the migrations grant them: {}", wrong.join(", "))
    };
    Ok(found(told).unless(wrong.is_empty(), Level::Fail, advice))
}

fn row_level_security(_: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let all =
        count(db, "select count(distinct tablename) as it from pg_policies where schemaname = 'public'")?;
    let open = texts(
        db,
        "select relname::text as it from pg_class c where relnamespace = 'public'::regnamespace and \
         (relname = 'authorizations' or exists (select 1 from pg_policy p where p.polrelid = c.oid)) and \
         not (relrowsecurity and relforcerowsecurity and exists (select 1 from pg_policy p where p.polrelid = c.oid)) \
         order by relname",
    )?;
    let advice = "`alter table … enable row level security`, then `force row level security`: callers could see others' rows";
    let told = if open.is_empty() {
        format!("in force on {all} tables")
    } else {
        format!("not in force on {}", open.join(", "))
    };
    Ok(found(told).unless(open.is_empty() && all > 0, Level::Fail, advice))
}

fn clocks(_: &Target, db: &mut Db, clock: &dyn Clock) -> Result<Finding, Error> {
    let theirs = count(db, "select (extract(epoch from clock_timestamp()) * 1000)::bigint as it")?;
    let apart = (clock.now().timestamp_millis() - theirs).abs();
    let it = found(format!("{apart} ms from this machine's"));
    let advice = "have both machines keep time (NTP): deadlines and tokens follow this one's";
    Ok(it.unless(apart < 1_000, Level::Warn, advice).unless(apart < 10_000, Level::Fail, advice))
}

fn messages(_: &Target, db: &mut Db, _: &dyn Clock) -> Result<Finding, Error> {
    let told = one(db, "select current_setting('lc_messages') as it")?;
    let good = crate::db::is_told_in_english(&told);
    Ok(found(format!("lc_messages {told}")).unless(good, Level::Fail, "set `lc_messages` to C or English"))
}
