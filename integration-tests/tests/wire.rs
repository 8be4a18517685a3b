//! What comes over the wire that no client library would send, byte by byte.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value;

use crate::on_both;
use crate::support::{Service, example};

/// A request that is never to be answered: what hides behind another one.
const HIDDEN: &str = "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What came back on one connection.
struct Heard {
    /// The statuses of the answers, one after another.
    statuses: Vec<u16>,
    text: String,
    /// Whether the service ended the connection.
    closed: bool,
}

/// Sends each of `all` on a connection of its own, and hears what comes until it is closed, or for three seconds nothing comes.
async fn say<T: AsRef<[u8]>>(service: &Service, all: impl IntoIterator<Item = T>) -> Vec<Heard> {
    say_for(service, all, Duration::from_secs(3)).await
}

/// The same, with more patience or less.
async fn say_for<T: AsRef<[u8]>>(
    service: &Service,
    all: impl IntoIterator<Item = T>,
    patience: Duration,
) -> Vec<Heard> {
    let address = service.base.strip_prefix("http://").expect("an address");
    let one = |bytes: T| {
        let (address, bytes) = (address.to_owned(), bytes.as_ref().to_vec());
        actix_web::rt::task::spawn_blocking(move || hear(&address, &bytes, patience))
    };
    let heard = join_all(all.into_iter().map(one).collect::<Vec<_>>()).await;
    heard.into_iter().map(|it| it.expect("a thread")).collect()
}

fn hear(address: &str, bytes: &[u8], patience: Duration) -> Heard {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(patience)).expect("a time-out");
    stream.set_write_timeout(Some(Duration::from_secs(5))).expect("a time-out");
    // The service may have heard enough before the end.
    let _ = stream.write_all(bytes);
    let (mut text, mut some) = (Vec::new(), [0; 4096]);
    let closed = loop {
        match stream.read(&mut some) {
            Ok(0) => break true,
            Ok(count) => text.extend(&some[..count]),
            Err(it) if it.kind() == ErrorKind::Interrupted => {}
            Err(it) => break it.kind() == ErrorKind::ConnectionReset,
        }
    };
    let text = String::from_utf8(text).expect("text");
    let statuses = text.split("HTTP/1.").skip(1).map(|it| it[2..5].parse().expect("a status")).collect();
    Heard { statuses, text, closed }
}

/// A request that would be granted, but for its `framing`: header lines and body.
fn submission(service: &Service, framing: &str) -> Vec<u8> {
    let token = service.token("single-site");
    let head = "Host: localhost\r\nContent-Type: application/json\r\n";
    format!("POST /v1/authorizations HTTP/1.1\r\n{head}Authorization: Bearer {token}\r\n{framing}{HIDDEN}")
        .into_bytes()
}

fn chunked(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len())
}

on_both! {
    /// N-05: a request whose end is in doubt is refused, and nothing behind it is read.
    async fn n_05_a_body_whose_end_is_in_doubt_ends_the_connection(service) {
        let body = example().to_string();
        let (length, parts) = (body.len(), chunked(&body));
        let (before, mut all) = (service.counts(), Vec::new());
        for lines in [
            format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
            format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
            "Transfer-Encoding: chunked\r\nContent-Length: 0".to_owned(),
            format!("Content-Length: {length}\r\nContent-Length: {}", length - 1),
            format!("Content-Length: {length}\r\nContent-Length: {length}"),
            format!("Content-Length: {length}, {length}"),
            format!("Content-Length: +{length}"),
            format!("Content-Length: -{length}"),
            format!("Content-Length: 0x{length:x}"),
            format!("Content-Length: {length}.0"),
            format!("Content-Length: {length} {length}"),
            format!("Content-Length: \"{length}\""),
            "Content-Length:".to_owned(),
            "Content-Length: 99999999999999999999".to_owned(),
            format!("Content-Length : {length}"),
            format!("Content-Length\t: {length}"),
            "Transfer-Encoding: chunked, identity".to_owned(),
            "Transfer-Encoding: identity, chunked".to_owned(),
            "Transfer-Encoding: chunked, chunked".to_owned(),
            "Transfer-Encoding: gzip, chunked".to_owned(),
            "Transfer-Encoding: identity".to_owned(),
            "Transfer-Encoding: xchunked".to_owned(),
            "Transfer-Encoding: chunkedx".to_owned(),
            "Transfer-Encoding: \"chunked\"".to_owned(),
            "Transfer-Encoding: chunked;q=1".to_owned(),
            "Transfer-Encoding: \u{b}chunked".to_owned(),
            "Transfer-Encoding:".to_owned(),
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity".to_owned(),
            "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked".to_owned(),
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked".to_owned(),
            "Transfer-Encoding : chunked".to_owned(),
            "Transfer-Encoding\t: chunked".to_owned(),
            " Transfer-Encoding: chunked".to_owned(),
            "Transfer-Encoding:\r\n chunked".to_owned(),
            format!("Content-Length: {length}\r\nTransfer-Encoding:\r\n chunked"),
            format!("Content-Length: {length}\r\nX: a\r\n b"),
            format!("Content-Length: {length}\r\nX: a\rTransfer-Encoding: chunked"),
            format!("Content-Length: {length}\r\nX: a\0b"),
            format!("Content-Length: {length}\r\nX\0: a"),
            format!("Content-Length: {length}\r\nX Y: a"),
            format!("Content-Length: {length}\r\n: a"),
            format!("Content-Length: {length}\r\nX"),
            format!("Content-Length: {length}\r\nUpgrade: websocket\r\nConnection: upgrade"),
            format!("Content-Length: {length}\r\nUpgrade: h2c\r\nUpgrade: \t WebSocket \t"),
        ] {
            all.extend([&body, &parts, ""].map(|body| format!("{lines}\r\n\r\n{body}")));
        }
        for (sent, heard) in all.iter().zip(say(&service, all.iter().map(|it| submission(&service, it))).await) {
            assert_eq!((&heard.statuses[..], heard.closed), (&[400][..], true), "{sent:?} {}", heard.text);
        }
        assert_eq!(service.counts(), before);
    }

    /// N-05: a chunk that is none is a problem, and ends the connection.
    async fn n_05_a_broken_chunk_is_refused_and_ends_the_connection(service) {
        let before = service.counts();
        let body = example().to_string();
        let size = body.len();
        let all = [
            format!("-{size:x}\r\n{body}\r\n0\r\n\r\n"),
            format!("+{size:x}\r\n{body}\r\n0\r\n\r\n"),
            format!("0x{size:x}\r\n{body}\r\n0\r\n\r\n"),
            format!(" {size:x}\r\n{body}\r\n0\r\n\r\n"),
            format!("{size:x} 1\r\n{body}\r\n0\r\n\r\n"),
            format!("{size:x}\n{body}\r\n0\r\n\r\n"),
            format!("{size:x}\r{body}\r\n0\r\n\r\n"),
            format!("{size:x};a\n{body}\r\n0\r\n\r\n"),
            format!("{size:x};a\0b\r\n{body}\r\n0\r\n\r\n"),
            format!("{size:x}\r\n{body}0\r\n\r\n"),
            format!("{size:x}\r\n{body}\n0\r\n\r\n"),
            format!("{:x}\r\n{body}\r\n0\r\n\r\n", size - 1),
            format!("{:x}\r\n{body}\r\n0\r\n\r\n", size + 1),
            format!("\r\n{body}\r\n0\r\n\r\n"),
            format!("g\r\n{body}\r\n0\r\n\r\n"),
            format!("10000000000000000\r\n{body}\r\n0\r\n\r\n"),
            format!("{size:x}\r\n{body}\r\n0\r\n\rX"),
        ];
        let all = all.map(|it| format!("Transfer-Encoding: chunked\r\n\r\n{it}"));
        for (sent, heard) in all.iter().zip(say(&service, all.iter().map(|it| submission(&service, it))).await) {
            assert_eq!((&heard.statuses[..], heard.closed), (&[400][..], true), "{sent:?} {}", heard.text);
            assert!(heard.text.contains("/problems/unreadable-body"), "{sent:?} {}", heard.text);
        }
        assert_eq!(service.counts(), before);
    }

    /// The control: what is well framed is granted, and what follows it is answered, too.
    async fn n_05_what_is_well_framed_is_answered_and_so_is_the_next(service) {
        let body = example().to_string();
        let (length, parts) = (body.len(), chunked(&body));
        let all = [
            format!("Content-Length: {length}\r\n\r\n{body}"),
            format!("content-length:{length}\r\n\r\n{body}"),
            format!("Content-Length: \t000{length} \t\r\n\r\n{body}"),
            format!("Transfer-Encoding: chunked\r\n\r\n{parts}"),
            format!("transfer-encoding:\tChunked \r\n\r\n{parts}"),
            format!("Transfer-Encoding: chunked\r\n\r\n{length:x};a=\"b\" ; c\r\n{body}\r\n0;d\r\nX-Trailer: e\r\n\r\n"),
            format!("Transfer-Encoding: chunked\r\n\r\n000{length:X} \r\n{body}\r\n000\r\n\r\n"),
        ];
        for (sent, heard) in all.iter().zip(say(&service, all.iter().map(|it| submission(&service, it))).await) {
            assert_eq!((&heard.statuses[..], heard.closed), (&[201, 200][..], false), "{sent:?} {}", heard.text);
        }
        // Another protocol isn't spoken, and the connection ends.
        let upgrade = format!("Content-Length: {length}\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n{body}");
        let heard = &say(&service, [submission(&service, &upgrade)]).await[0];
        assert_eq!((&heard.statuses[..], heard.closed), (&[201][..], true), "{}", heard.text);
        assert!(heard.text.contains("connection: close"), "{}", heard.text);
    }

    /// N-05: the head of a request.
    async fn n_05_a_head_that_is_not_http_ends_the_connection(service) {
        let many = |count: usize| (0..count).fold(String::new(), |all, it| all + &format!("X-{it}: a\r\n"));
        let all = [
            (400, "GET /healthz/live\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/0.9\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.2\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.10\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/2.0\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live http/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.1 \r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET  /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET\t/healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, " GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live x HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/\0live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "GE\0T /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "G@T{} /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned()),
            (400, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
            (400, "\u{16}\u{3}\u{1}\u{2}\0\u{1}".to_owned()),
            (400, "GET /healthz/live HTTP/1.1\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nHost: y\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nhost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.1\rHost: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.1\r\n Host: localhost\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nX: a\r\n\tb\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nX: a\u{7f}b\r\n\r\n".to_owned()),
            (400, "GET /healthz/live HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned()),
            (400, "POST /v1/authorizations HTTP/1.0\r\nHost: localhost\r\n\r\n{}".to_owned()),
            (431, format!("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n{}\r\n", many(96))),
            (431, format!("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(200_000))),
            (431, format!("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nX: {}", "a".repeat(200_000))),
            (431, format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(200_000))),
            (400, format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(70_000))),
            (431, format!("{} / HTTP/1.1\r\nHost: localhost\r\n\r\n", "A".repeat(200_000))),
        ];
        for ((status, head), heard) in all.iter().zip(say(&service, all.iter().map(|it| format!("{}{HIDDEN}", it.1))).await) {
            assert_eq!((&heard.statuses[..], heard.closed), (&[*status][..], true), "{head:.90?} {}", heard.text);
        }
        // The control; a line may end with its LF alone, which RFC 9112 (2.2) leaves to the server.
        let all = [
            format!("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\n{}\r\n", many(95)),
            format!("GET /healthz/live HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "a".repeat(100_000)),
            "\r\nGET /healthz/live HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            "GET /healthz/live HTTP/1.1\nHost: localhost\n\n".to_owned(),
        ];
        for (head, heard) in all.iter().zip(say(&service, all.iter().map(|it| format!("{it}{HIDDEN}"))).await) {
            assert_eq!((&heard.statuses[..], heard.closed), (&[200, 200][..], false), "{head:.90?} {}", heard.text);
        }
    }

    /// I-02: a body of 262,144 bytes is read and one of a byte more isn't, however it is framed; of what is larger, the rest
    /// isn't waited for.
    /// A body that doesn't arrive is a problem after ten seconds, of which the service keeps count.
    async fn a_body_that_does_not_arrive_is_not_waited_for(service) {
        let slow = submission(&service, "Content-Length: 1000\r\n\r\n");
        let heard = say_for(&service, [slow], Duration::from_secs(20)).await;
        assert_eq!(heard[0].statuses, [408]);
        assert!(heard[0].text.contains("/problems/request-timeout"), "{}", heard[0].text);
    }

    async fn i_02_a_body_is_limited_to_the_byte(service) {
        let whole = |size: usize| format!("{}{}", " ".repeat(size - example().to_string().len()), example());
        let (most, over) = (whole(262_144), whole(262_145));
        let halves = |it: &str| format!("20000\r\n{}\r\n{}", &it[..0x20000], chunked(&it[0x20000..]));
        let all = [
            (201, format!("Content-Length: 262144\r\n\r\n{most}")),
            (201, format!("Transfer-Encoding: chunked\r\n\r\n{}", chunked(&most))),
            (201, format!("Transfer-Encoding: chunked\r\n\r\n{}", halves(&most))),
            (413, format!("Content-Length: 262145\r\n\r\n{over}")),
            (413, format!("Transfer-Encoding: chunked\r\n\r\n{}", chunked(&over))),
            (413, format!("Transfer-Encoding: chunked\r\n\r\n{}", halves(&over))),
            // The rest never comes.
            (413, "Content-Length: 262145\r\n\r\n".to_owned()),
            (413, "Content-Length: 18446744073709551615\r\n\r\n{}".to_owned()),
            (413, format!("Transfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n{over}")),
        ];
        let sent = all.iter().map(|(_, it)| {
            let mut bytes = submission(&service, it);
            bytes.truncate(bytes.len() - HIDDEN.len());
            bytes
        });
        for ((status, sent), heard) in all.iter().zip(say(&service, sent).await) {
            assert_eq!(heard.statuses, [*status], "{sent:.60} {}", heard.text);
            assert!(heard.closed || !(sent.starts_with("Content") && sent.len() < 60), "{sent:.60}");
            assert_eq!(heard.text.contains("/problems/body-too-large"), *status == 413, "{sent:.60}");
        }
        assert_eq!(service.texts("select count(*) as it from authorizations"), ["3"]);
    }

    /// I-15: methods and targets that no route takes.
    async fn i_15_methods_and_targets_that_no_route_takes_are_problems(service) {
        let token = service.token("single-site");
        let all = [
            ("TRACE /v1/me", 405),
            ("TRACK /v1/me", 405),
            ("get /v1/me", 405),
            ("GETT /v1/me", 405),
            ("PROPFIND /v1/authorizations", 405),
            ("CONNECT /v1/me", 405),
            ("CONNECT example.com:443", 400),
            ("GET example.com:443", 400),
            ("OPTIONS *", 400),
            ("GET *", 400),
            ("GET http://example.com/v1/me", 400),
            ("GET https://example.com/v1/me", 400),
            ("GET http://a@localhost/v1/me", 400),
            ("GET http://localhost/v1/me", 200),
            ("GET HTTP://LOCALHOST:80/v1/me", 200),
            ("GET //v1/me", 404),
            ("GET //example.com/v1/me", 404),
            ("GET /v1/../v1/me", 404),
            ("GET /v1/./me", 404),
            ("GET /v1//me", 404),
            ("GET /v1/me/", 404),
            ("GET /v1/%6de", 200),
            ("GET /v1%2fme", 404),
            ("GET /v1/me;a=b", 404),
            ("GET /v1/authorizations/%00", 404),
            ("GET /v1/authorizations/%ff", 404),
            ("GET /v1/authorizations/%zz", 404),
            ("GET /v1/authorizations/..%2f", 404),
            ("GET /v1/authorizations/26335R00001%0d%0aX:%20y", 404),
        ];
        let rest = format!("HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n");
        for ((line, status), heard) in all.iter().zip(say(&service, all.map(|it| format!("{} {rest}", it.0))).await) {
            assert_eq!((&heard.statuses[..], heard.closed), (&[*status][..], true), "{line} {}", heard.text);
            let (head, body) = heard.text.split_once("\r\n\r\n").expect("a head");
            let body: Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(body["type"].is_string(), *status != 200, "{line}");
            assert_eq!(head.contains("allow: GET, HEAD"), *status == 405, "{line} {head}");
        }
    }
}
