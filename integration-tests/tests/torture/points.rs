//! C-02: death at each named place of a write, on every route that writes.

use serde_json::{Value, json};

use super::ledger::Ledger;
use super::node::{Node, Setting, token};
use super::{both_kinds, is_full, pause, report};
use crate::contract::operations;
use crate::support::{Database, Kind, example};
use calls::{Call, READS, call};

#[path = "calls.rs"]
mod calls;

/// Where a write can die.
const POINTS: [&str; 5] =
    ["store::begun", "store::rows", "store::sealed", "store::commit", "store::committed"];

/// How many jobs come back: `deadlines`, `seal`, `verify`, `purge`.
const RECURRING: usize = 4;

both_kinds! {
    /// C-02: wherever it dies, all of it was done, or nothing.
    torture_c_02_death_at_each_place_of_each_write = dies;
    /// C-02: who dies while they take a job leaves it to others.
    torture_c_02_death_in_a_claim = dies_in_a_claim;
}

/// How many rows of each kind there are, but for what was only seen or refused.
fn counts(ledger: &Ledger) -> Vec<String> {
    let tables = [
        "authorizations",
        "authorization_lines",
        "past_decisions",
        "outbox",
        "deadlines",
        "idempotency",
        "principals",
        "grants",
        "delegations",
        "emergency_accesses",
        "used_assertions",
        "clients",
        "webhooks",
        "webhook_sites",
        "webhook_queue",
        "jobs",
        "trail where outcome is null",
    ];
    tables
        .iter()
        .flat_map(|it| ledger.texts(&format!("select '{it}: ' || count(*) as it from {it}")))
        .collect()
}

/// The same, once what the service does by itself is done: its jobs are there, and every event is in the queues where it belongs.
async fn settled(ledger: &Ledger) -> Vec<String> {
    let waiting = "select count(*) as it from outbox where position is null";
    let jobs = "select kind as it from jobs where finished_at is not null";
    for _ in 0..1_000 {
        if ledger.texts(waiting) == ["0"] && ledger.texts(jobs).len() >= RECURRING {
            break;
        }
        pause(10).await;
    }
    counts(ledger)
}

/// Waits until the node has died by its own hand.
async fn died(node: &mut Node) -> bool {
    for _ in 0..500 {
        if let Some(status) = node.ended() {
            return std::os::unix::process::ExitStatusExt::signal(&status) == Some(6);
        }
        pause(10).await;
    }
    false
}

struct Round<'a> {
    setting: &'a Setting,
    ledger: &'a Ledger,
    client: reqwest::Client,
    count: usize,
}

impl Round<'_> {
    /// Sends it; the status and the answer, if there is one.
    async fn send(&self, base: &str, call: &Call, id: &str, key: &str) -> Option<(u16, String)> {
        let request = self.client.request(call.method.clone(), format!("{base}{}", call.path));
        let request = match call.who {
            "" => request,
            who => request.bearer_auth(token(who)),
        };
        let request = request.header("x-request-id", id).header("idempotency-key", key);
        let request = call.etag.iter().fold(request, |it, etag| it.header("if-match", etag));
        let request = match &call.form {
            Some(form) => {
                request.header("content-type", "application/x-www-form-urlencoded").body(form.clone())
            }
            None => request.json(&call.body),
        };
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        Some((status, answer.text().await.ok()?))
    }

    /// Dies at `point` in `operation`, and looks at what is left; what is wrong with it.
    async fn run(&mut self, operation: &str, point: &str) -> Option<String> {
        self.count += 1;
        let mut node = self.setting.armed(&format!("{point}=return")).start();
        let call = call(self, &node.base, operation).await;
        let before = settled(self.ledger).await;
        let (id, key) = (format!("die-{}", self.count), format!("k-{}", self.count));
        let said = |what: &str| Some(format!("{operation} at {point}: {what}"));
        if let Some(answer) = self.send(&node.base, &call, &id, &key).await {
            return said(&format!("it lived, and answered {answer:?}"));
        }
        if !died(&mut node).await {
            return said("it didn't die by its own hand");
        }
        let node = self.setting.start();
        let after = settled(self.ledger).await;
        let committed = point == "store::committed";
        if (before != after) != committed {
            return said(&format!("{before:?} and then {after:?}"));
        }
        let told = self
            .ledger
            .texts(&format!("select count(*) as it from trail where outcome is null and request = '{id}'"));
        if told != [u8::from(committed).to_string()] {
            return said(&format!("{told:?} entries in the trail"));
        }
        // Once more, by the same key: done once in all. What has no key is refused, or done, as its rules say.
        let Some((status, text)) = self.send(&node.base, &call, &format!("again-{}", self.count), &key).await
        else {
            return said("no answer to the second");
        };
        let again = settled(self.ledger).await;
        let right = if call.keyed || !committed { status < 300 } else { status < 500 };
        let once = !call.keyed || !committed || again == after;
        (!right || !once)
            .then(|| format!("{operation} at {point}, again: {status} {text} {after:?} {again:?}"))
    }

    /// The path of an authorization that can be moved.
    async fn authorization(&mut self, base: &str) -> String {
        self.count += 1;
        let mut body = example();
        let day = chrono::NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day")
            + chrono::Days::new(self.count as u64 % 28);
        (body["start_date"], body["end_date"]) = (json!(day), json!(day));
        body["lines"][0]["units"] = json!(99);
        let made = self.make(base, "single-site", "/v1/authorizations", body).await;
        format!("/v1/authorizations/{}", made["id"].as_str().expect("an id"))
    }

    /// What a call makes that another one needs.
    async fn make(&mut self, base: &str, who: &str, path: &str, body: Value) -> Value {
        let request = self.client.post(format!("{base}{path}")).bearer_auth(token(who)).json(&body);
        let answer = request.send().await.expect("an answer");
        let (status, text) = (answer.status().as_u16(), answer.text().await.expect("text"));
        assert!(status < 300, "{path}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }
}

async fn dies(kind: Kind, database: Database) {
    let (ledger, setting) = (Ledger::new(kind, &database.url), Setting::new("c-02", &database.url));
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let mut round = Round { setting: &setting, ledger: &ledger, client, count: 0 };
    let writes: Vec<_> = operations()
        .into_iter()
        .filter(|it| it.1 != "get")
        .map(|it| it.2["operationId"].as_str().expect("an id").to_owned())
        .filter(|it| !READS.contains(&&**it))
        .collect();
    let (mut wrong, mut deaths) = (Vec::new(), 0);
    for (place, operation) in writes.iter().enumerate() {
        for (turn, point) in POINTS.iter().enumerate() {
            if is_full() || turn == place % POINTS.len() {
                deaths += 1;
                wrong.extend(round.run(operation, point).await);
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(ledger.flaws(), Vec::<String>::new());
    // The control: a place that no write comes by kills no one, and that is noticed.
    let lived = round.run(&writes[0], "store::nowhere").await;
    assert!(lived.is_some_and(|it| it.contains("it lived")));
    let measured = format!("{deaths} deaths on {} routes; all or nothing each time", writes.len());
    report("C-02", kind, "5 places on every route that writes", &measured);
}

async fn dies_in_a_claim(kind: Kind, database: Database) {
    let (ledger, setting) = (Ledger::new(kind, &database.url), Setting::new("c-02-claim", &database.url));
    // A node that lives does what is due, and leaves it to be done again.
    let finished = "select kind as it from jobs where finished_at is not null order by kind";
    let node = setting.start();
    for _ in 0..1_000 {
        if ledger.texts(finished).len() >= RECURRING {
            break;
        }
        pause(10).await;
    }
    node.kill();
    let all = ledger.texts(finished);
    assert_eq!(all.len(), RECURRING, "{all:?}");
    let deaths = if is_full() { 20 } else { 2 };
    for _ in 0..deaths {
        ledger.execute(
            "update jobs set run_at = '2026-01-01 00:00:00', finished_at = null, claimed_by = null, claimed_until = null",
        );
        let mut node = setting.armed("store::claim=return").start();
        assert!(died(&mut node).await, "it takes no job");
        let taken = ledger.texts("select kind as it from jobs where claimed_by is not null");
        assert_eq!(taken, Vec::<String>::new(), "what was not committed isn't taken");
        let node = setting.start();
        for _ in 0..1_000 {
            if ledger.texts(finished) == all {
                break;
            }
            pause(10).await;
        }
        node.kill();
        // What had no claim at its end keeps none that outlives it.
        assert_eq!(ledger.texts(finished), all);
    }
    report("C-02", kind, "death in a claim", &format!("{deaths} deaths; each job done by the next node"));
}
