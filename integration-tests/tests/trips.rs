//! How often an operation waits for PostgreSQL, counted on the wire.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::json;

use crate::support::{Answer, Kind, Options, Service, example, start};

#[test]
fn round_trips_per_operation() {
    start(Kind::Postgres, |service| async move {
        let trips = Arc::new(AtomicUsize::new(0));
        let url = through_proxy(&service.database.url, Arc::clone(&trips));
        let service = service.twin(Options { pool: 1, url: Some(url), ..Options::default() });
        let counted = |before: usize| trips.load(Ordering::SeqCst) - before;
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
            let path = format!("/v1/authorizations/26335R{:05}/close", round * 2 + 1);
            let before = trips.load(Ordering::SeqCst);
            let request =
                service.request("coordinator", Method::POST, &path).header("if-match", "\"1.00000000\"");
            Answer::of(request.json(&json!({"reason_code": "replaced", "reason": "x"}))).await.expect(200);
            seen.push(("close", counted(before)));
        }
        // One is always the caller. A submission: member, providers, diagnoses; lock, number and check, rows, commit.
        assert_eq!(
            seen,
            [("me", 1), ("submit", 8), ("submit again", 9), ("get", 2), ("list", 2), ("close", 7)]
        );
        service.stop().await;
    });
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
    let before = trips.load(Ordering::SeqCst);
    let answer = Answer::of(request).await;
    assert!(answer.status < 300, "{}", answer.text);
    trips.load(Ordering::SeqCst) - before
}

/// The same URL by way of a proxy that counts what the client waits for: each simple query and each sync.
fn through_proxy(url: &str, trips: Arc<AtomicUsize>) -> String {
    let (before, rest) = url.split_once('@').expect("a user");
    let (address, path) = rest.split_once('/').expect("a database");
    let address = address.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    std::thread::spawn(move || {
        while let Ok((client, _)) = listener.accept() {
            let server = TcpStream::connect(&address).expect("the server");
            let (up, down) = (client.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
            let trips = Arc::clone(&trips);
            std::thread::spawn(move || forward(up, server, &trips));
            std::thread::spawn(move || copy(down, client));
        }
    });
    format!("{before}@127.0.0.1:{port}/{path}?sslmode=disable&gssencmode=disable")
}

/// Passes messages on: a startup has no type, all later ones begin with it.
fn forward(mut from: TcpStream, mut to: TcpStream, trips: &AtomicUsize) {
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
        if started && matches!(head[0], b'Q' | b'S') {
            trips.fetch_add(1, Ordering::SeqCst);
        }
        started = true;
        head.append(&mut body);
        if to.write_all(&head).is_err() {
            return;
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let _ = std::io::copy(&mut from, &mut to);
}
