//! What goes wrong with a request.

use serde_json::{Value, json};

use super::world::{HEADINGS, MEMBERS, PROVIDERS, SITES};
use crate::same::Dice;

type Mutation = (&'static str, fn(&mut Dice, &mut Value));

/// Puts a value where there is a place for it.
fn put(body: &mut Value, parent: &str, name: &str, value: Value) {
    match body.pointer_mut(parent) {
        Some(Value::Object(it)) => drop(it.insert(name.to_owned(), value)),
        Some(Value::Array(it)) => match name.parse().ok().and_then(|place: usize| it.get_mut(place)) {
            Some(slot) => *slot = value,
            None => it.push(value),
        },
        _ => {}
    }
}

fn take(body: &mut Value, parent: &str, name: &str) {
    if let Some(Value::Object(it)) = body.pointer_mut(parent) {
        it.remove(name);
    }
}

fn line(code_type: &str, code: &str) -> Value {
    json!({"code_type": code_type, "code": code, "units": 1})
}

/// Codes of each kind: of some service, of none, of no code set.
const CODES: [(&str, &str); 14] = [
    ("revenue", "0572"),
    ("hcpcs", "G0156"),
    ("hcpcs", "S9330"),
    ("revenue", "0551"),
    ("hcpcs", "T1502"),
    ("revenue", "0431"),
    ("revenue", "0421"),
    ("revenue", "0989"),
    ("hcpcs", "G0493"),
    ("revenue", "0441"),
    ("cpt", "99601"),
    ("revenue", "0600"),
    ("hcpcs", "G0154"),
    ("hcpcs", "J9999"),
];

pub(super) const MUTATIONS: &[Mutation] = &[
    ("the first line's code", |dice, body| {
        let (kind, code) = CODES[dice.throw(CODES.len())];
        put(body, "/lines", "0", line(kind, code));
    }),
    ("one more line", |dice, body| {
        let (kind, code) = CODES[dice.throw(CODES.len())];
        put(body, "/lines", "-", line(kind, code));
    }),
    ("the code alone", |dice, body| put(body, "/lines/0", "code", json!(CODES[dice.throw(CODES.len())].1))),
    ("the code's form", |dice, body| {
        put(body, "/lines/0", "code", json!(dice.pick(&["5", "g0156", "W0156", "05510", "ABCDE"])));
    }),
    ("a code of three digits", |_, body| put(body, "/lines/0", "code", json!("551"))),
    ("the code set", |dice, body| {
        put(body, "/lines/0", "code_type", json!(dice.pick(&["revenue", "hcpcs", "cpt", "icd"])));
    }),
    ("modifiers", |dice, body| {
        let lists =
            [json!(["UD"]), json!([]), json!(null), json!(["59"]), json!(["UD", "59"]), json!(["ud"])];
        put(body, "/lines/0", "modifiers", lists[dice.throw(lists.len())].clone());
    }),
    ("units", |dice, body| {
        let all =
            [json!(0), json!(1), json!(2), json!(-1), json!(9_999), json!(10_000), json!(1.5), json!("1")];
        put(body, "/lines/0", "units", all[dice.throw(all.len())].clone());
    }),
    ("no lines", |_, body| put(body, "", "lines", json!([]))),
    ("a member by chance", |dice, body| {
        put(body, "", "member_id", json!(MEMBERS[dice.throw(MEMBERS.len())].0));
    }),
    ("a member whose coverage is odd", |dice, body| {
        let odd = [43, 44, 45, 46, 47, 48, 9_999].map(|it| format!("MCF000000{it:04}"));
        put(body, "", "member_id", json!(odd[dice.throw(odd.len())]));
    }),
    ("the member's form", |dice, body| {
        put(body, "", "member_id", json!(dice.pick(&["mcf0000000042", "MCF42", "", "MCF00000000421"])));
    }),
    ("another service", |dice, body| {
        put(
            body,
            "",
            "requested_service",
            json!(dice.pick(&[
                "home_health_aide",
                "home_health_aide_adl",
                "private_duty_nursing",
                "skilled_nursing_evaluation",
                "speech_therapy",
                "skilled_nursing_care",
                "hospice",
            ])),
        );
    }),
    ("a heading", |dice, body| {
        let place = dice.pick(&["0", "1", "9"]);
        let heading = dice.pick(&HEADINGS);
        put(body, "/diagnoses", place, json!(heading));
    }),
    ("an unknown diagnosis", |dice, body| {
        let place = dice.pick(&["0", "1", "9"]);
        let code = dice.pick(&["Z99.999", "A00.00", "I64", "I101"]);
        put(body, "/diagnoses", place, json!(code));
    }),
    ("a diagnosis of limited days", |dice, body| {
        put(body, "/diagnoses", "0", json!(dice.pick(&["J44.9", "U07.1"])));
    }),
    ("the diagnosis's form", |dice, body| {
        put(body, "/diagnoses", "0", json!(dice.pick(&["I1", "110", "I10.", "S82.891BX", "E11..9", "É10"])));
    }),
    ("no diagnoses", |_, body| put(body, "", "diagnoses", json!([]))),
    ("seven diagnoses", |_, body| {
        put(body, "", "diagnoses", json!(["I10", "E11.9", "L98.3", "L98.8", "I65.9", "I67.9", "I60.9"]));
    }),
    ("the same diagnosis twice", |_, body| put(body, "", "diagnoses", json!(["I10", "I10"]))),
    ("the end before the start", |dice, body| {
        put(body, "", "end_date", json!(dice.pick(&["2026-02-01", "2026-11-29", "2025-12-31"])));
    }),
    ("a long end", |dice, body| {
        put(
            body,
            "",
            "end_date",
            json!(dice.pick(&["2027-12-31", "2026-12-31", "2027-01-01", "2199-12-31"])),
        );
    }),
    ("another start", |dice, body| {
        put(
            body,
            "",
            "start_date",
            json!(dice.pick(&[
                "2026-12-21",
                "2026-12-22",
                "2027-01-15",
                "2027-01-16",
                "2026-03-31",
                "2026-04-01"
            ])),
        );
    }),
    ("a date's form", |dice, body| {
        let name = dice.pick(&["start_date", "end_date"]);
        put(
            body,
            "",
            name,
            json!(dice.pick(&["2027-02-29", "2026-12-5", "12/05/2026", "2026-12-05T00:00:00Z"])),
        );
    }),
    ("a field is missing", |dice, body| {
        let (parent, name) = [
            ("", "type"),
            ("", "member_id"),
            ("", "requested_service"),
            ("", "servicing_provider"),
            ("/servicing_provider", "npi"),
            ("/servicing_provider", "contact"),
            ("/servicing_provider/contact", "name"),
            ("/servicing_provider/contact", "phone"),
            ("", "diagnoses"),
            ("", "lines"),
            ("/lines/0", "code"),
            ("/lines/0", "code_type"),
            ("/lines/0", "units"),
            ("", "start_date"),
            ("", "end_date"),
            ("", "site_id"),
            ("", "requesting_provider"),
            ("/requesting_provider", "npi"),
            ("/requesting_provider", "contact"),
            ("", "urgency_reason"),
        ][dice.throw(20)];
        take(body, parent, name);
    }),
    ("a field is null", |dice, body| {
        let name =
            dice.pick(&["member_id", "lines", "end_date", "site_id", "requesting_provider", "remarks"]);
        put(body, "", name, json!(null));
    }),
    ("a field is of another type", |dice, body| {
        let name = dice.pick(&[
            "type",
            "member_id",
            "lines",
            "diagnoses",
            "end_date",
            "remarks",
            "servicing_provider",
        ]);
        put(body, "", name, json!(17));
    }),
    ("an unknown field", |dice, body| {
        let parent = dice.pick(&["", "/lines/0", "/servicing_provider", "/servicing_provider/contact"]);
        put(body, parent, "status", json!("APPROVED"));
    }),
    ("remarks of 256 characters", |dice, body| {
        put(body, "", "remarks", json!(dice.pick(&["é", "👩", "e\u{301}", "a"]).repeat(256)));
    }),
    ("another site", |dice, body| put(body, "", "site_id", json!(SITES[dice.throw(3)].0))),
    ("a site that isn't there", |dice, body| {
        put(body, "", "site_id", json!(dice.pick(&["site_ffffffffffffffffffffffffffffffff", "site_x", ""])));
    }),
    ("another requesting provider", |dice, body| {
        let npi = PROVIDERS[dice.throw(PROVIDERS.len())].0;
        put(
            body,
            "",
            "requesting_provider",
            json!({"npi": npi, "contact": {"name": "x", "phone": "+16175550100"}}),
        );
    }),
    ("an unknown provider", |dice, body| {
        let parent = dice.pick(&["/requesting_provider", "/servicing_provider"]);
        put(body, parent, "npi", json!(dice.pick(&["1114000007", "1972902352", "197290235", "8189991234"])));
    }),
    ("a contact's form", |dice, body| {
        let parent = dice.pick(&["/requesting_provider/contact", "/servicing_provider/contact"]);
        let (name, text) =
            [("phone", "6175550123"), ("phone", "+15550123"), ("name", " "), ("name", "")][dice.throw(4)];
        put(body, parent, name, json!(text));
    }),
    ("the urgency", |dice, body| {
        put(body, "", "urgency", json!(dice.pick(&["expedited", "standard", "stat"])));
    }),
    ("the urgency's reason", |dice, body| {
        put(body, "", "urgency_reason", json!(dice.pick(&["Soon.", "", " "])));
    }),
    ("evaluation remarks", |dice, body| {
        let all = [
            "1 visit for evaluation",
            "1 visit for  Evaluation",
            "one visit for evaluation",
            "1 visit for Evaluations",
            "11 visit for Evaluation",
            "1 visit for \u{c9}valuation",
            "1 visit\u{a0}for Evaluation",
            "(1 visit for Evaluation)",
        ];
        put(body, "", "remarks", json!(dice.pick(&all)));
    }),
];
