//! Clients that take their time, and clients that are too many.

mod client;
mod many;
mod pipelined;
mod secured;
mod torture;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use api::patience::{Late, Limits};
use serde_json::Value;

use self::client::{Fate, Manner, watch};
use crate::support::{Kind, LIMITS, Options, Service, example, start};

const fn ms(it: u64) -> Duration {
    Duration::from_millis(it)
}

/// Little patience, so that a test is short.
const SHORT: Limits = Limits {
    head: ms(300),
    idle: ms(400),
    body: ms(1500),
    body_credit: ms(500),
    write_credit: ms(700),
    linger: ms(400),
    ..LIMITS
};

/// More than any test has.
const ENDLESS: Limits = {
    let day = ms(86_400_000);
    Limits { head: day, idle: day, body: day, body_credit: day, write_credit: day, linger: day, ..LIMITS }
};

const HEAD: &str = "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n";

/// Runs `body` with services of little and of endless patience.
fn with(body: impl AsyncFnOnce(&Service, &Service)) {
    start(Kind::Sqlite, async |service| {
        let of = |limits| service.twin(Options { limits, ..Options::default() });
        let (short, endless) = (of(SHORT), of(ENDLESS));
        body(&short, &endless).await;
        short.stop().await;
        endless.stop().await;
    });
}

fn address(service: &Service) -> String {
    service.base.split("://").nth(1).expect("an address").to_owned()
}

fn manner(opening: impl Into<Vec<u8>>, piece: impl Into<Vec<u8>>) -> Manner {
    Manner { opening: opening.into(), piece: piece.into(), reads: true }
}

/// What becomes of one client within two seconds.
async fn one(service: &Service, manner: &Manner) -> Fate {
    let (address, manner) = (address(service), manner.clone());
    let all = actix_web::rt::task::spawn_blocking(move || watch(&address, 1, &manner, ms(2000))).await;
    all.expect("a thread").remove(0)
}

/// That the last answer is a whole problem, after which the connection is closed.
#[track_caller]
fn is_problem(fate: &Fate, status: u16, slug: &str) {
    let text = fate.text();
    assert_eq!(fate.statuses().last(), Some(&status), "{text}");
    let last = text.rsplit("HTTP/1.1 ").next().expect("an answer");
    let (head, body) = last.split_once("\r\n\r\n").expect("a body");
    let body: Value = serde_json::from_str(body).unwrap_or_else(|it| panic!("{it}: {text}"));
    assert_eq!(body["type"], format!("/problems/{slug}"), "{text}");
    let head = head.to_ascii_lowercase();
    let id = body["instance"].as_str().filter(|it| it.starts_with("req_")).expect("an id");
    for line in [
        "content-type: application/problem+json",
        "connection: close",
        "cache-control: no-store",
        "date: ",
        &format!("x-request-id: {id}"),
    ] {
        assert!(head.contains(line), "{line}: {text}");
    }
}

/// That it was closed within these milliseconds.
#[track_caller]
fn is_closed(fate: &Fate, from: u64, to: u64) {
    let closed = fate.closed.unwrap_or_else(|| panic!("still open: {}", fate.text()));
    assert!((ms(from)..ms(to)).contains(&closed), "{closed:?} {}", fate.text());
}

/// A request for an authorization, but for its body.
fn submission(service: &Service, lines: &str) -> String {
    let token = service.token("single-site");
    format!(
        "POST /v1/authorizations HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n{lines}\r\n\r\n"
    )
}

#[test]
fn n_01_a_slow_head_is_refused_in_time() {
    with(async |short, endless| {
        for manner in [manner("", ""), manner(format!("{HEAD}X: "), "a"), manner("\r\n", "\r\n")] {
            let fate = one(short, &manner).await;
            is_problem(&fate, 408, "request-timeout");
            is_closed(&fate, 280, 900);
            assert!(one(endless, &manner).await.closed.is_none());
        }
        assert_eq!(short.state.patience.count.late(Late::Head), 3);
        assert_eq!(one(short, &manner(format!("{HEAD}\r\n"), "")).await.statuses(), [200]);
    });
}

#[test]
fn n_02_a_slow_second_head_is_refused_in_time() {
    with(async |short, endless| {
        let manner = manner(format!("{HEAD}\r\n{HEAD}X: "), "a");
        let fate = one(short, &manner).await;
        is_problem(&fate, 408, "request-timeout");
        assert_eq!(fate.statuses(), [200, 408]);
        is_closed(&fate, 280, 1100);
        assert!(one(endless, &manner).await.closed.is_none());
    });
}

#[test]
fn n_02_an_idle_connection_is_closed_without_a_word() {
    with(async |short, endless| {
        let manner = manner(format!("{HEAD}\r\n"), "");
        let fate = one(short, &manner).await;
        assert_eq!(fate.statuses(), [200]);
        is_closed(&fate, 380, 1000);
        assert_eq!(short.state.patience.count.late(Late::Idle), 1);
        assert!(one(endless, &manner).await.closed.is_none());
    });
}

#[test]
fn n_03_a_slow_or_stalled_body_is_refused_in_time() {
    with(async |short, endless| {
        let json = "Content-Type: application/json\r\n";
        for (lines, piece, from, to) in [
            ("Content-Length: 900000", "", 480, 1100),
            ("Content-Length: 200000", " ", 480, 1100),
            ("Transfer-Encoding: chunked", "", 480, 1100),
            ("Transfer-Encoding: chunked", "1\r\n \r\n", 480, 1100),
            ("Content-Length: 9\r\nUpgrade: h2c\r\nConnection: upgrade", "", 480, 1100),
            // As fast as it should be, and still too long.
            ("Content-Length: 200000", &*" ".repeat(400), 1400, 1900),
        ] {
            let manner = manner(submission(short, &format!("{json}{lines}")), piece);
            let fate = one(short, &manner).await;
            let (status, slug) = match lines {
                "Content-Length: 900000" => (413, "body-too-large"),
                _ => (408, "request-timeout"),
            };
            is_problem(&fate, status, slug);
            is_closed(&fate, if status == 413 { 0 } else { from }, to);
            if status == 408 {
                assert!(one(endless, &manner).await.closed.is_none(), "{lines} {piece:.9}");
            }
        }
        assert_eq!(short.state.patience.count.late(Late::Body), 5);
    });
}

/// What no one reads any more has no end either: the connection ends in the time of a head.
#[test]
fn n_03_an_endless_body_behind_an_answer_is_closed_in_time() {
    with(async |short, endless| {
        let chunk = format!("400\r\n{}\r\n", " ".repeat(0x400));
        for (kind, opening, status) in
            [("application/json", chunk.repeat(300), 413), ("text/plain", String::new(), 415)]
        {
            let head = submission(short, &format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked"));
            let manner = manner(format!("{head}{opening}"), chunk.as_str());
            let fate = one(short, &manner).await;
            assert_eq!(fate.statuses(), [status], "{}", fate.text());
            is_closed(&fate, 250, 1500);
            let fate = one(endless, &manner).await;
            assert_eq!(fate.statuses(), [status], "{}", fate.text());
            assert!(fate.closed.is_none());
        }
    });
}

/// More than the kernel holds for a client that doesn't read.
fn large() -> String {
    "GET /assets/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(8)
}

#[test]
fn n_04_who_does_not_read_is_dropped_in_time() {
    with(async |short, endless| {
        let manner = Manner { reads: false, ..manner(large(), "") };
        let fate = one(short, &manner).await;
        is_closed(&fate, 650, 1500);
        assert_eq!(short.state.patience.count.late(Late::Reading), 1);
        assert!(one(endless, &manner).await.closed.is_none());
        // Who does read gets all of it.
        let fate = one(short, &Manner { reads: true, ..manner }).await;
        assert_eq!(fate.statuses(), [200; 8]);
        assert!(fate.text.len() > 8_000_000, "{}", fate.text.len());
    });
}

#[test]
fn n_04_the_work_of_the_service_costs_the_client_nothing() {
    with(async |short, _| {
        let actor = api::State::system("test");
        let busy = short.store.write(&actor, |_| {
            sleep(ms(1200));
            Ok::<_, store::Error>(())
        });
        let body = example().to_string();
        let lines = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
        let fate = one(short, &manner(format!("{}{body}", submission(short, &lines)), "")).await;
        busy.await.expect("a write");
        assert_eq!(fate.statuses(), [201], "{}", fate.text());
    });
}

/// C-15, in part: a stop waits for what is in flight, and for no one who rests or has only begun.
#[test]
fn c_15_a_stop_lets_what_is_in_flight_finish() {
    start(Kind::Sqlite, async |service| {
        let limits = Limits { linger: SHORT.linger, ..ENDLESS };
        let twin = service.twin(Options { limits, ..Options::default() });
        let actor = api::State::system("test");
        let busy = twin.store.write(&actor, |_| {
            sleep(ms(1000));
            Ok::<_, store::Error>(())
        });
        let body = example().to_string();
        let lines = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
        let all =
            [format!("{}{body}", submission(&twin, &lines)), format!("{HEAD}\r\n"), format!("{HEAD}X: ")];
        let address = address(&twin);
        let fates = all.map(|opening| {
            let (address, manner) = (address.clone(), manner(opening, ""));
            actix_web::rt::task::spawn_blocking(move || watch(&address, 1, &manner, ms(4000)).remove(0))
        });
        actix_web::rt::time::sleep(ms(300)).await;
        let began = Instant::now();
        twin.stop().await;
        assert!(began.elapsed() < ms(2500), "{:?}", began.elapsed());
        busy.await.expect("a write");
        for (fate, statuses) in fates.into_iter().zip([&[201][..], &[200], &[]]) {
            let fate = fate.await.expect("a thread");
            assert_eq!(
                (fate.statuses().as_slice(), fate.closed.is_some()),
                (statuses, true),
                "{}",
                fate.text()
            );
        }
    });
}

/// What isn't HTTP is a problem like any other.
#[test]
fn n_05_what_is_no_request_is_answered_with_a_problem() {
    with(async |short, _| {
        for (sent, status, slug) in [
            ("\u{16}\u{3}\u{1}\u{2}\0\u{1}".to_owned(), 400, "malformed-request"),
            (format!("{HEAD}X Y: a\r\n\r\n"), 400, "malformed-request"),
            (format!("{HEAD}X: {}\r\n\r\n", "a".repeat(200_000)), 431, "headers-too-large"),
        ] {
            let fate = one(short, &manner(sent, "")).await;
            is_problem(&fate, status, slug);
            is_closed(&fate, 0, 250);
        }
        // On a connection that was used before.
        let mut stream = TcpStream::connect(address(short)).expect("a connection");
        let mut some = [0; 4096];
        stream.write_all(format!("{HEAD}\r\n").as_bytes()).expect("a request");
        assert!(stream.read(&mut some).expect("an answer") > 0);
        stream.write_all(b"G@T\r\n\r\n").expect("a request");
        let mut text = String::new();
        stream.read_to_string(&mut text).expect("an answer");
        assert!(text.starts_with("HTTP/1.1 400") && text.contains("/problems/malformed-request"), "{text}");
    });
}
