//! C-18, C-19: more than it can take at once.

use std::fs;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use futures_util::future::join_all;
use reqwest::Method;

use super::audit::{audit, finds_what_is_wrong};
use super::ledger::Ledger;
use super::load::Load;
use super::node::Setting;
use super::outcome::Outcome;
use super::{form, on, pause, report};
use crate::on_both;
use crate::support::{Answer, Database, Kind, Options, Service, example};

/// The most that the WAL may grow to under 32 writers.
const WAL: u64 = 64 << 20;

/// How soon a machine that does nothing else says that it lives.
const IDLE: Duration = Duration::from_millis(10);

/// How long the slowest of a hundred writes may take, 32 at a time.
const SLOW: Duration = Duration::from_secs(1);

/// Asks 64 readers' and 64 writers' questions at once, and meanwhile whether the service lives: the slowest answer, how long
/// the slowest of twenty `live` took, and the statuses.
async fn ask(service: &Service) -> (Duration, Duration, Vec<u16>) {
    let one = async |write: bool| {
        let began = Instant::now();
        let answer =
            if write { service.submit(&example()).await } else { service.get("single-site", "/v1/me").await };
        assert!(answer.status < 300 || answer.header("retry-after").is_some(), "{}", answer.text);
        (began.elapsed(), answer.status)
    };
    let live = lives(service);
    let all = join_all((0..128).map(|it| one(it % 2 == 0)));
    let (all, live) = futures_util::future::join(all, live).await;
    (all.iter().map(|it| it.0).max().unwrap_or_default(), live, all.into_iter().map(|it| it.1).collect())
}

/// How long the service takes to say that it lives, but for the slowest of twenty answers, which is the machine's own hiccup.
async fn lives(service: &Service) -> Duration {
    let mut took = Vec::new();
    for _ in 0..40 {
        pause(20).await;
        let began = Instant::now();
        let answer = Answer::of(service.anonymous(Method::GET, "/healthz/live")).await;
        assert_eq!(answer.status, 200);
        took.push(began.elapsed());
    }
    took.sort();
    took[took.len() * 19 / 20]
}

on_both! {
    /// C-18: while every connection is held, who asks is refused in time, and who only asks whether it lives is answered.
    async fn torture_c_18_all_connections_held_is_told_in_time(service) {
        // As long as the real service has its callers wait.
        let waits = (Duration::from_millis(1250), Duration::from_millis(4500));
        let service = service.twin(Options { waits, ..Options::default() });
        // What a machine that does much else takes for it anyway is no fault of the service's.
        let (gate, idle) = (std::sync::mpsc::channel::<()>(), lives(&service).await);
        let (go, gate) = (gate.0, Arc::new(Mutex::new(gate.1)));
        let wait = || {
            let gate = Arc::clone(&gate);
            move || drop(gate.lock().map(|it| it.recv()))
        };
        let actor = store::Actor { id: "t".into(), client: "t".into(), request: "t".into(), of_service: true };
        let readers: Vec<_> = (0..4).map(|_| {
            let wait = wait();
            service.store.read(move |_| -> Result<(), store::Error> { wait(); Ok(()) })
        }).collect();
        let writers: Vec<_> = (0..4).map(|_| {
            let wait = wait();
            service.store.write(&actor, move |_| -> Result<(), store::Error> { wait(); Ok(()) })
        }).collect();
        let own = if idle < IDLE { Duration::ZERO } else { idle };
        let bound = Duration::from_millis(50) + own;
        pause(100).await;
        let (slowest, live, statuses) = ask(&service).await;
        assert!(statuses.iter().all(|it| *it == 503), "{statuses:?}");
        assert!(slowest < Duration::from_millis(1500) && live < bound, "{slowest:?} {live:?}");
        drop(go);
        drop((readers, writers));
        // The control: when they are free, the same questions are answered.
        let mut served = ask(&service).await.2;
        served.retain(|it| *it < 300);
        assert!(served.len() > 64, "{}", served.len());
        let measured = format!("128 refused within {} ms, live within {} ms", slowest.as_millis(), live.as_millis());
        report("C-18", service.kind, "503 within 1,500 ms, live within 50 ms", &measured);
    }
}

/// C-19: writers at once never meet each other's lock.
#[test]
fn torture_c_19_thirty_two_writers_on_sqlite() {
    on(Kind::Sqlite, writers);
}

/// What 32 writers meet: how many were refused, the slowest of a hundred, how large the WAL grew, how many were done.
async fn write(load: &Load, ledger: &Ledger, seconds: usize) -> (usize, Duration, u64, usize) {
    let (wal, from) = (format!("{}-wal", ledger.url.trim_start_matches("sqlite:")), load.acts().len());
    let end = Duration::from_secs(u64::try_from(seconds).unwrap_or(3));
    let largest = load
        .during(32, async {
            let (began, mut largest) = (Instant::now(), 0);
            while began.elapsed() < end {
                pause(20).await;
                largest = largest.max(fs::metadata(&wal).map_or(0, |it| it.len()));
            }
            largest
        })
        .await;
    let acts = load.acts().split_off(from);
    let mut took: Vec<_> = acts.iter().map(super::outcome::Act::took).collect();
    took.sort();
    let failed = |it: &&super::outcome::Act| {
        matches!(it.outcome, Outcome::Unknown(_) | Outcome::Refused { status: 500.., .. })
    };
    let done = acts.iter().filter(|it| it.is_done()).count();
    (acts.iter().filter(failed).count(), took[took.len() * 99 / 100], largest, done)
}

async fn writers(database: Database) {
    let (ledger, setting) = (Ledger::new(Kind::Sqlite, &database.url), Setting::new("c-19", &database.url));
    let node = setting.start();
    let (load, seconds) = (Load::new(&ledger, &[&node.base]), form(60, 3));
    load.reading(0);
    let (failed, slow, wal, done) = write(&load, &ledger, seconds).await;
    assert_eq!(failed, 0, "a busy database reached a client");
    assert!(slow < SLOW, "the slowest of a hundred took {slow:?}");
    assert!(wal < WAL, "the WAL grew to {wal} bytes");
    assert_eq!(audit(&ledger, &load), Vec::<String>::new());
    finds_what_is_wrong(&ledger, &load);
    // The control: a program beside that keeps its write lock is noticed.
    let mut other =
        SqliteConnection::establish(ledger.url.trim_start_matches("sqlite:")).expect("the database");
    other.batch_execute("pragma busy_timeout = 5000; begin immediate").expect("the lock");
    let held = write(&load, &ledger, 2).await;
    assert!(held.0 > 0, "no one noticed the lock");
    let measured = format!(
        "{seconds} s, {done} writes acknowledged, 0 busy; p99 {} ms, WAL at most {} kB",
        slow.as_millis(),
        wal / 1024
    );
    report("C-19", Kind::Sqlite, "no busy error, p99 under 1,000 ms, WAL under 64 MB", &measured);
}
