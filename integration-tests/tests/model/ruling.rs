//! What the policy makes of a request, by the comments in its file, and what the answer must then hold.

use chrono::{Datelike, NaiveDate, TimeDelta};
use serde_json::{Value, json};
use toml::Table;

use super::rules::{Request, dotted, overlaps};
use super::world::{MEMBERS, PROVIDERS, Plan, SITES, day, product};

/// The policy's file.
pub(super) struct Policy(Table);

impl Policy {
    pub(super) fn new(text: &str) -> Self {
        Self(text.parse().expect("a policy"))
    }

    fn table(&self, name: &str) -> &Table {
        self.0[name].as_table().expect(name)
    }

    pub(super) fn services(&self) -> Vec<&str> {
        self.table("services").keys().map(String::as_str).collect()
    }

    pub(super) fn service(&self, name: &str) -> &Table {
        self.table("services")[name].as_table().expect(name)
    }

    pub(super) fn codes(&self, service: &str) -> impl Iterator<Item = &Table> {
        let all = self.service(service)["codes"].as_array().expect("codes");
        all.iter().map(|it| it.as_table().expect("a code"))
    }

    pub(super) fn my_care_family_only(&self, service: &str) -> bool {
        self.service(service).contains_key("my_care_family_only")
    }

    /// The reasons that the plan's people may give for something, by their codes.
    pub(super) fn reasons(&self, of: &str) -> Vec<&str> {
        let reasons = match of {
            "close" => self.table("close_reasons"),
            _ => self.table("decide_reasons")[of].as_table().expect(of),
        };
        reasons.keys().map(String::as_str).collect()
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &Table> {
        let rows = self.0["rows"].as_array().expect("rows");
        rows.iter().map(|it| it.as_table().expect("a row"))
    }

    /// Each row, as a run names the answers that it makes.
    pub(super) fn row_ids(&self) -> impl Iterator<Item = String> {
        self.rows().map(|it| format!("row {}", it["id"].as_str().expect("an id")))
    }

    pub(super) fn words<'a>(of: &'a Table, name: &str) -> Vec<&'a str> {
        let all = of.get(name).and_then(|it| it.as_array());
        all.into_iter().flatten().filter_map(toml::Value::as_str).collect()
    }

    /// Whether one of `codes` begins as a group's do.
    fn in_group(&self, group: &str, codes: &[String]) -> bool {
        let beginnings = Self::words(self.table("diagnosis_groups"), group);
        codes.iter().any(|code| beginnings.iter().any(|it| code.starts_with(it)))
    }
}

/// A request's facts, as the policy asks for them.
struct Facts {
    service: String,
    product: &'static str,
    age: i64,
    codes: Vec<String>,
    duplicate: bool,
    /// From today to the start.
    ahead: i64,
    days: i64,
    units: i64,
}

impl Facts {
    /// Whether all conditions of a row hold.
    fn meet(&self, policy: &Policy, row: &Table) -> bool {
        let number = |name: &str| row.get(name).and_then(toml::Value::as_integer);
        let listed = |name: &str, it: &str| !row.contains_key(name) || Policy::words(row, name).contains(&it);
        let usual = |most: i64| match number("per_days") {
            Some(per) => self.units * per <= most * self.days.max(per),
            None => self.units <= most,
        };
        listed("services", &self.service)
            && listed("products", self.product)
            && number("age_from").is_none_or(|it| self.age >= it)
            && number("age_under").is_none_or(|it| self.age < it)
            && row
                .get("diagnoses")
                .and_then(toml::Value::as_str)
                .is_none_or(|it| policy.in_group(it, &self.codes))
            && row.get("duplicate").and_then(toml::Value::as_bool).is_none_or(|it| self.duplicate == it)
            && number("started_days_ago").is_none_or(|it| -self.ahead > it)
            && number("starts_in_days").is_none_or(|it| self.ahead > it)
            && number("days").is_none_or(|it| self.days > it)
            && number("units_at_most").is_none_or(usual)
    }
}

/// What the answer to a request must hold, by pointer; and the IDs that `duplicate_of` may be.
pub(super) struct Answer {
    /// The row of the policy.
    pub(super) row: String,
    pub(super) parts: Vec<(String, Value)>,
    pub(super) duplicates: Vec<Value>,
}

/// Rules on a request.
pub(super) fn rule(plan: &Plan, it: &Request) -> Answer {
    let form = &it.form;
    let given = |it: &Option<String>| it.clone().expect("it was checked");
    let (member, service, serves) = (given(&form.member), given(&form.service), given(&form.serves));
    let (start, end) = form.start.zip(form.end).expect("they were checked");
    let (id, born, _) = MEMBERS.into_iter().find(|it| it.0 == member).expect("a member");
    let (product, product_name, ..) = product(id, start).expect("a product");
    let rules = plan.policy.service(&service);
    let notification = rules.contains_key("notification");
    let alike: Vec<_> = plan
        .open(&member, &service)
        .filter(|it| !notification && it["refer_to"]["npi"] == serves.as_str() && overlaps(it, start, end))
        .collect();
    let units: i64 = form.lines.iter().filter_map(|it| it.units).sum();
    let facts = Facts {
        product,
        age: age(day(born), start),
        codes: form.diagnoses.iter().flatten().map(|it| dotted(it)).collect(),
        duplicate: !alike.is_empty(),
        ahead: (start - plan.today()).num_days(),
        days: (end - start).num_days() + 1,
        units,
        service: service.clone(),
    };
    let row = plan.policy.rows().find(|row| facts.meet(&plan.policy, row)).expect("a row");
    let (remarks, urgency) = (form.remarks.given(), form.urgency.given().map_or("standard", |it| it));
    let remark = rules.get("evaluation_remark").and_then(toml::Value::as_str).map(plainly);
    let evaluates = remark.zip(remarks).is_some_and(|(it, remarks)| says(&plainly(remarks), &it));
    let evaluation = json!({"evaluation_visits": 1, "treatment_visits": units - 1});
    let asks = form.asks.given().and_then(|it| it.npi.as_deref()).unwrap_or(SITES[it.site].1);
    let pays = PROVIDERS.iter().find(|it| it.0 == serves).expect("a provider").1;
    let status = row["outcome"].as_str().expect("an outcome");
    let mut parts = vec![
        ("/status", json!(status)),
        ("/pend_reason", if status == "PEND" { json!("possible_duplicate") } else { json!(null) }),
        ("/re_evaluation", json!(notification && plan.open(&member, &facts.service).next().is_some())),
        ("/evaluation", if evaluates { evaluation } else { json!(null) }),
        ("/deadlines", deadlines(plan, status, urgency)),
        ("/urgency", json!(urgency)),
        ("/urgency_reason", json!(form.urgency_reason.given())),
        ("/version", json!(1)),
        ("/site_id", json!(SITES[it.site].0)),
        ("/requested_service", json!(facts.service)),
        ("/member/id", json!(member)),
        ("/member/date_of_birth", json!(born)),
        ("/member/product", json!(product_name)),
        ("/refer_from/npi", json!(asks)),
        ("/refer_to/npi", json!(serves)),
        ("/pay_to/npi", json!(pays)),
        ("/setting", json!(rules["setting"].as_str())),
        ("/level_of_care", json!(rules["level_of_care"].as_str())),
        ("/service_start", json!(start)),
        ("/service_end", json!(end)),
        ("/authorization_date", json!(plan.today())),
        ("/created_at", json!(instant(plan.now))),
        ("/updated_at", json!(instant(plan.now))),
        ("/remarks", json!(remarks)),
        ("/closing", json!(null)),
        ("/actions", json!([])),
        ("/documents", json!([])),
        ("/revisions", json!([])),
    ];
    if status == "PEND" {
        parts.push(("/decision", json!(null)));
    } else {
        parts.extend(decision(plan, row));
    }
    let mut parts: Vec<_> = parts.into_iter().map(|(at, it)| (at.to_owned(), it)).collect();
    for (place, code) in facts.codes.iter().enumerate() {
        parts.push((format!("/diagnoses/{place}/code"), json!(code)));
        parts.push((format!("/diagnoses/{place}/primary"), json!(place == 0)));
    }
    for (place, line) in form.lines.iter().enumerate() {
        let granted = line.units.filter(|_| status == "APPROVED").unwrap_or(0);
        let units = json!({"requested": line.units, "authorized": granted, "used": 0, "remaining": granted});
        for (name, value) in [
            ("number", json!(place + 1)),
            ("status", json!(status)),
            ("code_type", json!(line.kind)),
            ("code", json!(line.code)),
            ("modifiers", json!(line.modifiers)),
            ("units", units),
        ] {
            parts.push((format!("/lines/{place}/{name}"), value));
        }
    }
    let named =
        |other: &&Value| if other["site_id"] == SITES[it.site].0 { other["id"].clone() } else { json!(null) };
    let duplicates = if alike.is_empty() { vec![json!(null)] } else { alike.iter().map(named).collect() };
    Answer { row: row["id"].as_str().expect("an id").to_owned(), parts, duplicates }
}

fn decision(plan: &Plan, row: &Table) -> Vec<(&'static str, Value)> {
    let word = |name: &str| json!(row.get(name).and_then(toml::Value::as_str));
    vec![
        ("/decision/outcome", word("outcome")),
        ("/decision/reason_code", word("reason_code")),
        ("/decision/reason", word("reason")),
        ("/decision/rule", word("rule")),
        ("/decision/policy_version", json!(plan.policy.0["version"].as_str())),
        ("/decision/policy_row", word("id")),
        ("/decision/decided_by", json!({"kind": "system"})),
        ("/decision/human_reviewed", json!(false)),
        ("/decision/decided_at", json!(instant(plan.now))),
    ]
}

// FED-01, FED-02: what isn't decided at once has a clock.
fn deadlines(plan: &Plan, status: &str, urgency: &str) -> Value {
    let (rule, due) = match urgency {
        "expedited" => ("FED-01", plan.now + TimeDelta::hours(72)),
        _ => ("FED-02", plan.now + TimeDelta::days(7)),
    };
    if status == "APPROVED" { json!([]) } else { json!([{"rule": rule, "due_at": instant(due)}]) }
}

pub(super) fn instant(at: chrono::NaiveDateTime) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whole years from one day to another.
fn age(born: NaiveDate, on: NaiveDate) -> i64 {
    let birthday_to_come = (on.month(), on.day()) < (born.month(), born.day());
    i64::from(on.year() - born.year() - i32::from(birthday_to_come))
}

// AUT-19: whether some words are said; 11 visits aren't 1, and more than one evaluation is an evaluation.
fn says(remarks: &str, words: &str) -> bool {
    let apart = |at: usize| !remarks[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    remarks.match_indices(words).any(|(at, _)| apart(at))
}

// AUT-19: without regard to case, nor to how many blanks there are between the words.
fn plainly(text: &str) -> String {
    text.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}
