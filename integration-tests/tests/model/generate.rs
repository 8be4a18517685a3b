//! Requests: good ones around every edge, and what goes wrong with them.

use chrono::{Days, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::mutate::MUTATIONS;
use super::ruling::Policy;
use super::world::{
    AFFILIATIONS, CALLERS, DIAGNOSES, MEMBERS, PROVIDERS, Plan, SITES, offset, product, span,
};
use crate::same::Dice;

/// A request, who sends it, and what was made wrong with it.
pub(super) struct Asked {
    pub(super) who: &'static str,
    pub(super) body: Value,
    pub(super) made: Vec<&'static str>,
}

/// A request of any kind, now and then a wrong one.
pub(super) fn request(dice: &mut Dice, plan: &Plan) -> Asked {
    let place = [0, 0, 0, 1, 1, 2, 3][dice.throw(7)];
    let (who, granted, system, has_contact) = CALLERS[place];
    let services = plan.policy.services();
    let service = dice.pick(&services);
    let today = plan.today();
    let own = plan.policy.my_care_family_only(service);
    let right: Vec<_> = MEMBERS
        .iter()
        .filter(|it| product(it.0, today).is_some_and(|it| it.2 || !own))
        .map(|it| it.0)
        .collect();
    let any = MEMBERS.map(|it| it.0);
    let member = if dice.throw(16) == 0 { dice.pick(&any) } else { dice.pick(&right) };
    let (start, end) = period(dice, today, member);
    let site = granted[dice.throw(granted.len())];
    let serves = PROVIDERS[dice.throw(PROVIDERS.len())].0;
    let mut body = json!({
        "type": "home_health_care",
        "site_id": SITES[site].0,
        "member_id": member,
        "requested_service": service,
        "servicing_provider": {"npi": serves, "contact": contact()},
        "diagnoses": diagnoses(dice, start),
        "lines": lines(dice, plan, service, member, (start, end)),
        "start_date": start,
        "end_date": end,
    });
    if granted.len() == 1 && !system && dice.throw(2) == 0 {
        body.as_object_mut().expect("an object").remove("site_id");
    }
    if !has_contact || dice.throw(2) == 0 {
        let practises = AFFILIATIONS
            .iter()
            .filter(|it| it.1 == site && offset(it.2) <= start && start <= offset(it.3))
            .map(|it| it.0);
        let npis: Vec<_> = practises.chain([SITES[site].1]).collect();
        body["requesting_provider"] = json!({"npi": dice.pick(&npis)});
        if !has_contact || dice.throw(2) == 0 {
            body["requesting_provider"]["contact"] = contact();
        }
    }
    if dice.throw(5) == 0 {
        (body["urgency"], body["urgency_reason"]) = (json!("expedited"), json!("Discharge tomorrow."));
    } else if dice.throw(2) == 0 {
        body["urgency"] = json!("standard");
    }
    if let Some(remarks) = remarks(dice) {
        body["remarks"] = json!(remarks);
    }
    let mut made = Vec::new();
    if dice.throw(100) < 45 {
        for _ in 0..=[0, 0, 1, 1, 2][dice.throw(5)] {
            let (name, wrong) = MUTATIONS[dice.throw(MUTATIONS.len())];
            wrong(dice, &mut body);
            made.push(name);
        }
    }
    Asked { who, body, made }
}

fn contact() -> Value {
    json!({"name": "Scheduling", "phone": "+16175550123"})
}

/// A start and an end, often at an edge of the policy's or of the member's coverage, and mostly within that.
fn period(dice: &mut Dice, today: NaiveDate, member: &str) -> (NaiveDate, NaiveDate) {
    let ahead = [
        0, 0, 0, 0, 1, 2, 5, 9, 14, 19, 20, 30, 31, 45, 46, 90, 179, 180, 181, -1, -29, -30, -31, -240, -245,
    ];
    let lengths = [1, 7, 14, 30, 45, 59, 60, 60, 61, 90, 120, 240, 365, 366, 367];
    let mut start = today + TimeDelta::days(ahead[dice.throw(ahead.len())]);
    let length = lengths[dice.throw(lengths.len())];
    if dice.throw(8) > 0 && span(member, start).is_none() {
        start = today;
    }
    let mut end = start + Days::new(length - 1);
    if let Some((_, _, last)) = span(member, start)
        && offset(last) < end
        && dice.throw(8) > 0
    {
        end = offset(last + i64::from(dice.throw(6) == 0));
    }
    (start, end)
}

/// One to six codes, in one of the ways to write them, mostly those that hold on `start`.
fn diagnoses(dice: &mut Dice, start: NaiveDate) -> Value {
    let odd = dice.throw(8) == 0;
    let hold = |it: &&(&str, &str, &str)| odd || !["J44.9", "U07.1"].contains(&it.0);
    let mut all: Vec<_> = DIAGNOSES.iter().filter(hold).map(|it| it.0).collect();
    let most = [1, 1, 1, 2, 3, 6][dice.throw(6)];
    // Before the release no code holds, which is one flaw for each; a single one is enough.
    let most = if start < super::world::day("2026-04-01") { 1 } else { most };
    let code = |_| {
        let code = all.swap_remove(dice.throw(all.len()));
        match dice.throw(6) {
            0 => code.to_lowercase(),
            1 => code.replace('.', ""),
            _ => code.to_owned(),
        }
    };
    (0..most).map(code).collect()
}

fn lines(dice: &mut Dice, plan: &Plan, service: &str, member: &str, days: (NaiveDate, NaiveDate)) -> Value {
    let total = units(dice, plan, service, member, days);
    let count = if total > 3 { [1, 1, 1, 2, 3][dice.throw(5)] } else { 1 };
    let codes: Vec<_> = plan.policy.codes(service).collect();
    let usual: Vec<_> = codes.iter().filter(|it| !it.contains_key("alongside")).collect();
    let line = |place: i64| {
        let code =
            if dice.throw(4) == 0 { codes[dice.throw(codes.len())] } else { usual[dice.throw(usual.len())] };
        let word = |name: &str| code.get(name).and_then(toml::Value::as_str);
        let kind = word("code_type").expect("a code set");
        let mut modifiers = Policy::words(code, "modifiers");
        let code = if let Some(code) = word("code") {
            code
        } else {
            modifiers = [&[][..], &["SS"], &["UD", "59"]][dice.throw(3)].to_vec();
            let of_topic = |it: &&(String, String, String)| word("topic") == Some(&it.2) && it.0 == kind;
            let mut all: Vec<_> = plan.procedures.iter().filter(of_topic).map(|it| it.1.as_str()).collect();
            if all.is_empty() {
                all = vec!["99601", "0001F", "0042T"];
            }
            dice.pick(&all)
        };
        let units = if place == 0 { total - count + 1 } else { 1 };
        let mut line = json!({"code_type": kind, "code": code, "units": units});
        if !modifiers.is_empty() || dice.throw(2) == 0 {
            line["modifiers"] = json!(modifiers);
        }
        line
    };
    (0..count).map(line).collect()
}

/// How much is asked for: a little, or about as much as a row of the policy or the benefit allows.
fn units(dice: &mut Dice, plan: &Plan, service: &str, member: &str, days: (NaiveDate, NaiveDate)) -> i64 {
    if plan.policy.service(service).contains_key("exact_units") {
        return if dice.throw(12) == 0 { 2 } else { 1 };
    }
    let number = |row: &toml::Table, name: &str| row.get(name).and_then(toml::Value::as_integer);
    let days_asked = (days.1 - days.0).num_days() + 1;
    let usual = plan.policy.rows().filter(|row| Policy::words(row, "services").contains(&service));
    let usual = usual.filter_map(|row| {
        let (most, per) = (number(row, "units_at_most")?, number(row, "per_days")?);
        Some(most * days_asked.max(per) / per)
    });
    let mut edges: Vec<_> = usual.collect();
    edges.extend(plan.left(member, service, days.0));
    match dice.throw(4) {
        0 => i64::try_from(1 + dice.throw(12)).expect("small"),
        _ if edges.is_empty() => 10,
        _ => {
            let edge = edges[dice.throw(edges.len())];
            (edge + [-1, 0, 0, 1, 1][dice.throw(5)]).clamp(1, 9_999)
        }
    }
}

fn remarks(dice: &mut Dice) -> Option<String> {
    Some(match dice.throw(12) {
        0..=4 => return None,
        5 => "é👩".repeat(127) + "x",
        6 => "e\u{301}".repeat(255),
        7 => "Includes 1 visit for Evaluation.".to_owned(),
        8 => "1 VISIT FOR EVALUATION".to_owned(),
        9 => "1  visit\nfor evaluation".to_owned(),
        10 => "An evaluation: 1 Visit For evaluation, then treatment".to_owned(),
        _ => String::new(),
    })
}
