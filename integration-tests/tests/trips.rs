//! How often an operation waits for PostgreSQL, counted on the wire.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use futures_util::future::join_all;
use kernel::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Kind, Options, Service, example, start};

#[test]
fn round_trips_per_operation() {
    start(Kind::Postgres, |service| async move {
        let trips = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&trips);
        let url = through_proxy(&service.database.url, move |kind, _| {
            counter.fetch_add(usize::from(matches!(kind, b'Q' | b'S')), Ordering::SeqCst);
            true
        });
        let service = service.twin(Options { pool: 1, url: Some(url), ..Options::default() });
        let since = |before: usize| trips.load(Ordering::SeqCst) - before;
        let mut seen = Vec::new();
        // The first ones connect, open the day and prepare.
        for round in 0..3 {
            seen.clear();
            for (name, who, method, path, key) in [
                ("me", "single-site", Method::GET, "/v1/me", None),
                ("submit", "single-site", Method::POST, "/v1/authorizations", Some(format!("k{round}"))),
                (
                    "submit again",
                    "single-site",
                    Method::POST,
                    "/v1/authorizations",
                    Some(format!("k{round}")),
                ),
                ("get", "single-site", Method::GET, "/v1/authorizations/26335R00001", None),
                ("list", "single-site", Method::GET, "/v1/authorizations", None),
            ] {
                seen.push((name, trip(&service, who, method, path, key, &trips).await));
            }
            let mut reviewed = example();
            reviewed["lines"][0]["units"] = json!(99);
            let mut limited = example();
            limited["member_id"] = json!("ASO0000000061");
            limited["start_date"] = json!(format!("2026-12-{:02}", 10 + round));
            limited["end_date"] = limited["start_date"].clone();
            for (name, who, path, body) in [
                ("search", "nurse", "/v1/authorizations/search".to_owned(), json!({"diagnosis": "I10"})),
                ("members", "nurse", "/v1/members/search".to_owned(), json!({"last_name": "whit"})),
                (
                    "eligibility",
                    "nurse",
                    "/v1/members/eligibility".to_owned(),
                    json!({"member_id": "ASO0000000061"}),
                ),
                ("submit within a limit", "single-site", "/v1/authorizations".to_owned(), limited),
                ("submit a duplicate", "other-site", "/v1/authorizations".to_owned(), theirs(reviewed)),
                (
                    "decide",
                    "nurse",
                    format!("/v1/authorizations/26335R{:05}/decide", round * 4 + 4),
                    json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "x"}),
                ),
            ] {
                service.drain();
                let before = trips.load(Ordering::SeqCst);
                let request = service.request(who, Method::POST, &path).header("if-match", "\"1.00000000\"");
                let answer = Answer::of(request.json(&body)).await;
                assert!(answer.status < 300, "{name}: {}", answer.text);
                seen.push((name, since(before)));
            }
            let path = format!("/v1/authorizations/26335R{:05}/close", round * 4 + 1);
            service.drain();
            let before = trips.load(Ordering::SeqCst);
            let request =
                service.request("coordinator", Method::POST, &path).header("if-match", "\"1.00000000\"");
            Answer::of(request.json(&json!({"reason_code": "replaced", "reason": "x"}))).await.expect(200);
            seen.push(("close", since(before)));
        }
        // One is always the caller, and in a write, where they are asked for again, one more. A submission: member, providers, diagnoses; lock, number and check, rows, commit. A repeat
        // looks for its twin, is undone, and looks up the kept answer. A limit is looked at before, and again under the lock.
        assert_eq!(
            seen,
            [
                ("me", 1),
                ("submit", 9),
                ("submit again", 11),
                ("get", 2),
                ("list", 2),
                ("search", 2),
                ("members", 3),
                ("eligibility", 5),
                ("submit within a limit", 12),
                ("submit a duplicate", 10),
                ("decide", 13),
                ("close", 9),
            ]
        );
        service.stop().await;
    });
}

/// The same, for a site that no other is of.
fn theirs(mut body: Value) -> Value {
    body["site_id"] = json!(registry::demo::SITES[2].0);
    body["member_id"] = json!("HMO0000000052");
    body
}

async fn trip(
    service: &Service,
    who: &str,
    method: Method,
    path: &str,
    key: Option<String>,
    trips: &AtomicUsize,
) -> usize {
    let mut request = service.request(who, method, path);
    if let Some(key) = key {
        request = request.header("idempotency-key", key).json(&example());
    }
    service.drain();
    let before = trips.load(Ordering::SeqCst);
    let answer = Answer::of(request).await;
    assert!(answer.status < 300, "{}", answer.text);
    trips.load(Ordering::SeqCst) - before
}

/// A link that breaks after COMMIT was sent: no one knows whether it was done, and no one says that it wasn't.
#[test]
fn c_07_a_link_lost_at_commit_is_not_called_unchanged() {
    start(Kind::Postgres, |service| async move {
        let cut = Arc::new(AtomicUsize::new(0));
        let scissors = Arc::clone(&cut);
        let url = through_proxy(&service.database.url, move |kind, body| {
            let commit = kind == b'Q' && body.to_ascii_uppercase().starts_with(b"COMMIT");
            !(commit && scissors.load(Ordering::SeqCst) == 1)
        });
        let twin = service.twin(Options { pool: 1, url: Some(url), ..Options::default() });
        twin.submit(&example()).await.expect(201);
        cut.store(1, Ordering::SeqCst);
        let request = twin.request("single-site", Method::POST, "/v1/authorizations");
        let answer = Answer::of(request.header("idempotency-key", "k1").json(&example())).await;
        assert_eq!(answer.problem(503), "outcome-unknown");
        cut.store(0, Ordering::SeqCst);
        // The same key finds out; a new connection serves it.
        let request = twin.request("single-site", Method::POST, "/v1/authorizations");
        Answer::of(request.header("idempotency-key", "k1").json(&example())).await.expect(201);
        assert_eq!(service.texts("select count(*) as it from authorizations"), ["2"]);
        twin.stop().await;
    });
}

/// A twin waits for whoever has its key, but not for ever.
#[test]
fn c_11_a_twin_of_a_request_that_is_stuck_is_told_so() {
    start(Kind::Postgres, |service| async move {
        let (stuck, (open, gate)) = (Arc::new(AtomicUsize::new(0)), channel::<()>());
        let (waits, gate) = (Arc::clone(&stuck), Mutex::new(gate));
        let url = through_proxy(&service.database.url, move |kind, body| {
            if kind == b'Q' && body.to_ascii_uppercase().starts_with(b"COMMIT") {
                waits.fetch_add(1, Ordering::SeqCst);
                // Until the sender is gone.
                let _ = gate.lock().expect("a gate").recv();
            }
            true
        });
        let slow = service.twin(Options { pool: 1, url: Some(url), ..Options::default() });
        let ask = |service: &Service| {
            let request = service.request("single-site", Method::POST, "/v1/authorizations");
            Answer::of(request.header("idempotency-key", "k1").json(&example()))
        };
        let elder = actix_web::rt::spawn(ask(&slow));
        while stuck.load(Ordering::SeqCst) == 0 {
            actix_web::rt::task::yield_now().await;
        }
        assert_eq!(ask(&service).await.problem(409), "idempotency-in-flight");
        drop(open);
        let elder = elder.await.expect("an answer");
        // What it waited for is what it gets, and was done once.
        assert_eq!(ask(&service).await.expect(201)["id"], elder.expect(201)["id"]);
        assert_eq!(service.texts("select count(*) as it from authorizations"), ["1"]);
        slow.stop().await;
    });
}

/// What a restart of the server leaves of the pool.
#[test]
fn c_06_after_a_restart_at_most_the_first_request_is_wasted() {
    start(Kind::Postgres, |service| async move {
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()";
        join_all((0..8).map(|_| async { service.submit(&example()).await.expect(201) })).await;
        service.execute(end);
        // Connections that idled are asked before they are used.
        service.clock.set(service.clock.now() + TimeDelta::seconds(2));
        service.submit(&example()).await.expect(201);
        join_all((0..8).map(|_| async { service.submit(&example()).await.expect(201) })).await;
        service.execute(end);
        // The control: those that were in use a moment ago aren't, but once one is found dead all are.
        assert_eq!(service.get("single-site", "/v1/me").await.problem(503), "database-unavailable");
        for _ in 0..8 {
            service.submit(&example()).await.expect(201);
        }
    });
}

/// The same URL by way of a proxy that shows `look` each message of the client's, and ends a link at the first for which it
/// answers false, once that has been passed on.
fn through_proxy(url: &str, look: impl Fn(u8, &[u8]) -> bool + Send + Sync + 'static) -> String {
    let (before, rest) = url.split_once('@').expect("a user");
    let (address, path) = rest.split_once('/').expect("a database");
    let address = address.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    let look = Arc::new(look);
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(&address).expect("the server");
            let (up, down) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            let look = Arc::clone(&look);
            std::thread::spawn(move || forward(up, server, &*look));
            std::thread::spawn(move || copy(down, client));
        }
    });
    format!("{before}@127.0.0.1:{port}/{path}?sslmode=disable&gssencmode=disable")
}

/// Passes messages on: a startup has no type, all later ones begin with it.
fn forward(mut from: TcpStream, mut to: TcpStream, look: &dyn Fn(u8, &[u8]) -> bool) {
    let mut started = false;
    loop {
        let mut head = vec![0; if started { 5 } else { 4 }];
        if from.read_exact(&mut head).is_err() {
            return;
        }
        let length = head[head.len() - 4..].iter().fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
        let mut body = vec![0; length - 4];
        if from.read_exact(&mut body).is_err() {
            return;
        }
        let goes_on = !started || look(head[0], &body);
        started = true;
        if !goes_on {
            // The client is cut off first, so that it never sees the answer.
            let _ = from.shutdown(Shutdown::Both);
        }
        head.append(&mut body);
        if to.write_all(&head).is_err() || !goes_on {
            return;
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
}
