//! Who acts for whom (ENR-10).

use registry::Role;
use registry::demo::SITES;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Service, example};
use crate::users::{demo_grant, id, send, token};

fn delegation(agent: &str, site: &str) -> Value {
    json!({"agent_id": agent, "site_id": site, "channel": "portal", "first_on": "2026-12-01"})
}

fn why() -> Value {
    json!({"reason": "The contract is over."})
}

/// Someone outside of every site; their id and token.
async fn agent(service: &Service) -> (String, String) {
    let body = json!({"login": "agent@billing", "name": "Kim Doe", "kind": "person"});
    let it = service.post("administrator", "/v1/users", &body).await.expect(201);
    let token = token(service, "agent@billing", Role::BillingAgent, &json!({"exp": 4_000_000_000_u32}));
    (it["id"].as_str().expect("an id").to_owned(), token)
}

on_both! {
    /// A-10, ENR-10: an agent without a delegation, with one, after its last day, and after it was ended.
    async fn a_10_an_agent_acts_while_that_is_on_record(service) {
        let (agent, _) = agent(&service).await;
        let ask = async || {
            let token = token(&service, "agent@billing", Role::BillingAgent, &json!({}));
            let mut body = example();
            body["end_date"] = json!("2026-12-10");
            send(&service, &token, "/v1/authorizations", &body).await
        };
        assert_eq!(ask().await.problem(403), "not-permitted");
        let mut body = delegation(&agent, SITES[0].0);
        body["last_on"] = json!("2026-12-02");
        let request = service.request("site-administrator", reqwest::Method::POST, "/v1/delegations");
        let answer = crate::support::Answer::of(request.header("x-request-id", "paper-1").json(&body)).await;
        let it = answer.expect(201);
        assert_eq!((&it["status"], &it["role"], &it["channel"], &it["paper"]), (&json!("active"), &json!("billing_agent"), &json!("portal"), &json!("paper-1")));
        assert_eq!(service.post("site-administrator", "/v1/delegations", &body).await.problem(409), "grant-exists");
        ask().await.expect(201);
        service.set("2026-12-03T04:59:59Z");
        ask().await.expect(201);
        service.set("2026-12-03T05:00:00Z");
        assert_eq!(ask().await.problem(403), "not-permitted");
        // Again, from tomorrow on, and then ended.
        let mut body = delegation(&agent, SITES[0].0);
        body["first_on"] = json!("2026-12-04");
        let it = service.post("site-administrator", "/v1/delegations", &body).await.expect(201);
        assert_eq!(it["status"], "scheduled");
        assert_eq!(ask().await.problem(403), "not-permitted");
        service.set("2026-12-04T15:00:00Z");
        ask().await.expect(201);
        let end = format!("/v1/delegations/{}/end", it["id"].as_str().expect("an id"));
        assert_eq!(service.post("site-administrator", &end, &why()).await.expect(200)["status"], "ended");
        assert_eq!(ask().await.problem(403), "not-permitted");
        assert_eq!(service.post("site-administrator", &end, &why()).await.problem(409), "delegation-action-not-permitted");
        // Each event is the delegation's own; the first one's was over before it was told so.
        let events = |of: &str| {
            let what = "topic || ' ' || status || ' ' || cast(version as text) || ' ' || cast(sequence as text)";
            service.texts(&format!("select {what} as it from outbox where subject {of} order by at, subject, sequence"))
        };
        assert_eq!(events(&format!("= '{agent}'")), ["user.created active 1 1"]);
        assert_eq!(events(&format!("= '{}'", it["id"].as_str().expect("an id"))), ["delegation.recorded scheduled 1 1", "delegation.ended ended 2 2"]);
        let all = ["delegation.recorded active 1 1", "delegation.ended ended 2 2", "delegation.recorded scheduled 1 1", "delegation.ended ended 2 2"];
        assert_eq!(events("like 'grt_%'"), all);
    }

    /// ENR-10: in writing, by those who may, and on paper that is kept; by word of mouth no one is put on record.
    async fn enr_10_a_delegation_is_in_writing(service) {
        let (agent, _) = agent(&service).await;
        let but = |name: &str, value: Value| {
            let mut body = delegation(&agent, SITES[0].0);
            body[name] = value;
            body
        };
        for (who, body, flaws) in [
            ("site-administrator", but("channel", json!("telephone")), &["/channel one-of ENR-10"][..]),
            ("site-administrator", but("channel", json!("letter")), &["/paper required ENR-10", "/channel one-of ENR-10"]),
            ("site-administrator", but("paper", json!("drawer 3")), &["/paper not-applicable ENR-10"]),
            ("site-administrator", but("agent_id", json!(id("nurse"))), &["/agent_id unknown-user ENR-10"]),
            ("site-administrator", but("agent_id", json!("usr_ffffffffffffffffffffffffffffffff")), &["/agent_id unknown-user ENR-10"]),
            ("site-administrator", but("agent_id", json!(id("ehr-vendor"))), &["/role required ENR-10"]),
            ("site-administrator", but("role", json!("portal_user")), &["/role one-of ENR-10"]),
            ("site-administrator", but("last_on", json!("2026-11-30")), &["/last_on before-start ENR-10", "/last_on range ENR-10"]),
            ("administrator", but("x", json!(1)), &["/x unknown -", "/channel one-of ENR-10"]),
            ("administrator", but("site_id", json!("site_ffffffffffffffffffffffffffffffff")), &["/channel one-of ENR-10", "/site_id unknown-site ENR-10"]),
        ] {
            assert_eq!(service.post(who, "/v1/delegations", &body).await.flaws(), flaws, "{who} {body}");
        }
        assert_eq!(service.post("site-administrator", "/v1/delegations", &but("site_id", json!(SITES[2].0))).await.problem(403), "site-not-permitted");
        assert_eq!(service.post("single-site", "/v1/delegations", &but("x", json!(1))).await.problem(403), "not-permitted");
        let own = but("agent_id", json!(id("site-administrator")));
        assert_eq!(service.post("site-administrator", "/v1/delegations", &own).await.problem(403), "own-grant");
        // The plan's people, with the paper: provider relations for their sites, administrators for any.
        for (who, site, status) in [
            ("provider-relations", SITES[2].0, 403), ("provider-relations", SITES[1].0, 201), ("administrator", SITES[2].0, 201),
        ] {
            let body = json!({"agent_id": id("clearinghouse"), "role": "ehr_vendor", "site_id": site, "channel": "form",
                "paper": "files/7", "first_on": "2026-12-01"});
            assert_eq!(service.post(who, "/v1/delegations", &body).await.status, status, "{who}");
        }
        // Who acts for a site as an agent names no others for it; what is only asked for, or is of another site, is no obstacle.
        let acts = |site: &str| json!({"agent_id": id("site-administrator"), "site_id": site, "channel": "letter", "paper": "p", "first_on": "2026-12-01"});
        service.post("administrator", "/v1/delegations", &acts(SITES[2].0)).await.expect(201);
        let asked = service.post("administrator", "/v1/delegations", &acts(SITES[0].0)).await.expect(201);
        assert_eq!(asked["status"], "requested");
        let first = service.post("site-administrator", "/v1/delegations", &delegation(&agent, SITES[0].0)).await.expect(201);
        let end = format!("/v1/delegations/{}/end", first["id"].as_str().expect("an id"));
        service.post("site-administrator", &end, &json!({"reason": "x"})).await.expect(200);
        // What one of the plan's administrators enters, another person approves.
        let path = format!("/v1/delegations/{}", asked["id"].as_str().expect("an id"));
        let approve = format!("{path}/approve");
        assert_eq!(service.post("administrator", &approve, &json!({})).await.problem(403), "second-person-required");
        assert_eq!(service.post("provider-relations", &approve, &json!({})).await.problem(403), "plan-only");
        let it = service.post("second-administrator", &approve, &json!({})).await.expect(200);
        assert_eq!((&it["status"], &it["approved_by"], &it["version"]), (&json!("active"), &json!(id("second-administrator")), &json!(2)));
        let again = service.post("second-administrator", &approve, &json!({})).await;
        assert_eq!(again.problem(409), "delegation-action-not-permitted");
        assert_eq!((&again.json()["allowed_actions"], &again.json()["detail"]), (&json!(["end"]), &json!("A delegation that is active does not permit approve.")));
        assert_eq!(service.post("site-administrator", "/v1/delegations", &but("x", json!(null))).await.flaws(), ["/x unknown -"]);
        let answer = service.post("site-administrator", "/v1/delegations", &delegation(&agent, SITES[0].0)).await;
        assert_eq!(answer.problem(403), "agents-do-not-delegate");
    }

    /// ENR-10: what was recorded is found where `Location` says, and changed as it was read.
    async fn enr_10_a_delegation_has_an_address_and_a_version(service) {
        let body = json!({"agent_id": id("billing-agent"), "site_id": SITES[1].0, "channel": "letter", "paper": "p", "first_on": "2026-12-01"});
        let made = service.post("administrator", "/v1/delegations", &body).await;
        let path = format!("/v1/delegations/{}", made.expect(201)["id"].as_str().expect("an id"));
        assert_eq!(made.header("location"), Some(&*path));
        let found = service.get("site-administrator", &path).await;
        assert_eq!((found.expect(200), found.header("etag")), (made.json(), made.header("etag")));
        let etag = found.header("etag").expect("a version").to_owned();
        let known = service.request("site-administrator", reqwest::Method::GET, &path).header("if-none-match", &etag);
        assert_eq!(crate::support::Answer::of(known).await.status, 304);
        // To whoever sees no users of the site it isn't there, nor is a grant that is no delegation.
        for path in [&path[..path.len() - 1], "/v1/delegations/x", &format!("/v1/delegations/{}", demo_grant("single-site", Some(0)))] {
            assert_eq!(service.get("administrator", path).await.problem(404), "delegation-not-found");
        }
        let foreign = format!("/v1/delegations/{}", demo_grant("ehr-vendor", Some(2)));
        service.get("administrator", &foreign).await.expect(200);
        assert_eq!(service.get("site-administrator", &foreign).await.problem(404), "delegation-not-found");
        let send = async |who: &str, verb: &str, etag: &str, body: &Value| {
            let request = service.request(who, reqwest::Method::POST, &format!("{path}/{verb}")).header("if-match", etag);
            crate::support::Answer::of(request.json(body)).await
        };
        assert_eq!(send("second-administrator", "approve", "\"2.00000000\"", &json!({})).await.problem(412), "delegation-changed");
        send("second-administrator", "approve", &etag, &json!({})).await.expect(200);
        assert_eq!(send("site-administrator", "end", &etag, &why()).await.problem(412), "delegation-changed");
        assert_eq!(send("site-administrator", "end", "x", &why()).await.problem(400), "if-match-invalid");
        assert_eq!(send("site-administrator", "end", "\"2.00000000\"", &why()).await.expect(200)["version"], 3);
    }

    async fn enr_10_a_site_sees_who_acts_for_it(service) {
        let rows = |it: Value| it["data"].as_array().expect("rows").clone();
        let mine = rows(service.get("site-administrator", "/v1/delegations").await.expect(200));
        assert!(mine.iter().all(|it| it["site_id"] == SITES[0].0 || it["site_id"] == SITES[1].0));
        let ids: Vec<_> = mine.iter().map(|it| it["id"].as_str().expect("an id")).collect();
        assert_eq!(ids, [demo_grant("ehr-vendor", Some(0)), demo_grant("clearinghouse", Some(0)), demo_grant("billing-agent", Some(0))]);
        assert_eq!(mine[2]["agent"], json!({"id": id("billing-agent"), "kind": "person", "name": "billing-agent"}));
        let (mut seen, mut next) = (Vec::new(), Some("/v1/delegations?limit=4".to_owned()));
        while let Some(path) = next {
            let answer = service.get("administrator", &path).await;
            seen.extend(rows(answer.expect(200)));
            next = answer.header("link").map(|it| it.trim_start_matches('<').split('>').next().expect("a link").to_owned());
        }
        assert_eq!(seen, rows(service.get("administrator", "/v1/delegations?limit=200").await.expect(200)));
        let path = format!("/v1/delegations?site_id={}", SITES[2].0);
        assert_eq!(rows(service.get("administrator", &path).await.expect(200)).len(), 2);
        assert_eq!(service.get("site-administrator", &path).await.problem(403), "site-not-permitted");
        assert_eq!(service.get("single-site", "/v1/delegations").await.problem(403), "not-permitted");
        // Another site's delegation, a grant that is none, and nothing at all are the same.
        let foreign = format!("/v1/delegations/{}/end", demo_grant("ehr-vendor", Some(2)));
        let none = format!("/v1/delegations/{}/end", demo_grant("single-site", Some(0)));
        for path in [&*foreign, &none, "/v1/delegations/x/end"] {
            assert_eq!(service.post("site-administrator", path, &why()).await.problem(404), "delegation-not-found");
        }
        assert_eq!(service.post("administrator", &foreign, &why()).await.expect(200)["status"], "ended");
        let one = format!("/v1/delegations/{}/end", demo_grant("billing-agent", Some(0)));
        service.post("provider-relations", &one, &why()).await.expect(200);
        assert_eq!(service.get("billing-agent", "/v1/authorizations").await.problem(403), "not-permitted");
    }
}
