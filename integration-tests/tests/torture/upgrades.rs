//! C-20: an upgrade that dies leaves the schema of before, or the new one.

use std::fs;

use super::ledger::Ledger;
use super::node::Setting;
use super::{drive, report};
use crate::support::{Database, Kind, root};

/// The last migrations of the schema before this one: those of both databases, and PostgreSQL's own.
const PREVIOUS: [(&str, &str); 2] = [("portable", "2026-11-22-000005"), ("postgres", "2026-11-22-000001")];

#[test]
fn torture_c_20_an_upgrade_that_dies_is_whole_or_wasnt_on_sqlite() {
    upgraded(Kind::Sqlite);
}

#[test]
fn torture_c_20_an_upgrade_that_dies_is_whole_or_wasnt_on_postgres() {
    upgraded(Kind::Postgres);
}

/// The migrations in order: folder and version.
fn migrations(kind: Kind, last: Option<&[(&str, &str); 2]>) -> Vec<(String, String)> {
    let folders = if kind == Kind::Postgres { &PREVIOUS[..] } else { &PREVIOUS[..1] };
    let mut all = Vec::new();
    for (place, (folder, _)) in folders.iter().enumerate() {
        let folder = root().join("migrations").join(folder);
        let names = fs::read_dir(&folder).expect("migrations").map(|it| it.expect("one").file_name());
        let mut names: Vec<_> = names.map(|it| it.to_string_lossy().into_owned()).collect();
        names.sort();
        names.retain(|it| last.is_none_or(|last| it.split('_').next() <= Some(last[place].1)));
        all.extend(names.into_iter().map(|it| (folder.join(&it).display().to_string(), version(&it))));
    }
    all
}

fn version(name: &str) -> String {
    name.split('_').next().unwrap_or_default().replace('-', "")
}

/// Runs these as an earlier release did.
fn run(ledger: &Ledger, migrations: &[(String, String)]) {
    ledger.execute(
        "create table if not exists __diesel_schema_migrations (version varchar(50) primary key not null, \
         run_on timestamp not null default current_timestamp)",
    );
    for (folder, version) in migrations {
        let sql = fs::read_to_string(format!("{folder}/up.sql")).expect("a migration");
        let note = format!("insert into __diesel_schema_migrations (version) values ('{version}')");
        ledger.execute(&format!("begin; {sql}\n; {note}; commit"));
    }
}

/// The schema, and which migrations it says it has.
fn shape(ledger: &Ledger) -> Vec<String> {
    let sql = match ledger.kind {
        Kind::Sqlite => {
            "select name || ' ' || coalesce(sql, '') as it from sqlite_master where name not like '%diesel%'"
        }
        Kind::Postgres => {
            "select table_name || ' ' || column_name || ' ' || data_type || ' ' || is_nullable as it \
             from information_schema.columns where table_schema = 'public' and table_name not like '%diesel%' \
             union all select indexdef from pg_indexes where schemaname = 'public' and tablename not like '%diesel%' \
             union all select tablename || ' ' || policyname || ' ' || coalesce(qual, '') from pg_policies \
             union all select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint \
             where connamespace = 'public'::regnamespace and conrelid <> 0 and conrelid::regclass::text not like '%diesel%'"
        }
    };
    let mut found = ledger.texts(sql);
    let table = match ledger.kind {
        Kind::Sqlite => "select count(*) as it from sqlite_master where name = '__diesel_schema_migrations'",
        Kind::Postgres => {
            "select count(*) as it from pg_tables where tablename = '__diesel_schema_migrations'"
        }
    };
    if ledger.texts(table) != ["0"] {
        found.extend(ledger.texts("select version as it from __diesel_schema_migrations"));
    }
    found.sort();
    found
}

/// Something that was there before.
const MARK: &str = "insert into organizations (id, name) values ('org_before', 'Before')";

fn upgraded(kind: Kind) {
    drive(async {
        let Some(whole) = Database::empty(kind) else { return eprintln!("left out: there is no PostgreSQL") };
        let target = Ledger::new(kind, &whole.url);
        run(&target, &migrations(kind, None));
        let (new, all) = (shape(&target), migrations(kind, None));
        let mut deaths = 0;
        for from in [&[][..], &migrations(kind, Some(&PREVIOUS))] {
            let database = Database::empty(kind).expect("a database");
            let (ledger, setting) =
                (Ledger::new(kind, &database.url), Setting::new(&format!("c-20-{kind:?}"), &database.url));
            run(&ledger, from);
            if !from.is_empty() {
                ledger.execute(MARK);
            }
            let old = shape(&ledger);
            // Before each step, and before the end.
            let steps = all.len() - from.len() + 1;
            for step in 0..steps {
                died(&setting, &format!("store::migration={step}*off->return"));
                assert_eq!(shape(&ledger), old, "dead at step {step} of {steps}");
                deaths += 1;
            }
            died(&setting, "store::migrated=return");
            assert_eq!(shape(&ledger), new, "dead after the end");
            deaths += 1;
            let again = setting.command(&["migrate"]).output().expect("a command");
            assert!(again.status.success(), "{again:?}");
            assert_eq!(shape(&ledger), new);
            let marks = ledger.texts("select count(*) as it from organizations where id = 'org_before'");
            assert_eq!(marks, [u8::from(!from.is_empty()).to_string()]);
            drop(setting.start());
        }
        // The control: what is in between is neither.
        let between = Database::empty(kind).expect("a database");
        let ledger = Ledger::new(kind, &between.url);
        let empty = shape(&ledger);
        run(&ledger, &all[..1]);
        assert!(![&empty, &new].contains(&&shape(&ledger)));
        report("C-20", kind, "the old schema or the new one", &format!("{deaths} deaths, never between"));
    });
}

/// Has an upgrade die there.
fn died(setting: &Setting, point: &str) {
    let it = setting.armed(point).command(&["migrate"]).output().expect("a command");
    let signal = std::os::unix::process::ExitStatusExt::signal(&it.status);
    assert_eq!(signal, Some(6), "{point}: {it:?}");
}
