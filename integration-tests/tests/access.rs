//! Who may do what, as far as there is something to do.

use reqwest::Method;
use serde_json::json;

use crate::on_both;
use crate::support::{Answer, Service, example};

/// What is the same in two answers, but for the request's id and the moment.
fn shape(it: &Answer) -> (u16, String, Vec<(String, String)>) {
    let id = it.header("x-request-id").expect("an id");
    let headers = it.headers.iter().filter(|(name, _)| *name != "x-request-id" && *name != "date");
    let mut headers: Vec<_> = headers.map(|(name, value)| (name.to_string(), format!("{value:?}"))).collect();
    headers.sort();
    (it.status, it.text.replace(id, "…"), headers)
}

async fn close(service: &Service, who: &str, id: &str) -> Answer {
    let request = service.request(who, Method::POST, &format!("/v1/authorizations/{id}/close"));
    let body = json!({"reason_code": "replaced", "reason": "x"});
    Answer::of(request.header("if-match", "\"1.00000000\"").json(&body)).await
}

on_both! {
    async fn a_02_anothers_authorization_is_as_one_that_is_not_there(service) {
        let path = "/v1/authorizations/26335R00001";
        let missing = service.get("other-site", path).await;
        service.submit(&example()).await.expect(201);
        for who in ["single-site", "multi-site", "ehr-vendor", "nurse", "coordinator"] {
            service.get(who, path).await.expect(200);
        }
        let foreign = service.get("other-site", path).await;
        assert_eq!(foreign.problem(404), "authorization-not-found");
        assert_eq!(shape(&foreign), shape(&missing));
        assert_eq!(shape(&service.get("other-site", "/v1/authorizations/26335R00002").await), shape(&missing));
        assert_eq!(shape(&service.get("other-site", "/v1/authorizations/nonsense").await), shape(&missing));
    }

    async fn a_03_lists_hold_the_callers_sites_and_no_others(service) {
        service.submit(&example()).await.expect(201);
        let mut second = example();
        second["site_id"] = json!(registry::demo::SITES[1].0);
        second["requesting_provider"] = json!(null);
        service.post("multi-site", "/v1/authorizations", &second).await.expect(201);
        for (who, count) in [("single-site", 1), ("multi-site", 2), ("ehr-vendor", 1), ("nurse", 2), ("other-site", 0)] {
            let page = service.get(who, "/v1/authorizations").await.expect(200);
            assert_eq!(page["data"].as_array().expect("rows").len(), count, "{who}");
        }
    }

    /// The sites of the servicing provider may read the record; their lists hold what they asked for themselves.
    async fn the_servicing_providers_sites_read_the_record(service) {
        let mut body = example();
        body["servicing_provider"]["npi"] = json!("1770626038");
        service.submit(&body).await.expect(201);
        let path = "/v1/authorizations/26335R00001";
        assert_eq!(service.get("other-site", path).await.expect(200)["actions"], json!([]));
        assert_eq!(service.get("other-site", "/v1/authorizations").await.expect(200)["data"], json!([]));
        // An affiliation that ended before the service began is none.
        service.execute("update affiliations set last_on = '2026-11-30' where npi = '1770626038'");
        assert_eq!(service.get("other-site", path).await.problem(404), "authorization-not-found");
        // A site whose own NPI renders the service.
        body["servicing_provider"]["npi"] = json!("1346218294");
        service.submit(&body).await.expect(201);
        service.get("other-site", "/v1/authorizations/26335R00002").await.expect(200);
    }

    async fn an_operation_takes_its_scope_and_a_role_that_permits_it(service) {
        service.submit(&example()).await.expect(201);
        for (who, creates, closes) in [
            ("single-site", 201, 403),
            ("multi-site", 201, 403),
            ("nurse", 403, 403),
            ("coordinator", 201, 200),
        ] {
            let answer = service.post(who, "/v1/authorizations", &example()).await;
            assert_eq!(answer.status, creates, "{who}");
            assert_eq!(close(&service, who, "26335R00001").await.status, closes, "{who}");
        }
        // A caller that may not is told so before its body is looked at.
        let request = service.request("nurse", Method::POST, "/v1/authorizations").body("{");
        assert_eq!(Answer::of(request).await.problem(403), "not-permitted");
    }

    /// J-04, in part: what the database says is in force at the next request.
    async fn j_04_a_caller_who_was_disabled_is_unknown_at_the_next_request(service) {
        let token = service.token("single-site");
        let ask = || Answer::of(service.anonymous(Method::GET, "/v1/me").bearer_auth(&token));
        ask().await.expect(200);
        service.execute("update grants set ended_at = requested_at");
        assert_eq!(ask().await.expect(200)["sites"], json!([]));
        assert_eq!(service.submit(&example()).await.problem(403), "not-permitted");
        assert_eq!(service.get("single-site", "/v1/authorizations/26335R00001").await.problem(403), "not-permitted");
        service.execute("update principals set active = (1 = 0)");
        assert_eq!(ask().await.problem(401), "unauthenticated");
    }

    /// What an SPA draws its menus from: the sites with the roles at each, the scopes, and the operations that they open.
    async fn aut_09_me_tells_the_sites_and_the_contact_defaults(service) {
        let mut me = service.get("multi-site", "/v1/me").await.expect(200);
        let (scopes, operations) = (me["scopes"].take(), me["operations"].take());
        assert_eq!(me, json!({
            "id": registry::demo::PRINCIPALS[1].0, "kind": "person", "name": "multi-site",
            "contact": {"name": "Intake desk", "phone": "+16175550100"},
            "roles": ["portal_user"],
            "sites": [
                {"id": registry::demo::SITES[0].0, "name": "Riverside Home Care, Dorchester", "npi": "1346218294", "roles": ["portal_user"], "last_on": null},
                {"id": registry::demo::SITES[1].0, "name": "Riverside Home Care, Quincy", "npi": "1234567893", "roles": ["portal_user"], "last_on": null},
            ],
            "scopes": null, "operations": null,
        }));
        let has = |all: &serde_json::Value, one: &str| all.as_array().expect("a list").contains(&json!(one));
        for (word, there) in [("authorizations:create", true), ("members:search", true), ("authorizations:deny", false), ("policy:read", false)] {
            assert_eq!(has(&scopes, word), there, "{word}");
        }
        for (word, there) in [("create_authorization", true), ("get_me", true), ("decide_authorization", false), ("get_policy", false)] {
            assert_eq!(has(&operations, word), there, "{word}");
        }
        let nurse = service.get("nurse", "/v1/me").await.expect(200);
        assert!(has(&nurse["operations"], "decide_authorization") && !has(&nurse["operations"], "create_authorization"));
        // An emergency is a person's who cares for members.
        assert!(has(&nurse["operations"], "open_emergency_access"));
        for who in ["ehr-vendor", "operator"] {
            let it = service.get(who, "/v1/me").await.expect(200);
            assert!(has(&it["operations"], "get_me") && !has(&it["operations"], "open_emergency_access"), "{who}");
        }
    }

    /// A vendor sees how long it acts for each site: to the last day of the role that lasts longest.
    async fn enr_10_me_tells_until_when(service) {
        let last = async || {
            let it = service.get("ehr-vendor", "/v1/me").await.expect(200);
            it["sites"].as_array().expect("sites").iter().map(|it| it["last_on"].clone()).collect::<Vec<_>>()
        };
        assert_eq!(last().await, [json!(null), json!(null)]);
        let of = |site: usize| format!("principal_id = '{}' and site_id = '{}'", registry::demo::PRINCIPALS[2].0, registry::demo::SITES[site].0);
        service.execute(&format!("update grants set last_on = '2026-12-31' where {}", of(0)));
        assert_eq!(last().await, [json!("2026-12-31"), json!(null)]);
        let other = |last: &str| format!("insert into grants (id, principal_id, role, site_id, last_on, requested_by, requested_at, approved_by, approved_at) \
            select 'grt_{:032x}', principal_id, 'clearinghouse', site_id, {last}, 'system', requested_at, 'system', approved_at from grants where {} and role = 'ehr_vendor'", last.len(), of(0));
        service.execute(&other("date '2027-01-31'").replace("date '", if service.kind == crate::support::Kind::Sqlite { "'" } else { "date '" }));
        assert_eq!(last().await, [json!("2027-01-31"), json!(null)]);
        service.execute("update grants set last_on = null where role = 'clearinghouse'");
        assert_eq!(last().await, [json!(null), json!(null)]);
    }
}
