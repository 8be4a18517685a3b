//! Clients that send on before they are answered.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use actix_web::rt::task::spawn_blocking;
use actix_web::rt::time::sleep;
use api::host::resident_bytes;

use super::{ENDLESS, HEAD, address, is_closed, is_problem, large, manner, ms, one, submission, with};
use crate::support::{Kind, Options, example, start};

/// A whole request for an authorization.
fn whole(service: &crate::support::Service) -> String {
    let body = example().to_string();
    let lines = format!("Content-Type: application/json\r\nContent-Length: {}", body.len());
    format!("{}{body}", submission(service, &lines))
}

/// A request with nothing but an id.
fn named(number: usize) -> String {
    format!("{HEAD}X-Request-Id: pipelined-{number:04}\r\n\r\n")
}

#[test]
fn n_05_what_is_no_request_is_a_problem_behind_another_one_too() {
    with(async |short, _| {
        let get = |lines: &str| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n\r\n");
        for (before, first) in [(whole(short), 201), (format!("{HEAD}\r\n"), 200)] {
            for broken in [
                "\0\r\n\r\n".to_owned(),
                "G@T\r\n\r\n".to_owned(),
                get("X: a\r\n b"),
                get("Content-Length: 3\r\nTransfer-Encoding: chunked"),
            ] {
                let fate = one(short, &manner(format!("{before}{broken}"), "")).await;
                is_problem(&fate, 400, "malformed-request");
                assert_eq!(fate.statuses(), [first, 400], "{broken:?} {}", fate.text());
                is_closed(&fate, 0, 1900);
            }
        }
        assert_eq!(short.counts()[0], "4");
    });
}

#[test]
fn n_05_a_broken_chunk_costs_no_one_their_answer() {
    with(async |short, _| {
        let chunked = "Content-Type: application/json\r\nTransfer-Encoding: chunked";
        for broken in ["zz\r\n", "5\nabcde\r\n0\r\n\r\n", "2\r\n{}0\r\n\r\n"] {
            let fate = one(short, &manner(format!("{}{broken}", submission(short, chunked)), "")).await;
            is_problem(&fate, 400, "unreadable-body");
            is_closed(&fate, 0, 1900);
            // Behind another one, and where no one asks for the body.
            let behind = format!(
                "{}GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{broken}",
                whole(short)
            );
            let fate = one(short, &manner(behind, "")).await;
            assert_eq!(fate.statuses(), [201, 200], "{broken:?} {}", fate.text());
            is_closed(&fate, 0, 1900);
        }
        assert_eq!(short.counts()[0], "3");
    });
}

#[test]
fn requests_at_once_are_answered_one_after_another() {
    with(async |short, _| {
        let body = example().to_string();
        let chunked = submission(short, "Content-Type: application/json\r\nTransfer-Encoding: chunked");
        // Its answer has no body, so that the next one's begins at once.
        let head = named(100).replacen("GET", "HEAD", 1);
        let all = [
            (0..8).map(named).collect::<String>(),
            head,
            whole(short),
            format!("{chunked}{:x}\r\n{body}\r\n0\r\n\r\n", body.len()),
            named(101),
        ];
        for all in [all.concat(), all.concat().replace("POST", "\r\nPOST")] {
            let fate = one(short, &manner(all, "")).await;
            let mut statuses = vec![200; 9];
            statuses.extend([201, 201, 200]);
            assert_eq!(fate.statuses(), statuses, "{}", fate.text());
            let text = fate.text();
            let ids = text.lines().filter_map(|it| it.strip_prefix("x-request-id: pipelined-"));
            let numbers: Vec<usize> = ids.map(|it| it.parse().expect("a number")).collect();
            assert_eq!(numbers, [0, 1, 2, 3, 4, 5, 6, 7, 100, 101]);
        }
        assert_eq!(short.counts()[0], "4");
    });
}

/// Sends as much of `bytes` as goes, from `at` on.
fn send(stream: &mut TcpStream, bytes: &[u8], at: &mut usize) {
    while *at < bytes.len() {
        match stream.write(&bytes[*at..]) {
            Ok(count) => *at += count,
            Err(it) if it.kind() == ErrorKind::WouldBlock => return,
            Err(it) => panic!("{it}"),
        }
    }
}

/// Reads until there are so many answers of this status, or nothing comes for long; how many there are.
fn read(stream: &mut TcpStream, bytes: &[u8], at: &mut usize, many: usize) -> usize {
    let (began, line) = (Instant::now(), &b"HTTP/1.1 400 "[..]);
    let (mut text, mut some, mut found) = (Vec::new(), vec![0; 64 * 1024], 0);
    while found < many && began.elapsed() < ms(40_000) {
        send(stream, bytes, at);
        match stream.read(&mut some) {
            Ok(0) => break,
            Ok(count) => text.extend_from_slice(&some[..count]),
            Err(it) if it.kind() == ErrorKind::WouldBlock => std::thread::sleep(ms(2)),
            Err(it) => panic!("{it}"),
        }
        found += text.windows(line.len()).filter(|it: &&[u8]| *it == line).count();
        // What may be the beginning of the next one stays.
        text.drain(..text.len().saturating_sub(line.len() - 1));
    }
    found
}

#[test]
fn n_04_requests_behind_an_answer_that_no_one_reads_take_no_room() {
    start(Kind::Sqlite, async |service| {
        const MANY: usize = 2000;
        let twin = service.twin(Options { limits: ENDLESS, ..Options::default() });
        let bytes = format!("{}{}", large(), "GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(MANY)).into_bytes();
        let before = resident_bytes().expect("the system tells");
        let address = address(&twin);
        let sent = bytes.clone();
        let called = spawn_blocking(move || {
            let call = |_| {
                let mut stream = TcpStream::connect(&address).expect("a connection");
                stream.set_nonblocking(true).expect("a socket");
                let mut at = 0;
                send(&mut stream, &sent, &mut at);
                (stream, at)
            };
            (0..64).map(call).collect::<Vec<_>>()
        });
        let mut all = called.await.expect("a thread");
        sleep(ms(1500)).await;
        let grown = resident_bytes().expect("the system tells") - before;
        assert!(grown < 48 << 20, "{} MB", grown >> 20);
        // The control: they do wait, each for its answer.
        let (mut stream, mut at) = all.swap_remove(0);
        let read = spawn_blocking(move || read(&mut stream, &bytes, &mut at, MANY));
        assert_eq!(read.await.expect("a thread"), MANY);
        drop(all);
        twin.stop().await;
    });
}
