//! How a request is ruled on, in real time.

use futures_util::future::join_all;
use serde_json::json;

use crate::on_both;
use crate::support::example;

on_both! {
    async fn the_policy_approves_reviews_and_pends_and_says_why(service) {
        let mut body = example();
        for (units, days, status, row) in
            [(20, 59, "APPROVED", "snc-usual"), (21, 59, "MEDREVIEW", "otherwise"), (30, 89, "APPROVED", "snc-usual")]
        {
            let start: chrono::NaiveDate = "2026-12-01".parse().expect("a date");
            body["lines"] = json!([
                {"code_type": "revenue", "code": "0551", "units": units - 5},
                {"code_type": "revenue", "code": "0551", "units": 5},
            ]);
            body["end_date"] = json!(start + chrono::Days::new(days));
            body["servicing_provider"]["npi"] = json!(if units == 20 { "1972902351" } else if units == 21 { "1770626038" } else { "1234567893" });
            let it = service.submit(&body).await.expect(201);
            assert_eq!(it["status"], status);
            assert_eq!(it["decision"]["outcome"], status);
            assert_eq!(it["decision"]["policy_row"], row);
            assert_eq!(it["decision"]["policy_version"], "2026-11");
            assert_eq!(it["decision"]["decided_by"], json!({"kind": "system"}));
            assert_eq!(it["decision"]["human_reviewed"], false);
            let granted = if status == "APPROVED" { units - 5 } else { 0 };
            assert_eq!(it["lines"][0]["units"], json!({"requested": units - 5, "authorized": granted, "used": 0, "remaining": granted}));
            assert_eq!(it["lines"][1]["status"], status);
        }
        // What a decision was made from is kept beside it.
        let kept = service.texts("select decision as it from authorizations order by number_seq");
        assert!(kept[0].contains(r#""inputs":{"received_on":"2026-12-01","service":"skilled_nursing_care","product":"mcf","age":75,"diagnoses":["I10","E11.9"],"units":20,"days":60,"started_days_ago":0,"duplicate":false}"#), "{}", kept[0]);
    }

    async fn aut_23_a_possible_duplicate_pends_and_says_when_to_check_back(service) {
        let first = service.submit(&example()).await.expect(201);
        assert_eq!(first["status"], "APPROVED");
        let second = service.submit(&example()).await.expect(201);
        assert_eq!(second["status"], "PEND");
        assert_eq!(second["pend_reason"], "possible_duplicate");
        assert_eq!(second["decision"], json!(null));
        assert_eq!((&first["duplicate_of"], &second["duplicate_of"]), (&json!(null), &first["id"]));
        // What it was made from is kept all the same.
        let kept = service.texts("select decision as it from authorizations where status = 'PEND'");
        assert!(kept[0].contains("\"duplicate\":true"), "{}", kept[0]);
        assert_eq!(second["lines"][0]["status"], "PEND");
        assert_eq!(second["lines"][0]["units"]["authorized"], 0);
        assert!(second["message"].as_str().expect("text").contains("4 hours or by the following morning"));

        // Only the same member, service and servicing provider, on days that overlap.
        for (member, npi, start, end, status) in [
            ("HMO0000000051", "1972902351", "2026-12-01", "2027-01-29", "APPROVED"),
            ("MCF0000000042", "1770626038", "2026-12-01", "2027-01-29", "APPROVED"),
            ("MCF0000000042", "1972902351", "2027-01-29", "2027-02-15", "PEND"),
            ("MCF0000000042", "1972902351", "2027-02-16", "2027-03-15", "APPROVED"),
            ("MCF0000000042", "1972902351", "2026-11-20", "2026-11-30", "APPROVED"),
            ("MCF0000000042", "1972902351", "2026-11-20", "2026-12-01", "PEND"),
        ] {
            let mut body = example();
            body["member_id"] = json!(member);
            body["servicing_provider"]["npi"] = json!(npi);
            (body["start_date"], body["end_date"]) = (json!(start), json!(end));
            assert_eq!(service.submit(&body).await.expect(201)["status"], status, "{member} {npi} {start} {end}");
        }

        // What is closed or denied is no reason to wait.
        service.execute("update authorizations set status = 'CLOSED' where number_seq < 5");
        service.execute("update authorizations set status = 'DENIED' where number_seq >= 5");
        assert_eq!(service.submit(&example()).await.expect(201)["status"], "APPROVED");
    }

    /// Another site's twin pends a request, too, and isn't named: it isn't this caller's to know.
    async fn a_02_a_duplicate_of_another_sites_is_not_named(service) {
        service.submit(&example()).await.expect(201);
        let mut body = example();
        body["site_id"] = json!(registry::demo::SITES[2].0);
        body["requesting_provider"] = json!({"npi": "1770626038", "contact": {"name": "Desk", "phone": "+16175550100"}});
        let second = service.post("other-site", "/v1/authorizations", &body).await.expect(201);
        assert_eq!((&second["status"], &second["duplicate_of"]), (&json!("PEND"), &json!(null)));
        // Whoever looks at both for the plan is told.
        let read = service.get("nurse", &format!("/v1/authorizations/{}", second["id"].as_str().expect("an id"))).await;
        assert_eq!(read.expect(200)["duplicate_of"], "26335R00001");
        // Of several it is the first that is named.
        let third = service.submit(&example()).await.expect(201);
        assert_eq!((&third["status"], &third["duplicate_of"]), (&json!("PEND"), &json!("26335R00001")));
    }

    async fn a_period_that_is_out_of_the_usual_goes_to_a_human(service) {
        for (start, end, row) in [
            ("2026-11-01", "2026-11-01", "snc-usual"),
            ("2026-10-31", "2026-10-31", "past-start"),
            ("2027-05-30", "2027-05-30", "snc-usual"),
            ("2027-05-31", "2027-05-31", "far-start"),
            ("2027-01-01", "2028-01-01", "snc-usual"),
            ("2028-02-01", "2199-12-31", "far-start"),
            ("2027-02-02", "2199-12-31", "long-period"),
        ] {
            let mut body = example();
            service.execute("update authorizations set status = 'CLOSED'");
            (body["start_date"], body["end_date"]) = (json!(start), json!(end));
            assert_eq!(service.submit(&body).await.expect(201)["decision"]["policy_row"], row);
        }
    }

    /// FED-01, FED-02: the clock starts at receipt for what isn't decided at once.
    async fn fed_01_fed_02_the_clock_of_what_is_not_decided(service) {
        let mut body = example();
        assert_eq!(service.submit(&body).await.expect(201)["deadlines"], json!([]));
        let pended = service.submit(&body).await.expect(201);
        assert_eq!(pended["deadlines"], json!([{"rule": "FED-02", "due_at": "2026-12-08T15:00:00Z"}]));
        body["urgency"] = json!("expedited");
        body["urgency_reason"] = json!("Discharge tomorrow.");
        body["lines"][0]["units"] = json!(99);
        body["member_id"] = json!("HMO0000000051");
        service.set("2026-12-01T15:00:00.123456Z");
        let reviewed = service.submit(&body).await.expect(201);
        assert_eq!(reviewed["status"], "MEDREVIEW");
        assert_eq!(reviewed["deadlines"], json!([{"rule": "FED-01", "due_at": "2026-12-04T15:00:00.123456Z"}]));
        let path = format!("/v1/authorizations/{}", reviewed["id"].as_str().expect("an id"));
        assert_eq!(service.get("single-site", &path).await.expect(200), reviewed);

        body["urgency"] = json!("standard");
        assert_eq!(service.submit(&body).await.flaws(), ["/urgency_reason not-applicable FED-01"]);
    }

    /// AUT-25: of 16 equal requests at once exactly one is no possible duplicate.
    async fn of_equal_requests_at_once_one_is_no_duplicate(service) {
        let body = example();
        let asked: Vec<_> = (0..16).map(|_| service.submit(&body)).collect();
        let answers = join_all(asked).await;
        let approved = answers.iter().filter(|it| it.expect(201)["status"] == "APPROVED").count();
        assert_eq!(approved, 1);
        let mut ids: Vec<_> = answers.iter().map(|it| it.json()["id"].to_string()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 16);
    }
}
