//! `docs/lifecycle.md`: drawn from the table of moves, its examples performed.

use std::fmt::Write;

use authorizations::{Action, LIFECYCLE, PendReason, Status};
use registry::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{but, code, codes, hold, reviewed, send, table};
use crate::review::whole;
use crate::support::{Answer, Kind, Service, start};

fn diagram() -> String {
    let mut text = "```mermaid\nstateDiagram-v2\n".to_owned();
    for status in [Status::Approved, Status::Medreview, Status::Pend] {
        let _ = writeln!(text, "    [*] --> {status}: the policy");
    }
    let mut drawn = Vec::new();
    for (from, _, to, _) in LIFECYCLE.0 {
        if !drawn.contains(&(from, to)) {
            drawn.push((from, to));
            let actions =
                LIFECYCLE.0.iter().filter(|it| (&it.0, &it.2) == (from, to)).map(|it| it.1.as_str());
            let _ = writeln!(text, "    {from} --> {to}: {}", actions.collect::<Vec<_>>().join(", "));
        }
    }
    for status in Status::ALL.iter().filter(|it| LIFECYCLE.actions(**it, |_| true).next().is_none()) {
        let _ = writeln!(text, "    {status} --> [*]");
    }
    text + "```"
}

fn moves() -> String {
    let row = |(from, action, to, scope): &(Status, Action, Status, kernel::Scope)| {
        let roles = Role::ALL.iter().filter(|it| it.permits(*scope));
        [code(from), code(action), code(to), code(scope), codes(roles)]
    };
    table(["from", "action", "to", "scope", "roles"], LIFECYCLE.0.iter().map(row))
}

async fn asked(service: &Service, body: &Value) -> Answer {
    let answer = service.submit(body).await;
    answer.expect(201);
    answer
}

async fn moved(service: &Service, of: &Answer, verb: &str, body: &Value) -> Answer {
    let path = format!("/v1/authorizations/{}/{verb}", of.json()["id"].as_str().expect("an id"));
    let etag = of.header("etag").expect("an etag");
    send(service, "physician", (Method::POST, &path), &[("if-match", etag)], Some(body)).await
}

fn decision(outcome: &str, lines: &Value) -> Value {
    let mut body = whole(outcome);
    if lines.is_array() {
        body["lines"] = lines.clone();
    }
    body
}

/// What becomes of the header and of each line.
async fn lines(service: &Service) -> String {
    let (none, mut rows) = (Value::Null, Vec::new());
    let one = |line: u32, outcome: &str| json!({"line": line, "outcome": outcome});
    let fewer = json!({"line": 1, "outcome": "reduce", "authorized_units": 20});
    for (outcome, lines, said) in [
        ("approve", &none, "no lines"),
        ("reduce", &json!([fewer.clone()]), "line 1 reduced to 20 units"),
        ("reduce", &json!([one(2, "deny")]), "line 2 denied"),
        ("reduce", &json!([fewer.clone(), one(2, "deny")]), "line 1 reduced to 20 units, line 2 denied"),
        ("deny", &none, "no lines"),
        ("deny", &json!([one(1, "deny"), one(2, "deny")]), "both denied"),
        ("deny", &json!([one(1, "approve")]), "line 1 approved"),
        ("approve", &json!([one(2, "deny")]), "line 2 denied"),
        ("pend", &none, "no lines"),
    ] {
        let answer =
            moved(service, &asked(service, &reviewed()).await, "decide", &decision(outcome, lines)).await;
        let sent = [code(outcome), said.to_owned()];
        let cells = if answer.status == 200 {
            let it = answer.json();
            let line = |place: usize| {
                let it = &it["lines"][place];
                let status = it["status"].as_str().expect("a status");
                format!("`{status}`, {} of {}", it["units"]["authorized"], it["units"]["requested"])
            };
            [code(it["status"].as_str().expect("a status")), line(0), line(1)]
        } else {
            [format!("422 {}", answer.flaws().join(", ")), String::new(), String::new()]
        };
        // An open one would make the next a possible duplicate.
        service.execute("update authorizations set status = 'CLOSED'");
        let [outcome, named] = sent;
        let [status, first, second] = cells;
        rows.push([outcome, named, status, first, second]);
    }
    table(["outcome", "lines named", "status", "line 1", "line 2"], rows)
}

/// The clock of each kind of request, and what ends it.
async fn clocks(service: &Service) -> String {
    let mut rows = Vec::new();
    let told = |it: &Answer| {
        let it = it.json();
        let clock = |it: &Value| {
            format!(
                "{} {}",
                it["rule"].as_str().unwrap_or_default(),
                it["due_at"].as_str().unwrap_or_default()
            )
        };
        let all: Vec<_> = it["deadlines"].as_array().into_iter().flatten().map(clock).collect();
        (
            code(it["status"].as_str().expect("a status")),
            if all.is_empty() { "none".to_owned() } else { all.join(", ") },
        )
    };
    let mut row = |did: &str, answer: &Answer| {
        let (status, clock) = told(answer);
        rows.push([did.to_owned(), status, clock]);
    };
    let usual = asked(service, &but(&[("/member_id", json!("HMO0000000053"))])).await;
    row("2026-12-01T15:00:00Z: a standard request that the policy approves", &usual);
    let mut body = reviewed();
    let standard = asked(service, &body).await;
    row("2026-12-01T15:00:00Z: a standard request that a clinician reviews", &standard);
    (body["urgency"], body["urgency_reason"]) = (json!("expedited"), json!("Discharge tomorrow."));
    body["member_id"] = json!("HMO0000000051");
    let expedited = asked(service, &body).await;
    row("2026-12-01T15:00:00Z: an expedited one", &expedited);
    service.set("2026-12-02T15:00:00Z");
    let pended = moved(service, &standard, "decide", &decision("pend", &Value::Null)).await;
    row("2026-12-02T15:00:00Z: the standard one is pended for information", &pended);
    let reviewed = moved(service, &pended, "decide", &decision("review", &Value::Null)).await;
    row("2026-12-02T15:00:00Z: and sent back to review", &reviewed);
    row(
        "2026-12-02T15:00:00Z: and denied",
        &moved(service, &reviewed, "decide", &decision("deny", &Value::Null)).await,
    );
    let closing = json!({"reason_code": "replaced", "reason": "By a newer one."});
    row(
        "2026-12-02T15:00:00Z: the expedited one is closed",
        &moved(service, &expedited, "close", &closing).await,
    );
    table(["when and what", "status", "clock"], rows)
}

#[test]
fn the_page_of_the_lifecycle_is_true() {
    let about = |heads: [&str; 2], all: Vec<[String; 2]>| table(heads, all);
    let statuses = Status::ALL.iter().map(|it| [code(it), it.about().to_owned()]).collect();
    let reasons = PendReason::ALL.iter().map(|it| [code(it), it.about().to_owned()]).collect();
    let actions = Action::ALL.iter().map(|it| [code(it), it.about().to_owned()]).collect();
    let mut parts = vec![
        ("diagram", diagram()),
        ("statuses", about(["status", "means"], statuses)),
        ("reasons", about(["`pend_reason`", "means"], reasons)),
        ("actions", about(["action", "does"], actions)),
        ("moves", moves()),
    ];
    start(Kind::Sqlite, |service| async move {
        parts.push(("lines", lines(&service).await));
        parts.push(("clocks", clocks(&service).await));
        hold("lifecycle.md", &parts);
    });
}
