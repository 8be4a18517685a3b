//! Bodies that mean harm (I-02): refused whole, nothing changed, and the memory stays what it was.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use reqwest::Method;

use crate::contract::operations;
use crate::on_both;
use crate::support::{Answer, Service, example};

const LIMIT: usize = 256 * 1024;

async fn send(service: &Service, path: &str, encoding: Option<&str>, body: impl Into<Vec<u8>>) -> Answer {
    let request =
        service.request("single-site", Method::POST, path).header("content-type", "application/json");
    let request = encoding.iter().fold(request, |it, encoding| it.header("content-encoding", *encoding));
    Answer::of(request.body(body.into())).await
}

/// What is no JSON.
fn unreadable() -> Vec<Vec<u8>> {
    let texts = [
        "",
        " ",
        "\n\t ",
        "{",
        "}",
        "{]",
        "[}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1,]",
        "{a:1}",
        "{'a':1}",
        "{\"a\":1 \"b\":2}",
        // Behind the end.
        "{} {}",
        "{}x",
        "{},",
        "{}\0",
        "{}}",
        "null null",
        "{}//",
        "{}/**/",
        "// x\n{}",
        // Numbers that are none, or none that can be held.
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":-Infinity}",
        "{\"a\":1e400}",
        "{\"a\":-1e400}",
        "[1e999999999]",
        "{\"a\":01}",
        "{\"a\":+1}",
        "{\"a\":.5}",
        "{\"a\":1.}",
        "{\"a\":0x10}",
        "{\"a\":1_0}",
        "{\"a\":--1}",
        "{\"a\":True}",
        "{\"a\":undefined}",
        // Text that is none.
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\udc00\\ud800\"}",
        "{\"a\":\"\\ud83dx\"}",
        "{\"\\udfff\":1}",
        "{\"a\":\"\\x41\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\n\"}",
        "{\"a\":\"\0\"}",
        "{\"a\":\"\t\"}",
        "\0{}",
        "{\"a\":\"b",
        "{\"a\":\"\\\"}",
        // Twice, however it is spelt and wherever it is.
        "{\"a\":1,\"a\":1}",
        "{\"a\":1,\"b\":2,\"\\u0061\":3}",
        "[{\"a\":{\"\":1,\"\":2}}]",
        "{\"limit\":1,\"limit\":2}",
        // A byte order mark.
        "\u{feff}{}",
        "{}\u{feff}",
        "\u{feff}",
    ];
    let mut all: Vec<_> = texts.map(|it| it.as_bytes().to_vec()).into();
    // Not UTF-8: alone, too long, a surrogate, beyond the last, cut off, Latin-1, UTF-16.
    for bytes in [
        &b"\xff"[..],
        b"\x80",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
        b"\xe9",
    ] {
        all.push([b"{\"a\":\"", bytes, b"\"}"].concat());
        all.push([b"{\"", bytes, b"\":1}"].concat());
        all.push([b"{}", bytes].concat());
    }
    all.push("{}".encode_utf16().flat_map(u16::to_le_bytes).collect());
    all.push([b"\xff\xfe".to_vec(), "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()].concat());
    // Deep.
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
        let deep = |levels: usize| format!("{}1{}", open.repeat(levels), close.repeat(levels)).into_bytes();
        all.extend([17, 128, 1000, 20_000].map(deep));
        all.push(open.repeat(LIMIT / open.len()).into_bytes());
    }
    all
}

/// A great many zeros, as few bytes.
fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let zeros = vec![0_u8; 50 << 20];
    let (mut gzip, mut zlib, mut raw) = (
        GzEncoder::new(Vec::new(), Compression::fast()),
        ZlibEncoder::new(Vec::new(), Compression::fast()),
        DeflateEncoder::new(Vec::new(), Compression::fast()),
    );
    gzip.write_all(&zeros).expect("zeros");
    zlib.write_all(&zeros).expect("zeros");
    raw.write_all(&zeros).expect("zeros");
    let (gzip, zlib) = (gzip.finish().expect("a bomb"), zlib.finish().expect("a bomb"));
    let raw = raw.finish().expect("a bomb");
    vec![
        ("gzip", gzip.clone()),
        ("x-gzip", gzip.clone()),
        ("deflate", zlib),
        ("deflate", raw.clone()),
        ("br", raw),
        ("gzip, gzip", gzip),
    ]
}

/// How much memory this process holds, in bytes; none where the system doesn't tell.
fn resident() -> Option<usize> {
    let told = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = told.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
    line.trim().trim_end_matches(" kB").parse::<usize>().ok().map(|it| it * 1024)
}

/// Bodies just below the limit, each of which costs a reader something else.
fn heavy() -> Vec<String> {
    let fill = |unit: &str| unit.repeat((LIMIT - 100) / unit.len());
    let remarks = |it: String| format!("{{\"remarks\":\"{it}\"}}");
    let members = (0..20_000).map(|it| format!("\"{it}\":0")).collect::<Vec<_>>().join(",") + ",";
    vec![
        fill("["),
        format!("[{}0]", fill("0,")),
        format!("[{}0]", fill("[],")),
        format!("[{}0]", fill("{},")),
        format!("{{{members}\"x\":0}}"),
        format!("{{{members}\"0\":0}}"),
        format!("{{\"lines\":[{}0]}}", fill("{},")),
        format!("{{\"diagnoses\":[{}0]}}", fill("\"I10\",")),
        remarks(fill("\\u0041")),
        remarks(fill("\u{301}\u{323}")),
        remarks(fill("\u{fb2c}")),
        format!("{{\"a\":{}}}", fill("1")),
        format!("{{\"{}\":0}}", fill("k")),
        fill("\""),
    ]
}

on_both! {
    /// I-02: on every operation that takes a body.
    async fn i_02_what_is_no_json_is_refused_and_changes_nothing(service) {
        service.submit(&example()).await.expect(201);
        let before = service.counts();
        let all = unreadable();
        for (place, (path, method, it)) in operations().into_iter().enumerate() {
            if it["requestBody"].is_null() || path == "/v1/oauth/token" {
                continue;
            }
            let method: Method = method.to_uppercase().parse().expect("a method");
            let id = if path.starts_with("/v1/clients") { registry::demo::PRINCIPALS[10].0 } else if path.starts_with("/v1/webhooks") { crate::webhooks::KEPT } else { "26335R00001" };
            let path = path.replace("{id}", id);
            let of_plan = ["/v1/users", "/v1/delegations", "/v1/clients"].iter().any(|it| path.starts_with(it));
            let who = if path.starts_with("/v1/webhooks") { "site-administrator" } else if of_plan { "administrator" } else if path.ends_with("review") { "compliance" } else if path.ends_with("close") { "coordinator" } else if path.ends_with("decide") { "physician" } else { "single-site" };
            // All of them on one, a few on each.
            for body in all.iter().skip(place % 7).step_by(if path == "/v1/authorizations" { 1 } else { 7 }) {
                let request = service.request(who, method.clone(), &path).header("content-type", "application/json");
                let answer = Answer::of(request.header("if-match", "\"1.00000000\"").body(body.clone())).await;
                let shown = String::from_utf8_lossy(&body[..body.len().min(40)]).into_owned();
                assert_eq!(answer.problem(400), "unreadable-body", "{path} {shown:?}");
            }
            for body in ["[]", "null", "true", "0", "1.5", "\"x\"", "[{}]"] {
                let request = service.request(who, method.clone(), &path).header("content-type", "application/json");
                let answer = Answer::of(request.header("if-match", "\"1.00000000\"").body(body)).await;
                assert_eq!(answer.flaws(), [" type -"], "{} {body}", it["operationId"]);
            }
        }
        assert_eq!(service.counts(), before);
    }

    /// I-02: what is compressed is never inflated, and what is of another type not read.
    async fn i_02_a_compressed_body_is_never_inflated(service) {
        let before = service.counts();
        let bombs = bombs();
        let start = resident();
        for (encoding, bomb) in &bombs {
            assert!(bomb.len() < LIMIT, "{encoding}");
            assert_eq!(send(&service, "/v1/authorizations", Some(encoding), bomb.clone()).await.problem(415), "not-json");
            assert_eq!(send(&service, "/v1/authorizations", None, bomb.clone()).await.problem(400), "unreadable-body");
        }
        for encoding in ["identity", "", "x", "gzip;q=0"] {
            let answer = send(&service, "/v1/authorizations", Some(encoding), example().to_string()).await;
            assert_eq!(answer.problem(415), "not-json", "{encoding}");
        }
        for kind in ["text/json", "application/json5", "application/problem+json", "multipart/form-data", "application/json, text/plain"] {
            let request = service.request("single-site", Method::POST, "/v1/authorizations").header("content-type", kind);
            assert_eq!(Answer::of(request.body(example().to_string())).await.problem(415), "not-json", "{kind}");
        }
        assert_eq!(service.counts(), before);
        if let Some((start, end)) = start.zip(resident()) {
            assert!(end.saturating_sub(start) < 40 << 20, "{start} {end}");
        }
        // The control.
        send(&service, "/v1/authorizations", None, example().to_string()).await.expect(201);
    }

    /// I-02: hundreds of bodies near the limit leave nothing behind. Tests beside this one may grow, so one calm round is enough;
    /// were the bodies kept, each would add 25 MB.
    async fn i_02_hostile_bodies_leave_the_memory_as_it_was(service) {
        let (before, all) = (service.counts(), heavy());
        let mut least = usize::MAX;
        for round in 0..3 {
            let start = resident();
            for body in all.iter().cycle().take(100) {
                assert!((LIMIT - 200_000..=LIMIT).contains(&body.len()));
                let answer = send(&service, "/v1/authorizations", None, body.clone()).await;
                assert!([400, 422].contains(&answer.status) && answer.text.len() < 32 * 1024, "{} {:.40}", answer.status, body);
            }
            // The first round warms up.
            if let Some((start, end)) = start.zip(resident()).filter(|_| round > 0) {
                least = least.min(end.saturating_sub(start));
            }
        }
        assert!(least < 8 << 20 || resident().is_none(), "{least}");
        assert_eq!(service.counts(), before);
        service.submit(&example()).await.expect(201);
    }
}
