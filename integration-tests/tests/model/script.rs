//! What chance seldom comes to; each run begins with it.

use serde_json::{Value, json};

use super::generate::Asked;
use super::moves::Move;
use super::record::What;
use super::world::SITES;

/// A request of the single-site user, good but for what is changed.
fn ask(service: &str, member: &str, line: (&str, &str, i64), change: &[(&str, Value)]) -> What {
    let (kind, code, units) = line;
    let contact = json!({"name": "Scheduling", "phone": "+16175550123"});
    let mut body = json!({
        "type": "home_health_care",
        "site_id": SITES[0].0,
        "member_id": member,
        "requested_service": service,
        "requesting_provider": {"npi": SITES[0].1},
        "servicing_provider": {"npi": "1972902351", "contact": contact},
        "diagnoses": ["I10"],
        "lines": [{"code_type": kind, "code": code, "units": units}],
        "start_date": "2026-12-01",
        "end_date": "2027-01-29",
        "remarks": "",
    });
    for (pointer, value) in change {
        *body.pointer_mut(pointer).expect(pointer) = value.clone();
    }
    What::Ask(Asked { who: "single-site", body, made: vec!["as the script says"] })
}

/// The same, as someone else's.
fn by(who: &'static str, it: What) -> What {
    match it {
        What::Ask(it) => What::Ask(Asked { who, ..it }),
        other => other,
    }
}

/// Something done to what was accepted at that place.
fn act(who: &'static str, action: &'static str, place: usize, reason_code: &str, lines: Value) -> What {
    let mut body = json!({"reason_code": reason_code, "reason": "As the script says.", "outcome": action});
    if !lines.is_null() {
        body["lines"] = lines;
    }
    What::Move(Move { who, action, place, version: 1, body })
}

const NURSING: (&str, &str, i64) = ("revenue", "0551", 12);
const OBSERVING: (&str, &str, i64) = ("hcpcs", "G0493", 1);
const SPEECH: (&str, &str, i64) = ("revenue", "0441", 1);

pub(super) fn script() -> Vec<What> {
    let care = "skilled_nursing_care";
    let days = |start: &str, end: &str| [("/start_date", json!(start)), ("/end_date", json!(end))];
    let aide =
        |member, start, end| ask("home_health_aide", member, ("revenue", "0572", 120), &days(start, end));
    let social =
        |start, end| ask("medical_social_worker", "MCF0000000042", ("revenue", "0561", 1), &days(start, end));
    let evaluation =
        |units| ask("skilled_nursing_evaluation", "ZZZ0000000001", ("revenue", "0551", units), &[]);
    let living = json!({"code_type": "hcpcs", "code": "G0156", "modifiers": ["UD"], "units": 1});
    let modified = json!({"code_type": "hcpcs", "code": "G0493", "modifiers": ["UD"], "units": 1});
    let unreadable = json!({"code_type": "revenue", "code": "0441", "modifiers": ["ud"], "units": 1});
    let codes = ["E11", "I10", "L98.3", "L98.8", "I65.9", "I67.9", "I60.9"];
    let accepted = [
        ask(care, "MCF0000000042", NURSING, &[]),
        ask(care, "MCF0000000042", NURSING, &[]),
        ask(care, "MCF0000000042", NURSING, &[]),
        ask(care, "ZZZ0000000001", ("revenue", "0551", 99), &[]),
        ask(care, "HMO0000000051", ("revenue", "0551", 21), &[]),
        ask(care, "ZZZ0000000003", ("revenue", "0551", 40), &[("/diagnoses/0", json!("T81.49XA"))]),
        // Birthdays: 75 on the start date, and 18 on the day after it.
        aide("ZZZ0000000002", "2027-01-20", "2027-03-20"),
        ask("home_health_aide", "HMO0000000053", ("revenue", "0572", 1), &days("2027-01-14", "2027-01-14")),
        // As far back and ahead, and as long, as is usual; and one day more.
        social("2026-11-01", "2026-11-01"),
        social("2026-10-31", "2026-10-31"),
        social("2027-05-30", "2027-05-30"),
        social("2027-05-31", "2027-05-31"),
        social("2027-06-01", "2028-06-01"),
        social("2027-01-01", "2028-01-01"),
        ask("home_health_aide", "MCF0000000042", ("revenue", "0572", 1), &days("2027-01-01", "2028-01-01")),
        ask("physical_therapy", "ZZZ0000000001", ("revenue", "0421", 12), &[]),
        ask(
            "occupational_therapy",
            "ZZZ0000000001",
            ("revenue", "0431", 24),
            &[("/diagnoses/0", json!("I69.30")), ("/remarks", json!("A visit for evaluation"))],
        ),
        evaluation(1),
        evaluation(1),
        ask("home_health_aide_adl", "ZZZ0000000001", OBSERVING, &[("/lines/0", living)]),
        ask(care, "ZZZ0000000001", OBSERVING, &days("2027-01-29", "2027-02-10")),
    ];
    let said = [
        "1 visit for Evaluations",
        "11 visit for Evaluation",
        "(1 visit for Evaluation)",
        "1 visit\u{a0}for evaluation",
    ];
    let said = said.map(|it| {
        let remarks = ("/remarks", json!(it));
        ask("physical_therapy", "ZZZ0000000003", ("revenue", "0421", 3), &[remarks])
    });
    let refused = [
        ask(care, "ZZZ0000000001", OBSERVING, &days("2027-01-30", "2027-02-10")),
        evaluation(2),
        ask(care, "MCF0000000044", NURSING, &[]),
        ask(care, "MCF0000000042", NURSING, &[("/servicing_provider/npi", json!("1114000007"))]),
        ask("speech_therapy", "HMO0000000051", SPEECH, &[]),
        by("multi-site", ask(care, "MCF0000000042", NURSING, &[("/site_id", json!(null))])),
        by("multi-site", ask(care, "MCF0000000042", NURSING, &[("/site_id", json!(SITES[2].0))])),
        // What the service is known to say less of, or more.
        ask(care, "HMO0000000051", OBSERVING, &[("/lines/0", modified)]),
        ask(care, "HMO0000000051", NURSING, &[("/lines/0", unreadable)]),
        ask(care, "HMO0000000051", NURSING, &[("/diagnoses", json!(codes))]),
        ask("speech_therapy", "MCF0000000045", SPEECH, &days("2027-01-15", "2026-12-21")),
        ask("speech_therapy", "HMO0000000051", SPEECH, &[("/end_date", json!(null))]),
        ask("speech_therapy", "MCF0000000047", SPEECH, &days("2027-01-15", "2026-12-21")),
        ask(care, "HMO0000000051", OBSERVING, &[("/end_date", json!(null))]),
        ask(care, "HMO0000000051", OBSERVING, &[("/member_id", json!(null))]),
        ask(
            care,
            "HMO0000000051",
            NURSING,
            &[
                ("/start_date", json!(null)),
                ("/diagnoses/0", json!("U07.1")),
                ("/requesting_provider/npi", json!("1770626038")),
            ],
        ),
    ];
    let one = |outcome: &str| json!([{"line": 1, "outcome": outcome}]);
    let less = json!([{"line": 1, "outcome": "reduce", "authorized_units": 98}]);
    let moves = [
        act("coordinator", "approve", 1, "not_a_duplicate", json!(null)),
        act("nurse", "deny", 1, "available_otherwise", json!(null)),
        act("nurse", "approve", 1, "not_a_duplicate", json!(null)),
        act("physician", "deny", 2, "not_medically_necessary", one("deny")),
        act("nurse", "approve", 3, "available_otherwise", one("deny")),
        act("physician", "reduce", 3, "fewer_units_needed", less),
    ];
    accepted.into_iter().chain(said).chain(refused).chain(moves).collect()
}
