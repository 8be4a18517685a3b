//! What is known of members and people stays where it belongs: each column has a class (L-06), marks in them turn up nowhere else
//! (L-04), and nothing that is sent breaks a line of the log (L-05).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use api::demo::Issuer;
use chrono::{Days, TimeDelta};
use kernel::{Clock, SystemClock};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use crate::cli::{Process, folder};
use crate::finders::add;
use crate::on_both;
use crate::quiet::{head, secured, texts};
use crate::support::{Answer, Kind, Service, example, root, start};

/// Each column, and its class.
fn classes() -> BTreeMap<(String, String), String> {
    let text = fs::read_to_string(root().join("migrations/classes.toml")).expect("the classes");
    let tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(&text).expect("classes");
    let of = |(table, columns): (String, BTreeMap<String, String>)| {
        columns.into_iter().map(move |(column, class)| ((table.clone(), column), class))
    };
    tables.into_iter().flat_map(of).collect()
}

/// Each column that the database has, but those of the migrations' own table.
fn columns(service: &Service) -> BTreeSet<(String, String)> {
    let found = service.texts(match service.kind {
        Kind::Sqlite => {
            "select m.name || '.' || p.name as it from sqlite_master m, pragma_table_info(m.name) p where m.type = 'table'"
        }
        Kind::Postgres => {
            "select table_name || '.' || column_name as it from information_schema.columns where table_schema = 'public'"
        }
    });
    let found = found.iter().filter_map(|it| it.split_once('.'));
    let found = found.map(|(table, column)| (table.to_owned(), column.to_owned()));
    found.filter(|it| !["__diesel_schema_migrations", "sqlite_sequence"].contains(&&*it.0)).collect()
}

on_both! {
    async fn l_06_every_column_has_a_class(service) {
        let classes = classes();
        for (column, class) in &classes {
            assert!(["phi", "personal", "secret", "id", "plain"].contains(&&**class), "{column:?} {class}");
        }
        let known: BTreeSet<_> = classes.into_keys().collect();
        let there = columns(&service);
        let without: Vec<_> = there.difference(&known).collect();
        assert!(without.is_empty(), "give each of these a class in migrations/classes.toml: {without:?}");
        let gone: Vec<_> = known.difference(&there).collect();
        assert!(gone.is_empty(), "migrations/classes.toml has columns that aren't there: {gone:?}");
        // The control.
        service.execute("alter table members add column nickname text");
        let there = columns(&service);
        let new = ("members".to_owned(), "nickname".to_owned());
        assert_eq!(there.difference(&known).collect::<Vec<_>>(), [&new]);
    }
}

/// What no one else sends or is, in small letters: marked texts; a member's number and birth; a phone; a diagnosis.
const MARKS: [&str; 6] =
    ["zq7phi", "9177364520", "1913-07-19", "6175559173", "c50.912", "left female breast"];

const MEMBER: &str = "MCF9177364520";

/// Those that are in `text`. What tells diagnosis codes or what they mean tells them of no one.
fn marks(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    MARKS.into_iter().filter(|it| text.contains(it)).collect()
}

/// The built service on the database of `service`, at the loudest, and those who call it.
struct Loud {
    process: Process,
    folder: std::path::PathBuf,
    issuer: Issuer,
    client: Client,
    answers: Vec<Answer>,
}

impl Loud {
    fn start(service: &Service, name: &str) -> Self {
        let folder = folder(&format!("{name}-{:?}", service.kind));
        fs::create_dir(folder.join("tmp")).expect("a folder");
        let tmp = folder.join("tmp").display().to_string();
        let process = Process::start(
            &folder,
            &[
                ("LANYARD_DATABASE__URL", service.database.url.as_str()),
                ("LANYARD_DATABASE__POOL", "2"),
                ("LANYARD_LOG", "trace,actix_http=trace,diesel=trace"),
                ("LANYARD_RATES__WRITE__MINUTE", "0"),
                ("LANYARD_RATES__ANONYMOUS__MINUTE", "0"),
                ("LANYARD_RATES__MISSES__MINUTE", "0"),
                ("TMPDIR", &tmp),
            ],
        );
        let issuer = Issuer::open(
            "https://lanyard.invalid/demo",
            "http://127.0.0.1:8080",
            &folder.join("lanyard-demo"),
        )
        .expect("a key");
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { process, folder, issuer, client, answers: Vec::new() }
    }

    fn token(&self, who: &str) -> String {
        self.issuer.token(who, SystemClock.now(), TimeDelta::hours(1)).expect("a token")
    }

    fn request(&self, who: &str, method: &Method, path: &str) -> RequestBuilder {
        let url = format!("http://{}{path}", self.process.address);
        let request = self.client.request(method.clone(), url).bearer_auth(self.token(who));
        request.header("idempotency-key", format!("k{}", self.answers.len()))
    }

    async fn ask(&mut self, request: RequestBuilder) -> Answer {
        let answer = Answer::of(request).await;
        self.answers.push(answer.clone());
        answer
    }

    /// Its log, once whoever asked last is in it.
    async fn log(&mut self) -> String {
        let last = self.request("nurse", &Method::GET, "/v1/me").header("x-request-id", "the-last-one");
        self.ask(last).await.expect(200);
        for _ in 0..100 {
            let log = fs::read_to_string(self.folder.join("log")).expect("text");
            if log.contains("the-last-one") {
                return log;
            }
            actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        panic!("the log hears nothing");
    }
}

/// A request in which every part is marked that may be.
fn marked(units: u16) -> Value {
    let mut body = example();
    let start = SystemClock.now().date_naive() + Days::new(3);
    let contact = json!({"name": "Zq7phi Desk", "phone": "+16175559173"});
    body["member_id"] = json!(MEMBER);
    body["diagnoses"] = json!(["C50.912"]);
    (body["urgency"], body["urgency_reason"]) = (json!("expedited"), json!("Zq7phi urgency"));
    body["requesting_provider"]["contact"] = contact.clone();
    body["servicing_provider"]["contact"] = contact;
    body["lines"][0]["units"] = json!(units);
    body["start_date"] = json!(start);
    body["end_date"] = json!(start + Days::new(30));
    body["remarks"] = json!("Zq7phi remarks");
    body
}

/// Marks in all that callers can't write.
fn prepare(service: &Service) {
    add(service, MEMBER, "Zq7phifirst", "Zq7philast", "1913-07-19", &[("mcf", "2020-01-01", "")]);
    service.execute(
        "update principals set name = 'Zq7phi ' || name, contact_name = 'Zq7phi contact', contact_phone = '+16175559173'",
    );
}

/// As an address has it.
fn percent(text: &str) -> String {
    let add = |mut all: String, it: u8| {
        let _ = write!(all, "%{it:02X}");
        all
    };
    text.bytes().fold(String::new(), add)
}

/// Everything that succeeds.
async fn succeed(loud: &mut Loud) {
    let mut etags = Vec::new();
    for units in [12, 24, 99] {
        let request = loud.request("single-site", &Method::POST, "/v1/authorizations").json(&marked(units));
        let answer = loud.ask(request).await;
        let id = answer.expect(201)["id"].as_str().expect("an id").to_owned();
        etags.push((id, answer.header("etag").expect("a version").to_owned()));
    }
    for (who, (id, etag), verb, body) in [
        (
            "physician",
            &etags[1],
            "decide",
            json!({"outcome": "deny", "reason_code": "not_medically_necessary", "reason": "Zq7phi reason"}),
        ),
        ("coordinator", &etags[0], "close", json!({"reason_code": "replaced", "reason": "Zq7phi closing"})),
    ] {
        let request = loud.request(who, &Method::POST, &format!("/v1/authorizations/{id}/{verb}"));
        loud.ask(request.header("if-match", etag).json(&body)).await.expect(200);
    }
    for who in ["single-site", "nurse"] {
        for (id, _) in &etags {
            let request = loud.request(who, &Method::GET, &format!("/v1/authorizations/{id}"));
            assert!(loud.ask(request).await.text.contains("Zq7phi"));
        }
        for (path, body) in [
            ("/v1/members/search", json!({"member_id": MEMBER})),
            ("/v1/members/search", json!({"last_name": "Zq7phi", "limit": 1})),
            ("/v1/members/search", json!({"date_of_birth": "1913-07-19"})),
            ("/v1/members/eligibility", json!({"member_id": MEMBER})),
            ("/v1/authorizations/search", json!({"member_id": MEMBER, "limit": 1})),
            ("/v1/authorizations/search", json!({"diagnosis": "C50.912"})),
        ] {
            let answer = loud.ask(loud.request(who, &Method::POST, path).json(&body)).await;
            assert!(answer.expect(200)["data"] != json!([]), "{path} {body}");
        }
        for path in [
            "/v1/me",
            "/v1/authorizations?limit=1",
            "/v1/services",
            "/v1/providers?q=bay",
            "/v1/procedure-codes",
        ] {
            loud.ask(loud.request(who, &Method::GET, path)).await.expect(200);
        }
    }
}

/// Every operation, in every way that something marked may be wrong with it.
async fn fail(loud: &mut Loud, texts_sent: &[&str]) {
    for it in secured() {
        let who = match &*it.id {
            "close_authorization" => "coordinator",
            "decide_authorization" | "get_policy" => "physician",
            _ => "single-site",
        };
        let body = if it.id == "create_authorization" { Some(marked(12)) } else { it.body.clone() };
        for mark in texts_sent {
            let coded = percent(mark);
            for path in [
                format!("{}/%FF{coded}", it.path.replace("26335R0000", "%FF")),
                format!("{}/{coded}", it.path),
                format!("{}?{coded}={coded}&limit={coded}&cursor={coded}&q={coded}&npi={coded}", it.path),
            ] {
                let request = loud.request(who, &it.method, &path).header("if-match", "\"1.00000000\"");
                loud.ask(body.iter().fold(request, reqwest::RequestBuilder::json)).await;
            }
            let Some(body) = &body else { continue };
            let mut places = Vec::new();
            texts(body, "", &mut places);
            for at in places {
                for value in [json!(mark), json!({"x": mark})] {
                    let mut sent = body.clone();
                    *sent.pointer_mut(&at).expect("a place") = value;
                    sent["x"] = json!(mark);
                    let request =
                        loud.request(who, &it.method, &it.path).header("if-match", "\"1.00000000\"");
                    loud.ask(request.json(&sent)).await;
                }
            }
            for raw in [format!("{{\"{mark}\": 1, \"{mark}\""), mark.to_string()] {
                let request =
                    loud.request(who, &it.method, &it.path).header("content-type", "application/json");
                loud.ask(request.header("if-match", "\"1.00000000\"").body(raw)).await;
            }
        }
    }
}

fn canary(kind: Kind) {
    start(kind, |service| async move {
        prepare(&service);
        let mut loud = Loud::start(&service, "canary");
        succeed(&mut loud).await;
        fail(&mut loud, &["Zq7phi", MEMBER]).await;
        let log = loud.log().await;
        let heard = log.lines().filter(|it| it.contains("\"lanyard::access\"")).count();
        assert_eq!(heard, loud.answers.len());
        let said: Vec<_> = log.lines().filter(|it| !marks(it).is_empty()).take(5).collect();
        assert!(said.is_empty(), "the log tells: {said:?}");
        let mut refused = 0;
        for it in &loud.answers {
            assert!(it.status < 500, "{it:?}");
            refused += usize::from(it.status >= 400);
            assert_eq!(marks(&head(it)), [""; 0], "{:?}", it.headers);
            assert!(it.status < 400 || marks(&it.text).is_empty(), "{}", it.text);
        }
        assert!(refused > 100, "{refused}");
        // In the database marks are where they belong, and there only.
        let (mut marked, codes) = (BTreeSet::new(), ["c50.912", "left female breast"]);
        for ((table, column), class) in classes() {
            let all = service.texts(&format!(
                "select cast({column} as text) as it from {table} where {column} is not null"
            ));
            let found = marks(&all.join("\n"));
            if class == "phi" || class == "personal" {
                marked.extend((!found.is_empty()).then(|| format!("{table}.{column}")));
            } else {
                assert!(
                    found.iter().all(|it| table == "diagnosis_codes" && codes.contains(it)),
                    "{table}.{column} {found:?}"
                );
            }
        }
        for column in [
            "authorizations.remarks",
            "authorizations.urgency_reason",
            "authorizations.parties",
            "authorizations.decision",
            "authorizations.closing",
            "authorization_diagnoses.code",
            "members.last_folded",
            "coverages.member_id",
            "idempotency.answer",
            "past_decisions.decision",
            "principals.contact_name",
        ] {
            assert!(marked.contains(column), "{column} {marked:?}");
        }
        // On disk there is the database, and nothing else that tells.
        let left = fs::read_dir(loud.folder.join("tmp")).expect("a folder").count();
        assert_eq!(left, 0);
        // Written once the trail is sealed, if that was by now.
        let sealed = loud.folder.join("lanyard-demo/trail-checkpoints.jsonl");
        if sealed.exists() {
            assert!(marks(&fs::read_to_string(&sealed).expect("a file")).is_empty());
            fs::remove_file(sealed).expect("a file");
        }
        for file in ["lanyard-demo/secret", "lanyard-demo/signing-key.pem"] {
            assert!(
                marks(&String::from_utf8_lossy(&fs::read(loud.folder.join(file)).expect(file))).is_empty()
            );
        }
        let names: BTreeSet<_> = ["lanyard-demo", "log", "tmp"].into();
        assert_eq!(entries(&loud.folder), names.into_iter().map(str::to_owned).collect());
        assert_eq!(
            entries(&loud.folder.join("lanyard-demo")),
            ["secret", "signing-key.pem"].map(str::to_owned).into()
        );
        // The controls: what may be logged of a caller's own is, in the very log that was read; and what is looked for can be found.
        assert!(log.contains("the-last-one") && log.contains("lanyard::access"), "{log:.2000}");
        assert_eq!(marks("… ZQ7PHI remarks").len(), 1);
    });
}

fn entries(folder: &Path) -> BTreeSet<String> {
    let name =
        |it: std::io::Result<fs::DirEntry>| it.expect("an entry").file_name().to_string_lossy().into_owned();
    fs::read_dir(folder).expect("a folder").map(name).collect()
}

#[test]
fn l_04_marks_in_every_phi_column_stay_there_on_sqlite() {
    canary(Kind::Sqlite);
}

#[test]
fn l_04_marks_in_every_phi_column_stay_there_on_postgres() {
    canary(Kind::Postgres);
}

/// What would end a line, colour it, or begin another.
const BREAKS: [&str; 5] = [
    "a\r\n{\"level\":\"ERROR\"}",
    "a\u{1b}[31mb\u{1b}[2J",
    "a\u{2028}b\u{2029}c",
    "a\u{85}b\u{9b}31m",
    "a\0b\u{7f}",
];

fn one_line_an_event(kind: Kind) {
    start(kind, |service| async move {
        prepare(&service);
        let mut loud = Loud::start(&service, "lines");
        fail(&mut loud, &BREAKS).await;
        // By hand, since no client would send these.
        let token = loud.token("single-site");
        let mut by_hand = 0;
        for name in [
            "x-request-id",
            "user-agent",
            "x-forwarded-for",
            "idempotency-key",
            "if-match",
            "accept",
            "origin",
            "referer",
            "content-type",
            "cookie",
            "emergency-access",
        ] {
            for value in ["a\u{1b}[31m", "a\u{2028}b", "a\u{9b}31m", "a\tb", "\u{85}"] {
                let head = format!(
                    "GET /v1/me HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\nconnection: close\r\n{name}: {value}\r\n\r\n",
                    loud.process.address
                );
                by_hand += usize::from(raw(&loud.process.address, &head).contains("x-request-id"));
            }
        }
        for target in
            ["/\u{1b}[31m", "/v1/me\u{2028}", "/a\rb", "*", "/%0d%0a%1b[31m?%0a=%0d", "http://x\u{1b}/"]
        {
            for method in ["GET", "PUT", "G\u{1b}T", "X-NEW"] {
                let head = format!(
                    "{method} {target} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
                    loud.process.address
                );
                by_hand += usize::from(raw(&loud.process.address, &head).contains("x-request-id"));
            }
        }
        let log = loud.log().await;
        let mut access = 0;
        for line in log.split('\n').filter(|it| !it.is_empty()) {
            let it: Value = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line:?}"));
            assert!(it["at"].is_string() && it["level"].is_string() && it["message"].is_string(), "{line}");
            let breaks = |it: char| it.is_control() || matches!(it, '\u{2028}' | '\u{2029}');
            assert!(!line.contains(breaks) && !line.contains("[31m"), "{line:?}");
            access += usize::from(it["target"] == "lanyard::access");
        }
        assert_eq!(access, loud.answers.len() + by_hand);
        assert!(by_hand > 30 && access > 300, "{by_hand} {access}");
    });
}

/// What is answered to bytes, whatever they are.
fn raw(address: &str, bytes: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(bytes.as_bytes()).expect("a request");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn l_05_whatever_is_sent_each_event_is_one_line_on_sqlite() {
    one_line_an_event(Kind::Sqlite);
}

#[test]
fn l_05_whatever_is_sent_each_event_is_one_line_on_postgres() {
    one_line_an_event(Kind::Postgres);
}
