//! C-15, and the part of C-16 that takes a process: the service is asked to stop, or stands still for a while.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, SqliteConnection};

use super::audit::{audit, finds_what_is_wrong};
use super::ledger::Ledger;
use super::load::Load;
use super::node::{Node, Setting, token};
use super::outcome::Outcome;
use super::{both_kinds, form, pause, report};
use crate::same::Dice;
use crate::support::{Database, Kind};

both_kinds! {
    /// C-15: what is being done when SIGTERM comes is done, or refused, and nothing else.
    torture_c_15_a_service_that_is_asked_to_stop_finishes = stopped;
    /// C-16: a process that stood still goes on as if nothing had been.
    torture_c_16_a_service_that_stood_still_goes_on = stood_still;
}

/// A writer outside, for which the service's own writers wait.
enum Holder {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Holder {
    pub(super) fn new(ledger: &Ledger) -> Self {
        match ledger.kind {
            Kind::Sqlite => {
                let path = ledger.url.trim_start_matches("sqlite:");
                let mut db = SqliteConnection::establish(path).expect("the database");
                // The service itself may be writing just now.
                db.batch_execute("pragma busy_timeout = 5000; begin immediate").expect("the lock");
                Self::Sqlite(db)
            }
            Kind::Postgres => {
                let mut db = PgConnection::establish(&ledger.url).expect("the server");
                db.batch_execute("begin; lock table authorizations in share row exclusive mode")
                    .expect("the lock");
                Self::Postgres(db)
            }
        }
    }

    fn let_go(self) {
        match self {
            Self::Sqlite(mut db) => db.batch_execute("rollback").expect("an end"),
            Self::Postgres(mut db) => db.batch_execute("rollback").expect("an end"),
        }
    }
}

/// The jobs that a node has, as far as the others can tell.
fn claimed(ledger: &Ledger) -> Vec<String> {
    ledger.texts(
        "select kind as it from jobs where claimed_by is not null or claimed_until is not null order by kind",
    )
}

/// Has every job due again, so that there is something to claim.
fn make_due(ledger: &Ledger) {
    ledger.execute("update jobs set run_at = '2026-01-01 00:00:00' where claimed_by is null");
}

async fn ends(node: &mut Node) -> (ExitStatus, Duration) {
    let began = Instant::now();
    loop {
        if let Some(status) = node.ended() {
            return (status, began.elapsed());
        }
        assert!(began.elapsed() < Duration::from_secs(35), "it doesn't stop");
        pause(10).await;
    }
}

/// A submission of which only half has arrived.
fn half(node: &Node, load: &Load) -> (TcpStream, Vec<u8>) {
    let act = load.submission(&mut Dice(11));
    let address = node.base.trim_start_matches("http://");
    let body = act.body.to_string();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\nx-request-id: {}\r\n\
         authorization: Bearer {}\r\ncontent-length: {}\r\n\r\n",
        act.path,
        act.tag,
        token("single-site"),
        body.len()
    );
    let mut stream = TcpStream::connect(address).expect("a connection");
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(format!("{head}{first}").as_bytes()).expect("a half");
    (stream, rest.as_bytes().to_vec())
}

/// Signals a node at work on twelve requests that wait for a lock: how many were done, refused and left unanswered.
async fn at_work(
    name: &str,
    setting: &Setting,
    ledger: &Ledger,
    load: &Load,
) -> ([usize; 3], ExitStatus, Duration) {
    let mut node = setting.start();
    load.turn_to(&[&node.base]);
    let (from, holder, mut dice) = (load.acts().len(), Holder::new(ledger), Dice(from_name(name)));
    let (mut slow, rest) = half(&node, load);
    let all: Vec<_> = (0..12)
        .map(|_| {
            let (load, act) = (load.clone(), load.submission(&mut dice));
            actix_web::rt::spawn(async move { load.take(act, 0).await })
        })
        .collect();
    pause(250).await;
    node.signal(name);
    pause(250).await;
    holder.let_go();
    let sent = slow.write_all(&rest);
    for one in all {
        one.await.expect("a client");
    }
    let (status, time) = ends(&mut node).await;
    if name == "-TERM" {
        assert_eq!(claimed(ledger), Vec::<String>::new());
        sent.expect("the other half");
        let mut answer = String::new();
        let _ = slow.read_to_string(&mut answer);
        let told = ["HTTP/1.1 201", "HTTP/1.1 202", "HTTP/1.1 503"].iter().any(|it| answer.starts_with(it));
        assert!(told, "what was half sent is answered: {answer:?}");
        assert!(TcpStream::connect(node.base.trim_start_matches("http://")).is_err(), "it still listens");
    }
    let count = |of: fn(&Outcome) -> bool| load.acts()[from..].iter().filter(|it| of(&it.outcome)).count();
    let ends = [
        count(|it| matches!(it, Outcome::Done { .. })),
        count(|it| matches!(it, Outcome::Refused { status: 503, .. })),
        count(|it| matches!(it, Outcome::Unknown(_))),
    ];
    (ends, status, time)
}

fn from_name(name: &str) -> u64 {
    name.bytes().map(u64::from).sum()
}

async fn stopped(kind: Kind, database: Database) {
    let (ledger, setting) = (Ledger::new(kind, &database.url), Setting::new("c-15", &database.url));
    let load = Load::new(&ledger, &[]);
    let ([done, refused, unanswered], status, time) = at_work("-TERM", &setting, &ledger, &load).await;
    assert!(status.success(), "{status}");
    assert!(done > 0 && done + refused == 12 && unanswered == 0, "{done} {refused} {unanswered}");
    // The same under mixed load: whoever got no answer had not been heard.
    let (rounds, mut held) = (form(20, 1), 0);
    for _ in 0..rounds {
        let mut node = setting.start();
        load.turn_to(&[&node.base]);
        let status = load
            .during(8, async {
                pause(400).await;
                make_due(&ledger);
                // Until the node takes them, and not much longer.
                for _ in 0..400 {
                    if !claimed(&ledger).is_empty() {
                        held += 1;
                        break;
                    }
                    pause(2).await;
                }
                node.signal("-TERM");
                ends(&mut node).await.0
            })
            .await;
        assert!(status.success(), "{status}");
        assert_eq!(claimed(&ledger), Vec::<String>::new(), "no one has a job that no one does");
        load.take_unknown_as_refused();
    }
    // The half that came later, or never.
    let known = |it: &String| !it.contains("asked for by no one");
    let wrong = |load: &Load| audit(&ledger, load).into_iter().filter(known).collect::<Vec<_>>();
    assert_eq!(wrong(&load), Vec::<String>::new());
    // The control: a service that is killed leaves them without an answer.
    let ([_, _, unanswered], status, _) = at_work("-KILL", &setting, &ledger, &load).await;
    assert!(unanswered > 0 && !status.success(), "{unanswered} {status}");
    // And of the claims: one that is there is seen.
    ledger.execute(
        "update jobs set claimed_by = 'node_x', claimed_until = '2099-01-01 00:00:00' where kind = 'seal'",
    );
    assert!(claimed(&ledger).contains(&"seal".to_owned()));
    let measured = format!(
        "{done} finished, {refused} refused, 0 unanswered, exit 0 after {} ms; {rounds} stops under mixed load, \
         {held} of them in a claim, none of which was left",
        time.as_millis()
    );
    report("C-15", kind, "finished or 503, exit 0 within 30 s", &measured);
}

async fn stood_still(kind: Kind, database: Database) {
    let (ledger, setting) = (Ledger::new(kind, &database.url), Setting::new("c-16", &database.url));
    let node = setting.start();
    let (load, seconds) = (Load::new(&ledger, &[&node.base]), form(12, 2));
    let (stopped, answered) = load
        .during(8, async {
            pause(300).await;
            node.signal("-STOP");
            pause(50).await;
            let before = load.answered();
            pause(u64::try_from(seconds).unwrap_or(2) * 1000).await;
            // The control: it did stand still.
            let stopped = load.answered() - before;
            node.signal("-CONT");
            let before = load.answered();
            pause(700).await;
            (stopped, load.answered() - before)
        })
        .await;
    assert!(stopped == 0 && answered > 8, "{stopped} while it stood still, {answered} afterwards");
    let lost = load.acts().iter().filter(|it| matches!(it.outcome, Outcome::Unknown(_))).count();
    assert_eq!(lost, 0, "no one's connection was lost");
    assert_eq!(audit(&ledger, &load), Vec::<String>::new());
    finds_what_is_wrong(&ledger, &load);
    // Deadlines count from the moment that the rows name, whatever the process missed.
    let late = "select subject as it from deadlines d where rule = 'FED-02' and not exists (select 1 from trail t where \
                t.subject = d.subject and t.at = d.opened_at)";
    assert_eq!(ledger.texts(late), Vec::<String>::new());
    let measured = format!("stood still for {seconds} s; {answered} answers in the 700 ms after, none lost");
    report("C-16", kind, "order and deadlines right after SIGSTOP", &measured);
}
