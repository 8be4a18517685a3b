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
}
