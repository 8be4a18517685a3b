//! `docs/idempotency.md`: keys, versions, and what to send again.

use std::collections::BTreeMap;

use api::remedies;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operation, but, code, codes, hold, reviewed, send, table, told};
use crate::support::{Answer, Kind, Service, start};

/// Whether a problem is a reason to send the same request again; a new problem must be judged, in `api/src/remedies.rs`.
pub(super) fn again(slug: &str) -> &'static str {
    let of = remedies::of(slug);
    of.unwrap_or_else(|| panic!("api/src/remedies.rs doesn't say what to do about {slug}")).again
}

fn retry() -> String {
    let mut statuses = BTreeMap::<(u16, &str), Vec<&str>>::new();
    for it in api::refusal::all() {
        statuses.entry((it.status.as_u16(), again(it.slug))).or_default().push(it.slug);
    }
    let rows = statuses.iter().map(|((status, again), slugs)| {
        let slugs = if slugs.is_empty() { String::new() } else { codes(slugs) };
        [status.to_string(), slugs, (*again).to_owned()]
    });
    let others = [
        ["502, 504", "", "yes, with the same key: they are a proxy's; without a key, look first"],
        ["no answer", "", "yes, with the same key; without one, look first"],
    ];
    table(["status", "problems", "send again"], rows.chain(others.map(|it| it.map(str::to_owned))))
}

/// What is sent and answered, a row each.
struct Exchange<'a> {
    service: &'a Service,
    rows: Vec<[String; 5]>,
}

impl Exchange<'_> {
    async fn send(
        &mut self,
        who: &str,
        (method, path): (Method, &str),
        sent: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let answer = send(self.service, who, (method.clone(), path), headers, body).await;
        let shown = |(name, value): &(&str, &str)| match value.strip_prefix("\"1.") {
            Some(_) => code(format!("{name}: \"1.…\"")),
            None => code(format!("{name}: {value}")),
        };
        let heads = headers.iter().map(shown);
        let heads = heads.collect::<Vec<_>>().join("<br>");
        let replayed = answer.header("idempotency-replayed").map(|_| ", `Idempotency-Replayed: true`");
        let id =
            answer.text.starts_with('{').then(|| answer.json()).and_then(|it| it["id"].as_str().map(code));
        let etag = answer
            .header("etag")
            .filter(|_| answer.status < 300)
            .map(|it| format!(", version {}", &it[1..2]));
        let id = id.map(|it| format!(", {it}")).unwrap_or_default();
        let answered =
            format!("{}{id}{}{}", told(&answer), etag.unwrap_or_default(), replayed.unwrap_or_default());
        let operation = format!("{method} {}", path.replace("26335R00002", "{id}"));
        self.rows.push([code(who), code(operation), sent.to_owned(), heads, answered]);
        answer
    }
}

async fn keys(it: &mut Exchange<'_>) {
    let at = (Method::POST, "/v1/authorizations");
    let (body, key) = (super::but(&[]), [("Idempotency-Key", "order-7731")]);
    let units = |units: u32| but(&[("/lines/0/units", json!(units))]);
    let first = it.send("single-site", at.clone(), "a request", &key, Some(&body)).await;
    let again = it.send("single-site", at.clone(), "the same", &key, Some(&body)).await;
    assert_eq!((&first.text, first.header("etag")), (&again.text, again.header("etag")));
    it.send("single-site", at.clone(), "another one", &key, Some(&units(13))).await;
    let key = [("Idempotency-Key", "order-7732")];
    it.send("single-site", at.clone(), "one with no units", &key, Some(&units(0))).await;
    it.send(
        "single-site",
        at.clone(),
        "the same, corrected: more units than are usual",
        &key,
        Some(&reviewed()),
    )
    .await;
    it.send("ehr-vendor", at, "a request", &[], Some(&body)).await;
}

async fn versions(it: &mut Exchange<'_>) {
    let path = "/v1/authorizations/26335R00002";
    let read = it.send("nurse", (Method::GET, path), "", &[], None).await;
    let etag = read.header("etag").expect("an etag").to_owned();
    it.send("nurse", (Method::GET, path), "", &[("If-None-Match", &etag)], None).await;
    let decide = format!("{path}/decide");
    let at = (Method::POST, &*decide);
    let body = json!({"outcome": "approve", "reason_code": "not_a_duplicate", "reason": "Two wounds."});
    it.send("nurse", at.clone(), "an approval", &[], Some(&body)).await;
    let headers = [("If-Match", &*etag), ("Idempotency-Key", "review-12")];
    it.send("nurse", at.clone(), "an approval", &headers, Some(&body)).await;
    it.send("nurse", at.clone(), "the same", &headers, Some(&body)).await;
    it.send("physician", at, "an approval", &[("If-Match", &*etag)], Some(&body)).await;
}

#[test]
fn the_page_of_idempotency_is_true() {
    let takes = |it: &&Operation| it.parameters("header").iter().any(|it| it.0 == "Idempotency-Key");
    let row = |it: &Operation| {
        let all = it.it["parameters"].as_array();
        let version = all.and_then(|it| it.iter().find(|it| it["name"] == "If-Match"));
        let word = version.map_or("", |it| if it["required"] == true { "required" } else { "if you like" });
        [code(it.name()), word.to_owned()]
    };
    let operations = table(["operation", "`If-Match`"], Operation::all().iter().filter(takes).map(row));
    start(Kind::Sqlite, |service| async move {
        let mut exchange = Exchange { service: &service, rows: Vec::new() };
        keys(&mut exchange).await;
        versions(&mut exchange).await;
        let heads = ["who", "operation", "sent", "headers", "answered"];
        let exchange = table(heads, exchange.rows);
        hold("idempotency.md", &[("operations", operations), ("exchange", exchange), ("retry", retry())]);
    });
}
