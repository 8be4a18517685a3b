//! What can go wrong around a request, and that nothing else does.

use std::sync::Arc;

use authorizations::{Decider, NoRuling, Policies, Question, Ruling};
use kernel::ManualClock;
use reqwest::Method;
use serde_json::json;

use crate::on_both;
use crate::support::{Answer, Kind, Options, Service, example};

/// A decider that is wrong.
struct Panics;

impl Decider for Panics {
    fn decide(&self, _: Question) -> Result<Ruling, NoRuling> {
        panic!("as this test wants it")
    }

    fn is_prompt(&self) -> bool {
        true
    }
}

/// A decider during whose work the day ends.
struct Turns(Policies, Arc<ManualClock>);

impl Decider for Turns {
    fn decide(&self, question: Question) -> Result<Ruling, NoRuling> {
        self.1.set("2026-12-02T05:00:00Z".parse().expect("a time"));
        self.0.decide(question)
    }
}

#[derive(diesel::QueryableByName)]
struct Text {
    #[diesel(sql_type = diesel::sql_types::Text)]
    it: String,
}

async fn send(service: &Service, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request =
        service.request("single-site", Method::POST, "/v1/authorizations").header("content-type", kind);
    Answer::of(request.body(body)).await
}

on_both! {
    async fn l_11_a_panic_in_a_handler_is_a_problem_and_the_rest_lives_on(service) {
        let twin = service.twin(Options { decider: Arc::new(Panics), ..Options::default() });
        let before = twin.counts();
        for _ in 0..8 {
            let answer = twin.submit(&example()).await;
            assert_eq!(answer.problem(500), "internal");
            assert!(!answer.text.contains("as this test"));
            assert!(answer.json()["instance"].as_str().expect("an id").starts_with("req_"));
        }
        assert_eq!(twin.get("single-site", "/v1/authorizations").await.status, 200);
        assert_eq!(twin.counts(), before);
        // Who asked for what is known all the same, and a page may read that it went wrong.
        twin.drain();
        service.submit(&example()).await.expect(201);
        let who = service.get("single-site", "/v1/me").await.expect(200)["id"].as_str().map(str::to_owned);
        let noted = "select actor || ' ' || action || ' ' || outcome as it from trail where outcome = 'internal'";
        let line = format!("{} create_authorization internal", who.unwrap_or_default());
        assert_eq!(service.texts(noted), vec![line; 8]);
        let body = example();
        let request = twin.request("single-site", Method::POST, "/v1/authorizations").json(&body);
        let answer = Answer::of(request.header("origin", "https://portal.example")).await;
        assert_eq!(answer.problem(500), "internal");
        assert_eq!(answer.header("access-control-allow-origin"), Some("https://portal.example"));
        assert_eq!(answer.header("vary"), Some("Origin"));
        assert!(answer.header("access-control-expose-headers").is_some_and(|it| it.contains("x-request-id")));
        twin.stop().await;
    }

    async fn l_11_a_panic_in_a_transaction_leaves_nothing_and_the_pool_lives(service) {
        let actor = store::Actor { id: "t".into(), client: "t".into(), request: "t".into(), of_service: true };
        for _ in 0..8 {
            let write = service.store.write(&actor, |tx| -> Result<(), store::Error> {
                diesel::RunQueryDsl::execute(diesel::sql_query("delete from principals where id = 'x'"), tx.db()?)?;
                panic!("as this test wants it")
            });
            assert!(matches!(write.await, Err(store::Error::Internal(_))));
            let read = service.store.read(|_| -> Result<(), store::Error> { panic!("as this test wants it") });
            assert!(matches!(read.await, Err(store::Error::Internal(_))));
        }
        service.submit(&example()).await.expect(201);
    }

    async fn a_body_that_cannot_be_read_is_refused_whole(service) {
        let json = "application/json";
        let deep = format!("{}{}", "[".repeat(17), "]".repeat(17));
        let before = service.counts();
        for (kind, body, status, slug) in [
            (json, "{".to_owned(), 400, "unreadable-body"),
            (json, String::new(), 400, "unreadable-body"),
            (json, "{} {}".to_owned(), 400, "unreadable-body"),
            (json, "{\"a\": NaN}".to_owned(), 400, "unreadable-body"),
            (json, "{\"a\": 1e400}".to_owned(), 400, "unreadable-body"),
            (json, "{\"a\": \"\\ud800\"}".to_owned(), 400, "unreadable-body"),
            (json, "\u{feff}{}".to_owned(), 400, "unreadable-body"),
            (json, r#"{"a": 1, "\u0061": 2}"#.to_owned(), 400, "unreadable-body"),
            (json, deep, 400, "unreadable-body"),
            (json, "\"S3CR3T".to_owned(), 400, "unreadable-body"),
            (json, " ".repeat(256 * 1024 + 1), 413, "body-too-large"),
            ("text/plain", example().to_string(), 415, "not-json"),
            ("application/x-www-form-urlencoded", "a=b".to_owned(), 415, "not-json"),
            ("application/json; charset=latin1", example().to_string(), 415, "not-json"),
            ("application/json; charset=utf-8; charset=utf-16", example().to_string(), 415, "not-json"),
            ("application/json; charset=utf-16; charset=utf-8", example().to_string(), 415, "not-json"),
            ("application/json; charset=utf-8; CHARSET=utf-8", example().to_string(), 415, "not-json"),
            ("application/json; a=b; A=b", example().to_string(), 415, "not-json"),
            ("application/json, application/json", example().to_string(), 415, "not-json"),
            ("", example().to_string(), 415, "not-json"),
        ] {
            let answer = send(&service, kind, body).await;
            assert_eq!(answer.problem(status), slug, "{kind}");
            assert!(!answer.text.contains("S3CR3T"));
        }
        let gzip = service.request("single-site", Method::POST, "/v1/authorizations").json(&example());
        assert_eq!(Answer::of(gzip.header("content-encoding", "gzip")).await.problem(415), "not-json");
        for second in ["application/json", "text/plain"] {
            let twice = service.request("single-site", Method::POST, "/v1/authorizations").json(&example());
            assert_eq!(Answer::of(twice.header("content-type", second)).await.problem(415), "not-json", "{second}");
        }
        assert_eq!(service.counts(), before);
        let padded = format!("{}{}", " ".repeat(200 * 1024), example());
        for kind in ["Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\"", "application/json; charset=utf8; a=b"] {
            send(&service, kind, padded.clone()).await.expect(201);
        }
    }

    async fn i_15_what_no_route_takes_is_a_problem_too(service) {
        for (method, path, status, allow) in [
            (Method::GET, "/v1", 404, None),
            (Method::GET, "/v1/authorizations/", 404, None),
            (Method::POST, "/v1/nothing", 404, None),
            (Method::PUT, "/v1/authorizations", 405, Some("GET, HEAD, POST")),
            (Method::DELETE, "/v1/authorizations/26335R00001", 405, Some("GET, HEAD")),
            (Method::GET, "/v1/authorizations/26335R00001/close", 405, Some("POST")),
            (Method::GET, "/v1/authorizations/search", 405, Some("POST")),
            (Method::TRACE, "/v1/me", 405, Some("GET, HEAD")),
            (Method::from_bytes(b"BREW").expect("a method"), "/v1/me", 405, Some("GET, HEAD")),
        ] {
            let answer = Answer::of(service.request("single-site", method.clone(), path)).await;
            let slug = answer.problem(status);
            assert_eq!(slug, if status == 404 { "route-not-found" } else { "method-not-allowed" }, "{method} {path}");
            assert_eq!(answer.header("allow"), allow, "{method} {path}");
        }
    }

    async fn every_answer_has_the_id_of_its_request(service) {
        let ask = |id: &str| Answer::of(service.anonymous(Method::GET, "/v1/me").header("x-request-id", id));
        let named = ask("trace-0_1").await;
        assert_eq!(named.problem(401), "unauthenticated");
        assert_eq!((named.header("x-request-id"), &named.json()["instance"]), (Some("trace-0_1"), &json!("trace-0_1")));
        for other in ["", "a b", "x\"y", "é", &"x".repeat(65)] {
            let ours = ask(other).await;
            assert!(ours.header("x-request-id").is_some_and(|it| it.starts_with("req_") && it.len() == 36), "{other}");
        }
        assert_eq!(named.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(named.header("www-authenticate"), Some("Bearer"));
    }

    async fn health_is_for_operators(service) {
        for path in ["/healthz/live", "/healthz/ready"] {
            assert_eq!(Answer::of(service.anonymous(Method::GET, path)).await.status, 200);
            let head = Answer::of(service.anonymous(Method::HEAD, path)).await;
            assert_eq!((head.status, &*head.text), (200, ""));
        }
    }

    async fn head_answers_as_get_without_the_body(service) {
        service.submit(&example()).await.expect(201);
        let path = "/v1/authorizations/26335R00001";
        let (get, head) = (service.get("single-site", path).await, Answer::of(service.request("single-site", Method::HEAD, path)).await);
        assert_eq!((head.status, &*head.text), (200, ""));
        for name in ["etag", "content-type", "content-length"] {
            assert_eq!(head.header(name), get.header(name), "{name}");
        }
        assert_eq!(Answer::of(service.anonymous(Method::HEAD, path)).await.status, 401);
    }

    /// Acknowledged is on disk only if the connections that write say so.
    async fn the_connections_sync_before_they_acknowledge(service) {
        let (sql, expected) = match service.kind {
            Kind::Sqlite => ("select synchronous as it from pragma_synchronous", "2"),
            Kind::Postgres => ("select current_setting('synchronous_commit') as it", "on"),
        };
        let actor = store::Actor { id: "t".into(), client: "t".into(), request: "t".into(), of_service: true };
        let sql = format!("select cast(it as text) as it from ({sql}) as rows");
        let told = service.store.write(&actor, move |tx| {
            Ok::<_, store::Error>(diesel::RunQueryDsl::get_result::<Text>(diesel::sql_query(sql), tx.db()?)?.it)
        });
        assert_eq!(told.await, Ok(expected.to_owned()));
    }

    /// What was checked holds for its day: midnight between the check and the write refuses, and changes nothing.
    async fn aut_02_a_day_that_turns_while_a_request_is_read(service) {
        let policy = Policies::shipped();
        let decider = Arc::new(Turns(policy, Arc::clone(&service.clock)));
        let twin = service.twin(Options { decider, ..Options::default() });
        service.set("2026-12-02T04:59:59Z");
        let before = service.counts();
        let answer = twin.submit(&example()).await;
        assert_eq!(answer.problem(503), "day-turned");
        assert_eq!((answer.header("retry-after"), service.counts()), (Some("1"), before));
        assert_eq!(twin.submit(&example()).await.expect(201)["id"], "26336R00001");
        twin.stop().await;
    }

    /// A row that can't be read is our fault, and says nothing of what is in it.
    async fn l_04_a_broken_row_does_not_tell_its_content(service) {
        service.submit(&example()).await.expect(201);
        for column in ["parties", "decision"] {
            service.execute(&format!("update authorizations set {column} = '\"Alma Whitfield 1951\"'"));
            let answer = service.get("single-site", "/v1/authorizations/26335R00001").await;
            assert_eq!(answer.problem(500), "internal");
            assert!(!answer.text.contains("Alma"));
        }
        let scope = service.principal("single-site").await.scope(kernel::Scope::AuthorizationsRead);
        let number = store::Number::parse("26335R00001").expect("a number");
        let wrong = service.store.read(move |rx| authorizations::find(rx, &scope, number)).await.expect_err("broken");
        assert!(!format!("{wrong:?} {wrong}").contains("Alma"), "{wrong:?}");
    }

    /// C-18, in part: a queue that is full answers 503 at once, with `Retry-After`, and nothing is done.
    async fn c_18_a_full_queue_answers_at_once(service) {
        let (go, gate) = std::sync::mpsc::channel::<()>();
        let gate = Arc::new(std::sync::Mutex::new(gate));
        // Every reading thread waits here, and the queue behind them is full.
        let waiting: Vec<_> = (0..4 + 1024).map(|_| {
            let gate = Arc::clone(&gate);
            service.store.read(move |_| -> Result<(), store::Error> {
                let _ = gate.lock().expect("a gate").recv();
                Ok(())
            })
        }).collect();
        let mut answer = service.get("single-site", "/v1/me").await;
        for _ in 0..20 {
            if answer.status == 503 { break; }
            answer = service.get("single-site", "/v1/me").await;
        }
        assert_eq!(answer.problem(503), "database-unavailable");
        assert_eq!(answer.header("retry-after"), Some("1"));
        assert_eq!(Answer::of(service.anonymous(Method::GET, "/healthz/live")).await.status, 200);
        assert_eq!(Answer::of(service.anonymous(Method::GET, "/healthz/ready")).await.problem(503), "not-ready");
        drop(go);
        drop(waiting);
        let mut status = 503;
        for _ in 0..200 {
            status = service.get("single-site", "/v1/me").await.status;
            if status == 200 { break; }
        }
        assert_eq!(status, 200);
    }
}
