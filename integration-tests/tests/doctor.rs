//! `lanyard doctor`: what is broken is named, one thing at a time, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};
use kernel::{Clock, ManualClock, SystemClock};
use serde_json::Value;
use store::Level;

use crate::cli::{folder, lanyard, run};
use crate::support::{Database, Kind, signing_key};

/// What breaks a database.
type Breaks = Box<dyn Fn(&Database)>;

/// What isn't well, by check; and whether the command said so by its end.
type Told = (BTreeMap<String, String>, bool);

fn read(stdout: &[u8], success: bool) -> Told {
    let all: Vec<Value> = serde_json::from_slice(stdout).expect("JSON");
    let word = |it: &Value, name: &str| it[name].as_str().expect(name).to_owned();
    for it in &all {
        assert_eq!(it["advice"].is_string(), it["level"] != "ok", "{it}");
    }
    let bad = all.iter().filter(|it| it["level"] != "ok");
    (bad.map(|it| (word(it, "check"), word(it, "level"))).collect(), success)
}

fn doctor(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Told {
    let output = run(folder, &[arguments, &["doctor", "--json"]].concat(), variables);
    read(&output.stdout, output.status.success())
}

/// These are warned of, and those failed.
fn told(warned: &[&str], failed: &[&str]) -> Told {
    let of = |all: &[&str], level: &str| {
        all.iter().map(|it| ((*it).to_owned(), level.to_owned())).collect::<Vec<_>>()
    };
    ([of(warned, "warn"), of(failed, "fail")].concat().into_iter().collect(), failed.is_empty())
}

/// A sound database, backed up a moment ago, and a folder.
fn sound(kind: Kind, name: &str) -> Option<(Database, PathBuf)> {
    let (database, folder) = (Database::new(kind)?, folder(&format!("doctor-{name}")));
    let now = SystemClock.now().naive_utc().to_string();
    execute(&database, &format!("insert into backups (id, at, digest) values ('bck_1', '{now}', 'x')"));
    if kind == Kind::Sqlite {
        set_mode(Path::new(file(&database)), 0o600);
    }
    Some((database, folder))
}

fn file(database: &Database) -> &str {
    database.url.trim_start_matches("sqlite:")
}

fn set_mode(file: &Path, mode: u32) {
    fs::set_permissions(file, fs::Permissions::from_mode(mode)).expect("a mode");
}

fn execute(database: &Database, sql: &str) {
    if database.url.starts_with("sqlite:") {
        let mut db = SqliteConnection::establish(file(database)).expect("a connection");
        db.batch_execute(sql).expect(sql);
    } else {
        let mut db = PgConnection::establish(&database.url).expect("a connection");
        db.batch_execute(sql).expect(sql);
    }
}

const OVERDUE: &str = "insert into deadlines (id, subject, rule, basis, opened_at, due_at) \
     values ('ddl_1', 's', 'AUT-01', 'calendar', '2026-01-01 00:00:00', '2026-01-02 00:00:00')";
const UNSENT: &str = "insert into outbox (id, at, topic, subject, status, version, sequence) \
     values ('evt_1', '2026-01-01 00:00:00', 't', 's', 'x', 1, 1)";

#[test]
fn what_is_broken_is_named_on_sqlite() {
    let all = |sql: &'static str| move |it: &Database| execute(it, sql);
    let cases: Vec<(&str, Breaks, Told)> = vec![
        ("control", Box::new(|_| ()), told(&[], &[])),
        ("gone", Box::new(|it| fs::remove_file(file(it)).expect("a file")), told(&[], &["database"])),
        (
            "older",
            Box::new(all("delete from __diesel_schema_migrations where version = '20261122000030'")),
            told(&[], &["schema"]),
        ),
        (
            "newer",
            Box::new(all("insert into __diesel_schema_migrations (version) values ('20991231000000')")),
            told(&[], &["schema"]),
        ),
        ("codes", Box::new(all("delete from code_releases")), told(&[], &["code sets"])),
        ("overdue", Box::new(all(OVERDUE)), told(&["deadlines"], &[])),
        ("unsent", Box::new(all(UNSENT)), told(&["events"], &[])),
        ("saved", Box::new(all("delete from backups")), told(&["backup"], &[])),
        ("long-ago", Box::new(all("update backups set at = '2026-01-01 00:00:00'")), told(&["backup"], &[])),
        ("shown", Box::new(|it| set_mode(Path::new(file(it)), 0o644)), told(&["database file"], &[])),
    ];
    for (name, breaks, expected) in cases {
        let (database, folder) = sound(Kind::Sqlite, name).expect("a database");
        breaks(&database);
        assert_eq!(
            doctor(&folder, &["--demo"], &[("LANYARD_DATABASE__URL", &database.url)]),
            expected,
            "{name}"
        );
    }
}

/// A file that isn't kept as the service keeps it is named, and left as it is.
#[test]
fn a_file_without_its_log_is_named_and_left_alone() {
    let (database, folder) = sound(Kind::Sqlite, "journal").expect("a database");
    execute(&database, "pragma journal_mode = delete");
    let before = fs::read(file(&database)).expect("a file");
    let look = || doctor(&folder, &["--demo"], &[("LANYARD_DATABASE__URL", &database.url)]);
    assert_eq!(look(), told(&[], &["durability"]));
    assert!(fs::read(file(&database)).expect("a file") == before, "it was changed");
    assert!(!Path::new(&format!("{}-wal", file(&database))).exists());
    // The control: once it is mended as it is told to be, all is well.
    let mended = run(&folder, &["--demo", "migrate"], &[("LANYARD_DATABASE__URL", &database.url)]);
    assert!(mended.status.success());
    assert_eq!(look(), told(&[], &[]));
}

/// A page of the file that isn't what it was.
#[test]
fn a_damaged_file_is_named() {
    let (database, folder) = sound(Kind::Sqlite, "damaged").expect("a database");
    let damaged = fs::OpenOptions::new().write(true).open(file(&database)).expect("the file");
    for page in 1000..1100 {
        damaged.write_all_at(&[0xA5; 512], page * 4096).expect("a write");
    }
    let (bad, good) = doctor(&folder, &["--demo"], &[("LANYARD_DATABASE__URL", &database.url)]);
    assert!(!good && bad.get("integrity").is_some_and(|it| it == "fail"), "{bad:?}");
}

#[test]
fn what_is_broken_is_named_on_postgres() {
    let Some((database, folder)) = sound(Kind::Postgres, "postgres") else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    let url = database.url.clone();
    let look = |url: &str| doctor(&folder, &["--demo"], &[("LANYARD_DATABASE__URL", url)]);
    // The tests' server doesn't sync, and its user may do anything.
    assert_eq!(look(&url), told(&["role"], &["durability"]));
    for (breaks, mends, check) in [
        (
            "alter table authorizations no force row level security",
            "alter table authorizations force row level security",
            "row-level security",
        ),
        (
            "alter table past_decisions disable row level security",
            "alter table past_decisions enable row level security",
            "row-level security",
        ),
        (
            "alter policy seen on authorizations rename to kept; drop policy kept on authorizations",
            "create policy seen on authorizations using (false)",
            "row-level security",
        ),
        (
            "grant update on trail to lanyard_app",
            "revoke update on trail from lanyard_app; grant update (position, chain) on trail to lanyard_app",
            "rights",
        ),
        ("grant delete on grants to lanyard_app", "revoke delete on grants from lanyard_app", "rights"),
        ("revoke insert on jobs from lanyard_app", "grant insert on jobs to lanyard_app", "rights"),
        (
            "grant update (reason) on trail to lanyard_app",
            "revoke update (reason) on trail from lanyard_app",
            "rights",
        ),
        (
            "insert into __diesel_schema_migrations (version) values ('20991231000000')",
            "delete from __diesel_schema_migrations where version = '20991231000000'",
            "schema",
        ),
    ] {
        execute(&database, breaks);
        assert_eq!(look(&url), told(&["role"], &["durability", check]), "{breaks}");
        execute(&database, mends);
        assert_eq!(look(&url), told(&["role"], &["durability"]), "{mends}");
    }
    assert_eq!(look("postgres://lanyard@127.0.0.1:1/x"), told(&[], &["database"]));
    let stranger = format!("stranger_{}", std::process::id());
    execute(
        &database,
        &format!("create role {stranger} login; grant select on __diesel_schema_migrations to {stranger}"),
    );
    let (bad, good) = look(&url.replace("//lanyard@", &format!("//{stranger}@")));
    execute(
        &database,
        &format!("revoke all on __diesel_schema_migrations from {stranger}; drop role {stranger}"),
    );
    assert!(!good && bad.get("role").is_some_and(|it| it == "fail"), "{bad:?}");
}

/// A server whose clock is another is named, by how far.
#[test]
fn another_clock_is_named() {
    let Some(database) = Database::new(Kind::Postgres) else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    let level = |at: DateTime<Utc>| {
        let all = store::examine(&database.url, &ManualClock::new(at));
        all.into_iter().find(|it| it.check == "clock").expect("a clock").level
    };
    let now = SystemClock.now();
    let levels =
        [TimeDelta::zero(), TimeDelta::seconds(5), TimeDelta::seconds(-60)].map(|it| level(now + it));
    assert_eq!(levels, [Level::Ok, Level::Warn, Level::Fail]);
}

#[test]
fn what_is_broken_around_it_is_named() {
    let (database, folder) = sound(Kind::Sqlite, "around").expect("a database");
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.join(name);
        fs::write(&path, text).expect("a file");
        set_mode(&path, mode);
        path.display().to_string()
    };
    let jwks = r#"{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "a", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    let (jwks, random) = (write("jwks.json", jwks, 0o644), "bXQ3ZkQy9pL0aVxw7RkTn4uHs2Ge8JcY");
    let (secret, open) = (write("secret", random, 0o600), write("open", random, 0o644));
    let pem = fs::read_to_string(signing_key()).expect("a key");
    let (pem, shown) = (write("signing.pem", &pem, 0o600), write("shown.pem", &pem, 0o644));
    fs::create_dir(folder.join("policy")).expect("a folder");
    write("policy/plan.toml", "version = 7", 0o644);
    let good = BTreeMap::from([
        ("LANYARD_DATABASE__URL", database.url.clone()),
        ("LANYARD_AUTH__ISSUER", "https://127.0.0.1:1".to_owned()),
        ("LANYARD_AUTH__JWKS_FILE", jwks),
        ("LANYARD_SECRET_FILE", secret),
        ("LANYARD_PUBLIC_URL", "https://lanyard.test".to_owned()),
        ("LANYARD_TRUSTED_PROXIES", "127.0.0.1".to_owned()),
        ("LANYARD_AUTH__SIGNING_KEY_FILE", pem),
    ]);
    let none = "-";
    for (name, value, expected) in [
        ("LANYARD_LOG", "info", told(&[], &[])),
        ("LANYARD_HOSTS", "https://plan.example", told(&[], &["settings"])),
        ("LANYARD_SECRET_FILE", &open, told(&[], &["secret_file"])),
        ("LANYARD_AUTH__SIGNING_KEY_FILE", &shown, told(&[], &["signing_key_file"])),
        ("LANYARD_PLAN__POLICY_FOLDER", "policy", told(&[], &["policies"])),
        ("LANYARD_AUTH__JWKS_FILE", none, told(&[], &["keys of people"])),
        ("LANYARD_AUTH__JWKS_FILE", "nowhere.json", told(&[], &["keys of people"])),
        ("LANYARD_TRUSTED_PROXIES", none, told(&["proxies"], &[])),
    ] {
        let mut variables = good.clone();
        variables.insert(name, value.to_owned());
        variables.retain(|_, it| it != none);
        let variables: Vec<_> = variables.iter().map(|(name, it)| (*name, &**it)).collect();
        assert_eq!(doctor(&folder, &[], &variables), expected, "{name} {value}");
    }
    let few = format!("ulimit -n 300; exec {} --demo doctor --json", lanyard().display());
    let mut shell = Command::new("sh");
    shell.env_clear().env("LANYARD_DATABASE__URL", &database.url).current_dir(&folder).args(["-c", &few]);
    let output = shell.output().expect("a shell");
    assert_eq!(read(&output.stdout, output.status.success()), told(&[], &["open files"]));
}

/// For people it is one line a check.
#[test]
fn for_people_it_is_one_line_a_check() {
    let (database, folder) = sound(Kind::Sqlite, "people").expect("a database");
    execute(&database, OVERDUE);
    let output = run(&folder, &["--demo", "doctor"], &[("LANYARD_DATABASE__URL", &database.url)]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success() && text.lines().count() >= 12, "{text}");
    for line in text.lines() {
        assert!(
            line.starts_with("ok    ")
                || line.starts_with("warn  deadlines ") && line.contains(" -- see docs/runbook"),
            "{line}"
        );
    }
}
