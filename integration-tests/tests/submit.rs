//! Asking for an authorization: every rule at its edges.

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, example};

/// The example, with one member replaced.
fn with(pointer: &str, value: Value) -> Value {
    let mut body = example();
    *body.pointer_mut(pointer).expect(pointer) = value;
    body
}

/// The example, without one member.
fn without(parent: &str, name: &str) -> Value {
    let mut body = example();
    body.pointer_mut(parent).and_then(Value::as_object_mut).expect(parent).remove(name);
    body
}

fn detail(answer: &Answer, place: usize) -> String {
    answer.json()["errors"][place]["detail"].as_str().expect("a detail").to_owned()
}

on_both! {
    /// AUT-05.
    async fn aut_05_eight_faults_get_eight_pointers_and_change_nothing(service) {
        let before = service.counts();
        let mut body = example();
        body["colour"] = json!("S3CR3T");
        body["type"] = json!(17);
        body["member_id"] = json!(null);
        body["servicing_provider"]["npi"] = json!("1972902352");
        body["diagnoses"] = json!(["I10", "S3CR3T!"]);
        body["lines"][0]["units"] = json!(0);
        body["end_date"] = json!("2026-11-30");
        body["remarks"] = json!("é".repeat(256));
        let answer = service.submit(&body).await;
        assert_eq!(answer.flaws(), [
            "/colour unknown -",
            "/type type AUT-01",
            "/member_id required AUT-11",
            "/servicing_provider/npi format AUT-11",
            "/diagnoses/1 format AUT-16",
            "/lines/0/units range AUT-18",
            "/remarks length AUT-22",
            "/end_date before-start AUT-20",
        ]);
        assert!(!answer.text.contains("S3CR3T"), "{}", answer.text);
        assert_eq!(service.counts(), before);
    }

    /// What doesn't look like a name may be a value in the wrong place, which no problem quotes.
    async fn aut_05_an_unknown_name_is_told_only_if_it_looks_like_one(service) {
        let (long, most) = ("a".repeat(41), "a".repeat(40));
        for name in ["MCF0000000042", "Whitfield", "1951-07-01", "alma whitfield", "colour/~x", "zoë", &long, ""] {
            let (mut body, mut within) = (example(), example());
            body[name] = json!(1);
            within["lines"][0][name] = json!(1);
            for (body, flaw) in [(body, " unknown -"), (within, "/lines/0 unknown -")] {
                let answer = service.submit(&body).await;
                assert_eq!(answer.flaws(), [flaw], "{name}");
                assert!(name.is_empty() || !answer.text.contains(name), "{}", answer.text);
            }
        }
        for name in ["colour", "_colour_x", &most] {
            let mut body = example();
            body[name] = json!(1);
            assert_eq!(service.submit(&body).await.flaws(), [format!("/{name} unknown -")]);
        }
    }

    async fn aut_05_rules_of_the_database_join_the_same_list(service) {
        let mut body = example();
        body["urgency"] = json!("expedited");
        body["member_id"] = json!("MCF0000000043");
        body["requesting_provider"]["npi"] = json!("1770626038");
        body["servicing_provider"]["npi"] = json!("1114000007");
        body["diagnoses"] = json!(["I10", "E11", "I1"]);
        body["lines"] = json!([{"code_type": "revenue", "code": "0431", "units": -1}, {"code_type": "revenue"}]);
        assert_eq!(service.submit(&body).await.flaws(), [
            "/diagnoses/2 format AUT-16",
            "/lines/0/units range AUT-18",
            "/lines/1/code required AUT-17",
            "/lines/1/units required AUT-18",
            "/urgency_reason required FED-01",
            "/member_id terminated AUT-02",
            "/requesting_provider/npi not-affiliated AUT-09",
            "/servicing_provider/npi unknown-provider AUT-11",
            "/diagnoses/1 not-billable AUT-16",
            "/lines/0/code not-for-service AUT-17",
        ]);
    }

    async fn aut_01_a_request_has_a_type(service) {
        assert_eq!(service.submit(&without("", "type")).await.flaws(), ["/type required AUT-01"]);
        assert_eq!(service.submit(&with("/type", json!("hospice"))).await.flaws(), ["/type one-of AUT-01"]);
        assert_eq!(service.submit(&json!([])).await.flaws(), [" type -"]);
    }

    async fn aut_02_a_member_is_covered_today_and_on_every_day(service) {
        // (member, start, end, what is wrong); today is 2026-12-01.
        for (member, start, end, flaw, word) in [
            ("MCF0000000042", "2026-12-01", "2027-12-31", "", ""),
            ("MCF0000000043", "2026-12-01", "2026-12-31", "/member_id terminated AUT-02", "ended on 2026-11-30"),
            ("MCF0000000044", "2026-12-02", "2026-12-31", "/member_id not-yet-effective AUT-02", "begins on 2026-12-02"),
            ("MCF0000000045", "2026-12-01", "2026-12-31", "", ""),
            ("MCF0000000045", "2026-12-01", "2027-01-01", "/end_date not-covered AUT-02", "from 2026-02-04 to 2026-12-31"),
            ("MCF0000000045", "2027-01-01", "2027-01-02", "/start_date not-covered AUT-02", "2026-02-04 to 2026-12-31"),
            ("MCF0000000046", "2026-12-01", "2027-03-01", "", ""),
            ("MCF0000000047", "2026-12-01", "2027-03-01", "/end_date not-covered AUT-02", "not covered on 2026-12-22"),
            ("MCF0000000048", "2026-12-01", "2026-12-31", "/member_id not-covered AUT-02", "no coverage"),
            ("MCF0000009999", "2026-12-01", "2026-12-31", "/member_id unknown-member AUT-02", "not a member"),
        ] {
            let mut body = example();
            (body["member_id"], body["start_date"], body["end_date"]) = (json!(member), json!(start), json!(end));
            let answer = service.submit(&body).await;
            if flaw.is_empty() {
                answer.expect(201);
            } else {
                assert_eq!(answer.flaws(), [flaw], "{member}");
                assert!(detail(&answer, 0).contains(word), "{}", answer.text);
            }
        }
        // A span that ends today still counts, as the day in the plan's zone; a minute after its midnight it doesn't.
        let mut body = with("/member_id", json!("MCF0000000045"));
        (body["start_date"], body["end_date"]) = (json!("2026-12-31"), json!("2026-12-31"));
        service.set("2027-01-01T04:59:00Z");
        service.submit(&body).await.expect(201);
        service.set("2027-01-01T05:00:00Z");
        assert_eq!(service.submit(&body).await.flaws(), ["/member_id terminated AUT-02"]);
    }

    async fn aut_09_a_caller_with_several_sites_names_one(service) {
        let [first, second, third] = registry::demo::SITES.map(|it| it.0);
        let unnamed = without("", "site_id");
        let created = service.submit(&unnamed).await.expect(201);
        assert_eq!(created["site_id"], first);
        for (who, site, status) in [
            ("multi-site", None, 422),
            ("multi-site", Some(second), 201),
            ("multi-site", Some(third), 403),
            ("single-site", Some(second), 403),
            ("single-site", Some("site_ffffffffffffffffffffffffffffffff"), 403),
        ] {
            let mut body = site.map_or_else(|| unnamed.clone(), |it| with("/site_id", json!(it)));
            body["requesting_provider"] = json!(null);
            let answer = service.post(who, "/v1/authorizations", &body).await;
            match status {
                201 => assert_eq!(answer.expect(201)["site_id"], second),
                403 => {
                    assert_eq!(answer.problem(403), "site-not-permitted");
                    assert_eq!(answer.json()["rule"], "AUT-09");
                }
                _ => assert_eq!(answer.flaws(), ["/site_id site-required AUT-09"]),
            }
        }
    }

    async fn aut_09_a_system_client_always_names_the_site(service) {
        let mut body = without("", "site_id");
        let ask = |body: Value| {
            let request = service.request("ehr-vendor", reqwest::Method::POST, "/v1/authorizations");
            Answer::of(request.header("idempotency-key", "k").json(&body))
        };
        assert_eq!(ask(body.clone()).await.flaws(), ["/site_id site-required AUT-09"]);
        body["site_id"] = json!(registry::demo::SITES[0].0);
        ask(body).await.expect(201);
    }

    async fn aut_09_the_requesting_provider_practises_at_the_site_on_the_start_date(service) {
        // This one leaves the first site after 45 days and goes to the second.
        let mut body = with("/requesting_provider/npi", json!("1407820673"));
        for (start, flaws) in [("2027-01-15", 0), ("2027-01-16", 1)] {
            (body["start_date"], body["end_date"]) = (json!(start), json!("2027-02-01"));
            let answer = service.submit(&body).await;
            match flaws {
                0 => drop(answer.expect(201)),
                _ => assert_eq!(answer.flaws(), ["/requesting_provider/npi not-affiliated AUT-09"]),
            }
        }
        let unknown = with("/requesting_provider/npi", json!("1114000007"));
        assert_eq!(service.submit(&unknown).await.flaws(), ["/requesting_provider/npi unknown-provider AUT-11"]);
    }

    async fn aut_11_what_is_left_out_comes_from_the_callers_profile(service) {
        let created = service.submit(&without("", "requesting_provider")).await.expect(201);
        assert_eq!(created["refer_from"], json!({
            "npi": "1346218294", "name": "Riverside Home Care",
            "contact": {"name": "Intake desk", "phone": "+16175550100"},
        }));
        let other = json!({"name": "Night desk", "phone": "+16175550199"});
        let created = service.submit(&with("/requesting_provider/contact", other.clone())).await.expect(201);
        assert_eq!(created["refer_from"]["contact"], other);
        service.submit(&without("/requesting_provider", "contact")).await.expect(201);

        // This one has no contact on record, so that it must give one.
        let mut body = without("", "requesting_provider");
        body["site_id"] = json!(registry::demo::SITES[2].0);
        let answer = service.post("other-site", "/v1/authorizations", &body).await;
        assert_eq!(answer.flaws(), ["/requesting_provider/contact required AUT-11"]);
    }

    async fn aut_11_what_is_required_is_required(service) {
        for (parent, name, rule) in [
            ("", "member_id", "AUT-11"),
            ("", "requested_service", "AUT-13"),
            ("", "servicing_provider", "AUT-11"),
            ("/servicing_provider", "npi", "AUT-11"),
            ("/servicing_provider", "contact", "AUT-11"),
            ("/servicing_provider/contact", "name", "AUT-11"),
            ("/servicing_provider/contact", "phone", "AUT-11"),
            ("", "diagnoses", "AUT-16"),
            ("", "lines", "AUT-17"),
            ("/lines/0", "code", "AUT-17"),
            ("/lines/0", "code_type", "AUT-17"),
            ("/lines/0", "units", "AUT-18"),
            ("", "start_date", "AUT-20"),
            ("", "end_date", "AUT-20"),
        ] {
            let answer = service.submit(&without(parent, name)).await;
            assert_eq!(answer.flaws(), [format!("{parent}/{name} required {rule}")]);
        }
        for name in ["", " ", "\t\u{2003}"] {
            let answer = service.submit(&with("/servicing_provider/contact/name", json!(name))).await;
            assert_eq!(answer.flaws(), ["/servicing_provider/contact/name length AUT-11"], "{name}");
        }
        for (phone, right) in [("+16175550123", true), ("6175550123", false), ("+15550123", false)] {
            let answer = service.submit(&with("/servicing_provider/contact/phone", json!(phone))).await;
            if right {
                answer.expect(201);
            } else {
                assert_eq!(answer.flaws(), ["/servicing_provider/contact/phone format AUT-11"]);
                assert!(detail(&answer, 0).contains("area code"));
            }
        }
    }

    /// AUT-12: one discipline a request.
    async fn aut_12_a_list_of_services_is_refused(service) {
        let both = json!(["skilled_nursing_care", "skilled_nursing_care"]);
        assert_eq!(service.submit(&with("/requested_service", both)).await.flaws(), ["/requested_service type AUT-13"]);
    }

    async fn aut_13_an_unknown_service_is_refused(service) {
        let answer = service.submit(&with("/requested_service", json!("hospice"))).await;
        assert_eq!(answer.flaws(), ["/requested_service one-of AUT-13"]);
    }

    async fn aut_16_one_to_six_diagnoses_each_known_and_billable(service) {
        let six = ["I10", "E11.9", "J44.9", "N17.9", "S82.891B", "U07.1"];
        let seven = [&six[..], &["Z48.00"]].concat();
        for (codes, flaws) in [
            (&[][..], &["/diagnoses items AUT-16"][..]),
            (&["I10"], &[]),
            (&six, &[]),
            (&seven, &["/diagnoses items AUT-16"]),
            (&["I10", "E11"], &["/diagnoses/1 not-billable AUT-16"]),
            (&["Z99.999", "I10"], &["/diagnoses/0 unknown-code AUT-16"]),
            (&["E119"], &[]),
            (&["QA0.0101"], &[]),
        ] {
            let answer = service.submit(&with("/diagnoses", json!(codes))).await;
            if flaws.is_empty() {
                let shown = answer.expect(201)["diagnoses"].as_array().expect("a list").len();
                assert_eq!(shown, codes.len());
            } else {
                assert_eq!(answer.flaws(), flaws, "{codes:?}");
            }
        }
        let created = service.submit(&with("/diagnoses", json!(["E119", "I10"]))).await.expect(201);
        assert_eq!(created["diagnoses"], json!([
            {"code": "E11.9", "description": "Type 2 diabetes mellitus without complications", "primary": true},
            {"code": "I10", "description": "Essential (primary) hypertension", "primary": false},
        ]));
        // A code is checked on the start date, before which the release doesn't hold.
        service.execute("update diagnosis_codes set last_on = '2026-12-31' where code = 'J44.9'");
        let mut body = with("/diagnoses", json!(["J44.9"]));
        body["start_date"] = json!("2026-12-31");
        service.submit(&body).await.expect(201);
        body["start_date"] = json!("2027-01-01");
        assert_eq!(service.submit(&body).await.flaws(), ["/diagnoses/0 not-valid-on-date AUT-16"]);
        // The release holds from its day on, which isn't the code's fault.
        (body["start_date"], body["diagnoses"]) = (json!("2026-03-31"), json!(["I10"]));
        let answer = service.submit(&body).await;
        assert_eq!(answer.flaws(), ["/diagnoses/0 not-valid-on-date AUT-16"]);
        assert!(detail(&answer, 0).contains("from 2026-04-01 on"));
    }

    async fn aut_17_only_codes_of_the_service_and_the_answer_names_them(service) {
        for (line, flaw) in [
            (json!({"code_type": "revenue", "code": "0551", "units": 1}), ""),
            (json!({"code_type": "revenue", "code": "551", "modifiers": null, "units": 1}), ""),
            (json!({"code_type": "revenue", "code": "0431", "units": 1}), "/lines/0/code not-for-service AUT-17"),
            (json!({"code_type": "hcpcs", "code": "G0156", "units": 1}), "/lines/0/code not-for-service AUT-17"),
            (json!({"code_type": "cpt", "code": "99213", "units": 1}), "/lines/0/code not-for-service AUT-17"),
            (json!({"code_type": "hcpcs", "code": "0551", "units": 1}), "/lines/0/code format AUT-17"),
            (json!({"code_type": "revenue", "code": "G0156", "units": 1}), "/lines/0/code format AUT-17"),
            (json!({"code_type": "revenue", "code": "05510000", "units": 1}), "/lines/0/code format AUT-17"),
            (json!({"code_type": "icd", "code": "0551", "units": 1}), "/lines/0/code_type one-of AUT-17"),
            (
                json!({"code_type": "revenue", "code": "0551", "modifiers": ["UD"], "units": 1}),
                "/lines/0/modifiers not-for-service AUT-17",
            ),
            (
                json!({"code_type": "revenue", "code": "0551", "modifiers": ["ud"], "units": 1}),
                "/lines/0/modifiers/0 format AUT-17",
            ),
        ] {
            let answer = service.submit(&with("/lines/0", line.clone())).await;
            if flaw.is_empty() {
                assert_eq!(answer.expect(201)["lines"][0]["code"], "0551");
            } else {
                assert_eq!(answer.flaws(), [flaw], "{line}");
                if flaw.contains("not-for-service") {
                    assert_eq!(detail(&answer, 0), "Skilled Nursing Care takes revenue 0551 or hcpcs G0493.");
                }
            }
        }
        assert_eq!(service.submit(&with("/lines", json!([]))).await.flaws(), ["/lines items AUT-17"]);
        let line = json!({"code_type": "revenue", "code": "0551", "units": 1});
        assert_eq!(service.submit(&with("/lines", json!(vec![line.clone(); 51]))).await.flaws(), ["/lines items AUT-17"]);
        let created = service.submit(&with("/lines", json!(vec![line; 50]))).await.expect(201);
        assert_eq!(created["lines"][49]["number"], 50);
    }

    async fn aut_18_units_belong_to_a_line_and_are_one_or_more(service) {
        for (units, flaw) in [
            (json!(1), ""),
            (json!(9999), ""),
            (json!(0), "/lines/0/units range AUT-18"),
            (json!(-1), "/lines/0/units range AUT-18"),
            (json!(10_000), "/lines/0/units range AUT-18"),
            (json!(1.5), "/lines/0/units type AUT-18"),
            (json!("12"), "/lines/0/units type AUT-18"),
            (json!(1e30), "/lines/0/units range AUT-18"),
            (json!(null), "/lines/0/units required AUT-18"),
        ] {
            let answer = service.submit(&with("/lines/0/units", units.clone())).await;
            if flaw.is_empty() {
                assert_eq!(answer.expect(201)["lines"][0]["units"]["requested"], units);
            } else {
                assert_eq!(answer.flaws(), [flaw], "{units}");
            }
        }
    }

    async fn aut_20_the_end_is_not_before_the_start(service) {
        for (start, end, flaws) in [
            ("2026-12-05", "2026-12-05", &[][..]),
            ("2026-12-05", "2026-12-04", &["/end_date before-start AUT-20"]),
            ("2026-02-29", "2026-12-04", &["/start_date format AUT-20"]),
            ("2026-12-5", "2026-12-06", &["/start_date format AUT-20"]),
            ("2026-12-05", "2026-12-06T00:00:00Z", &["/end_date format AUT-20"]),
        ] {
            let mut body = with("/start_date", json!(start));
            body["end_date"] = json!(end);
            let answer = service.submit(&body).await;
            if flaws.is_empty() {
                answer.expect(201);
            } else {
                assert_eq!(answer.flaws(), flaws, "{start} {end}");
            }
        }
    }

    /// AUT-22, I-03: scalar values after NFC, the same on both databases, and back as they came.
    async fn aut_22_remarks_have_at_most_255_characters(service) {
        for (unit, kept) in [("a", "a"), ("é", "é"), ("👩", "👩"), ("e\u{301}", "é"), ("\u{2028}", "\u{2028}"), ("'\"\\;", "'\"\\;")] {
            let each = kept.chars().count();
            let most = 255 / each;
            let answer = service.submit(&with("/remarks", json!(unit.repeat(most)))).await;
            let created = answer.expect(201);
            assert_eq!(created["remarks"], kept.repeat(most));
            let path = format!("/v1/authorizations/{}", created["id"].as_str().expect("an id"));
            assert_eq!(service.get("single-site", &path).await.expect(200)["remarks"], kept.repeat(most));
            let over = service.submit(&with("/remarks", json!(unit.repeat(256)))).await;
            assert_eq!(over.flaws(), ["/remarks length AUT-22"], "{unit}");
        }
        for (remarks, kept) in [(json!(null), json!(null)), (json!(""), json!(""))] {
            assert_eq!(service.submit(&with("/remarks", remarks)).await.expect(201)["remarks"], kept);
        }
        assert_eq!(service.submit(&with("/remarks", json!("a\u{0}b"))).await.flaws(), ["/remarks format AUT-22"]);
    }

    /// AUT-23, AUT-29.
    async fn aut_23_the_answer_is_complete_and_found_again(service) {
        let answer = service.submit(&example()).await;
        let created = answer.expect(201);
        for name in ["id", "type", "status", "message", "service_start", "service_end", "documents", "plan_contact"] {
            assert!(!created[name].is_null(), "{name}");
        }
        assert_eq!(created["member"]["name"], "Alma Whitfield");
        assert_eq!(created["member"]["id"], "MCF0000000042");
        assert!(created["member"]["date_of_birth"].is_string());
        assert_eq!(created["refer_from"]["npi"], "1346218294");
        assert_eq!(created["refer_to"]["npi"], "1972902351");
        assert_eq!(created["lines"][0]["units"], json!({"requested": 12, "authorized": 12, "used": 0, "remaining": 12}));
        assert!(created["message"].as_str().expect("text").contains("fax"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));

        let location = answer.header("location").expect("a location");
        assert_eq!(location, format!("/v1/authorizations/{}", created["id"].as_str().expect("an id")));
        let found = service.get("single-site", location).await;
        assert_eq!((&found.text, found.header("etag")), (&answer.text, answer.header("etag")));
        assert_eq!(service.counts(), ["1", "1", "2", "1", "2", "0", "0"]);
    }

    async fn aut_23_pay_to_is_whoever_is_paid_for_the_servicing_provider(service) {
        let created = service.submit(&with("/servicing_provider/npi", json!("1407820673"))).await.expect(201);
        assert_eq!(created["pay_to"], json!({"npi": "1346218294", "name": "Riverside Home Care"}));
    }

    async fn a_06_fields_that_are_not_the_callers_to_set_are_refused(service) {
        let before = service.counts();
        for name in ["status", "owner_site_id", "version", "id", "decision", "created_at", "number_seq", "__proto__"] {
            let mut body = example();
            body[name] = json!("APPROVED");
            assert_eq!(service.submit(&body).await.flaws(), [format!("/{name} unknown -")]);
        }
        for parent in ["/lines/0", "/servicing_provider", "/servicing_provider/contact", "/requesting_provider"] {
            let mut body = example();
            body.pointer_mut(parent).expect(parent)["authorized"] = json!(99);
            assert_eq!(service.submit(&body).await.flaws(), [format!("{parent}/authorized unknown -")]);
        }
        assert_eq!(service.counts(), before);
    }
}
