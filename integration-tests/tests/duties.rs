//! Separation of duties, and the logins that some of them take.

use kernel::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::caller::{but, signed};
use crate::on_both;
use crate::support::{Answer, ISSUER, Service, example};
use crate::users::id;

/// A request that waits for a clinician.
async fn reviewed(service: &Service) -> String {
    let mut body = example();
    body["lines"][0]["units"] = json!(24);
    let it = service.submit(&body).await.expect(201);
    assert!(it["status"] == "MEDREVIEW" || it["status"] == "PEND", "{it}");
    it["id"].as_str().expect("an id").to_owned()
}

fn approve() -> Value {
    json!({"outcome": "approve", "reason_code": "medically_necessary", "reason": "x"})
}

async fn decide(service: &Service, who: &str, id: &str) -> Answer {
    let request = service.request(who, Method::POST, &format!("/v1/authorizations/{id}/decide"));
    Answer::of(request.header("if-match", "\"1.00000000\"").json(&approve())).await
}

on_both! {
    /// S-1: no one decides on a request of their own, or of a site for which they ever had a role, under whatever login.
    async fn a_09_s_01_no_one_decides_on_their_own(service) {
        let (nurse, site) = (id("nurse"), registry::demo::SITES[0].0);
        let number = reviewed(&service).await;
        let before = service.counts();
        let refused = |sql: String, undo: String| {
            let (service, number, before) = (&service, &number, &before);
            async move {
                service.execute(&sql);
                assert_eq!(decide(service, "nurse", number).await.problem(403), "own-request", "{sql}");
                assert_eq!(service.counts(), *before);
                service.execute(&undo);
            }
        };
        // Who sent it, under another login.
        refused(
            format!("update principals set person = '{nurse}' where id = '{}'", id("single-site")),
            format!("update principals set person = id where id = '{}'", id("single-site")),
        ).await;
        // Who once had a role at the site, and has it no more.
        refused(
            format!(
                "insert into grants (id, principal_id, role, site_id, requested_by, requested_at, approved_by, approved_at, ended_by, ended_at) \
                 values ('grt_x', '{nurse}', 'portal_user', '{site}', 's', '2025-01-01 00:00:00', 's', '2025-01-01 00:00:00', 's', '2025-02-01 00:00:00')"
            ),
            "delete from grants where id = 'grt_x'".to_owned(),
        ).await;
        // Or had it under another login.
        refused(
            format!("update principals set person = '{nurse}' where id = '{}'", id("billing-agent")),
            format!("update principals set person = id where id = '{}'", id("billing-agent")),
        ).await;
        // The control: without any of these it is decided.
        decide(&service, "nurse", &number).await.expect(200);
    }

    /// Of several decisions at once one is made.
    async fn a_09_of_several_decisions_at_once_one_is_made(service) {
        let number = reviewed(&service).await;
        let calls = (0..8).map(|_| decide(&service, "nurse", &number));
        let statuses: Vec<_> = futures_util::future::join_all(calls).await.iter().map(|it| it.status).collect();
        assert_eq!(statuses.iter().filter(|it| **it == 200).count(), 1, "{statuses:?}");
        assert!(statuses.iter().all(|it| [200, 409, 412].contains(it)), "{statuses:?}");
    }

    /// J-07: to decide takes a login of the last minutes, by more than a password.
    async fn j_07_an_old_or_weak_login_decides_nothing(service) {
        let number = reviewed(&service).await;
        let now = service.clock.now().timestamp();
        let claims = json!({
            "iss": ISSUER, "aud": "lanyard", "sub": id("nurse"), "client_id": "test",
            "scope": "authorizations:read authorizations:approve", "iat": now, "exp": now + 900, "jti": "j1",
            "acr": "mfa", "auth_time": now,
        });
        let head = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "demo"});
        let ask = |claims: Value| {
            let request = service.anonymous(Method::POST, &format!("/v1/authorizations/{number}/decide"));
            let request = request.bearer_auth(signed(&head, &claims)).header("if-match", "\"1.00000000\"");
            Answer::of(request.json(&approve()))
        };
        for weak in [but(&claims, "acr", json!("pwd")), but(&claims, "acr", json!("")), but(&claims, "auth_time", json!(now - 901))] {
            let answer = ask(weak.clone()).await;
            assert_eq!(answer.problem(401), "step-up-required");
            assert!(answer.header("www-authenticate").expect("a challenge").contains("insufficient_user_authentication"));
            // It reads all the same.
            let read = service.anonymous(Method::GET, &format!("/v1/authorizations/{number}")).bearer_auth(signed(&head, &weak));
            Answer::of(read).await.expect(200);
        }
        // Who may not decide at all is told that, and not to log in anew.
        let mut clerk = but(&claims, "acr", json!("pwd"));
        clerk["sub"] = json!(id("single-site"));
        assert_eq!(ask(clerk).await.problem(403), "not-permitted");
        ask(but(&claims, "auth_time", json!(now - 900))).await.expect(200);
    }

    /// The plan's coordinator enters what came by telephone, for any site, and must name it.
    async fn aut_09_the_plans_coordinator_asks_for_a_site(service) {
        service.post("coordinator", "/v1/authorizations", &example()).await.expect(201);
        let mut body = example();
        body["site_id"] = Value::Null;
        assert_eq!(service.post("coordinator", "/v1/authorizations", &body).await.flaws(), ["/site_id site-required AUT-09"]);
        body["site_id"] = json!("site_ffffffffffffffffffffffffffffffff");
        assert_eq!(service.post("coordinator", "/v1/authorizations", &body).await.problem(403), "site-not-permitted");
    }
}
