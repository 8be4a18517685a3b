//! What the plan's people decide (FED-05), and every move of every status.

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, Service, example};

/// A request that a clinician reviews, or that pends as a duplicate; its path.
async fn asked(service: &Service, status: &str) -> String {
    let mut body = example();
    let line = |units: u32| json!({"code_type": "revenue", "code": "0551", "units": units});
    body["lines"] = json!([line(if status == "MEDREVIEW" { 30 } else { 12 }), line(2)]);
    let answer = service.submit(&body).await.expect(201);
    assert_eq!(answer["status"], status);
    format!("/v1/authorizations/{}", answer["id"].as_str().expect("an id"))
}

async fn sent(service: &Service, who: &str, path: &str, version: i32, body: &Value) -> Answer {
    let request =
        service.request(who, Method::POST, path).header("if-match", format!("\"{version}.00000000\""));
    Answer::of(request.json(body)).await
}

async fn decide(service: &Service, who: &str, path: &str, version: i32, body: &Value) -> Answer {
    sent(service, who, &format!("{path}/decide"), version, body).await
}

/// A right body for each outcome of the whole.
pub(crate) fn whole(outcome: &str) -> Value {
    let code = match outcome {
        "approve" => "medically_necessary",
        "reduce" => "fewer_units_needed",
        "deny" => "not_medically_necessary",
        "pend" => "clinical_notes_needed",
        _ => "information_received",
    };
    json!({"outcome": outcome, "reason_code": code, "reason": "As the notes show."})
}

/// A right body for each outcome.
fn verdict(outcome: &str) -> Value {
    let mut body = whole(outcome);
    if outcome == "reduce" {
        body["lines"] = json!([{"line": 1, "outcome": "reduce", "authorized_units": 5}]);
    }
    body
}

/// The moves of the contract: from, action, to.
const MOVES: [(&str, &str, &str); 11] = [
    ("PEND", "review", "MEDREVIEW"),
    ("PEND", "approve", "APPROVED"),
    ("MEDREVIEW", "approve", "APPROVED"),
    ("PEND", "reduce", "APPROVED"),
    ("MEDREVIEW", "reduce", "APPROVED"),
    ("PEND", "deny", "DENIED"),
    ("MEDREVIEW", "deny", "DENIED"),
    ("MEDREVIEW", "pend", "PEND"),
    ("APPROVED", "close", "CLOSED"),
    ("MEDREVIEW", "close", "CLOSED"),
    ("PEND", "close", "CLOSED"),
];

/// Who may, by action.
fn may(who: &str, action: &str) -> bool {
    match action {
        "approve" => ["nurse", "physician"].contains(&who),
        "reduce" | "deny" => who == "physician",
        "review" | "pend" => ["nurse", "physician", "coordinator"].contains(&who),
        _ => ["physician", "coordinator"].contains(&who),
    }
}

on_both! {
    /// AUT-08, AUT-34: every action in every status, by everyone who might try.
    async fn aut_34_every_action_in_every_status_is_answered_as_the_table_says(service) {
        service.submit(&example()).await.expect(201);
        let path = asked(&service, "PEND").await;
        let id = path.rsplit('/').next().expect("an id");
        for status in ["APPROVED", "MEDREVIEW", "PEND", "DENIED", "CLOSED"] {
            for action in ["review", "approve", "reduce", "deny", "pend", "close"] {
                for who in ["single-site", "coordinator", "nurse", "physician"] {
                    let number = "number_seq = (select max(number_seq) from authorizations)";
                    service.execute(&format!("update authorizations set status = '{status}', version = 7 where {number}; delete from past_decisions; \
                         update authorization_lines set status = '{status}'"));
                    let read = service.get(who, &path).await.expect(200);
                    let offered = read["actions"].as_array().expect("actions").contains(&json!(action));
                    let row = MOVES.iter().find(|it| (it.0, it.1) == (status, action));
                    assert_eq!(offered, row.is_some() && may(who, action), "{status} {action} {who}");

                    let body = if action == "close" {
                        json!({"reason_code": "replaced", "reason": "By another."})
                    } else {
                        verdict(action)
                    };
                    let to = if action == "close" { format!("{path}/close") } else { format!("{path}/decide") };
                    let answer = sent(&service, who, &to, 7, &body).await;
                    match (may(who, action), row) {
                        (false, _) => {
                            let expected = match (who, action) {
                                (_, "close") | ("single-site", _) => "not-permitted",
                                (_, "deny" | "reduce") => "clinician-only",
                                _ => "action-not-yours",
                            };
                            assert_eq!(answer.problem(403), expected, "{status} {action} {who}");
                        }
                        (true, None) => {
                            assert_eq!(answer.problem(409), "authorization-action-not-permitted", "{status} {action}");
                            assert_eq!(answer.json()["rule"], "AUT-08");
                            assert_eq!(answer.json()["allowed_actions"], read["actions"]);
                        }
                        (true, Some((_, _, to))) => {
                            let it = answer.expect(200);
                            assert_eq!((&it["status"], &it["version"], &it["id"]), (&json!(to), &json!(8), &json!(id)));
                            for line in it["lines"].as_array().expect("lines") {
                                assert_eq!(line["status"], json!(to), "{action}");
                            }
                        }
                    }
                }
            }
        }
    }

    async fn fed_05_a_clinician_denies_with_a_reason_and_the_way_to_appeal(service) {
        let path = asked(&service, "MEDREVIEW").await;
        let before = service.counts();
        for who in ["nurse", "coordinator"] {
            for outcome in ["deny", "reduce"] {
                let answer = decide(&service, who, &path, 1, &verdict(outcome)).await;
                assert_eq!((answer.problem(403), answer.json()["rule"].clone()), ("clinician-only".to_owned(), json!("FED-05")));
            }
        }
        for (part, value, flaw) in [
            ("reason", json!(""), "/reason length FED-05"),
            ("reason", json!(null), "/reason required FED-05"),
            ("reason_code", json!("clinical_notes_needed"), "/reason_code one-of FED-05"),
            ("outcome", json!("close"), "/outcome one-of FED-05"),
        ] {
            let mut body = verdict("deny");
            body[part] = value;
            assert_eq!(decide(&service, "physician", &path, 1, &body).await.flaws(), [flaw]);
        }
        assert_eq!(service.counts(), before);
        service.set("2026-12-02T15:00:00Z");
        let it = decide(&service, "physician", &path, 1, &verdict("deny")).await.expect(200);
        assert_eq!(it["decision"], json!({
            "outcome": "DENIED", "reason_code": "not_medically_necessary", "reason": "As the notes show.", "rule": "FED-05",
            "policy_version": null, "policy_row": null,
            "decided_by": {"kind": "staff", "id": registry::demo::PRINCIPALS[6].0, "role": "physician_reviewer"},
            "human_reviewed": true, "decided_at": "2026-12-02T15:00:00Z",
        }));
        assert!(it["message"].as_str().expect("text").contains("appeal"));
        assert_eq!(it["lines"][0]["units"], json!({"requested": 30, "authorized": 0, "used": 0, "remaining": 0}));
        assert_eq!((&it["deadlines"], &it["actions"]), (&json!([]), &json!([])));
        assert_eq!(service.texts("select count(*) as it from deadlines where met_at is null"), ["0"]);
        let events = service.texts("select sequence || ' ' || topic || ' ' || status || ' ' || version as it from outbox order by sequence");
        assert_eq!(events, ["1 authorization.submitted MEDREVIEW 1", "2 authorization.decided DENIED 2"]);
        let trail = service.texts("select reason as it from trail where action = 'authorization.decide'");
        assert_eq!(trail, ["deny: not_medically_necessary: As the notes show."]);
        // What the policy had ruled is kept.
        let past = service.texts("select decision as it from past_decisions where version = 1").concat();
        assert!(past.contains("\"policy_row\":\"otherwise\"") && past.contains("\"inputs\""), "{past}");
        // What is denied no longer stands in the way of another request.
        let again = service.submit(&example()).await.expect(201);
        assert_eq!(again["status"], "APPROVED");
    }

    /// FED-05, AUT-34: the lines are decided one by one, and the outcome is called what it comes to.
    async fn fed_05_less_than_was_asked_is_called_so(service) {
        let path = asked(&service, "MEDREVIEW").await;
        for (outcome, lines, flaws) in [
            ("approve", json!([{"line": 1, "outcome": "reduce", "authorized_units": 29}]), &["/outcome not-the-outcome FED-05"][..]),
            ("approve", json!([{"line": 1, "outcome": "deny"}]), &["/outcome not-the-outcome FED-05"]),
            ("approve", json!([{"line": 1, "outcome": "approve", "authorized_units": 30}]), &["/lines/0/authorized_units not-applicable FED-05"]),
            ("reduce", json!([{"line": 1, "outcome": "approve"}]), &["/outcome not-the-outcome FED-05"]),
            ("reduce", json!(null), &["/outcome not-the-outcome FED-05"]),
            ("reduce", json!([{"line": 1, "outcome": "deny"}, {"line": 2, "outcome": "deny"}]), &["/outcome not-the-outcome FED-05"]),
            ("reduce", json!([{"line": 1, "outcome": "reduce"}]), &["/lines/0/authorized_units range FED-05"]),
            ("reduce", json!([{"line": 1, "outcome": "reduce", "authorized_units": 30}]), &["/lines/0/authorized_units range FED-05"]),
            ("reduce", json!([{"line": 1, "outcome": "reduce", "authorized_units": 31}]), &["/lines/0/authorized_units range AUT-18"]),
            ("reduce", json!([{"line": 1, "outcome": "reduce", "authorized_units": 0}]), &["/lines/0/authorized_units range AUT-18"]),
            ("reduce", json!([{"line": 1, "outcome": "reduce", "code": "0572"}]), &["/lines/0/code not-for-service AUT-17"]),
            ("reduce", json!([{"line": 3, "outcome": "deny"}]), &["/lines/0/line no-such-line AUT-34"]),
            ("reduce", json!([{"line": 1, "outcome": "deny"}, {"line": 1, "outcome": "deny"}]), &["/lines/1/line no-such-line AUT-34"]),
            ("reduce", json!([{"outcome": "pend"}]), &["/lines/0/line required AUT-34", "/lines/0/outcome one-of FED-05"]),
            ("deny", json!([{"line": 1, "outcome": "approve"}]), &["/outcome not-the-outcome FED-05"]),
            ("pend", json!([{"line": 1, "outcome": "deny"}]), &["/lines not-applicable AUT-34"]),
        ] {
            let mut body = verdict(outcome);
            body["lines"] = lines;
            assert_eq!(decide(&service, "physician", &path, 1, &body).await.flaws(), flaws, "{body}");
        }
        for (outcome, start, end, flaws) in [
            ("reduce", json!("2026-11-30"), json!(null), &["/service_start range FED-05"][..]),
            ("reduce", json!(null), json!("2027-01-30"), &["/service_end range FED-05"]),
            ("reduce", json!("2027-01-02"), json!("2027-01-01"), &["/service_end before-start AUT-20"]),
            ("approve", json!("2026-12-02"), json!(null), &["/service_start not-applicable FED-05"]),
            ("review", json!(null), json!("2027-01-01"), &["/service_end not-applicable AUT-34"]),
        ] {
            let mut body = verdict(outcome);
            (body["service_start"], body["service_end"], body["lines"]) = (start, end, json!(null));
            let path = if outcome == "review" { asked_again(&service).await } else { path.clone() };
            assert_eq!(decide(&service, "physician", &path, 1, &body).await.flaws(), flaws, "{body}");
        }
        let mut body = verdict("reduce");
        body["lines"] = json!([{"line": 2, "outcome": "deny"}]);
        body["service_end"] = json!("2026-12-31");
        let it = decide(&service, "physician", &path, 1, &body).await.expect(200);
        assert_eq!((&it["status"], &it["decision"]["outcome"]), (&json!("APPROVED"), &json!("REDUCED")));
        assert_eq!((&it["lines"][0]["status"], &it["lines"][1]["status"]), (&json!("APPROVED"), &json!("DENIED")));
        assert_eq!(it["lines"][0]["units"], json!({"requested": 30, "authorized": 30, "used": 0, "remaining": 30}));
        assert_eq!(it["lines"][1]["units"], json!({"requested": 2, "authorized": 0, "used": 0, "remaining": 0}));
        assert_eq!((&it["service_start"], &it["service_end"]), (&json!("2026-12-01"), &json!("2026-12-31")));
        assert!(it["message"].as_str().expect("text").contains("approved in part"));
        assert_eq!(service.get("single-site", &path).await.expect(200)["decision"], it["decision"]);
        // The days that weren't granted are free for another request.
        let mut later = example();
        (later["start_date"], later["end_date"]) = (json!("2027-01-01"), json!("2027-01-31"));
        assert_eq!(service.submit(&later).await.expect(201)["status"], "APPROVED");
    }

    /// FED-04: a request for information leaves the clock running, and the decision says what is needed.
    async fn fed_04_a_pend_does_not_stop_the_clock(service) {
        let path = asked(&service, "MEDREVIEW").await;
        let clock = service.get("nurse", &path).await.expect(200)["deadlines"].clone();
        assert_eq!(clock[0]["rule"], "FED-02");
        let it = decide(&service, "coordinator", &path, 1, &verdict("pend")).await.expect(200);
        assert_eq!((&it["status"], &it["pend_reason"]), (&json!("PEND"), &json!("information_requested")));
        assert_eq!(it["decision"]["reason_code"], "clinical_notes_needed");
        assert!(it["message"].as_str().expect("text").contains("needs more information"));
        assert_eq!(it["deadlines"], clock);
        let it = decide(&service, "nurse", &path, 2, &verdict("review")).await.expect(200);
        assert_eq!((&it["status"], &it["pend_reason"], &it["deadlines"]), (&json!("MEDREVIEW"), &json!(null), &clock));
        let it = decide(&service, "nurse", &path, 3, &verdict("approve")).await.expect(200);
        assert_eq!((&it["status"], &it["deadlines"]), (&json!("APPROVED"), &json!([])));
        assert_eq!(it["decision"]["decided_by"]["role"], "medical_review_nurse");
        assert_eq!(it["lines"][0]["units"]["authorized"], 30);
        let topics = service.texts("select topic as it from outbox order by sequence");
        assert_eq!(topics, ["authorization.submitted", "authorization.information_requested", "authorization.review_requested", "authorization.decided"]);
        assert_eq!(service.texts("select count(*) as it from past_decisions"), ["3"]);
    }

    /// C-08: of sixteen decisions from one version one is made, and a repeated key gets its answer.
    async fn c_08_of_sixteen_decisions_from_one_version_one_is_made(service) {
        let path = asked(&service, "MEDREVIEW").await;
        let bodies = ["approve", "pend"].map(verdict);
        let all = (0..16).map(|it| decide(&service, "nurse", &path, 1, &bodies[it % 2]));
        let mut statuses: Vec<_> = futures_util::future::join_all(all).await.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [&[200][..], &[412; 15]].concat());
        let missing = service.post("nurse", &format!("{path}/decide"), &bodies[0]).await;
        assert_eq!(missing.problem(428), "if-match-required");
        assert_eq!(service.texts("select version as it from authorizations"), ["2"]);

        let other = asked_again(&service).await;
        let keyed = async || {
            let request = service.request("nurse", Method::POST, &format!("{other}/decide"));
            let request = request.header("if-match", "\"1.00000000\"").header("idempotency-key", "k1");
            Answer::of(request.json(&bodies[0])).await
        };
        let (first, second) = (keyed().await, keyed().await);
        assert_eq!((first.expect(200), second.header("idempotency-replayed")), (second.expect(200), Some("true")));
    }

    /// AUT-31: there are no revisions yet, so that a decision on one finds none; null means the request itself.
    async fn aut_31_a_decision_on_a_revision_that_is_not_there_is_refused(service) {
        let path = asked(&service, "MEDREVIEW").await;
        let mut body = verdict("approve");
        body["revision"] = json!(1);
        assert_eq!(decide(&service, "nurse", &path, 1, &body).await.flaws(), ["/revision no-such-revision AUT-31"]);
        body["revision"] = json!(null);
        decide(&service, "nurse", &path, 1, &body).await.expect(200);
        let none = decide(&service, "nurse", "/v1/authorizations/26335R00009", 1, &body).await;
        assert_eq!(none.problem(404), "authorization-not-found");
    }
}

/// One that pends as a duplicate of what is open.
async fn asked_again(service: &Service) -> String {
    let mut body = example();
    body["member_id"] = json!("HMO0000000052");
    service.submit(&body).await.expect(201);
    let it = service.submit(&body).await.expect(201);
    assert_eq!(it["status"], "PEND");
    format!("/v1/authorizations/{}", it["id"].as_str().expect("an id"))
}
