//! What answers, addresses and the log don't tell (I-16, L-04), and whom they don't believe (J-08).

use std::sync::{Mutex, OnceLock};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use log::{Level, LevelFilter, Log, Metadata, Record};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::contract::operations;
use crate::finders::add;
use crate::on_both;
use crate::support::{Answer, Service, example};

/// What no one else sends.
const MARK: &str = "Zq7xMark";

/// What is known of the members and requests of these tests, as no head of an answer may hold it.
const PHI: [&str; 8] =
    ["MCF00000", "HMO00000", "ASO00000", "Alma", "Whitfield", "1951-07-01", "E11.9", "Essential"];

/// A log that keeps the lines in which a test may find itself.
struct Kept(Mutex<Vec<String>>);

impl Log for Kept {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }
    fn log(&self, record: &Record<'_>) {
        let mut fields = Vec::new();
        let mut each =
            |name: log::kv::Key<'_>, value: log::kv::Value<'_>| fields.push(format!("{name}={value}"));
        let _ = record.key_values().visit(&mut Each(&mut each));
        let line = format!("{} {} {} {}", record.level(), record.target(), record.args(), fields.join(" "));
        if line.contains(MARK) || line.contains("j08-") {
            self.0.lock().expect("the log").push(line);
        }
    }
    fn flush(&self) {}
}

struct Each<'a>(&'a mut dyn FnMut(log::kv::Key<'_>, log::kv::Value<'_>));

impl<'kvs> log::kv::VisitSource<'kvs> for Each<'_> {
    fn visit_pair(
        &mut self,
        name: log::kv::Key<'kvs>,
        value: log::kv::Value<'kvs>,
    ) -> Result<(), log::kv::Error> {
        (self.0)(name, value);
        Ok(())
    }
}

/// Everything that is logged from now on, at every level.
fn kept() -> &'static Kept {
    static KEPT: OnceLock<&'static Kept> = OnceLock::new();
    KEPT.get_or_init(|| {
        let kept: &'static Kept = Box::leak(Box::new(Kept(Mutex::default())));
        log::set_logger(kept).expect("the first log");
        log::set_max_level(LevelFilter::Trace);
        kept
    })
}

/// The lines that hold `word`.
fn lines(word: &str) -> Vec<String> {
    kept().0.lock().expect("the log").iter().filter(|it| it.contains(word)).cloned().collect()
}

/// An operation that takes a token, as the contract has it.
pub(crate) struct Operation {
    pub(crate) id: String,
    pub(crate) method: Method,
    /// With an authorization in it, where it takes one: the first, to decide on the second.
    pub(crate) path: String,
    query: Vec<String>,
    /// Whether it does nothing without an `If-Match`.
    versioned: bool,
    pub(crate) body: Option<Value>,
}

/// A grant that was asked for, once a test has put it there.
const ASKED: &str = "grt_0198c1f2a4b37c10a1b2c3d4e5f60a02";

/// A delegation that was asked for, likewise.
const LETTER: &str = "grt_0198c1f2a4b37c10a1b2c3d4e5f60a03";

/// What the operation at `path` is about.
fn thing(path: &str) -> String {
    match path {
        it if it.starts_with("/v1/emergency-access") => crate::emergency::OPENED.to_owned(),
        it if it.starts_with("/v1/webhooks") => crate::webhooks::KEPT.to_owned(),
        it if it.starts_with("/v1/clients") => registry::demo::PRINCIPALS[10].0.to_owned(),
        it if it.starts_with("/v1/users") => crate::users::id("multi-site").to_owned(),
        "/v1/delegations/{id}/approve" => LETTER.to_owned(),
        it if it.starts_with("/v1/delegations") => crate::users::demo_grant("billing-agent", Some(0)),
        it if it.ends_with("decide") => "26335R00002".to_owned(),
        _ => "26335R00001".to_owned(),
    }
}

pub(crate) fn secured() -> Vec<Operation> {
    let all = operations().into_iter().filter(|(.., it)| it["security"][0]["bearer"].is_array());
    let of = |(path, method, it): (String, String, Value)| {
        let parameters = it["parameters"].as_array().cloned().unwrap_or_default();
        let query = parameters
            .iter()
            .filter(|it| it["in"] == "query")
            .map(|it| it["name"].as_str().expect("a name").to_owned());
        Operation {
            id: it["operationId"].as_str().expect("an id").to_owned(),
            method: method.to_uppercase().parse().expect("a method"),
            path: path.replace("{grant_id}", ASKED).replace("{id}", &thing(&path)),
            query: query.collect(),
            versioned: parameters.iter().any(|it| it["name"] == "If-Match" && it["required"] == true),
            body: Some(it["requestBody"]["content"]["application/json"]["example"].clone())
                .filter(|it| !it.is_null()),
        }
    };
    all.map(of).collect()
}

impl Operation {
    fn request(&self, service: &Service, who: &str, tail: &str, body: Option<&Value>) -> RequestBuilder {
        let request = service.request(who, self.method.clone(), &format!("{}{tail}", self.path));
        let request = if self.versioned { request.header("if-match", "\"1.00000000\"") } else { request };
        body.iter().fold(request, reqwest::RequestBuilder::json)
    }

    /// An address with whatever the operation requires.
    fn usual(&self) -> &'static str {
        match &*self.id {
            "list_diagnosis_codes" => "?q=i10",
            "list_trail" => "?subject=26335R00001",
            _ => "",
        }
    }
}

/// Points to each text in `value`.
pub(crate) fn texts(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(parts) => parts.iter().for_each(|(name, it)| texts(it, &format!("{at}/{name}"), into)),
        Value::Array(parts) => {
            parts.iter().enumerate().for_each(|(name, it)| texts(it, &format!("{at}/{name}"), into));
        }
        Value::String(_) => into.push(at.to_owned()),
        _ => {}
    }
}

/// The head of an answer, and what its cursors hold.
pub(crate) fn head(answer: &Answer) -> String {
    let mut told = format!("{:?}", answer.headers);
    for part in told.clone().split(|it: char| !it.is_ascii_alphanumeric() && it != '-' && it != '_') {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        told += &String::from_utf8_lossy(&bytes);
    }
    told
}

on_both! {
    /// I-16: every operation, as every kind of caller, in every way that it may be answered.
    async fn i_16_no_answer_to_a_caller_may_be_stored_or_tells_a_secret_in_its_head(service) {
        service.submit(&example()).await.expect(201);
        let mut reviewed = example();
        (reviewed["lines"][0]["units"], reviewed["member_id"]) = (json!(24), json!("HMO0000000051"));
        assert_eq!(service.submit(&reviewed).await.expect(201)["status"], "MEDREVIEW");
        // No address of the contract takes what says who a member is or what they have.
        for (path, _, it) in operations() {
            for it in it["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] != "header") {
                let told = it.to_string();
                let words = ["MemberId", "DiagnosisCode\"", "\"member", "birth", "_name", "\"diagnosis"];
                assert!(!words.iter().any(|word| told.contains(word)), "{path} {told}");
            }
        }
        service.execute(&format!(
            "insert into grants (id, principal_id, role, site_id, requested_by, requested_at) values \
             ('{ASKED}', '{}', 'credentialing_delegate', '{}', 'system', '2026-12-01 00:00:00')",
            crate::users::id("multi-site"),
            registry::demo::SITES[1].0,
        ));
        service.execute(&format!(
            "insert into grants (id, principal_id, role, site_id, requested_by, requested_at) values \
             ('{LETTER}', '{}', 'billing_agent', '{}', 'system', '2026-12-01 00:00:00'); \
             insert into delegations (grant_id, channel, paper) values ('{LETTER}', 'letter', 'p')",
            crate::users::id("billing-agent"),
            registry::demo::SITES[1].0,
        ));
        let people = ["single-site", "other-site", "ehr-vendor", "nurse", "physician", "coordinator", "administrator", "site-administrator", "compliance", "operator"];
        crate::emergency::open_one(&service);
        crate::webhooks::keep(&service, crate::webhooks::KEPT, "site-administrator", registry::demo::SITES[0].0);
        for it in secured() {
            let mut seen = std::collections::BTreeSet::new();
            for who in people {
                let usual = it.usual();
                let first = Answer::of(it.request(&service, who, usual, it.body.as_ref())).await;
                let mut answers = vec![
                    Answer::of(it.request(&service, who, "?x=1", it.body.as_ref())).await,
                    Answer::of(it.request(&service, who, "/x", it.body.as_ref())).await,
                    Answer::of(service.request(who, Method::DELETE, &it.path)).await,
                    Answer::of(service.request(who, Method::HEAD, &format!("{}{usual}", it.path))).await,
                    Answer::of(it.request(&service, who, usual, Some(&json!({"member_id": "MCF0000000042", "x": 1})))).await,
                    Answer::of(it.request(&service, who, usual, None).body("{")).await,
                    Answer::of(it.request(&service, who, usual, None).header("content-type", "application/json").body("{")).await,
                    Answer::of(it.request(&service, who, usual, None).header("content-type", "application/json").body(" ".repeat(262_145))).await,
                    Answer::of(it.request(&service, who, usual, it.body.as_ref()).header("idempotency-key", "a b")).await,
                ];
                if it.query.iter().any(|it| it == "limit") {
                    let join = if usual.is_empty() { "?" } else { "&" };
                    answers.push(Answer::of(it.request(&service, who, &format!("{usual}{join}limit=1"), None)).await);
                }
                if let Some(etag) = first.header("etag").filter(|_| it.method == Method::GET) {
                    let again = Answer::of(it.request(&service, who, usual, None).header("if-none-match", etag)).await;
                    assert_eq!(again.status, 304, "{}", it.id);
                    answers.push(again);
                }
                answers.push(first);
                for answer in answers {
                    seen.insert(answer.status);
                    assert_eq!(answer.header("cache-control"), Some("no-store"), "{} {}", it.id, answer.status);
                    for word in PHI {
                        assert!(!head(&answer).contains(word), "{} {} {word} {:?}", it.id, answer.status, answer.headers);
                    }
                }
            }
            assert!(seen.contains(&200) || seen.contains(&201), "{} {seen:?}", it.id);
            assert!(seen.contains(&405) && seen.contains(&400), "{} {seen:?}", it.id);
        }
        // The control: a cursor of members holds a member, and stands in bodies only.
        add(&service, "MCF0000009001", "Ann", "Xyill", "1961-02-28", &[]);
        add(&service, "MCF0000009002", "Bea", "Xyill", "1961-02-28", &[]);
        let page = service.post("nurse", "/v1/members/search", &json!({"last_name": "xyill", "limit": 1})).await;
        let cursor = page.expect(200)["next_cursor"].as_str().expect("a cursor").to_owned();
        let cursor = BASE64_URL_SAFE_NO_PAD.decode(cursor).expect("base64");
        assert!(String::from_utf8_lossy(&cursor).ends_with("xyill\nann\nMCF0000009001"));
        assert_eq!((page.header("link"), page.header("location"), page.header("etag")), (None, None, None));
    }

    /// What is sent is in no problem, no head of an answer and no line of the log, at any level.
    async fn l_04_no_problem_and_no_line_of_the_log_quotes_what_was_sent(service) {
        service.submit(&example()).await.expect(201);
        let (_, mut answers) = (kept(), Vec::new());
        for it in secured() {
            let who = match &*it.id {
                "create_authorization" => "single-site",
                "close_authorization" => "coordinator",
                _ => "physician",
            };
            let tails = it.query.iter().map(|name| format!("?{name}={MARK}"));
            let tails = tails.chain([format!("?x={MARK}"), format!("?{MARK}=1"), format!("/{MARK}"), format!("?limit=1&cursor={MARK}")]);
            for tail in tails {
                answers.push(Answer::of(it.request(&service, who, &tail, it.body.as_ref())).await);
            }
            let path = it.path.replace("26335R00001", MARK);
            answers.push(Answer::of(service.request(who, it.method.clone(), &path).header("if-match", "\"1.00000000\"").json(&it.body)).await);
            for name in ["idempotency-key", "if-match", "content-type", "content-encoding", "authorization", "x-request-id", "origin", "accept", "host"] {
                let request = it.request(&service, who, it.usual(), it.body.as_ref());
                answers.push(Answer::of(request.header(name, format!("{MARK} \"{MARK}"))).await);
            }
            let Some(body) = &it.body else { continue };
            let mut places = Vec::new();
            texts(body, "", &mut places);
            for at in places {
                for value in [json!(MARK), json!({"x": MARK}), json!([MARK]), json!(format!("{MARK}\u{202e}\r\n{MARK}")), json!(MARK.repeat(50))] {
                    let mut body = body.clone();
                    *body.pointer_mut(&at).expect("a place") = value;
                    body["x"] = json!(MARK);
                    answers.push(Answer::of(it.request(&service, who, it.usual(), Some(&body))).await);
                }
            }
            for raw in [format!("\"{MARK}"), format!("{{\"a\": {MARK}}}"), format!("{{\"{MARK}\": 1, \"{MARK}\": 2}}"), format!("{MARK}{{}}")] {
                let request = it.request(&service, who, it.usual(), None).header("content-type", "application/json");
                answers.push(Answer::of(request.body(raw)).await);
            }
        }
        let mut refused = 0;
        for it in &answers {
            refused += usize::from(it.status >= 400);
            assert!(it.status < 500 && !head(it).contains(MARK), "{it:?}");
            assert!(it.status < 400 || !it.text.contains(MARK), "{}", it.text);
        }
        assert!(refused > 250, "{refused}");
        let told: Vec<_> = lines(MARK).into_iter().filter(|it| !it.starts_with("TRACE test ")).collect();
        assert_eq!(told, Vec::<String>::new());
        // The control: where it may be told it is, and the log is heard.
        let mut body = example();
        body["remarks"] = json!(MARK);
        assert!(service.submit(&body).await.expect(201)["remarks"] == MARK);
        let heard = format!("{MARK} {:?}", service.kind);
        log::log!(target: "test", Level::Trace, "{heard}");
        let mut all = kept().0.lock().expect("the log");
        assert!(all.iter().any(|it| it.contains(&heard)));
        all.retain(|it| !it.contains(&heard));
    }

    /// J-08: no header and no parameter makes a caller another, or a method.
    async fn j_08_what_a_caller_says_of_themselves_changes_nothing(service) {
        kept();
        service.submit(&example()).await.expect(201);
        let says = [
            ("x-forwarded-for", "10.0.0.1"), ("forwarded", "for=10.0.0.1;host=evil.example;proto=https"), ("x-real-ip", "10.0.0.1"),
            ("x-forwarded-host", "evil.example"), ("x-forwarded-proto", "https"), ("x-forwarded-port", "1"), ("x-forwarded-prefix", "/x"),
            ("x-user-id", registry::demo::PRINCIPALS[3].0), ("x-client-id", "x"), ("x-role", "medical_director"), ("x-scope", "authorizations:approve"),
            ("x-http-method-override", "DELETE"), ("x-method-override", "POST"), ("x-http-method", "PUT"), ("x-original-url", "/v1/policy"),
            ("x-rewrite-url", "/v1/policy"), ("x-site-id", registry::demo::SITES[2].0), ("via", "1.1 evil.example"), ("true-client-ip", "10.0.0.1"),
            ("proxy-authorization", "Bearer x"), ("cookie", "sub=x"), ("x-ssl-client-cert", "x"), ("x-remote-user", "admin"),
        ];
        let shape = |it: &Answer| {
            let left_out = ["x-request-id", "date", "content-length"];
            let mut heads: Vec<_> = it.headers.iter().filter(|it| !left_out.contains(&it.0.as_str())).map(|it| format!("{it:?}")).collect();
            heads.sort();
            (it.status, it.text.replace(it.header("x-request-id").expect("an id"), "…"), heads)
        };
        for (place, (name, value)) in says.iter().enumerate() {
            for (ask, method, path) in [
                ("me", Method::GET, "/v1/me"),
                ("get", Method::GET, "/v1/authorizations/26335R00001"),
                ("list", Method::GET, "/v1/authorizations"),
                ("policy", Method::GET, "/v1/policy"),
                ("none", Method::PUT, "/v1/me"),
                ("search", Method::POST, "/v1/authorizations/search"),
            ] {
                let request = || {
                    let request = service.request("single-site", method.clone(), path);
                    if method == Method::POST { request.json(&json!({})) } else { request }
                };
                let id = format!("j08-{:?}-{ask}-{place}", service.kind);
                let plain = Answer::of(request()).await;
                let said = Answer::of(request().header(*name, *value).header("x-request-id", &id)).await;
                assert_eq!(shape(&said), shape(&plain), "{name} {path}");
                let logged = lines(&format!("request={id} "));
                let caller = format!("caller={}", if ask == "none" { "" } else { registry::demo::PRINCIPALS[0].0 });
                assert!(logged.len() == 1 && logged[0].ends_with(&caller), "{logged:?}");
                assert!(!logged[0].contains("10.0.0.1") && !logged[0].contains("evil"), "{logged:?}");
            }
            let id = format!("j08-{:?}-submit-{place}", service.kind);
            let request = service.request("single-site", Method::POST, "/v1/authorizations").header("x-request-id", &id);
            let created = Answer::of(request.header(*name, *value).json(&example())).await;
            assert!(!created.expect(201).to_string().contains("evil") && created.header("location").is_some_and(|it| it.starts_with("/v1/")));
            let actors = service.texts(&format!("select actor as it from trail where request = '{id}'"));
            assert!(!actors.is_empty() && actors.iter().all(|it| it == registry::demo::PRINCIPALS[0].0), "{name} {actors:?}");
        }
        for query in ["_method=DELETE", "_method=POST", "method=PUT", "access_token=x", "user_id=x"] {
            assert_eq!(service.get("single-site", &format!("/v1/me?{query}")).await.problem(400), "invalid-parameter");
        }
        // The control: another token is another caller.
        let request = service.request("nurse", Method::GET, "/v1/me").header("x-request-id", "j08-nurse");
        Answer::of(request).await.expect(200);
        assert!(!lines("request=j08-nurse ")[0].ends_with(registry::demo::PRINCIPALS[0].0));
    }
}
