//! Backups, made by the built command while the built service is at work, and restored elsewhere (C-21).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use chrono::{Days, NaiveDate};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use regex::Regex;
use serde_json::Value;
use store::{Options, Store};

use crate::cli::{Process, folder, run};
use crate::support::{Database, Kind};

/// How many have been acknowledged before and after a backup.
const BEFORE: usize = 40;

/// A service in a process of its own, and those who ask it for authorizations, each with a key of their own.
struct Load<'a> {
    process: Process,
    token: String,
    body: String,
    /// Each key whose request was acknowledged, and the authorization.
    known: Mutex<BTreeMap<String, String>>,
    tell: mpsc::Sender<()>,
    told: Mutex<mpsc::Receiver<()>>,
    over: AtomicBool,
    folder: &'a Path,
}

impl<'a> Load<'a> {
    fn start(folder: &'a Path, url: &str) -> Self {
        let mut variables = vec![("LANYARD_DATABASE__URL", url), ("LANYARD_DATABASE__POOL", "4")];
        variables.extend([("LANYARD_RATES__WRITE__MINUTE", "0"), ("LANYARD_RATES__ANONYMOUS__MINUTE", "0")]);
        let process = Process::start(folder, &variables);
        let token = run(folder, &["--demo", "token"], &variables).stdout;
        let made =
            fs::metadata(folder.join("lanyard-demo/secret")).and_then(|it| it.modified()).expect("a time");
        let start = chrono::DateTime::<chrono::Utc>::from(made).date_naive() + Days::new(3);
        let body = include_str!("../../api/src/examples/create_authorization.request.json");
        let body = body
            .replace("2026-12-01", &start.to_string())
            .replace("2027-01-29", &(start + Days::new(9)).to_string());
        let token = String::from_utf8(token).expect("text").trim().to_owned();
        let (tell, told) = mpsc::channel();
        let (known, told, over) = (Mutex::default(), Mutex::new(told), AtomicBool::new(false));
        Self { process, token, body, known, tell, told, over, folder }
    }

    /// Asks with a key: the authorization, and whether it was there before; none without an answer.
    fn ask(&self, key: &str) -> Option<(String, bool)> {
        let mut stream = TcpStream::connect(&self.process.address).ok()?;
        let head = format!(
            "POST /v1/authorizations HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: application/json\r\n\
             idempotency-key: {key}\r\nauthorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
            self.process.address,
            self.token,
            self.body.len()
        );
        stream.write_all(format!("{head}{}", self.body).as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        // Ruled on at once, or received all the same.
        if !["HTTP/1.1 201", "HTTP/1.1 202"].iter().any(|it| head.starts_with(it)) {
            assert!(head.starts_with("HTTP/1.1 503"), "{answer}");
            return None;
        }
        let body: Value = serde_json::from_str(body).expect("JSON");
        Some((body["id"].as_str().expect("an id").to_owned(), head.contains("idempotency-replayed: true")))
    }

    /// Asks, by four at once, for as long as `meanwhile` takes.
    fn during<T: Send>(&self, name: &str, meanwhile: impl FnOnce() -> T + Send) -> T {
        self.over.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            for who in 0..4 {
                scope.spawn(move || {
                    for place in 0.. {
                        if self.over.load(Ordering::SeqCst) {
                            return;
                        }
                        let key = format!("{name}-{who}-{place}");
                        if let Some((id, replayed)) = self.ask(&key) {
                            assert!(!replayed, "{key}");
                            self.known.lock().expect("the list").insert(key, id);
                            self.tell.send(()).expect("who listens");
                        }
                    }
                });
            }
            let over = Over(&self.over);
            let done = meanwhile();
            drop(over);
            done
        })
    }

    /// Waits until so many more are acknowledged.
    fn more(&self, count: usize) {
        let told = self.told.lock().expect("who listens");
        while told.try_recv().is_ok() {}
        for _ in 0..count {
            told.recv_timeout(Duration::from_secs(30)).expect("another one in time");
        }
    }

    fn known(&self) -> BTreeMap<String, String> {
        self.known.lock().expect("the list").clone()
    }
}

/// Ends the load even where a test fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn texts(store: &Store, sql: &str) -> Result<Vec<String>, String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        it: String,
    }
    let sql = format!("select cast(it as text) as it from ({sql}) as rows");
    let read = store.read(move |rx| Ok::<_, store::Error>(diesel::sql_query(sql).load::<Row>(rx.db())?));
    read.wait().map(|it| it.into_iter().map(|it| it.it).collect()).map_err(|it| format!("{it:?}"))
}

/// What makes a database whole: each authorization with its lines, its entry in the trail, its events, its kept answer, and none of
/// these without it; and each of those that must be there.
fn whole(url: &str, must: &BTreeMap<String, String>) -> Result<usize, String> {
    let store =
        Store::open(url, Options { pool: 1, ..Options::default() }).map_err(|it| format!("{it:?}"))?;
    let number = |it: String| {
        let (day, seq) = it.split_once(' ').expect("a number");
        let day = day.parse::<NaiveDate>().expect("a day");
        store::Number { day, seq: seq.parse().expect("a place") }.to_string()
    };
    let numbers = |table: &str| {
        let sql = format!("select number_day || ' ' || number_seq as it from {table}");
        texts(&store, &sql).map(|it| it.into_iter().map(number).collect::<BTreeSet<_>>())
    };
    let subjects = |sql: &str| texts(&store, sql).map(|it| it.into_iter().collect::<BTreeSet<_>>());
    let all = numbers("authorizations")?;
    let trail = subjects("select subject as it from trail where action = 'authorization.submit'")?;
    let events = subjects("select subject as it from outbox where topic = 'authorization.submitted'")?;
    for (what, those) in [("lines", numbers("authorization_lines")?), ("trail", trail), ("events", events)] {
        if let Some(it) = all.symmetric_difference(&those).next() {
            return Err(format!("{it} and {what}: one is without the other"));
        }
    }
    let kept = texts(&store, "select key || ' ' || answer as it from idempotency")?;
    let named = Regex::new("[0-9]{5}R[0-9]{5,}").expect("a pattern");
    let first = |answer| named.find(answer).map_or("", |it| it.as_str());
    let kept: BTreeMap<_, _> =
        kept.iter().filter_map(|it| it.split_once(' ')).map(|(key, answer)| (key, first(answer))).collect();
    for (key, id) in &kept {
        if !all.contains(*id) {
            return Err(format!("{key} has an answer without an authorization"));
        }
    }
    for (key, id) in must {
        if !all.contains(id) || kept.get(&**key) != Some(&&**id) {
            return Err(format!("{key} was acknowledged, and {id} is gone"));
        }
    }
    Ok(all.len())
}

/// Whether the command succeeded, and what it said.
fn command(folder: &Path, arguments: &[&str], url: &str) -> (bool, String) {
    let output = run(folder, arguments, &[("LANYARD_DATABASE__URL", url)]);
    let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    (output.status.success(), said.concat())
}

fn manifest(backup: &Path) -> Value {
    let text = fs::read_to_string(backup.join("manifest.json")).expect("a manifest");
    serde_json::from_str(&text).expect("a manifest")
}

/// What `lanyard_app` may do, table by table and column by column, and what it is granted on tables to come.
fn rights(url: &str) -> Vec<String> {
    let store = Store::open(url, Options { pool: 1, ..Options::default() }).expect("a store");
    let sql = "select c.relname || ' ' || p || ' ' || has_table_privilege('lanyard_app', c.oid, p) as it \
         from pg_class c, unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) p \
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' \
         union all \
         select c.relname || '.' || a.attname || ' ' || p || ' ' || has_column_privilege('lanyard_app', c.oid, a.attnum, p) \
         from pg_class c join pg_attribute a on a.attrelid = c.oid, unnest(array['SELECT', 'INSERT', 'UPDATE']) p \
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped \
         union all \
         select c.relname || ' ' || p || ' ' || has_sequence_privilege('lanyard_app', c.oid, p) \
         from pg_class c, unnest(array['USAGE', 'SELECT', 'UPDATE']) p \
         where c.relnamespace = 'public'::regnamespace and c.relkind = 'S' \
         union all \
         select 'to come: ' || d.defaclobjtype::text || ' ' || a.privilege_type from pg_default_acl d, aclexplode(d.defaclacl) a \
         where a.grantee = 'lanyard_app'::regrole order by 1";
    texts(&store, sql).expect("rights")
}

fn is_numbered(store: &Store) -> Option<i64> {
    let last = "select coalesce(max(position), 0) as it from outbox";
    texts(store, last).expect("a position")[0].parse().ok().filter(|it| *it > 0)
}

/// The last event's position, once there is one.
fn last_position(url: &str) -> i64 {
    let store = Store::open(url, Options { pool: 1, ..Options::default() }).expect("a store");
    (0..500)
        .find_map(|_| {
            thread::sleep(Duration::from_millis(20));
            is_numbered(&store)
        })
        .expect("an event with its position")
}

fn online(kind: Kind) {
    let (Some(database), Some(elsewhere)) = (Database::new(kind), Database::empty(kind)) else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    let folder = folder(&format!("backup-{kind:?}"));
    let (saved, shown) = (folder.join("saved"), folder.join("saved").display().to_string());
    let load = Load::start(&folder, &database.url);
    let (before, during) = load.during("a", || {
        load.more(BEFORE);
        let before = load.known();
        last_position(&database.url);
        let (done, said) = command(&folder, &["--demo", "backup", &shown], &database.url);
        assert!(done && !said.contains("couldn't be told"), "{said}");
        let during = load.known().len() - before.len();
        load.more(BEFORE);
        (before, during)
    });
    assert!(during > 0, "nothing was acknowledged while the backup was made");
    let after = load.known();
    assert_eq!(whole(&database.url, &after).map(|it| it >= after.len()), Ok(true));

    // It is its owner's alone.
    let mode = |path: &Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&saved), 0o700);
    for entry in fs::read_dir(&saved).expect("a folder") {
        assert_eq!(mode(&entry.expect("a file").path()), 0o600);
    }
    let (done, said) = command(&folder, &["--demo", "backup", &shown], &database.url);
    assert!(!done && said.contains("isn't empty"), "{said}");

    // Restored elsewhere it is whole, and is what its manifest says.
    let (done, said) = command(&folder, &["--demo", "restore", &shown], &elsewhere.url);
    // The tests' server doesn't sync, which is told.
    let judged = if kind == Kind::Postgres { said.ends_with("doctor: durability\n") } else { done };
    assert!(
        judged && said.contains("restored") && said.contains("of the trail are as they were sealed"),
        "{said}"
    );
    let there = whole(&elsewhere.url, &before).expect("a whole database");
    assert!(there >= before.len() && there <= before.len() + during + 4 + 100 + BEFORE, "{there}");
    let told = manifest(&saved);
    let store = Store::open(&elsewhere.url, Options { pool: 1, ..Options::default() }).expect("a store");
    for (table, rows) in told["rows"].as_object().expect("rows") {
        assert_eq!(
            texts(&store, &format!("select count(*) as it from {table}")),
            Ok(vec![rows.to_string()]),
            "{table}"
        );
    }
    drop(store);
    // Who was told of events after the backup goes on after them; what may be done is what may be done elsewhere.
    let told = last_position(&database.url);
    let skipped = last_position(&elsewhere.url);
    assert!(skipped > told && skipped > 1_000_000 && told < 1_000_000, "{told} {skipped}");
    if kind == Kind::Postgres {
        let (fresh, restored) = (rights(&database.url), rights(&elsewhere.url));
        assert_eq!(restored, fresh);
        for it in
            ["trail UPDATE false", "trail.chain UPDATE true", "members DELETE true", "to come: r DELETE"]
        {
            assert!(fresh.contains(&it.to_owned()), "{it}");
        }
    }
    let (done, said) = command(&folder, &["--demo", "restore", &shown], &elsewhere.url);
    assert!(!done && (said.contains("is there") || said.contains("isn't empty")), "{said}");

    // A service on it answers what was answered before, and goes on.
    drop(load);
    let load = Load::start(&folder, &elsewhere.url);
    for (key, id) in &before {
        assert_eq!(load.ask(key), Some((id.clone(), true)), "{key}");
    }
    let (id, replayed) = load.ask("b").expect("an answer");
    // Of those that were acknowledged after the backup, too, it has none's number.
    assert!(!replayed && !after.values().any(|it| *it == id), "{id}");
    assert!(id.split_once('R').is_some_and(|it| it.1.parse::<i64>().is_ok_and(|it| it > 1_000_000)), "{id}");
    assert!(load.folder.exists());
    drop(load);
    whole(&elsewhere.url, &before).expect("a whole database");

    // The control: one row less is noticed.
    let store = Store::open(&elsewhere.url, Options { pool: 1, ..Options::default() }).expect("a store");
    let system = store::Actor { id: "t".into(), client: "t".into(), request: "t".into(), of_service: true };
    let gone = format!("delete from outbox where subject = '{id}'");
    let write = store.write(&system, move |tx| Ok::<_, store::Error>(tx.db()?.batch_execute(&gone)?));
    write.wait().expect("a write");
    drop(store);
    assert!(whole(&elsewhere.url, &before).is_err_and(|it| it.contains("events")));
}

#[test]
fn c_21_a_backup_under_load_is_whole_on_sqlite() {
    online(Kind::Sqlite);
}

#[test]
fn c_21_a_backup_under_load_is_whole_on_postgres() {
    online(Kind::Postgres);
}

/// Whom a policy shows but their own rows backs up all of them, also where the URL sets something itself.
#[test]
fn c_21_a_user_that_is_no_superuser_backs_up_every_row() {
    let (Some(database), Some(elsewhere)) = (Database::new(Kind::Postgres), Database::empty(Kind::Postgres))
    else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    let (folder, keeper) = (folder("backup-keeper"), format!("keeper_{}", std::process::id()));
    let execute = |database: &Database, sql: &str| {
        diesel::PgConnection::establish(&database.url).expect("a connection").batch_execute(sql).expect(sql);
    };
    let name = |database: &Database| database.url.rsplit('/').next().expect("a name").to_owned();
    let owns = format!(
        "create role {keeper} login; grant lanyard_app to {keeper}; alter database {} owner to {keeper}; \
         alter database {} owner to {keeper}; alter schema public owner to {keeper}; \
         do $$ declare it name; begin for it in select relname from pg_class where relnamespace = 'public'::regnamespace \
         and relkind in ('r', 'S') loop execute format('alter table %I owner to {keeper}', it); end loop; end $$",
        name(&database),
        name(&elsewhere)
    );
    execute(&database, &owns);
    execute(&elsewhere, &format!("alter schema public owner to {keeper}"));
    let url = |database: &Database| {
        format!("{}?options=-c%20work_mem%3D8MB", database.url.replace("//lanyard@", &format!("//{keeper}@")))
    };
    let load = Load::start(&folder, &url(&database));
    let (id, _) = load.ask("a").expect("an answer");
    drop(load);
    let (done, said) = command(&folder, &["--demo", "backup", "saved"], &url(&database));
    assert!(done, "{said}");
    assert!(manifest(&folder.join("saved"))["rows"]["authorizations"].as_i64() > Some(0));
    let (_, said) = command(&folder, &["--demo", "restore", "saved"], &url(&elsewhere));
    assert!(said.contains("restored") && said.ends_with("doctor: durability\n"), "{said}");
    assert!(whole(&elsewhere.url, &BTreeMap::from([("a".to_owned(), id)])).is_ok());
    // The control: whoever asks as no job sees none of them.
    let all = "do $$ begin if (select count(*) from authorizations) > 0 then raise 'seen'; end if; end $$";
    let mut other = diesel::PgConnection::establish(&url(&elsewhere)).expect("a connection");
    other.batch_execute(all).expect("no row");
}

/// The control of C-21: a plain copy of the file leaves out what is in the log beside it, and that is noticed.
#[test]
fn c_21_a_plain_copy_is_noticed() {
    let database = Database::new(Kind::Sqlite).expect("a database");
    let folder = folder("plain-copy");
    let load = Load::start(&folder, &database.url);
    let file = database.url.trim_start_matches("sqlite:");
    // While someone reads, what is written stays in the log.
    let mut reader = SqliteConnection::establish(file).expect("a connection");
    reader.batch_execute("begin; select count(*) from trail").expect("a read");
    load.during("a", || load.more(BEFORE));
    let copy = folder.join("copy.db");
    fs::copy(file, &copy).expect("a copy");
    let known = load.known();
    assert!(whole(&format!("sqlite:{}", copy.display()), &known).is_err());
    assert!(whole(&database.url, &known).is_ok());
}

fn refused(kind: Kind) {
    let (Some(database), Some(elsewhere)) = (Database::new(kind), Database::empty(kind)) else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    let other = Database::empty(if kind == Kind::Sqlite { Kind::Postgres } else { Kind::Sqlite });
    let folder = folder(&format!("refused-{kind:?}"));
    let (saved, shown) = (folder.join("saved"), folder.join("saved").display().to_string());
    let (done, said) = command(&folder, &["backup", &shown], &database.url);
    assert!(done, "{said}");
    let restore = |url: &str| command(&folder, &["restore", &shown], url);
    let (kept, path) = (manifest(&saved), saved.join("manifest.json"));
    let copy = saved.join(if kind == Kind::Sqlite { "lanyard.db" } else { "lanyard.dump" });
    for (pointer, value, word) in [
        ("/sha256", Value::from("0".repeat(64)), "its digest isn't that"),
        ("/bytes", Value::from(7), "its digest isn't that"),
        ("/schema/0", Value::from("20991231000000"), "its schema is newer"),
        ("/rows/members", Value::from(7), "isn't what the manifest says"),
        ("/form", Value::from(2), "made by a newer build"),
        ("/form", Value::from("x"), "isn't the manifest of a backup"),
    ] {
        let mut changed = kept.clone();
        *changed.pointer_mut(pointer).expect(pointer) = value;
        fs::write(&path, changed.to_string()).expect("a manifest");
        let Some(empty) = Database::empty(kind) else { return };
        let (done, said) = restore(&empty.url);
        assert!(!done && said.contains(word), "{pointer}: {said}");
    }
    fs::write(&path, kept.to_string()).expect("a manifest");
    let whole = fs::read(&copy).expect("the copy");
    let mut changed = whole.clone();
    let middle = changed.len() / 2;
    changed[middle] ^= 1;
    fs::write(&copy, &changed).expect("the copy");
    let (done, said) = restore(&elsewhere.url);
    assert!(!done && said.contains("its digest isn't that"), "{said}");
    fs::write(&copy, &whole).expect("the copy");
    if let Some(other) = other {
        let (done, said) = restore(&other.url);
        assert!(!done && said.contains("it is a backup of"), "{said}");
    }
    let (done, said) = restore(&database.url);
    assert!(!done && (said.contains("is there") || said.contains("isn't empty")), "{said}");
    fs::remove_file(&path).expect("a manifest");
    let (done, said) = restore(&elsewhere.url);
    assert!(!done && said.contains("manifest.json"), "{said}");
    // The control: as it was made, it is taken.
    fs::write(&path, kept.to_string()).expect("a manifest");
    let (_, said) = restore(&elsewhere.url);
    assert!(said.contains("restored"), "{said}");
}

#[test]
fn c_21_what_is_not_as_it_was_made_is_refused_on_sqlite() {
    refused(Kind::Sqlite);
}

#[test]
fn c_21_what_is_not_as_it_was_made_is_refused_on_postgres() {
    refused(Kind::Postgres);
}

/// The log of a database that is gone would be taken for the restored one's.
#[test]
fn c_21_a_log_without_its_database_is_in_the_way() {
    let (database, elsewhere) = (Database::new(Kind::Sqlite), Database::empty(Kind::Sqlite));
    let (database, elsewhere) = (database.expect("a database"), elsewhere.expect("a place"));
    let folder = folder("left-log");
    assert!(command(&folder, &["backup", "saved"], &database.url).0);
    let log = format!("{}-wal", elsewhere.url.trim_start_matches("sqlite:"));
    fs::write(&log, "").expect("a file");
    let (done, said) = command(&folder, &["restore", "saved"], &elsewhere.url);
    assert!(!done && said.contains("-wal is there"), "{said}");
    fs::remove_file(&log).expect("a file");
    let (done, said) = command(&folder, &["restore", "saved"], &elsewhere.url);
    assert!(done, "{said}");
}

/// PostgreSQL's programs are those of the folder that is named; the password isn't among their arguments, which others see.
#[test]
fn postgres_programs_are_told_the_password_by_no_argument() {
    let Some(database) = Database::new(Kind::Postgres) else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    let folder = folder("programs");
    let url = database.url.replace("//lanyard@", "//lanyard:S3CR3T-and-long@");
    let programs = folder.join("bin");
    fs::create_dir_all(&programs).expect("a folder");
    let dump = |text: &str| {
        let program = programs.join("pg_dump");
        fs::write(&program, format!("#!/bin/sh\n{text}\n")).expect("a program");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).expect("a mode");
    };
    let backup = |to: &str| {
        let variables = [("LANYARD_DATABASE__URL", &*url), ("LANYARD_BACKUP__PROGRAMS", "bin")];
        let output = run(&folder, &["backup", to], &variables);
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (done, said) = backup("missing");
    assert!(!done && said.contains("pg_dump can't be run") && said.contains("backup.programs"), "{said}");
    dump("echo 'pg_dump (PostgreSQL) 9.6.24'");
    let (done, said) = backup("old");
    assert!(!done && said.contains("too old for a server of version"), "{said}");
    assert!(!folder.join("old/manifest.json").exists());
    let log = folder.join("log");
    dump(&format!("echo \"$@ by $PGPASSWORD\" >> {}; exec pg_dump \"$@\"", log.display()));
    let (done, said) = backup("good");
    assert!(done, "{said}");
    let log = fs::read_to_string(log).expect("a log");
    let (arguments, secret) = log.lines().last().and_then(|it| it.split_once(" by ")).expect("a line");
    assert!(!arguments.contains("S3CR3T") && arguments.contains("--snapshot="), "{arguments}");
    assert_eq!(secret, "S3CR3T-and-long");
}
