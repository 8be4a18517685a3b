//! Compares what was answered with what the model says.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::generate::Asked;
use super::moves::{self, Move, Moved};
use super::read::Flaws;
use super::record::{Step, What};
use super::rules::{self, Checked};
use super::ruling;
use super::world::Plan;
use crate::support::Answer;

/// What a model makes of a run.
#[derive(Default)]
pub(super) struct Found {
    /// Where it disagrees with the service, in words that are enough to see it again.
    pub(super) disagreements: Vec<String>,
    /// How often each kind of answer was right.
    pub(super) seen: BTreeMap<String, usize>,
    /// Which of [`KNOWN`] made a difference.
    pub(super) known: BTreeSet<&'static str>,
}

/// Where the service is known to say less than all that is wrong at once, or more: what it does, the flaw because of which
/// it does so, and the flaw that it leaves out or adds; both by how they begin and a part of them. The list only shrinks.
pub(super) const KNOWN: &[(&str, (&str, &str), (&str, &str))] = &[(
    "where there are too many diagnoses none is looked at",
    ("/diagnoses items", ""),
    ("/diagnoses/", ""),
)];

/// Lets a model judge a run.
pub(super) fn judge(policy: &str, steps: &[Step]) -> Found {
    let (mut plan, mut found) = (Plan::new(policy), Found::default());
    for (place, step) in steps.iter().enumerate() {
        plan.now = step.now;
        let (what, differences) = match &step.what {
            What::Ask(it) => {
                let what = format!("{} asks, made wrong: {:?}\n{}", it.who, it.made, it.body);
                (what, found.asked(&plan, it, &step.answer))
            }
            What::Read(who) => (format!("{who} reads"), shown(&plan, who, &step.answer)),
            What::Move(it) => {
                let names = ["id", "status", "version", "lines", "service_start", "service_end"];
                let before = names.map(|name| plan.kept[it.place][name].to_string()).join(" ");
                let what =
                    format!("{}, {} with version {} of {before}\n{}", it.who, it.action, it.version, it.body);
                (what, found.moved(&plan, it, &step.answer))
            }
        };
        if !differences.is_empty() {
            found.disagreements.push(format!("step {place}: {what}\n  {}", differences.join("\n  ")));
        }
        plan.learn(&step.what, &step.answer);
    }
    found
}

/// What the plan's people see is what was answered, and what they may do to it.
fn shown(plan: &Plan, who: &str, answer: &Answer) -> Vec<String> {
    let mut kept = plan.kept.last().expect("one").clone();
    kept["actions"] = json!(moves::actions(who, kept["status"].as_str().expect("a status")));
    let found = answer.json();
    // The plan's people are told of another site's, too.
    if kept["pend_reason"] == "possible_duplicate" && found["duplicate_of"].is_string() {
        kept["duplicate_of"] = found["duplicate_of"].clone();
    }
    if found == kept { Vec::new() } else { vec![format!("shown as {found}\n  not as {kept}")] }
}

/// Where an answer differs from what it must hold.
fn differ(found: &Value, parts: &[(String, Value)]) -> Vec<String> {
    let at = |pointer: &str| found.pointer(pointer).unwrap_or(&Value::Null);
    let parts = parts.iter().filter(|(pointer, it)| at(pointer) != it);
    parts
        .map(|(pointer, it)| format!("{pointer}: the model says {it}, the service {}", at(pointer)))
        .collect()
}

/// The day and the place within it of an ID.
fn number(it: &Value) -> (String, u64) {
    let (day, place) = it["id"].as_str().and_then(|it| it.split_once('R')).expect("an id");
    (day.to_owned(), place.parse().expect("a place"))
}

impl Found {
    fn asked(&mut self, plan: &Plan, it: &Asked, answer: &Answer) -> Vec<String> {
        let request = match rules::check(plan, it.who, &it.body) {
            Checked::Forbidden => return self.refused(answer, 403, "site-not-permitted"),
            Checked::Flawed(flaws) => return self.flawed(answer, &flaws),
            Checked::Right(_) if answer.status != 201 => {
                return vec![format!("the model accepts it, the service says {}", answer.text)];
            }
            Checked::Right(request) => request,
        };
        let (found, expected) = (answer.json(), ruling::rule(plan, &request));
        let mut differences = differ(&found, &expected.parts);
        let alike = &found["duplicate_of"];
        if !expected.duplicates.contains(alike) {
            differences.push(format!("/duplicate_of: {alike} is none of {:?}", expected.duplicates));
        }
        if plan.kept.last().is_some_and(|last| number(last) >= number(&found)) {
            differences.push("/id: it isn't after the last one".to_owned());
        }
        let location = format!("/v1/authorizations/{}", found["id"].as_str().expect("an id"));
        if answer.header("location") != Some(&location) {
            differences.push("the location isn't its own".to_owned());
        }
        self.saw(format!("row {}", expected.row));
        for (name, at) in
            [("re-evaluation", "/re_evaluation"), ("evaluation", "/evaluation/evaluation_visits")]
        {
            if found.pointer(at).is_some_and(|it| *it != false) {
                self.saw(name.to_owned());
            }
        }
        if found["lines"].as_array().is_some_and(|it| it.iter().any(|it| it["code"] == "G0493")) {
            self.saw("alongside".to_owned());
        }
        if let Some(rule) = found["deadlines"][0]["rule"].as_str() {
            self.saw(format!("{rule} clock"));
        }
        differences
    }

    fn moved(&mut self, plan: &Plan, it: &Move, answer: &Answer) -> Vec<String> {
        match moves::judge(plan, it) {
            Moved::Refused(status, slug) => self.refused(answer, status, slug),
            Moved::Flawed(flaws) => self.flawed(answer, &flaws),
            Moved::Done(parts) if answer.status == 200 => {
                let before = plan.kept[it.place]["status"].as_str().expect("a status");
                self.saw(format!("{} {before}", it.action));
                differ(&answer.json(), &parts)
            }
            Moved::Done(_) => vec![format!("the model does it, the service says {}", answer.text)],
        }
    }

    fn refused(&mut self, answer: &Answer, status: u16, slug: &str) -> Vec<String> {
        self.saw(format!("{status} {slug}"));
        if answer.status == status && answer.json()["type"] == format!("/problems/{slug}") {
            return Vec::new();
        }
        vec![format!("the model says {status} {slug}, the service {}", answer.text)]
    }

    fn flawed(&mut self, answer: &Answer, expected: &Flaws) -> Vec<String> {
        for (_, kind) in expected.0.iter().filter_map(|it| it.split_once(' ')) {
            self.saw(kind.to_owned());
        }
        if answer.status != 422 {
            return vec![format!("the model says {:?}, the service {}", expected.0, answer.text)];
        }
        let answered: BTreeSet<_> = answer.flaws().into_iter().collect();
        let has = |it: &str, (begin, part): (&str, &str)| it.starts_with(begin) && it.contains(part);
        let (mut model, mut service) = (expected.0.clone(), answered.clone());
        for (why, other, what) in KNOWN {
            let differs = |it: &str| has(it, *what) && expected.0.contains(it) != answered.contains(it);
            if expected.0.iter().any(|it| has(it, *other)) && model.union(&service).any(|it| differs(it)) {
                self.known.insert(why);
                model.retain(|it| !has(it, *what));
                service.retain(|it| !has(it, *what));
            }
        }
        if model == service {
            return Vec::new();
        }
        vec![format!("the model says {model:?}"), format!("the service {service:?}")]
    }

    fn saw(&mut self, what: String) {
        *self.seen.entry(what).or_default() += 1;
    }
}
