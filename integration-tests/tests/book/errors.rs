//! `docs/errors.md`: every problem, every code of a broken field, and the order in which things are checked.

use std::collections::BTreeSet;

use actix_web::http::StatusCode;
use api::config::{Rate, Rates};
use api::refusal::{Refusal, all, remedy, title};
use kernel::FlawCode;
use reqwest::Method;
use serde_json::{Value, json};

use super::idempotency::again;
use super::{but, code, hold, page, send, table};
use crate::support::{Answer, Kind, Options, Service, start};

fn problems() -> String {
    let row = |it: Refusal| {
        let status = it.status.as_str().to_owned();
        [
            status,
            code(it.slug),
            it.rule.to_owned(),
            it.about.to_owned(),
            it.message.to_owned(),
            again(it.slug).to_owned(),
        ]
    };
    let heads = ["status", "slug", "rule", "means", "says", "send again"];
    table(heads, all().into_iter().map(row))
}

fn remedies() -> String {
    let mut statuses: Vec<_> = all().into_iter().map(|it| it.status).collect();
    statuses.dedup();
    let row = |it: &StatusCode| [it.as_str().to_owned(), title(*it).to_owned(), remedy(*it).to_owned()];
    table(["status", "title", "what to do"], statuses.iter().map(row))
}

fn flaws() -> String {
    table(["code", "means"], FlawCode::ALL.iter().map(|it| [code(it), it.about().to_owned()]))
}

fn block(it: &Answer) -> String {
    let mut it = it.json();
    it["instance"] = json!("req_019ad0c7a4b37c10a1b2c3d4e5f60718");
    format!("```json\n{}\n```", serde_json::to_string_pretty(&it).expect("JSON"))
}

/// What was sent, said in words, and which fields are broken.
fn pointers(all: &[(&str, Answer)]) -> String {
    let rows = all.iter().flat_map(|(sent, answer)| {
        answer.flaws().into_iter().map(|flaw| {
            let parts: Vec<_> = flaw.splitn(3, ' ').map(str::to_owned).collect();
            [(*sent).to_owned(), format!("`\"{}\"`", parts[0]), code(&parts[1])]
        })
    });
    table(["sent", "pointer", "code"], rows)
}

async fn submit(service: &Service, body: &Value) -> Answer {
    service.submit(body).await
}

#[test]
fn the_page_of_errors_is_true() {
    start(Kind::Sqlite, |service| async move {
        let two = but(&[("/lines/0/units", json!(0)), ("/member_id", json!("MCF0000000043"))]);
        let problem = submit(&service, &two).await;
        let mut listed = Vec::new();
        for (sent, body) in [
            ("the first line with 0 units", but(&[("/lines/0/units", json!(0))])),
            ("no `member_id`", but(&[("/member_id", Value::Null)])),
            ("a member `colour`", but(&[("/colour", json!("red"))])),
            ("a member `a/b`", slashed()),
            ("a contact without a phone", but(&[("/servicing_provider/contact", json!({"name": "Desk"}))])),
            ("the text `x` as the body", json!("x")),
        ] {
            listed.push((sent, submit(&service, &body).await));
        }
        let parts = [
            ("problem", block(&problem)),
            ("pointers", pointers(&listed)),
            ("remedies", remedies()),
            ("problems", problems()),
            ("flaws", flaws()),
        ];
        hold("errors.md", &parts);
    });
}

/// A name with a slash can't be put in by a pointer.
fn slashed() -> Value {
    let mut body = crate::support::example();
    body["a/b"] = json!(1);
    body
}

/// The slugs of a numbered list, a set for each number.
fn order(mark: &str) -> Vec<(usize, BTreeSet<String>)> {
    let text = page("errors.md");
    let (_, rest) = text.split_once(&format!("<!-- order: {mark} -->\n")).expect(mark);
    let lines = rest.lines().take_while(|it| !it.is_empty());
    let item = |line: &str| {
        let (number, words) = line.split_once(". ").expect("a number");
        let (_, slugs) = words.rsplit_once(": ").expect("slugs");
        let slugs = slugs.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        (number.parse().expect("a number"), slugs)
    };
    lines.map(item).collect()
}

/// Of the steps that are given, each meets the first check that the page lists, and then, with that put right, the next one.
fn held(mark: &str, from: usize, met: &[String]) {
    let order = order(mark);
    let mut at = from;
    for slug in met {
        let place = order.iter().position(|it| it.1.contains(slug) && it.0 >= at);
        let place = place.unwrap_or_else(|| panic!("{slug} comes before what the page lists at {at}"));
        at = order[place].0;
    }
    let listed: BTreeSet<_> = order.iter().flat_map(|it| it.1.clone()).collect();
    assert_eq!(listed, met.iter().cloned().collect(), "{mark}: what is listed, and what was met");
}

fn slug(it: &Answer) -> String {
    it.problem(it.status)
}

/// A request in which everything is wrong at first, and one thing after the other is put right.
#[test]
fn the_checks_of_a_request_come_in_the_order_of_the_page() {
    start(Kind::Sqlite, |service| async move {
        let far = json!(registry::demo::SITES[1].0);
        let wrong = but(&[("/site_id", far), ("/lines/0/units", json!(0))]).to_string();
        let large = format!("{wrong}{}", " ".repeat(300_000));
        let elsewhere =
            service.anonymous(Method::POST, "/v1/authorizations?x=1").header("host", "elsewhere.example");
        let ask = async |who: Option<&str>, query: &str, kind: &str, key: Option<&str>, body: &str| {
            let path = format!("/v1/authorizations{query}");
            let request = match who {
                Some(who) => service.request(who, Method::POST, &path),
                None => service.anonymous(Method::POST, &path),
            };
            let request = key.into_iter().fold(request, |it, key| it.header("idempotency-key", key));
            slug(&Answer::of(request.header("content-type", kind).body(body.to_owned())).await)
        };
        let (json, vendor) = ("application/json", Some("ehr-vendor"));
        // Who called too often hears of that before anything else, and who may not do it of that before their login.
        let rate = Rate { minute: 1, burst: 1 };
        let few =
            service.twin(Options { rates: Rates { write: rate, ..Rates::default() }, ..Options::default() });
        let often = async || {
            let request = few.request("nurse", Method::POST, "/v1/authorizations?x=1");
            slug(&Answer::of(request.header("content-type", "text/plain").body("{")).await)
        };
        assert_eq!(often().await, "not-permitted");
        let weak = async |who: &str, role| {
            let token = crate::users::token(&service, crate::users::id(who), role, &json!({"acr": "1"}));
            let request =
                service.anonymous(Method::POST, "/v1/authorizations/x/decide?x=1").bearer_auth(token);
            slug(&Answer::of(request.header("content-type", "text/plain").body("{")).await)
        };
        assert_eq!(weak("single-site", registry::Role::PortalUser).await, "not-permitted");
        let met = [
            slug(&Answer::of(elsewhere).await),
            ask(None, "?x=1", "text/plain", Some("a b"), "{").await,
            often().await,
            ask(Some("nurse"), "?x=1", "text/plain", Some("a b"), "{").await,
            weak("physician", registry::Role::PhysicianReviewer).await,
            ask(vendor, "?x=1", "text/plain", Some("a b"), "{").await,
            ask(vendor, "", "text/plain", Some("a b"), "{").await,
            ask(vendor, "", json, Some("a b"), &large).await,
            ask(vendor, "", json, Some("a b"), "{").await,
            ask(vendor, "", json, Some("a b"), &wrong).await,
            ask(vendor, "", json, None, &wrong).await,
            ask(vendor, "", json, Some("k"), &wrong).await,
            ask(
                vendor,
                "",
                json,
                Some("k"),
                &wrong.replace(registry::demo::SITES[1].0, registry::demo::SITES[0].0),
            )
            .await,
        ];
        held("create", 1, &met);
    });
}

#[test]
fn the_checks_of_a_decision_come_in_the_order_of_the_page() {
    start(Kind::Sqlite, |service| async move {
        let mut limited = super::reviewed();
        limited["member_id"] = json!("ASO0000000061");
        let id = service.submit(&limited).await.expect(201)["id"].as_str().expect("an id").to_owned();
        let good = json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "As the notes show."});
        let deny = json!({"outcome": "deny", "reason_code": "none", "reason": "x"});
        let vague = json!({"outcome": "approve", "reason_code": "none", "reason": "x"});
        let decide = async |who: &str, id: &str, etag: Option<&str>, body: &Value| {
            let path = format!("/v1/authorizations/{id}/decide");
            let headers: Vec<_> = etag.map(|it| ("if-match", it)).into_iter().collect();
            slug(&send(&service, who, (Method::POST, &path), &headers, Some(body)).await)
        };
        let (first, stale, none) = (Some("\"1.00000000\""), Some("\"7.00000000\""), "26335R00099");
        let mut met = vec![
            decide("nurse", "x", None, &deny).await,
            decide("nurse", none, None, &deny).await,
            decide("nurse", none, Some("1"), &deny).await,
            decide("nurse", none, stale, &deny).await,
            decide("coordinator", none, stale, &vague).await,
            decide("physician", none, stale, &json!({"outcome": "deny"})).await,
            decide("physician", &id, stale, &json!({"outcome": "deny"})).await,
            decide("physician", &id, stale, &deny).await,
            decide("physician", &id, first, &vague).await,
        ];
        let review = json!({"outcome": "review", "reason_code": "information_received", "reason": "x"});
        met.push(decide("physician", &id, first, &review).await);
        // What was left of the benefit when it was asked for is by now no longer.
        service.execute("update benefits set units_a_year = 10 where product_id = 'aso'");
        met.push(decide("physician", &id, first, &good).await);
        held("decide", 9, &met);
    });
}
