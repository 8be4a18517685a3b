//! The services, their codes and their benefits: every rule at its edges.

use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Service, example};

/// A request for `service`, of the My Care Family member 42, with these codes and units.
fn asked(service: &str, lines: &[(&str, &str, &[&str], u32)]) -> Value {
    let mut body = example();
    body["requested_service"] = json!(service);
    let line = |(code_type, code, modifiers, units): &(&str, &str, &[&str], u32)| json!({"code_type": code_type, "code": code, "modifiers": modifiers, "units": units});
    body["lines"] = lines.iter().map(line).collect();
    body
}

fn of(member: &str, mut body: Value) -> Value {
    body["member_id"] = json!(member);
    body
}

fn remarked(remarks: &str, mut body: Value) -> Value {
    body["remarks"] = json!(remarks);
    body
}

fn between(start: &str, end: &str, mut body: Value) -> Value {
    (body["start_date"], body["end_date"]) = (json!(start), json!(end));
    body
}

const NURSING: (&str, &str, &[&str], u32) = ("revenue", "0551", &[], 2);

/// What is left of the member's benefit for the service.
async fn benefit(service: &Service, member: &str, of: &str, on: &str) -> Value {
    let body = json!({"member_id": member, "on": on});
    let answer = service.post("single-site", "/v1/members/eligibility", &body).await.expect(200);
    let found =
        answer["benefits"].as_array().expect("benefits").iter().find(|it| it["service"] == of).cloned();
    found.expect(of)
}

on_both! {
    /// AUT-13, AUT-17.
    async fn aut_17_each_service_takes_its_codes(service) {
        for (name, line, outcome) in [
            ("home_health_aide", ("revenue", "0572", &[][..], 20), "APPROVED"),
            ("home_health_aide_adl", ("hcpcs", "G0156", &["UD"], 100), "APPROVED"),
            ("home_infusion", ("hcpcs", "S9500", &[], 10), "MEDREVIEW"),
            ("home_infusion", ("hcpcs", "S9379", &["SH"], 10), "MEDREVIEW"),
            ("home_infusion", ("cpt", "99601", &[], 10), "MEDREVIEW"),
            ("skilled_nursing_evaluation", ("revenue", "0551", &[], 1), "APPROVED"),
            ("medical_social_worker", ("revenue", "0561", &[], 2), "APPROVED"),
            ("medication_administration_visit", ("hcpcs", "T1502", &[], 60), "APPROVED"),
            ("occupational_therapy", ("revenue", "0431", &[], 8), "APPROVED"),
            ("physical_therapy", ("revenue", "0421", &[], 8), "APPROVED"),
            ("private_duty_nursing", ("revenue", "0552", &[], 40), "MEDREVIEW"),
            ("private_duty_nursing", ("revenue", "0989", &[], 40), "MEDREVIEW"),
            ("skilled_nursing_care", ("revenue", "0551", &[], 12), "APPROVED"),
            ("speech_therapy", ("revenue", "0441", &[], 8), "APPROVED"),
        ] {
            let mut body = asked(name, &[line]);
            // Of one service each with another provider, so that none is a duplicate.
            let npi = match line.1 { "S9379" | "0989" => "1770626038", "99601" => "1346218294", _ => "1972902351" };
            body["servicing_provider"]["npi"] = json!(npi);
            let it = service.submit(&body).await.expect(201);
            assert_eq!((&it["requested_service"], &it["status"]), (&json!(name), &json!(outcome)));
            let shown = &it["lines"][0];
            assert_eq!((&shown["code"], &shown["code_type"]), (&json!(line.1), &json!(line.0)));
            assert!(shown["description"].as_str().is_some_and(|it| it.len() > 5), "{shown}");
            assert_eq!(shown["modifiers"], json!(line.2));
        }
        for (name, line, flaw) in [
            ("home_health_aide", ("revenue", "0551", &[][..], 1), "/lines/0/code not-for-service AUT-17"),
            ("home_health_aide_adl", ("hcpcs", "G0156", &[], 1), "/lines/0/modifiers not-for-service AUT-17"),
            ("home_health_aide_adl", ("hcpcs", "G0156", &["UD", "GT"], 1), "/lines/0/modifiers not-for-service AUT-17"),
            ("home_health_aide_adl", ("hcpcs", "G0493", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("home_infusion", ("revenue", "0551", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("home_infusion", ("hcpcs", "T1502", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("home_infusion", ("hcpcs", "J0120", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("medical_social_worker", ("hcpcs", "G0155", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("occupational_therapy", ("revenue", "0421", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("physical_therapy", ("revenue", "0431", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("private_duty_nursing", ("revenue", "0551", &[], 1), "/lines/0/code not-for-service AUT-17"),
            ("speech_therapy", ("cpt", "92507", &[], 1), "/lines/0/code not-for-service AUT-17"),
        ] {
            let answer = service.submit(&asked(name, &[line])).await;
            assert_eq!(answer.flaws(), [flaw], "{name}");
            assert!(answer.text.contains(" takes "), "{}", answer.text);
        }
    }

    /// AUT-17: a code is checked on the start date.
    async fn aut_17_a_code_is_valid_by_date(service) {
        service.execute("update coverages set first_on = '2016-01-01' where member_id = 'MCF0000000042'");
        service.execute("update diagnosis_codes set first_on = '2016-01-01' where code in ('I10', 'E11.9')");
        let aide = asked("home_health_aide_adl", &[("hcpcs", "G0156", &["UD"], 40)]);
        service.submit(&between("2016-01-01", "2017-12-31", aide)).await.expect(201);
        let nursing = asked("skilled_nursing_care", &[("hcpcs", "G0493", &[], 4)]);
        let answer = service.submit(&between("2016-12-31", "2017-01-31", nursing.clone())).await;
        assert_eq!(answer.flaws(), ["/lines/0/code not-valid-on-date AUT-17"]);
        assert!(answer.text.contains("from 2017-01-01 on"), "{}", answer.text);
        service.submit(&between("2017-01-01", "2017-01-31", nursing)).await.expect(201);
    }

    async fn aut_17_g0493_goes_with_help_for_daily_living(service) {
        let nursing = asked("skilled_nursing_care", &[("hcpcs", "G0493", &[], 4)]);
        let refused = ["/lines/0/code not-alongside AUT-17"];
        let answer = service.submit(&nursing).await;
        assert_eq!(answer.flaws(), refused);
        assert!(answer.text.contains("Home Health Aide, ADL"));
        // Not the aide's other service, nor another member's, nor at another time, nor one that ended.
        service.submit(&asked("home_health_aide", &[("revenue", "0572", &[], 4)])).await.expect(201);
        let adl = asked("home_health_aide_adl", &[("hcpcs", "G0156", &["UD"], 40)]);
        service.submit(&of("MCF0000000045", between("2026-12-01", "2026-12-10", adl.clone()))).await.expect(201);
        service.submit(&between("2027-01-30", "2027-02-28", adl.clone())).await.expect(201);
        assert_eq!(service.submit(&nursing).await.flaws(), refused);
        let overlapping = service.submit(&between("2027-01-29", "2027-01-29", adl)).await;
        let granted = service.submit(&nursing).await.expect(201);
        assert_eq!(granted["lines"][0]["code"], "G0493");
        let id = overlapping.json()["id"].as_str().expect("an id").to_owned();
        let close = service.request("coordinator", Method::POST, &format!("/v1/authorizations/{id}/close"));
        let close = close.header("if-match", overlapping.header("etag").expect("an etag"));
        let body = json!({"reason_code": "entered_in_error", "reason": "Sent twice."});
        crate::support::Answer::of(close.json(&body)).await.expect(200);
        assert_eq!(service.submit(&nursing).await.flaws(), refused);
    }

    async fn aut_12_codes_of_two_disciplines_are_two_requests(service) {
        let two = asked("skilled_nursing_care", &[NURSING, ("revenue", "0421", &[], 2)]);
        let answer = service.submit(&two).await;
        assert_eq!(answer.flaws(), ["/lines/1/code other-discipline AUT-12"]);
        assert!(answer.text.contains("Physical Therapy: each discipline is a request of its own"), "{}", answer.text);
        let three = asked("skilled_nursing_care", &[("hcpcs", "S9500", &[], 2), NURSING, ("revenue", "0572", &[], 2)]);
        let both = ["/lines/0/code other-discipline AUT-12", "/lines/2/code other-discipline AUT-12"];
        assert_eq!(service.submit(&three).await.flaws(), both);
        let others = asked("skilled_nursing_care", &[("revenue", "0421", &[], 2), ("revenue", "0431", &[], 2)]);
        let two = ["/lines/0/code other-discipline AUT-12", "/lines/1/code other-discipline AUT-12"];
        assert_eq!(service.submit(&others).await.flaws(), two);
        // Of one other discipline, it is the wrong service or the wrong code; a CPT code is of no one discipline.
        let wrong = asked("skilled_nursing_care", &[("revenue", "0552", &[], 2), ("revenue", "0989", &[], 2)]);
        let one = ["/lines/0/code not-for-service AUT-17", "/lines/1/code not-for-service AUT-17"];
        assert_eq!(service.submit(&wrong).await.flaws(), one);
        let cpt = asked("skilled_nursing_care", &[NURSING, ("cpt", "97110", &[], 2)]);
        assert_eq!(service.submit(&cpt).await.flaws(), ["/lines/1/code not-for-service AUT-17"]);
    }

    async fn aut_14_some_services_are_for_my_care_family_only(service) {
        for (name, line) in [
            ("home_health_aide_adl", ("hcpcs", "G0156", &["UD"][..], 4)),
            ("medication_administration_visit", ("hcpcs", "T1502", &[], 4)),
            ("occupational_therapy", ("revenue", "0431", &[], 4)),
            ("physical_therapy", ("revenue", "0421", &[], 4)),
            ("speech_therapy", ("revenue", "0441", &[], 4)),
        ] {
            let body = asked(name, &[line]);
            for member in ["HMO0000000051", "ASO0000000061"] {
                let answer = service.submit(&of(member, body.clone())).await;
                assert_eq!(answer.flaws(), ["/requested_service not-for-product AUT-14"], "{name} {member}");
            }
            service.submit(&body).await.expect(201);
            // This one's coverage goes over to another product on 2026-12-22.
            let last = between("2026-12-01", "2026-12-21", of("MCF0000000046", body.clone()));
            service.submit(&last).await.expect(201);
            let over = between("2026-12-01", "2026-12-22", of("MCF0000000046", body));
            assert_eq!(service.submit(&over).await.flaws(), ["/requested_service not-for-product AUT-14"], "{name}");
        }
    }

    async fn aut_15_an_evaluation_is_exactly_one_visit(service) {
        for (lines, flaw) in [
            (&[("revenue", "0551", &[][..], 2)][..], "/lines/0/units range AUT-15"),
            (&[("revenue", "0551", &[], 1), ("revenue", "0551", &[], 1)], "/lines range AUT-15"),
        ] {
            let answer = service.submit(&asked("skilled_nursing_evaluation", lines)).await;
            assert_eq!(answer.flaws(), [flaw]);
            assert!(answer.text.contains("exactly 1 visit"));
        }
        // A notification is accepted at once, however far back or ahead, and is never a duplicate.
        let one = asked("skilled_nursing_evaluation", &[("revenue", "0551", &[], 1)]);
        let first = service.submit(&between("2026-10-01", "2026-10-01", one.clone())).await.expect(201);
        assert_eq!((&first["status"], &first["re_evaluation"]), (&json!("APPROVED"), &json!(false)));
        assert_eq!(first["decision"]["reason_code"], "notification_accepted");
        assert_eq!(first["decision"]["rule"], "AUT-15");
        assert!(first["message"].as_str().expect("text").contains("Treatment needs an authorization of its own"));
        for _ in 0..2 {
            let again = service.submit(&one).await.expect(201);
            assert_eq!((&again["status"], &again["re_evaluation"]), (&json!("APPROVED"), &json!(true)));
        }
        let others = service.submit(&of("HMO0000000051", one.clone())).await.expect(201);
        assert_eq!(others["re_evaluation"], false);
        // What is closed or denied was none.
        service.execute("update authorizations set status = 'CLOSED' where member_id = 'HMO0000000051'");
        assert_eq!(service.submit(&of("HMO0000000051", one)).await.expect(201)["re_evaluation"], false);
        // It is no duplicate of treatment, either, nor the other way round.
        let treatment = service.submit(&asked("skilled_nursing_care", &[NURSING])).await.expect(201);
        assert_eq!((&treatment["status"], &treatment["re_evaluation"]), (&json!("APPROVED"), &json!(false)));
    }

    /// Of several evaluations at once exactly one is the first.
    async fn aut_15_of_evaluations_at_once_one_is_the_first(service) {
        let body = asked("skilled_nursing_evaluation", &[("revenue", "0551", &[], 1)]);
        let all = futures_util::future::join_all((0..8).map(|_| service.submit(&body))).await;
        let first = all.iter().filter(|it| it.expect(201)["re_evaluation"] == false).count();
        assert_eq!(first, 1);
    }

    async fn aut_19_the_evaluation_is_shown_apart(service) {
        for (name, code, remarks, shown) in [
            ("occupational_therapy", "0431", "1 visit for Evaluation", json!({"evaluation_visits": 1, "treatment_visits": 7})),
            ("physical_therapy", "0421", "Fell. 1 VISIT for evaluation.", json!({"evaluation_visits": 1, "treatment_visits": 7})),
            ("physical_therapy", "0421", "11 visit for evaluation", json!(null)),
            ("physical_therapy", "0421", "Evaluation included.", json!(null)),
            ("speech_therapy", "0441", "1 visit for Evaluation", json!(null)),
        ] {
            let it = service.submit(&remarked(remarks, asked(name, &[("revenue", code, &[], 8)]))).await.expect(201);
            assert_eq!(it["evaluation"], shown, "{remarks}");
            // The server adds nothing.
            assert_eq!(it["lines"][0]["units"]["requested"], 8);
        }
    }

    async fn aut_06_what_is_beyond_the_benefit_is_a_fax_request(service) {
        for (member, name, line) in [
            ("HMO0000000051", "private_duty_nursing", ("revenue", "0552", &[][..], 1)),
            ("ASO0000000061", "home_health_aide", ("revenue", "0572", &[], 1)),
            ("ASO0000000061", "medical_social_worker", ("revenue", "0561", &[], 1)),
        ] {
            let answer = service.submit(&of(member, asked(name, &[line]))).await;
            assert_eq!(answer.flaws(), ["/requested_service beyond-benefit AUT-06"]);
            assert!(answer.text.contains("by fax to +16175861700"), "{}", answer.text);
        }
        // 60 visits a year: what is granted is no longer there, what is under review still is.
        let visits = |start: &str, end: &str, units| {
            of("ASO0000000061", between(start, end, asked("skilled_nursing_care", &[("revenue", "0551", &[], units)])))
        };
        let beyond = ["/lines beyond-benefit AUT-06"];
        assert_eq!(service.submit(&visits("2026-12-01", "2027-05-29", 61)).await.flaws(), beyond);
        let granted = service.submit(&visits("2026-12-01", "2026-12-10", 20)).await.expect(201);
        assert_eq!(granted["status"], "APPROVED");
        let answer = service.submit(&visits("2026-12-11", "2026-12-31", 41)).await;
        assert_eq!(answer.flaws(), beyond);
        assert!(answer.text.contains("+16175861700"));
        let reviewed = service.submit(&visits("2026-12-11", "2026-12-20", 40)).await.expect(201);
        assert_eq!(reviewed["status"], "MEDREVIEW");
        service.submit(&visits("2026-12-21", "2026-12-31", 20)).await.expect(201);
        service.submit(&visits("2026-11-21", "2026-11-30", 20)).await.expect(201);
        assert_eq!(service.submit(&visits("2026-11-01", "2026-11-20", 1)).await.flaws(), beyond);
        // The next year has its own.
        service.submit(&visits("2027-01-01", "2027-02-28", 20)).await.expect(201);
    }

    /// AUT-06: a decision, too, grants no more than is left; and of one product's benefit nothing covers another's days.
    async fn aut_06_a_decision_grants_no_more_than_is_left(service) {
        let visits = |start: &str, end: &str, units| {
            of("ASO0000000061", between(start, end, asked("skilled_nursing_care", &[("revenue", "0551", &[], units)])))
        };
        let waits = service.submit(&visits("2026-12-01", "2026-12-10", 40)).await.expect(201);
        assert_eq!(waits["status"], "MEDREVIEW");
        for (start, end) in [("2026-12-11", "2026-12-20"), ("2026-12-21", "2026-12-31")] {
            assert_eq!(service.submit(&visits(start, end, 20)).await.expect(201)["status"], "APPROVED");
        }
        let decide = async |who: &str, body: Value| {
            let path = format!("/v1/authorizations/{}/decide", waits["id"].as_str().expect("an id"));
            let request = service.request(who, Method::POST, &path).header("if-match", "\"1.00000000\"");
            crate::support::Answer::of(request.json(&body)).await
        };
        let approve = json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "As asked."});
        assert_eq!(decide("nurse", approve).await.problem(409), "beyond-benefit");
        let less = |units: u32| json!({
            "outcome": "reduce", "reason_code": "fewer_units_needed", "reason": "What is left.",
            "lines": [{"line": 1, "outcome": "reduce", "authorized_units": units}],
        });
        assert_eq!(decide("physician", less(21)).await.problem(409), "beyond-benefit");
        assert_eq!(decide("physician", less(20)).await.expect(200)["lines"][0]["units"]["authorized"], 20);
        // What was asked is kept beside the decision that it was on.
        let past = service.texts("select service_end || ' ' || lines as it from past_decisions").concat();
        assert!(past.starts_with("2026-12-10 ") && past.contains("\"requested\":40"), "{past}");

        let nursing = asked("private_duty_nursing", &[("revenue", "0552", &[], 8)]);
        service.submit(&between("2026-12-01", "2026-12-21", of("MCF0000000046", nursing.clone()))).await.expect(201);
        let over = service.submit(&between("2026-12-01", "2026-12-22", of("MCF0000000046", nursing))).await;
        assert_eq!(over.flaws(), ["/requested_service beyond-benefit AUT-06"]);
    }

    /// Of requests that together are beyond the benefit as many are granted as it holds, and nothing is lost.
    async fn aut_06_of_requests_at_once_none_is_granted_what_another_has_taken(service) {
        let body = |day: u32| {
            let day = format!("2026-12-{day:02}");
            of("ASO0000000061", between(&day, &day, asked("skilled_nursing_care", &[("revenue", "0551", &[], 15)])))
        };
        let bodies: Vec<_> = (1..9).map(body).collect();
        let all = futures_util::future::join_all(bodies.iter().map(|it| service.submit(it))).await;
        let granted = all.iter().filter(|it| it.status == 201).count();
        for it in all.iter().filter(|it| it.status != 201) {
            if it.status == 422 {
                assert_eq!(it.flaws(), ["/lines beyond-benefit AUT-06"]);
            } else {
                assert_eq!(it.problem(409), "request-overtaken");
            }
        }
        assert_eq!(granted, 4);
        assert_eq!(service.submit(&body(20)).await.flaws(), ["/lines beyond-benefit AUT-06"]);
    }

    async fn aut_37_eligibility_tells_the_coverage_and_the_benefits(service) {
        let ask = async |body: Value| service.post("single-site", "/v1/members/eligibility", &body).await;
        let it = ask(json!({"member_id": "MCF0000000042"})).await.expect(200);
        assert_eq!((&it["on"], &it["eligible"], &it["status"]), (&json!("2026-12-01"), &json!(true), &json!("active")));
        assert_eq!(it["member"], json!({"id": "MCF0000000042", "name": "Alma Whitfield", "birth_year": 1951}));
        assert_eq!(it["coverage"]["product"], "My Care Family");
        assert_eq!(it["coverage"]["termination_date"], json!(null));
        assert_eq!(it["pcp"], json!({"npi": "1104816123", "name": "Sara Okafor, MD", "site": "Riverside Home Care, Dorchester"}));
        assert_eq!(it["benefits"].as_array().map(Vec::len), Some(11));

        // AUT-02: terminated ones are shown as such, with their dates.
        for (member, on, standing, from, to) in [
            ("MCF0000000043", "2026-12-01", "terminated", "2024-12-31", json!("2026-11-30")),
            ("MCF0000000043", "2026-11-30", "active", "2024-12-31", json!("2026-11-30")),
            ("MCF0000000044", "2026-12-01", "future", "2026-12-02", json!(null)),
            ("MCF0000000047", "2026-12-22", "future", "2026-12-23", json!(null)),
        ] {
            let it = ask(json!({"member_id": member, "on": on})).await.expect(200);
            assert_eq!((&it["status"], &it["eligible"]), (&json!(standing), &json!(standing == "active")), "{member}");
            assert_eq!((&it["coverage"]["effective_date"], &it["coverage"]["termination_date"]), (&json!(from), &to));
            assert_eq!(it["benefits"] == json!([]), standing != "active");
        }
        let never = ask(json!({"member_id": "MCF0000000048"})).await.expect(200);
        assert_eq!((&never["status"], &never["coverage"]), (&json!("none"), &json!(null)));

        let aide = json!({"service": "home_health_aide", "covered": false, "limit": null, "used": 0, "authorized": 0, "remaining": 0});
        assert_eq!(benefit(&service, "ASO0000000061", "home_health_aide", "2026-12-01").await, aide);
        let body = of("ASO0000000061", asked("skilled_nursing_care", &[("revenue", "0551", &[], 12)]));
        service.submit(&body).await.expect(201);
        service.execute("update authorization_lines set used = 5");
        let nursing = json!({"service": "skilled_nursing_care", "covered": true, "limit": 60, "used": 5, "authorized": 7, "remaining": 48});
        assert_eq!(benefit(&service, "ASO0000000061", "skilled_nursing_care", "2026-12-01").await, nursing);
        let next = benefit(&service, "ASO0000000061", "skilled_nursing_care", "2027-12-01").await;
        assert_eq!(next["remaining"], 60);

        assert_eq!(ask(json!({"member_id": "MCF0000009999"})).await.flaws(), ["/member_id unknown-member AUT-37"]);
        assert_eq!(ask(json!({"on": "2026-02-30"})).await.flaws(), ["/member_id required AUT-37", "/on format AUT-37"]);
    }

    async fn aut_13_the_services_are_listed_for_a_form(service) {
        let it = service.get("ehr-vendor", "/v1/services").await.expect(200);
        let all = it["data"].as_array().expect("services");
        assert_eq!(all.len(), 11);
        let named = |name: &str| all.iter().find(|it| it["service"] == name).expect("a service").clone();
        let only = all.iter().filter(|it| it["my_care_family_only"] == true).count();
        assert_eq!(only, 5);
        assert_eq!(named("skilled_nursing_evaluation")["exact_units"], 1);
        assert_eq!(named("physical_therapy")["evaluation_remark"], "1 visit for Evaluation");
        assert_eq!(named("home_health_aide_adl")["codes"], json!([{
            "code_type": "hcpcs", "code": "G0156", "topic": null, "modifiers": ["UD"], "alongside": null,
            "description": "Home health or hospice aide, each 15 minutes",
        }]));
        assert_eq!(named("skilled_nursing_care")["codes"][1]["alongside"], "home_health_aide_adl");
    }

    async fn aut_17_procedure_codes_are_found(service) {
        let codes = async |query: &str| {
            let it = service.get("single-site", &format!("/v1/procedure-codes{query}")).await.expect(200);
            let code = |it: &Value| it["code"].as_str().expect("a code").to_owned();
            it["data"].as_array().expect("codes").iter().map(code).collect::<Vec<_>>()
        };
        assert_eq!(codes("?q=G0156").await, ["G0156"]);
        assert_eq!(codes("?q=g0156&service=skilled_nursing_care").await, [""; 0]);
        assert_eq!(codes("?service=private_duty_nursing").await, ["0552", "0989"]);
        assert_eq!(codes("?service=skilled_nursing_care").await, ["G0493", "0551"]);
        assert!(codes("?q=AIDE%20hospice").await.contains(&"G0156".to_owned()));
        assert_eq!(codes("?q=G0154").await, [""; 0]);
        assert_eq!(codes("?q=G0154&on=2015-12-31").await, ["G0154"]);
        assert_eq!(codes("?limit=3").await.len(), 3);
        assert!(codes("?limit=500&service=home_infusion").await.len() > 50);
        for query in ["?limit=0", "?limit=501", "?on=2026-1-1", "?service=hospice", "?q=", "?colour=red", "?q=a&q=b"] {
            let answer = service.get("single-site", &format!("/v1/procedure-codes{query}")).await;
            assert_eq!(answer.problem(400), "invalid-parameter", "{query}");
        }
    }
}
