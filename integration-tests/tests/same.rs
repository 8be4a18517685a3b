//! The same steps on both databases get the same answers (C-17).

use std::collections::HashMap;
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Database, Kind, Options, Service, example};

const STEPS: usize = 2_000;

/// Numbers that look random and are the same in each run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.throw(of.len())]
    }
}

/// One side, and the names it gave in the order in which it gave them: a repeated request burns a number on PostgreSQL
/// and none on SQLite, so that the IDs themselves may differ.
struct Side {
    service: Service,
    ids: Vec<String>,
    cursor: Option<String>,
}

struct Step {
    who: &'static str,
    ask: Ask,
}

enum Ask {
    Submit(Value, Option<String>),
    Get(usize),
    List(&'static str, bool),
    Close(usize, i32),
    Decide(usize, i32, &'static str, &'static str),
    /// A question that is a body.
    Post(&'static str, Value),
    Read(&'static str),
}

impl Side {
    fn id(&self, place: usize) -> &str {
        self.ids.get(place).map_or("26335R99999", String::as_str)
    }

    async fn take(&mut self, step: &Step) -> (u16, String, Option<String>) {
        let request = match &step.ask {
            Ask::Submit(body, key) => {
                let request = self.service.request(step.who, Method::POST, "/v1/authorizations").json(body);
                key.iter().fold(request, |request, key| request.header("idempotency-key", key))
            }
            Ask::Get(place) => {
                let path = format!("/v1/authorizations/{}", self.id(*place));
                self.service.request(step.who, Method::GET, &path)
            }
            Ask::List(query, on) => {
                let cursor = self
                    .cursor
                    .as_ref()
                    .filter(|_| *on)
                    .map(|it| format!("&cursor={it}"))
                    .unwrap_or_default();
                let path = format!("/v1/authorizations?limit=7{query}{cursor}");
                self.service.request(step.who, Method::GET, &path)
            }
            Ask::Close(place, version) => {
                let path = format!("/v1/authorizations/{}/close", self.id(*place));
                let body = json!({"reason_code": "replaced", "reason": "As the dice fell."});
                let request = self.service.request(step.who, Method::POST, &path).json(&body);
                request.header("if-match", format!("\"{version}.00000000\""))
            }
            Ask::Decide(place, version, outcome, reason) => {
                let path = format!("/v1/authorizations/{}/decide", self.id(*place));
                let mut body =
                    json!({"outcome": outcome, "reason_code": reason, "reason": "As the dice fell."});
                if *outcome == "reduce" {
                    body["lines"] = json!([{"line": 1, "outcome": "reduce", "authorized_units": 2}]);
                }
                let request = self.service.request(step.who, Method::POST, &path).json(&body);
                request.header("if-match", format!("\"{version}.00000000\""))
            }
            Ask::Post(path, body) => self.service.request(step.who, Method::POST, path).json(body),
            Ask::Read(path) => self.service.request(step.who, Method::GET, path),
        };
        let answer = Answer::of(request).await;
        let mut body = answer.json();
        if let Some(next) = body.get_mut("next_cursor") {
            self.cursor = next.as_str().map(str::to_owned);
            *next = json!(next.is_string());
        }
        if let Some(instance) = body.get_mut("instance") {
            *instance = json!(null);
        }
        if let (201, Some(id)) = (answer.status, body["id"].as_str())
            && !self.ids.iter().any(|it| it == id)
        {
            self.ids.push(id.to_owned());
        }
        let mut text = body.to_string();
        for (place, id) in self.ids.iter().enumerate().rev().filter(|_| answer.status < 300) {
            text = text.replace(id.as_str(), &format!("#{place}"));
        }
        let replayed = answer.header("idempotency-replayed").map(str::to_owned);
        (answer.status, text, replayed)
    }
}

fn step(dice: &mut Dice, asked: usize) -> Step {
    let who = dice.pick(&[
        "single-site",
        "multi-site",
        "ehr-vendor",
        "other-site",
        "nurse",
        "coordinator",
        "physician",
    ]);
    let ask = match dice.throw(26) {
        0..=8 => Ask::Submit(request(dice, who), (dice.throw(3) > 0).then(|| format!("k{}", dice.throw(60)))),
        9..=12 => Ask::Get(dice.throw(asked + 2)),
        13..=15 => Ask::List(
            dice.pick(&[
                "",
                "&status=PEND",
                "&status=APPROVED",
                "&status=nonsense",
                "&created_from=2026-12-03",
                "&service_to=2026-12-20",
            ]),
            dice.throw(2) > 0,
        ),
        16..=18 => {
            return Step {
                who: dice.pick(&["coordinator", "coordinator", who]),
                ask: Ask::Close(dice.throw(asked + 2), 1 + i32::from(dice.throw(8) == 0)),
            };
        }
        19..=21 => {
            let (outcome, reason) = [
                ("approve", "medically_necessary"),
                ("pend", "clinical_notes_needed"),
                ("review", "information_received"),
                ("reduce", "fewer_units_needed"),
                ("approve", "because"),
            ][dice.throw(5)];
            return Step {
                who: dice.pick(&["nurse", "physician", "coordinator", who]),
                ask: Ask::Decide(dice.throw(asked + 2), 1 + i32::from(dice.throw(4) == 0), outcome, reason),
            };
        }
        22 => Ask::Post("/v1/authorizations/search", searched(dice)),
        23 => Ask::Post(
            "/v1/members/search",
            json!({"last_name": dice.pick(&["wh", "o'r", "K", "car", "\u{fd}"]), "limit": 3}),
        ),
        24 => {
            let member = dice.pick(&[
                "MCF0000000042",
                "ASO0000000062",
                "MCF0000000043",
                "MCF0000000048",
                "MCF0000009999",
            ]);
            Ask::Post("/v1/members/eligibility", json!({"member_id": member}))
        }
        _ => Ask::Read(dice.pick(&[
            "/v1/me",
            "/v1/services",
            "/v1/policy",
            "/v1/providers?q=bay&limit=9",
            "/v1/providers?type=person&limit=9",
            "/v1/diagnosis-codes?q=heart+fail&limit=9",
            "/v1/procedure-codes?q=nurs",
        ])),
    };
    Step { who, ask }
}

fn searched(dice: &mut Dice) -> Value {
    let mut body = json!({"limit": 5});
    for (name, values) in [
        ("member_id", &["MCF0000000042", "ASO0000000062"][..]),
        ("diagnosis", &["I10", "J44.9"]),
        ("status", &["APPROVED", "MEDREVIEW"]),
        ("service_from", &["2026-12-01", "2027-01-01"]),
        ("created_to", &["2026-12-02", "2026-12-04"]),
    ] {
        if dice.throw(3) == 0 {
            body[name] = json!(dice.pick(values));
        }
    }
    body
}

/// A request that is good, or nearly.
fn request(dice: &mut Dice, who: &str) -> Value {
    let mut body = example();
    let members = [
        "MCF0000000042",
        "MCF0000000043",
        "HMO0000000051",
        "HMO0000000052",
        "HMO0000000053",
        "ASO0000000062",
    ];
    body["member_id"] = json!(dice.pick(&members));
    let sites = registry::demo::PRINCIPALS.iter().find(|it| it.1 == who).map_or(&[][..], |it| it.4);
    let site =
        if sites.is_empty() || dice.throw(9) == 0 { dice.throw(3) } else { sites[dice.throw(sites.len())] };
    body["site_id"] = json!(registry::demo::SITES[site].0);
    body["requesting_provider"]["npi"] =
        json!(dice.pick(&["1346218294", "1346218294", "1346218294", "1407820673"]));
    body["servicing_provider"]["npi"] = json!(dice.pick(&[
        "1972902351",
        "1770626038",
        "1346218294",
        "1972902351",
        "1770626038",
        "1972902352"
    ]));
    body["lines"][0]["units"] = json!([1, 12, 20, 21, 12, 9999, 1, 12, 0][dice.throw(9)]);
    let start: chrono::NaiveDate = "2026-11-20".parse().expect("a date");
    let start = start + chrono::Days::new(u64::try_from(dice.throw(60)).expect("small"));
    body["start_date"] = json!(start);
    body["end_date"] = json!(start + chrono::Days::new(u64::try_from(dice.throw(80)).expect("small")));
    body["remarks"] = json!(
        ["Ünïcødé 👩‍⚕️", "e\u{301}", "a'b\"c\\d%_", "", "\u{2028}\t"][dice.throw(5)].repeat(1 + dice.throw(30))
    );
    if dice.throw(3) == 0 {
        let (service, code_type, code) = [
            ("skilled_nursing_evaluation", "revenue", "0551"),
            ("home_health_aide", "revenue", "0572"),
            ("physical_therapy", "revenue", "0421"),
            ("home_infusion", "hcpcs", "S9500"),
            ("speech_therapy", "revenue", "0441"),
            ("medical_social_worker", "revenue", "0421"),
        ][dice.throw(6)];
        body["requested_service"] = json!(service);
        (body["lines"][0]["code_type"], body["lines"][0]["code"]) = (json!(code_type), json!(code));
    }
    if dice.throw(10) == 0 {
        body["diagnoses"] = json!(["I10", dice.pick(&["E11", "ZZZ", "J449"])]);
    }
    if dice.throw(10) == 0 {
        (body["urgency"], body["urgency_reason"]) = (json!("expedited"), json!("Soon."));
    }
    body
}

/// C-17; and FED-05: whatever is asked, only a clinician would deny it.
#[test]
fn c_17_two_thousand_steps_get_the_same_answers() {
    let (Some(left), Some(right)) = (Database::new(Kind::Sqlite), Database::new(Kind::Postgres)) else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    actix_web::rt::System::new().block_on(async {
        let side = |database, kind| Side {
            service: Service::on(&Arc::new(database), kind, Options::default()),
            ids: Vec::new(),
            cursor: None,
        };
        let (mut left, mut right) = (side(left, Kind::Sqlite), side(right, Kind::Postgres));
        let (mut dice, mut statuses) = (Dice(17), HashMap::<u16, usize>::new());
        for place in 0..STEPS {
            let step = step(&mut dice, left.ids.len());
            let (one, other) = (left.take(&step).await, right.take(&step).await);
            assert_eq!(one, other, "step {place}, seed 17");
            assert!(!one.1.contains("\"DENIED\""), "{}", one.1);
            *statuses.entry(one.0).or_default() += 1;
            if place % 400 == 399 {
                let later = format!("2026-12-{:02}T15:00:00Z", 2 + place / 400);
                left.service.set(&later);
                right.service.set(&later);
            }
        }
        // The steps are worth taking: each kind of answer is among them.
        for (status, least) in
            [(200, 400), (201, 80), (403, 80), (404, 20), (409, 5), (412, 5), (422, 80), (400, 20)]
        {
            assert!(statuses.get(&status).is_some_and(|it| *it >= least), "{statuses:?}");
        }
        left.service.stop().await;
        right.service.stop().await;
    });
}
