//! The sender, killed while it sends (W-06).
#![expect(clippy::disallowed_methods, reason = "the run's settings come from the environment")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use kernel::{Clock, SystemClock, fresh_id};
use serde_json::{Value, json};
use store::{Actor, Store, Tx};

use super::PATH;
use crate::cli::{Process, folder, run};
use crate::support::{Database, Kind, Received, Receiver, ca};

/// How many subjects there are, and how many events of each come between two kills.
const SUBJECTS: usize = 10;
const EACH: usize = 3;

/// Five in every run; a hundred where the run is to be long.
fn kills() -> usize {
    if std::env::var("LANYARD_TEST_TORTURE").is_ok_and(|it| it == "full") { 100 } else { 5 }
}

/// Puts the next events of each subject into the outbox, as a write does; their ids.
fn happen(store: &Store, round: usize) -> Vec<String> {
    let (mut ids, mut sql) = (Vec::new(), String::new());
    let (site, now) = (registry::demo::SITES[0].0, SystemClock.now());
    for place in 0..EACH {
        for subject in 0..SUBJECTS {
            let (id, sequence) = (fresh_id("evt", now), round * EACH + place + 1);
            let _ = write!(
                sql,
                "insert into outbox (id, at, topic, subject, site_id, status, version, sequence) values \
                 ('{id}', '{}', 'x.happened', 's{subject}', '{site}', 'open', 1, {sequence});",
                now.format("%F %T%.6f")
            );
            ids.push(id);
        }
    }
    write(store, sql);
    ids
}

fn write(store: &Store, sql: String) {
    let system = Actor { id: "test".into(), client: "test".into(), request: "test".into(), of_service: true };
    let work = move |tx: &mut Tx<'_>| Ok::<_, store::Error>(tx.db()?.batch_execute(&sql)?);
    let write = store.write(&system, work);
    std::thread::scope(|scope| scope.spawn(|| write.wait()).join().expect("a thread")).expect("a write");
}

async fn add(process: &Process, folder: &Path, variables: &[(&str, &str)], url: &str) {
    let token = run(folder, &["--demo", "token", "--as", "site-administrator"], variables).stdout;
    let token = String::from_utf8(token).expect("a token");
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let request = client.post(format!("http://{}{PATH}", process.address)).bearer_auth(token.trim());
    let answer = request.json(&json!({"url": url})).send().await.expect("an answer");
    assert_eq!(answer.status(), 201, "{}", answer.text().await.expect("text"));
}

/// Waits until as many were received; whether they were within the time.
async fn received(receiver: &Receiver, count: usize, seconds: usize) -> bool {
    for _ in 0..seconds * 100 {
        if receiver.all().len() >= count {
            return true;
        }
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
    false
}

/// An event as it came: of which subject, as which of it, and its id.
type Came = (String, u64, String);

/// What is wrong with the order in which the events came. Each subject's go on by one; whoever takes over may go back, and goes on by one
/// from there.
fn out_of_order(all: &[Came]) -> Vec<String> {
    let (mut last, mut ids, mut wrong) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for (subject, sequence, id) in all {
        let (before, back) = last.get(subject).copied().unwrap_or((0, false));
        let backwards = *sequence < before;
        if *sequence > before + 1 || (backwards && back) {
            wrong.push(format!("{subject} {sequence} after {before}"));
        }
        last.insert(subject, (*sequence, backwards));
        if ids.entry((subject, sequence)).or_insert(id) != &id {
            wrong.push(format!("{subject} {sequence} has two ids"));
        }
    }
    wrong
}

fn came(it: &Received) -> Came {
    let it = it.json();
    (word(&it, "subject"), it["sequence"].as_u64().expect("a number"), word(&it, "id"))
}

/// The control: what would be wrong is found, and what isn't is not.
#[test]
fn w_06_what_comes_out_of_order_is_noticed() {
    let of =
        |all: &[u64]| -> Vec<Came> { all.iter().map(|it| ("s".to_owned(), *it, it.to_string())).collect() };
    for (all, wrong) in [
        (&[1, 2, 3][..], 0),
        (&[1, 2, 1, 2, 3], 0),
        (&[1, 2, 2, 3], 0),
        (&[1, 3, 2], 1),
        (&[2, 3], 1),
        (&[1, 2, 3, 1, 3], 1),
        (&[1, 2, 3, 2, 1], 1),
        (&[], 0),
    ] {
        assert_eq!(out_of_order(&of(all)).len(), wrong, "{all:?}");
    }
    // Another subject has its own order; an id that changes is noticed.
    let mut all = of(&[1, 2]);
    all.insert(1, ("t".to_owned(), 1, "5".to_owned()));
    assert_eq!(out_of_order(&all), Vec::<String>::new());
    all.push(("t".to_owned(), 1, "6".to_owned()));
    assert_eq!(out_of_order(&all).len(), 1);
}

fn word(it: &Value, name: &str) -> String {
    it[name].as_str().expect(name).to_owned()
}

fn killed(kind: Kind) {
    let Some(database) = Database::new(kind) else { return eprintln!("left out: there is no PostgreSQL") };
    actix_web::rt::System::new().block_on(torture(kind, database));
}

async fn torture(kind: Kind, database: Database) {
    let folder = folder(&format!("killed-{kind:?}"));
    std::fs::write(folder.join("ca.pem"), ca()).expect("a file");
    let receiver = Receiver::start().await;
    let (port, file) = (receiver.address.port(), folder.join("ca.pem").display().to_string());
    let ports = format!("443,{port}");
    let variables = [
        ("LANYARD_DATABASE__URL", database.url.as_str()),
        ("LANYARD_DATABASE__POOL", "2"),
        ("LANYARD_WEBHOOKS__ALLOW", "127.0.0.1"),
        ("LANYARD_WEBHOOKS__PORTS", &ports),
        ("LANYARD_WEBHOOKS__CA_FILE", &file),
    ];
    let mut process = Process::start(&folder, &variables);
    add(&process, &folder, &variables, &format!("https://127.0.0.1:{port}/hook")).await;
    let store =
        Store::open(&database.url, store::Options { pool: 1, ..store::Options::default() }).expect("a store");
    let (mut sent, mut lapse) = (Vec::new(), Duration::ZERO);
    for round in 0..kills() {
        sent.extend(happen(&store, round));
        // Somewhere in the middle of what there is to send, each time elsewhere.
        let some = receiver.all().len() + 1 + round * 7 % (SUBJECTS * EACH);
        received(&receiver, some, 20).await;
        process.signal("-KILL");
        drop(process);
        process = Process::start(&folder, &variables);
        if round == 0 && kind == Kind::Postgres {
            // Once without help: another node takes over when the lease of the one that fell silent has run out.
            let began: DateTime<Utc> = SystemClock.now();
            let before = receiver.all().len();
            assert!(received(&receiver, before + 1, 60).await);
            lapse = (SystemClock.now() - began).to_std().expect("a time");
            assert!(lapse < Duration::from_secs(35), "{lapse:?}");
        } else {
            write(&store, "update webhooks set leased_until = '2026-01-01 00:00:00'".to_owned());
        }
    }
    let all: BTreeSet<_> = sent.iter().cloned().collect();
    for _ in 0..6000 {
        if receiver.ids().into_iter().collect::<BTreeSet<_>>().is_superset(&all) {
            break;
        }
        actix_web::rt::time::sleep(Duration::from_millis(10)).await;
    }
    // What the made-up plan itself did may get its position after the webhook was added.
    let ours = |it: &&Received| it.json()["type"] == "x.happened";
    let came: Vec<_> = receiver.all().iter().filter(ours).map(came).collect();
    let seen: BTreeSet<_> = came.iter().map(|it| it.2.clone()).collect();
    eprintln!(
        "W-06 {kind:?}: {} kills, {} events, {} received, {} of them repeats; the lease lapsed after {lapse:?}",
        kills(),
        all.len(),
        came.len(),
        came.len() - seen.len()
    );
    assert_eq!(seen, all);
    assert_eq!(out_of_order(&came), Vec::<String>::new());
}

#[test]
fn w_06_a_killed_sender_loses_nothing_and_keeps_the_order_on_sqlite() {
    killed(Kind::Sqlite);
}

#[test]
fn w_06_a_killed_sender_loses_nothing_and_keeps_the_order_on_postgres() {
    killed(Kind::Postgres);
}
