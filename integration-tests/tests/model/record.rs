//! Takes the steps of a run, and keeps what was answered.

use chrono::{NaiveDateTime, TimeDelta};
use reqwest::Method;
use serde_json::Value;

use super::generate::{self, Asked};
use super::moves::{self, Move};
use super::ruling::instant;
use super::script::script;
use super::world::{self, Plan, STAFF};
use crate::same::Dice;
use crate::support::{Answer, Service};

/// A step of a run, when it was taken, and what was answered.
pub(super) struct Step {
    pub(super) what: What,
    pub(super) now: NaiveDateTime,
    pub(super) answer: Answer,
}

pub(super) enum What {
    Ask(Asked),
    /// One of the plan's people reads what was asked last.
    Read(&'static str),
    Move(Move),
}

/// Takes a run's steps; what is asked, and what is done with it, depends on what came before.
pub(super) async fn record(service: &Service, policy: &str, seed: u64, count: usize) -> Vec<Step> {
    world::prepare(service);
    let (mut plan, mut dice, mut steps) = (Plan::new(policy), Dice(seed), Vec::new());
    let mut script = script().into_iter();
    for place in 0..count {
        let what = match (script.next(), dice.throw(4)) {
            (Some(what), _) => what,
            (None, 0) if !plan.kept.is_empty() => What::Move(moves::choose(&mut dice, &plan)),
            (None, _) => What::Ask(generate::request(&mut dice, &plan)),
        };
        let now = plan.now;
        let answer = send(service, &plan, &what, place).await;
        plan.learn(&what, &answer);
        let kept = answer.status == 201;
        steps.push(Step { what, now, answer });
        if kept {
            let what = What::Read(STAFF[dice.throw(STAFF.len())].0);
            let answer = send(service, &plan, &what, place).await;
            steps.push(Step { what, now, answer });
        }
        // Eight times, so that it stays December.
        if (place + 1) % (count / 9) == 0 {
            plan.now += TimeDelta::hours(21);
            service.set(&instant(plan.now));
        }
    }
    steps
}

async fn send(service: &Service, plan: &Plan, what: &What, place: usize) -> Answer {
    let path =
        |it: &Value, verb: &str| format!("/v1/authorizations/{}{verb}", it["id"].as_str().expect("an id"));
    let request = match what {
        What::Ask(it) => {
            let request = service.request(it.who, Method::POST, "/v1/authorizations").json(&it.body);
            request.header("idempotency-key", format!("step-{place}"))
        }
        What::Read(who) => {
            let last = plan.kept.last().expect("one that was asked for");
            service.request(who, Method::GET, &path(last, ""))
        }
        What::Move(it) => {
            let verb = if it.action == "close" { "/close" } else { "/decide" };
            let request =
                service.request(it.who, Method::POST, &path(&plan.kept[it.place], verb)).json(&it.body);
            request.header("if-match", format!("\"{}.00000000\"", it.version))
        }
    };
    Answer::of(request).await
}

impl Plan {
    /// Takes over what the service did.
    pub(super) fn learn(&mut self, what: &What, answer: &Answer) {
        match what {
            What::Ask(_) if answer.status == 201 => self.kept.push(answer.json()),
            What::Move(it) if answer.status == 200 => self.kept[it.place] = answer.json(),
            _ => {}
        }
    }
}
