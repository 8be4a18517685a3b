//! What `GET /metrics` tells, whom, and in which form.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, mpsc};

use api::metrics::Scrapers;
use regex::Regex;
use reqwest::Method;
use serde_json::json;

use crate::on_both;
use crate::support::{Answer, Options, Service, example};

/// What was read: each series with its value, and each family with its type.
#[derive(Default)]
pub(crate) struct Scrape {
    series: BTreeMap<String, f64>,
    pub(crate) types: BTreeMap<String, String>,
}

impl Scrape {
    /// Reads Prometheus's text format (0.0.4), and nothing that only resembles it.
    fn parse(text: &str) -> Result<Self, String> {
        let name = "[a-zA-Z_:][a-zA-Z0-9_:]*";
        let comment = Regex::new(&format!("^# (HELP|TYPE) ({name}) (.+)$")).expect("a pattern");
        let label = r#"[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\]|\\[\\n"])*""#;
        let sample = format!(r"^({name})(\{{{label}(?:,{label})*\}})? (\S+)$");
        let sample = Regex::new(&sample).expect("a pattern");
        let (mut it, mut helped) = (Self::default(), BTreeSet::new());
        if !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        let mut current = String::new();
        for line in text.lines() {
            if let Some(found) = comment.captures(line) {
                let family = found[2].to_owned();
                if &found[1] == "HELP" {
                    if !helped.insert(family) {
                        return Err(format!("told twice: {line}"));
                    }
                    continue;
                }
                let known = ["counter", "gauge", "histogram"].contains(&&found[3]);
                if !known || it.types.insert(family.clone(), found[3].to_owned()).is_some() {
                    return Err(format!("no type, or a second one: {line}"));
                }
                current = family;
                continue;
            }
            let found = sample.captures(line).ok_or_else(|| format!("not a line of the format: {line}"))?;
            let ends = if it.types.get(&current).is_some_and(|it| it == "histogram") {
                &["_bucket", "_sum", "_count"][..]
            } else {
                &[""]
            };
            if !ends.iter().any(|end| found[1] == format!("{current}{end}")) || !helped.contains(&current) {
                return Err(format!("not within its family: {line}"));
            }
            let value: f64 = found[3].parse().map_err(|_| format!("not a number: {line}"))?;
            let series = format!("{}{}", &found[1], found.get(2).map_or("", |it| it.as_str()));
            if it.series.insert(series, value).is_some() {
                return Err(format!("a second value: {line}"));
            }
        }
        it.buckets()?;
        Ok(it)
    }

    /// Buckets only grow, and the last of them has all.
    fn buckets(&self) -> Result<(), String> {
        let last = Regex::new(r#",?le="\+Inf""#).expect("a pattern");
        for (series, all) in self.series.iter().filter(|it| last.is_match(it.0)) {
            let count = last.replace(series, "").replace("_bucket", "_count").replace("{}", "");
            let stem = series.split("le=").next().unwrap_or_default();
            let mut bounds: Vec<_> = self.series.iter().filter(|it| it.0.starts_with(stem)).collect();
            let bound = |it: &str| {
                let le = it.split("le=\"").nth(1).and_then(|it| it.split('"').next()).unwrap_or_default();
                le.replace("+Inf", "inf").parse::<f64>().unwrap_or(f64::NAN)
            };
            bounds.sort_by(|a, b| bound(a.0).total_cmp(&bound(b.0)));
            let grows = bounds.windows(2).all(|it| it[0].1 <= it[1].1);
            if !grows || self.series.get(&count) != Some(all) {
                return Err(format!("buckets that don't add up: {series}"));
            }
        }
        Ok(())
    }

    #[track_caller]
    fn value(&self, series: &str) -> f64 {
        self.series.get(series).copied().unwrap_or(0.0)
    }
}

pub(crate) async fn scrape(service: &Service) -> Scrape {
    let answer = Answer::of(service.anonymous(Method::GET, "/metrics")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), Some("text/plain; version=0.0.4"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    Scrape::parse(&answer.text).unwrap_or_else(|it| panic!("{it}"))
}

on_both! {
    async fn metrics_move_as_requests_are_made(service) {
        let before = scrape(&service).await;
        let keyed = |body| service.request("single-site", Method::POST, "/v1/authorizations").header("idempotency-key", "k").json(&body);
        for _ in 0..2 {
            Answer::of(keyed(example())).await.expect(201);
        }
        let mut wrong = example();
        wrong["remarks"] = json!(7);
        service.submit(&wrong).await.problem(422);
        for _ in 0..3 {
            service.get("single-site", "/v1/authorizations/26335R00001").await.expect(200);
        }
        service.get("single-site", "/v1/authorizations/26335R00009").await.problem(404);
        Answer::of(service.anonymous(Method::GET, "/v1/me")).await.problem(401);
        Answer::of(service.anonymous(Method::GET, "/docs")).await;
        let after = scrape(&service).await;
        for (series, moved) in [
            (r#"lanyard_requests_total{operation="create_authorization",status="2xx"}"#, 2.0),
            (r#"lanyard_requests_total{operation="create_authorization",status="4xx"}"#, 1.0),
            (r#"lanyard_requests_total{operation="get_authorization",status="2xx"}"#, 3.0),
            (r#"lanyard_requests_total{operation="get_authorization",status="4xx"}"#, 1.0),
            (r#"lanyard_requests_total{operation="get_me",status="4xx"}"#, 1.0),
            (r#"lanyard_requests_total{operation="page",status="2xx"}"#, 1.0),
            (r#"lanyard_request_duration_seconds_count{operation="get_authorization"}"#, 4.0),
            (r#"lanyard_problems_total{problem="invalid-body"}"#, 1.0),
            (r#"lanyard_problems_total{problem="authorization-not-found"}"#, 1.0),
            (r#"lanyard_problems_total{problem="unauthenticated"}"#, 1.0),
            ("lanyard_idempotency_replays_total", 1.0),
            // It was submitted, and it was decided.
            ("lanyard_outbox_unsent", 2.0),
        ] {
            let found = after.value(series) - before.value(series);
            assert!((found - moved).abs() < 0.1, "{series}: {found}");
        }
        // The one that asks.
        assert!((after.value("lanyard_requests_in_flight") - 1.0).abs() < 0.1);
        for series in ["lanyard_database_up", "process_resident_memory_bytes", "process_open_fds", "process_start_time_seconds",
            r#"lanyard_database_connections{role="read",state="idle"}"#] {
            assert!(after.value(series) >= 1.0, "{series}");
        }
        let sqlite = service.kind == crate::support::Kind::Sqlite;
        assert_eq!(after.value("lanyard_committed_writes_total") >= 2.0, sqlite);
        assert_eq!(after.value(r#"lanyard_storage_free_bytes{of="database"}"#) > 0.0, sqlite);
    }

    /// Deadlines and events are told by age and number, from the database.
    async fn metrics_tell_what_waits(service) {
        service.submit(&example()).await.expect(201);
        service.execute("insert into deadlines (id, subject, rule, basis, opened_at, due_at) values \
            ('ddl_1', 's', 'AUT-01', 'calendar', '2026-12-01 00:00:00', '2026-12-01 14:59:59'), \
            ('ddl_2', 's2', 'AUT-01', 'calendar', '2026-12-01 00:00:00', '2026-12-01 15:00:30')");
        let told = scrape(&service).await;
        let at = |it: &Scrape, series: &str| it.value(series);
        assert!((at(&told, "lanyard_deadlines_overdue") - 1.0).abs() < 0.1);
        assert!(at(&told, "lanyard_outbox_oldest_seconds").abs() < 0.1);
        service.set("2026-12-01T15:01:00Z");
        let told = scrape(&service).await;
        assert!((at(&told, "lanyard_deadlines_overdue") - 2.0).abs() < 0.1);
        assert!((at(&told, "lanyard_outbox_oldest_seconds") - 60.0).abs() < 0.1);
    }

    async fn l_04_metrics_tell_nothing_of_members_and_callers(service) {
        let mut body = example();
        body["remarks"] = json!("Zq7xMark");
        service.submit(&body).await.expect(201);
        for path in ["/v1/Zq7xMark", "/Zq7xMark?q=Zq7xMark", "/v1/authorizations/Zq7xMark", "/v1/me?Zq7xMark=1"] {
            service.get("single-site", path).await;
        }
        let custom = Method::from_bytes(b"ZQ7XMARK").expect("a method");
        Answer::of(service.anonymous(custom, "/v1/me").header("x-request-id", "Zq7xMark").header("host", "Zq7xMark")).await;
        let text = Answer::of(service.anonymous(Method::GET, "/metrics")).await.text;
        let member = example()["member_id"].as_str().expect("an id").to_owned();
        for word in ["Zq7xMark", "zq7xmark", "ZQ7XMARK", &member, "26335R00001", "site_", "usr_", "127.0.0.1", "E11", "sqlite:", "postgres:"] {
            assert!(!text.contains(word), "{word}: {text}");
        }
        // The control: what was counted is there.
        assert!(text.contains("create_authorization"));
    }

    /// Whatever is asked for, there are no more series than operations, classes and problems.
    async fn metrics_have_as_many_series_as_the_service_has_operations(service) {
        let ask = async |round: u32| {
            for place in 0..40 {
                for path in [format!("/x{round}-{place}"), format!("/v1/authorizations/{round}{place}"), format!("/problems/p{round}{place}")] {
                    service.get("single-site", &path).await;
                }
                let odd = Method::from_bytes(format!("ODD{round}{place}").as_bytes()).expect("a method");
                Answer::of(service.anonymous(odd, "/v1/me")).await;
            }
        };
        ask(0).await;
        scrape(&service).await;
        let before = scrape(&service).await.series.into_keys().collect::<BTreeSet<_>>();
        ask(1).await;
        let after = scrape(&service).await.series.into_keys().collect::<BTreeSet<_>>();
        assert_eq!(after.difference(&before).collect::<Vec<_>>(), Vec::<&String>::new());
        // The control: another operation does add some.
        service.get("single-site", "/v1/me").await.expect(200);
        assert!(scrape(&service).await.series.len() > after.len());
    }

    async fn metrics_are_not_there_for_those_who_come_through_a_proxy(service) {
        let ask = |header: &'static str, value: &'static str| Answer::of(service.anonymous(Method::GET, "/metrics").header(header, value));
        for header in ["x-forwarded-for", "forwarded", "via", "x-real-ip"] {
            assert_eq!(ask(header, "127.0.0.1").await.problem(404), "route-not-found");
        }
        // On the same machine by its own names only.
        assert_eq!(ask("host", "localhost:8080").await.status, 200);
        assert_eq!(ask("host", "10.1.2.3:8080").await.problem(400), "wrong-host");
        let scrapers = Scrapers { proxies: vec!["127.0.0.1".parse().expect("an address")], ..Scrapers::default() };
        let twin = service.twin(Options { scrapers, ..Options::default() });
        assert_eq!(Answer::of(twin.anonymous(Method::GET, "/metrics")).await.problem(404), "route-not-found");
        twin.stop().await;
    }

    /// C-18, in part: what is refused for want of the database is told, and that the database doesn't answer.
    async fn c_18_metrics_tell_of_a_full_queue(service) {
        let before = scrape(&service).await;
        let (go, gate) = mpsc::channel::<()>();
        let gate = Arc::new(Mutex::new(gate));
        let waiting: Vec<_> = (0..4 + 1024).map(|_| {
            let gate = Arc::clone(&gate);
            service.store.read(move |_| -> Result<(), store::Error> {
                let _ = gate.lock().expect("a gate").recv();
                Ok(())
            })
        }).collect();
        let mut told = scrape(&service).await;
        for _ in 0..20 {
            if told.value("lanyard_database_up") < 0.5 { break; }
            told = scrape(&service).await;
        }
        assert!(told.value("lanyard_database_up") < 0.5 && before.value("lanyard_database_up") > 0.5);
        assert!(told.value(r#"lanyard_database_waiting{what="reads"}"#) > 1000.0);
        let refused = |it: &Scrape| ["reads_full", "waited_too_long"].iter().map(|why| it.value(&format!("lanyard_database_refused_total{{why=\"{why}\"}}"))).sum::<f64>();
        assert!(refused(&told) > refused(&before));
        drop(go);
        drop(waiting);
    }
}

/// The control of the parser: what no Prometheus would take is not taken here.
#[test]
fn what_only_resembles_the_format_is_refused() {
    let good = "# HELP a A.\n# TYPE a counter\na{b=\"c\"} 1\na{b=\"d\"} 2\n# HELP h H.\n# TYPE h histogram\n\
                h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n";
    assert_eq!(Scrape::parse(good).map(|it| it.series.len()), Ok(6));
    for (old, new) in [
        ("a{b=\"d\"} 2", "a{b=\"c\"} 2"),
        ("a{b=\"d\"} 2", "a{b=d} 2"),
        ("a{b=\"d\"} 2", "a{b=\"d} 2"),
        ("a{b=\"d\"} 2", "a-b 2"),
        ("a{b=\"d\"} 2", "a{b=\"d\"} two"),
        ("a{b=\"d\"} 2", "z 2"),
        ("# TYPE a counter", "# TYPE a count"),
        ("# TYPE a counter\n", ""),
        ("# HELP a A.\n", ""),
        ("# HELP h", "# HELP a"),
        ("# TYPE h", "# TYPE a"),
        ("h_bucket{le=\"1\"} 1", "h_bucket{le=\"1\"} 3"),
        ("h_count 2", "h_count 3"),
        ("h_count 2\n", "h_count 2"),
    ] {
        let bad = good.replacen(old, new, 1);
        assert!(bad != good && Scrape::parse(&bad).is_err(), "{old} {new}");
    }
}
