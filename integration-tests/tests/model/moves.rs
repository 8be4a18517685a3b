//! What the plan's people do with an authorization, by the table of `docs`' contract: status, action, who may.

use serde_json::{Value, json};

use super::read::Flaws;
use super::ruling::instant;
use super::world::{Plan, STAFF};
use crate::same::Dice;

/// From, action, to, and what it takes.
const LIFECYCLE: [(&str, &str, &str, &str); 11] = [
    ("PEND", "review", "MEDREVIEW", "pend"),
    ("PEND", "approve", "APPROVED", "approve"),
    ("MEDREVIEW", "approve", "APPROVED", "approve"),
    ("PEND", "reduce", "APPROVED", "deny"),
    ("MEDREVIEW", "reduce", "APPROVED", "deny"),
    ("PEND", "deny", "DENIED", "deny"),
    ("MEDREVIEW", "deny", "DENIED", "deny"),
    ("MEDREVIEW", "pend", "PEND", "pend"),
    ("APPROVED", "close", "CLOSED", "close"),
    ("MEDREVIEW", "close", "CLOSED", "close"),
    ("PEND", "close", "CLOSED", "close"),
];

/// A move, of the authorization at a place among those that are kept.
pub(super) struct Move {
    pub(super) who: &'static str,
    pub(super) action: &'static str,
    pub(super) place: usize,
    pub(super) version: i64,
    pub(super) body: Value,
}

/// What the answer to a move must be.
pub(super) enum Moved {
    Refused(u16, &'static str),
    Flawed(Flaws),
    /// Done; what the answer holds, by pointer.
    Done(Vec<(String, Value)>),
}

/// What someone may do to an authorization with this status.
pub(super) fn actions(who: &str, status: &str) -> Vec<&'static str> {
    let may = may(who);
    LIFECYCLE.iter().filter(|it| it.0 == status && may.contains(&it.3)).map(|it| it.1).collect()
}

fn may(who: &str) -> &'static [&'static str] {
    STAFF.iter().find(|it| it.0 == who).map_or(&[], |it| it.3)
}

/// A move by chance, mostly one that may be.
pub(super) fn choose(dice: &mut Dice, plan: &Plan) -> Move {
    let open = |it: &usize| ["PEND", "MEDREVIEW"].contains(&plan.kept[*it]["status"].as_str().unwrap_or(""));
    let mut places: Vec<_> = (0..plan.kept.len()).filter(open).collect();
    if places.is_empty() || dice.throw(4) == 0 {
        places = (0..plan.kept.len()).collect();
    }
    let place = places[dice.throw(places.len())];
    let it = &plan.kept[place];
    let who = dice.pick(&["physician", "physician", "nurse", "coordinator", "nurse", "single-site"]);
    let able = actions(who, it["status"].as_str().expect("a status"));
    let action = if able.is_empty() || dice.throw(4) == 0 {
        dice.pick(&["review", "approve", "reduce", "deny", "pend", "close"])
    } else {
        dice.pick(&able)
    };
    let codes = plan.policy.reasons(if dice.throw(10) == 0 { "pend" } else { action });
    let mut body = json!({"reason_code": dice.pick(&codes), "reason": "As the dice fell."});
    if action != "close" {
        body["outcome"] = json!(action);
    }
    if dice.throw(12) == 0 {
        let name = dice.pick(&["reason_code", "reason"]);
        body.as_object_mut().expect("an object").remove(name);
    }
    if action != "close" {
        detail(dice, it, action, &mut body);
    }
    let version = it["version"].as_i64().expect("a version");
    Move { who, action, place, version: version + i64::from(dice.throw(12) == 0), body }
}

/// Says more than the outcome: some of the lines, or a shorter period.
fn detail(dice: &mut Dice, it: &Value, action: &str, body: &mut Value) {
    let lines = it["lines"].as_array().expect("lines");
    let asked = lines[0]["units"]["requested"].as_i64().expect("units");
    let units =
        |outcome: &str, units: i64| json!([{"line": 1, "outcome": outcome, "authorized_units": units}]);
    let whole = |outcome: &str| json!([{"line": 1, "outcome": outcome}]);
    let variant = if action == "reduce" { dice.throw(13) } else { 20 + dice.throw(16) };
    match variant {
        0..=2 => body["lines"] = units("reduce", (asked / 2).max(1)),
        3 | 21 => body["lines"] = whole("deny"),
        4 => body["service_end"] = it["service_start"].clone(),
        5 => body["lines"] = units("reduce", asked + 1),
        6 => body["lines"] = units("reduce", asked),
        7 => body["lines"] = json!([{"line": lines.len() + 1, "outcome": "deny"}]),
        8 => body["service_start"] = it["service_end"].clone(),
        9 => body["lines"] = json!([{"line": 1, "outcome": "deny"}, {"line": 1, "outcome": "deny"}]),
        10 => body["service_end"] = json!("2199-12-31"),
        11 => body["service_start"] = json!("2026-01-01"),
        20 => body["lines"] = whole("approve"),
        22 => body["lines"] = units("approve", asked),
        23 => body["service_end"] = it["service_end"].clone(),
        _ => {}
    }
}

/// What must come of a move. Whoever may decide nothing of it is told so before the body is looked at.
pub(super) fn judge(plan: &Plan, it: &Move) -> Moved {
    let (before, may) = (&plan.kept[it.place], may(it.who));
    let takes = LIFECYCLE.iter().find(|row| row.1 == it.action).expect("an action").3;
    let decides = may.iter().any(|it| ["approve", "deny", "pend"].contains(it));
    if !may.contains(&takes) {
        return Moved::Refused(
            403,
            match takes {
                "close" => "not-permitted",
                _ if !decides => "not-permitted",
                "deny" => "clinician-only",
                _ => "action-not-yours",
            },
        );
    }
    let mut flaws = Flaws::default();
    reasons(it, &mut flaws);
    let status = before["status"].as_str().expect("a status");
    let row = LIFECYCLE.iter().find(|row| row.0 == status && row.1 == it.action);
    let current = before["version"] == it.version;
    // Lines and days are compared with what is there, which must be what the caller has seen.
    if current || it.action == "close" {
        of_the_plans(plan, it, &mut flaws);
    }
    let granted = if current && row.is_some() { grant(it, before, &mut flaws) } else { Vec::new() };
    match row {
        _ if !flaws.0.is_empty() => Moved::Flawed(flaws),
        _ if !current => Moved::Refused(412, "authorization-changed"),
        None => Moved::Refused(409, "authorization-action-not-permitted"),
        Some((.., to, _)) => Moved::Done(after(plan, it, before, to, &granted)),
    }
}

// AUT-34, FED-05: a reason of the plan's, and in words.
fn reasons(it: &Move, flaws: &mut Flaws) {
    let rule = if it.action == "close" { "AUT-34" } else { "FED-05" };
    let body = &it.body;
    if body.get("reason_code").is_none() {
        flaws.say("/reason_code", "required", rule);
    }
    if body.get("reason").is_none() {
        flaws.say("/reason", "required", rule);
    }
}

fn of_the_plans(plan: &Plan, it: &Move, flaws: &mut Flaws) {
    let rule = if it.action == "close" { "AUT-34" } else { "FED-05" };
    let code = it.body.get("reason_code").and_then(Value::as_str);
    if code.is_some_and(|code| !plan.policy.reasons(it.action).contains(&code)) {
        flaws.say("/reason_code", "one-of", rule);
    }
}

/// What each line comes to, its status and its units; and what is wrong with that.
fn grant(it: &Move, before: &Value, flaws: &mut Flaws) -> Vec<(&'static str, i64)> {
    let (action, body) = (it.action, &it.body);
    let lines = before["lines"].as_array().expect("lines");
    let asked = |line: &Value| line["units"]["requested"].as_i64().expect("units");
    let authorized = |line: &Value| line["units"]["authorized"].as_i64().expect("units");
    let mut granted: Vec<_> = match action {
        "deny" => lines.iter().map(|_| ("DENIED", 0)).collect(),
        "pend" => lines.iter().map(|_| ("PEND", 0)).collect(),
        "review" => lines.iter().map(|_| ("MEDREVIEW", 0)).collect(),
        // What was denied stays so.
        "close" => lines
            .iter()
            .map(|it| (if it["status"] == "DENIED" { "DENIED" } else { "CLOSED" }, authorized(it)))
            .collect(),
        _ => lines.iter().map(|it| ("APPROVED", asked(it))).collect(),
    };
    let undecided = ["pend", "review"].contains(&action);
    if let Some(named) = body.get("lines").and_then(Value::as_array) {
        if undecided {
            flaws.say("/lines", "not-applicable", "AUT-34");
            return granted;
        }
        for (place, line) in named.iter().enumerate() {
            let number = usize::try_from(line["line"].as_i64().expect("a number")).expect("small");
            let twice = named[..place].iter().any(|it| it["line"] == line["line"]);
            let Some(slot) = granted.get_mut(number - 1).filter(|_| !twice) else {
                flaws.say(&format!("/lines/{place}/line"), "no-such-line", "AUT-34");
                continue;
            };
            let (units, most) =
                (line.get("authorized_units").and_then(Value::as_i64), asked(&lines[number - 1]));
            let at = format!("/lines/{place}/authorized_units");
            match (line["outcome"].as_str(), units) {
                (Some("reduce"), Some(units)) if units > most => flaws.say(&at, "range", "AUT-18"),
                (Some("reduce"), Some(units)) if units == most => flaws.say(&at, "range", "FED-05"),
                (Some("reduce"), units) => *slot = ("APPROVED", units.unwrap_or(most)),
                (_, Some(_)) => flaws.say(&at, "not-applicable", "FED-05"),
                (Some("deny"), None) => *slot = ("DENIED", 0),
                (_, None) => *slot = ("APPROVED", most),
            }
        }
    }
    let mut shorter = false;
    for (name, outside) in
        [("service_start", |asked, day| day < asked), ("service_end", |asked, day| day > asked)]
            as [(&str, fn(&str, &str) -> bool); 2]
    {
        let Some(day) = body.get(name).and_then(Value::as_str) else { continue };
        let asked = before[name].as_str().expect("a day");
        if action != "reduce" {
            flaws.say(&format!("/{name}"), "not-applicable", if undecided { "AUT-34" } else { "FED-05" });
        } else if outside(asked, day) {
            flaws.say(&format!("/{name}"), "range", "FED-05");
        }
        shorter |= day != asked;
    }
    let all = lines.iter().map(asked).sum::<i64>();
    let sum = granted.iter().map(|it| it.1).sum::<i64>();
    let some = granted.iter().any(|it| it.0 == "APPROVED");
    let right = match action {
        "approve" => sum == all,
        "reduce" => some && (sum < all || shorter),
        "deny" => !some,
        _ => true,
    };
    if !right && flaws.0.iter().all(|it| !it.starts_with("/lines/")) {
        flaws.say("/outcome", "not-the-outcome", "FED-05");
    }
    granted
}

fn after(plan: &Plan, it: &Move, before: &Value, to: &str, granted: &[(&str, i64)]) -> Vec<(String, Value)> {
    let now = json!(instant(plan.now));
    let open = to == "PEND" || to == "MEDREVIEW";
    let closing =
        json!({"reason_code": it.body["reason_code"], "reason": it.body["reason"], "closed_at": now});
    let closes = it.action == "close";
    let day = |name: &str| it.body.get(name).unwrap_or(&before[name]).clone();
    let mut parts: Vec<_> = [
        ("/status", json!(to)),
        ("/pend_reason", if to == "PEND" { json!("information_requested") } else { json!(null) }),
        ("/version", json!(it.version + 1)),
        ("/actions", json!(actions(it.who, to))),
        ("/deadlines", if open { before["deadlines"].clone() } else { json!([]) }),
        ("/closing", if closes { closing } else { json!(null) }),
        ("/service_start", day("service_start")),
        ("/service_end", day("service_end")),
        ("/created_at", before["created_at"].clone()),
        ("/updated_at", now.clone()),
    ]
    .map(|(at, it)| (at.to_owned(), it))
    .into();
    if closes {
        // Of one that no one had decided the service now shows the ruling that pended it, as a decision; whether it is one
        // the contract leaves open.
        if before["decision"].is_object() {
            parts.push(("/decision".into(), before["decision"].clone()));
        }
    } else {
        let (_, id, role, _) = STAFF.iter().find(|who| who.0 == it.who).expect("staff");
        let outcome = if it.action == "reduce" { "REDUCED" } else { to };
        let by = json!({"kind": "staff", "id": id, "role": role});
        for (name, value) in [
            ("outcome", json!(outcome)),
            ("reason_code", it.body["reason_code"].clone()),
            ("reason", it.body["reason"].clone()),
            ("policy_version", json!(null)),
            ("policy_row", json!(null)),
            ("decided_by", by),
            ("human_reviewed", json!(true)),
            ("decided_at", now),
        ] {
            parts.push((format!("/decision/{name}"), value));
        }
    }
    for (place, (status, units)) in granted.iter().enumerate() {
        let remaining = if *status == "APPROVED" { *units } else { 0 };
        parts.push((format!("/lines/{place}/status"), json!(status)));
        parts.push((format!("/lines/{place}/units/authorized"), json!(units)));
        parts.push((format!("/lines/{place}/units/remaining"), json!(remaining)));
    }
    parts
}
