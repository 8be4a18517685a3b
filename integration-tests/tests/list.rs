//! Finding authorizations again (AUT-30).

use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Service, example};

async fn ids(service: &Service, who: &str, path: &str) -> (Vec<String>, Option<String>) {
    let answer = service.get(who, path).await;
    let page = answer.expect(200);
    let link = answer.header("link").map(str::to_owned);
    assert_eq!(link.is_some(), page["next_cursor"].is_string(), "{path}");
    let id = |it: &Value| it["id"].as_str().expect("an id").to_owned();
    let next = link.map(|it| {
        it.strip_prefix('<').and_then(|it| it.strip_suffix(">; rel=\"next\"")).expect("a link").to_owned()
    });
    (page["data"].as_array().expect("rows").iter().map(id).collect(), next)
}

on_both! {
    async fn aut_30_a_list_is_newest_first_and_stable_while_it_grows(service) {
        for _ in 0..5 {
            service.submit(&example()).await.expect(201);
        }
        service.set("2026-12-02T15:00:00Z");
        for _ in 0..2 {
            service.submit(&example()).await.expect(201);
        }
        let (mut seen, mut next) = ids(&service, "single-site", "/v1/authorizations?limit=3").await;
        assert_eq!(seen, ["26336R00002", "26336R00001", "26335R00005"]);
        service.submit(&example()).await.expect(201);
        while let Some(path) = next {
            let (more, after) = ids(&service, "single-site", &path).await;
            seen.extend(more);
            next = after;
        }
        let rest = ["26335R00004", "26335R00003", "26335R00002", "26335R00001"];
        assert_eq!(seen[3..], rest.map(str::to_owned));
        assert_eq!(ids(&service, "single-site", "/v1/authorizations?limit=8").await.1, None);
        assert_eq!(ids(&service, "single-site", "/v1/authorizations?limit=7").await.0.len(), 7);
    }

    async fn aut_30_a_list_is_narrowed_by_status(service) {
        for _ in 0..3 {
            service.submit(&example()).await.expect(201);
        }
        let mut body = example();
        body["lines"][0]["units"] = json!(400);
        body["member_id"] = json!("HMO0000000051");
        service.submit(&body).await.expect(201);
        for (status, expected) in [
            ("APPROVED", &["26335R00001"][..]),
            ("PEND", &["26335R00003", "26335R00002"]),
            ("MEDREVIEW", &["26335R00004"]),
            ("DENIED", &[]),
            ("CLOSED", &[]),
        ] {
            let path = format!("/v1/authorizations?status={status}");
            assert_eq!(ids(&service, "single-site", &path).await, (expected.iter().map(|it| (*it).to_owned()).collect(), None));
        }
        // The link of a narrowed list stays narrowed.
        let (first, next) = ids(&service, "single-site", "/v1/authorizations?status=PEND&limit=1").await;
        assert_eq!(first, ["26335R00003"]);
        assert_eq!(ids(&service, "single-site", &next.expect("a page")).await, (vec!["26335R00002".to_owned()], None));
    }

    async fn aut_30_a_row_shows_what_a_list_needs(service) {
        service.submit(&example()).await.expect(201);
        let page = service.get("single-site", "/v1/authorizations").await.expect(200);
        assert_eq!(page, json!({"data": [{
            "id": "26335R00001", "type": "home_health_care", "requested_service": "skilled_nursing_care",
            "status": "APPROVED", "urgency": "standard", "member": {"id": "MCF0000000042", "name": "Alma Whitfield"},
            "site_id": registry::demo::SITES[0].0, "primary_diagnosis": "I10",
            "service_start": "2026-12-01", "service_end": "2027-01-29", "version": 1, "created_at": "2026-12-01T15:00:00Z",
        }], "next_cursor": null}));
    }

    /// I-11: what isn't one of the list's questions is refused, and forged cursors are.
    async fn i_11_other_parameters_are_refused(service) {
        for _ in 0..2 {
            service.submit(&example()).await.expect(201);
        }
        let page = service.get("single-site", "/v1/authorizations?limit=1").await.expect(200);
        let cursor = page["next_cursor"].as_str().expect("a cursor").to_owned();
        let forged: String = cursor.chars().rev().collect();
        let (head, tail) = cursor.split_at(4);
        for query in [
            "limit=0", "limit=201", "limit=x", "limit=-1", "limit=1.0", "limit=", "limit=1&limit=1",
            "status=approved", "status=", "status='--", "sort=member", "cursor=", "cursor=x", "cursor=%00",
            &format!("cursor={forged}"), &format!("cursor={tail}{head}"), &format!("cursor={}", &cursor[..8]), "x",
        ] {
            let answer = service.get("single-site", &format!("/v1/authorizations?{query}")).await;
            assert_eq!(answer.problem(400), "invalid-parameter", "{query}");
        }
        for path in ["/v1/me?x=1", "/v1/authorizations/26335R00001?x=1", "/v1/authorizations/26335R00001?limit=1"] {
            assert_eq!(service.get("single-site", path).await.problem(400), "invalid-parameter", "{path}");
        }
        let dry = service.post("single-site", "/v1/authorizations?dry_run=true", &example()).await;
        assert_eq!(dry.problem(400), "invalid-parameter");
        service.get("single-site", &format!("/v1/authorizations?limit=200&cursor={cursor}")).await.expect(200);
    }

    /// AUT-05: what is wrong with a query is told at once, as with a body.
    async fn aut_05_every_wrong_parameter_is_named_at_once(service) {
        let long = "x".repeat(65);
        let query = format!("limit=0&status=approved&type=a&type=b&site_id=1&created_from=2026-13-01&cursor=zz&other=1&{long}=1&Alma=1\
             &service_from=2026-12-02&service_to=2026-12-01");
        let answer = service.get("single-site", &format!("/v1/authorizations?{query}")).await;
        assert_eq!(answer.problem(400), "invalid-parameter");
        let body = answer.json();
        let errors = body["errors"].as_array().expect("errors").iter();
        let mut named: Vec<_> = errors.map(|it| format!("{} {}", it["pointer"], it["code"]).replace('"', "")).collect();
        named.sort();
        assert_eq!(named, [
            " unknown", " unknown", "/created_from format", "/cursor format", "/limit range", "/other unknown", "/service_to before-start",
            "/site_id format", "/status one-of", "/type items", "/type one-of",
        ]);
        assert!(!answer.text.contains("2026-13") && !answer.text.contains(&long) && !answer.text.contains("Alma"));
        for (path, named) in [
            ("/v1/diagnosis-codes?on=x&limit=99", "/q required /on format /limit range"),
            ("/v1/providers?npi=1&type=x&q=-", "/npi format /type one-of /q format"),
            ("/v1/procedure-codes?q=&service=x", "/q length /service one-of"),
            ("/v1/me?a=1&b=2", "/a unknown /b unknown"),
        ] {
            let answer = service.get("single-site", path).await;
            assert_eq!(answer.problem(400), "invalid-parameter");
            let word = |it: &Value| [&it["pointer"], &it["code"]].map(|it| it.as_str().expect("text").to_owned()).join(" ");
            let body = answer.json();
            let errors: Vec<_> = body["errors"].as_array().expect("errors").iter().map(word).collect();
            assert_eq!(errors.join(" "), named, "{path}");
        }
    }

    /// AUT-30: each filter alone and with others, by URL and by body.
    async fn aut_30_lists_and_searches_are_narrowed_by_every_filter(service) {
        let [first, second, third] = registry::demo::SITES.map(|it| it.0);
        let ask = async |who: &str, site: &str, member: &str, diagnosis: &str, start: &str, end: &str| {
            let mut body = example();
            (body["site_id"], body["member_id"], body["diagnoses"]) = (json!(site), json!(member), json!(["I10", diagnosis]));
            (body["start_date"], body["end_date"]) = (json!(start), json!(end));
            body["requesting_provider"] = json!({"npi": "1346218294", "contact": {"name": "Desk", "phone": "+16175550100"}});
            if site == second {
                body["requesting_provider"]["npi"] = json!("1234567893");
            }
            service.post(who, "/v1/authorizations", &body).await.expect(201)["id"].as_str().expect("an id").to_owned()
        };
        let one = ask("multi-site", first, "MCF0000000042", "E11.9", "2026-12-01", "2026-12-10").await;
        let two = ask("multi-site", second, "MCF0000000042", "J44.9", "2026-12-20", "2026-12-31").await;
        let three = ask("other-site", third, "MCF0000000042", "E11.9", "2027-01-01", "2027-01-10").await;
        service.set("2026-12-03T04:59:00Z");
        let four = ask("multi-site", first, "HMO0000000051", "E11.9", "2026-12-05", "2026-12-06").await;
        service.set("2026-12-03T05:00:00Z");
        let five = ask("multi-site", first, "HMO0000000051", "J44.9", "2026-12-05", "2026-12-06").await;
        let ids = |it: &Value| {
            let id = |it: &Value| it["id"].as_str().expect("an id").to_owned();
            it["data"].as_array().expect("rows").iter().map(id).collect::<Vec<_>>()
        };
        for (who, filter, expected) in [
            ("multi-site", json!({}), vec![&five, &four, &two, &one]),
            ("nurse", json!({}), vec![&five, &four, &three, &two, &one]),
            ("multi-site", json!({"site_id": second}), vec![&two]),
            ("nurse", json!({"site_id": third}), vec![&three]),
            ("nurse", json!({"status": "PEND"}), vec![&five]),
            ("nurse", json!({"type": "home_health_care", "status": "APPROVED"}), vec![&four, &three, &two, &one]),
            ("nurse", json!({"service_from": "2026-12-06"}), vec![&five, &four, &three, &two, &one]),
            ("nurse", json!({"service_from": "2026-12-07"}), vec![&three, &two, &one]),
            ("nurse", json!({"service_to": "2026-12-05"}), vec![&five, &four, &one]),
            ("nurse", json!({"service_to": "2026-12-04"}), vec![&one]),
            ("nurse", json!({"service_from": "2026-12-31", "service_to": "2027-01-01"}), vec![&three, &two]),
            // Days of receipt are those of the plan's zone.
            ("nurse", json!({"created_from": "2026-12-02"}), vec![&five, &four]),
            ("nurse", json!({"created_from": "2026-12-03"}), vec![&five]),
            ("nurse", json!({"created_to": "2026-12-02", "site_id": first}), vec![&four, &one]),
            ("nurse", json!({"created_from": "2026-12-04"}), vec![]),
        ] {
            let found = service.post(who, "/v1/authorizations/search", &filter).await.expect(200);
            assert_eq!(ids(&found).iter().collect::<Vec<_>>(), expected, "{filter}");
            let pairs = filter.as_object().expect("filters").iter();
            let query: Vec<_> = pairs.map(|(name, it)| format!("{name}={}", it.as_str().expect("text"))).collect();
            let listed = service.get(who, &format!("/v1/authorizations?{}", query.join("&"))).await.expect(200);
            assert_eq!(listed, found, "{filter}");
        }
        for (who, filter, expected) in [
            ("nurse", json!({"member_id": "MCF0000000042"}), vec![&three, &two, &one]),
            ("multi-site", json!({"member_id": "MCF0000000042"}), vec![&two, &one]),
            ("other-site", json!({"member_id": "HMO0000000051"}), vec![]),
            ("nurse", json!({"member_id": "MCF0000009999"}), vec![]),
            ("nurse", json!({"diagnosis": "E11.9"}), vec![&four, &three, &one]),
            ("nurse", json!({"diagnosis": "e119", "member_id": "MCF0000000042"}), vec![&three, &one]),
            ("multi-site", json!({"diagnosis": "J44.9", "status": "PEND"}), vec![&five]),
            ("nurse", json!({"diagnosis": "Z48.00"}), vec![]),
        ] {
            let found = service.post(who, "/v1/authorizations/search", &filter).await.expect(200);
            assert_eq!(ids(&found).iter().collect::<Vec<_>>(), expected, "{filter}");
        }
        // Page by page, through several sites and by search, nothing twice and nothing lost.
        let (mut cursor, mut seen) = (json!(null), Vec::new());
        loop {
            let page = service.post("multi-site", "/v1/authorizations/search", &json!({"limit": 1, "cursor": cursor})).await.expect(200);
            seen.extend(ids(&page));
            cursor = page["next_cursor"].clone();
            if cursor.is_null() {
                break;
            }
        }
        assert_eq!(seen.iter().collect::<Vec<_>>(), [&five, &four, &two, &one]);
        let page = service.get("multi-site", "/v1/authorizations?created_to=2026-12-03&limit=3").await;
        let link = page.header("link").expect("a link").trim_start_matches('<').split('>').next().expect("an address").to_owned();
        assert!(link.contains("created_to=2026-12-03&limit=3&cursor="), "{link}");
        assert_eq!(ids(&service.get("multi-site", &link).await.expect(200)), [one]);

        for (query, word) in [
            ("service_from=2026-12-02&service_to=2026-12-01", "service_to"),
            ("created_from=2026-12-02&created_to=2026-12-01", "created_to"),
            ("service_from=tomorrow", "service_from"),
            ("created_from=-262143-01-01", "created_from"),
            ("created_from=%2B12345-01-01", "created_from"),
            ("type=hospice", "type"),
            ("site_id=1", "site_id"),
            ("member_id=MCF0000000042", "takes"),
            ("diagnosis=I10", "takes"),
        ] {
            let answer = service.get("nurse", &format!("/v1/authorizations?{query}")).await;
            assert_eq!(answer.problem(400), "invalid-parameter");
            assert!(answer.text.contains(word), "{}", answer.text);
        }
        let wrong = json!({"service_from": "2026-12-02", "service_to": "2026-12-01", "member_id": "42", "limit": 0, "colour": 1});
        assert_eq!(service.post("nurse", "/v1/authorizations/search", &wrong).await.flaws(), [
            "/colour unknown -", "/member_id format AUT-30", "/limit range AUT-30", "/service_to before-start AUT-30",
        ]);
        let cursor = json!({"cursor": "AAAA"});
        assert_eq!(service.post("nurse", "/v1/authorizations/search", &cursor).await.flaws(), ["/cursor format AUT-30"]);
        let theirs = service.post("multi-site", "/v1/authorizations/search", &json!({"site_id": third})).await;
        assert_eq!(theirs.problem(403), "site-not-permitted");
        assert_eq!(service.get("single-site", &format!("/v1/authorizations?site_id={second}")).await.problem(403), "site-not-permitted");
    }

    /// AUT-05: both pairs of days that are the wrong way round are named.
    async fn aut_05_a_search_names_every_wrong_pair_of_days(service) {
        let both = json!({"service_from": "2026-12-02", "service_to": "2026-12-01", "created_from": "2026-12-02", "created_to": "2026-12-01"});
        assert_eq!(service.post("nurse", "/v1/authorizations/search", &both).await.flaws(), [
            "/service_to before-start AUT-30", "/created_to before-start AUT-30",
        ]);
    }
}
