//! `docs/idempotency.md`: keys, versions, and what to send again.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::{Operation, but, code, codes, hold, reviewed, send, table, told};
use crate::support::{Answer, Kind, Service, start};

/// Whether a problem is a reason to send the same request again; a new problem must be judged here.
pub(super) fn again(slug: &str) -> &'static str {
    match slug {
        "unauthenticated" => "with a new token",
        "authorization-changed"
        | "client-changed"
        | "webhook-changed"
        | "delegation-changed"
        | "user-stale" => "after reading it again, with its new ETag",
        "user-changed"
        | "request-overtaken"
        | "request-timeout"
        | "day-turned"
        | "database-unavailable"
        | "trail-unavailable"
        | "not-ready" => "yes",
        "too-many-requests" => "yes, after as many seconds as `Retry-After` says, with the same key",
        "idempotency-in-flight" => "yes, with the same key",
        "storage-full" => "yes, once the plan has made room",
        "outcome-unknown" => "yes, with the same key; without one, look first",
        "internal" => "yes, with the same key; and tell the plan the `instance`",
        "invalid-body" | "unreadable-body" | "not-json" | "body-too-large" => "corrected",
        "if-match-required" | "if-match-invalid" | "idempotency-key-required" | "idempotency-key-invalid" => {
            "with the header put right"
        }
        "idempotency-key-reused" => "with a new key, if it is meant as a new request",
        "invalid-parameter"
        | "malformed-request"
        | "origin-not-permitted"
        | "headers-too-large"
        | "method-not-allowed"
        | "route-not-found"
        | "invalid-request"
        | "unsupported-grant-type"
        | "wrong-host" => "no: the program is wrong",
        "not-permitted"
        | "site-not-permitted"
        | "clinician-only"
        | "action-not-yours"
        | "role-not-grantable"
        | "plan-only"
        | "agents-do-not-delegate"
        | "no-emergencies"
        | "not-a-reviewer" => "no: ask the plan for the permission, if it should be there",
        "step-up-required" => "once, with the token of a new and stronger login",
        "no-emergency-access" => "with an emergency access that is open, if there is reason for one",
        "emergency-access-unreviewed" => "once the last one is reviewed",
        "own-request" | "own-emergency" | "own-grant" | "second-person-required" => {
            "no: another person does it"
        }
        "grant-exists"
        | "user-exists"
        | "user-unchanged"
        | "client-unchanged"
        | "webhook-unchanged"
        | "emergency-access-reviewed" => "no: it is so already",
        "last-administrator" => "once there is another administrator",
        "authorization-not-found"
        | "user-not-found"
        | "grant-not-found"
        | "delegation-not-found"
        | "webhook-not-found" => "no: the ID is wrong, or it is none of your sites' to see",
        "authorization-action-not-permitted"
        | "delegation-action-not-permitted"
        | "grant-action-not-permitted" => "no: `allowed_actions` lists what may be done instead",
        "invalid-client" => "once, with a new assertion",
        "invalid-scope" | "unauthorized-client" => "no: ask the plan, or the site, for what is missing",
        "client-not-found" | "emergency-access-not-found" => "no: the id is wrong",
        "webhook-limit" => "once another one is disabled",
        "webhook-disabled" => "once it is enabled",
        "beyond-benefit" => "no: a physician reviewer may grant less",
        other => unreachable!("the book doesn't say whether to send again after {other}"),
    }
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
