//! One effect for each `Idempotency-Key` (C-11, C-12).

use authorizations::Error;
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use store::Kept;

use crate::on_both;
use crate::support::{Answer, Options, Service, example};

async fn ask(service: &Service, who: &str, key: &str, body: &Value) -> Answer {
    Answer::of(
        service.request(who, Method::POST, "/v1/authorizations").header("idempotency-key", key).json(body),
    )
    .await
}

/// What is the same in every answer to one request.
fn answered(it: &Answer) -> (u16, &str, Option<&str>, Option<&str>) {
    (it.status, &it.text, it.header("etag"), it.header("location"))
}

on_both! {
    async fn c_11_a_repeated_request_gets_the_first_answer(service) {
        let body = example();
        let first = ask(&service, "single-site", "k1", &body).await;
        first.expect(201);
        assert_eq!(first.header("idempotency-replayed"), None);
        let counts = service.counts();
        for _ in 0..3 {
            let again = ask(&service, "single-site", "k1", &body).await;
            assert_eq!(answered(&again), answered(&first));
            assert_eq!(again.header("idempotency-replayed"), Some("true"));
        }
        // A new token, an hour later.
        service.set("2026-12-01T16:00:00Z");
        assert_eq!(answered(&ask(&service, "single-site", "k1", &body).await), answered(&first));
        // A restart.
        let twin = service.twin(Options::default());
        assert_eq!(answered(&ask(&twin, "single-site", "k1", &body).await), answered(&first));
        assert_eq!(service.counts(), counts);
        // Another key is another request.
        assert_ne!(ask(&service, "single-site", "k2", &body).await.expect(201)["id"], first.json()["id"]);
        twin.stop().await;
    }

    async fn c_11_twenty_at_once_have_one_effect(service) {
        let body = example();
        let answers = join_all((0..20).map(|_| ask(&service, "single-site", "k1", &body))).await;
        for it in &answers {
            it.expect(201);
            assert_eq!(answered(it), answered(&answers[0]));
        }
        assert_eq!(answers.iter().filter(|it| it.header("idempotency-replayed").is_none()).count(), 1);
        assert_eq!(service.counts(), ["1", "1", "2", "1", "2", "0", "1"]);
    }

    async fn c_11_what_would_be_refused_by_now_still_gets_its_answer(service) {
        let mut body = example();
        body["member_id"] = json!("MCF0000000045");
        body["end_date"] = json!("2026-12-31");
        let first = ask(&service, "single-site", "k1", &body).await;
        first.expect(201);
        // The member's coverage has ended since.
        service.set("2027-01-02T15:00:00Z");
        assert_eq!(service.submit(&body).await.flaws(), ["/member_id terminated AUT-02"]);
        assert_eq!(answered(&ask(&service, "single-site", "k1", &body).await), answered(&first));
    }

    async fn c_11_a_refusal_leaves_the_key_free(service) {
        let mut body = example();
        body["lines"][0]["units"] = json!(0);
        assert_eq!(ask(&service, "single-site", "k1", &body).await.flaws(), ["/lines/0/units range AUT-18"]);
        ask(&service, "single-site", "k1", &example()).await.expect(201);
    }

    async fn c_11_a_move_is_made_once(service) {
        let etag = service.submit(&example()).await.header("etag").expect("an etag").to_owned();
        let close = || {
            let request = service.request("coordinator", Method::POST, "/v1/authorizations/26335R00001/close");
            let body = json!({"reason_code": "replaced", "reason": "By a newer one."});
            Answer::of(request.header("idempotency-key", "k1").header("if-match", &etag).json(&body))
        };
        let first = close().await;
        first.expect(200);
        let again = close().await;
        assert_eq!((again.status, &again.text), (200, &first.text));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        // The same key for another authorization is another request.
        service.submit(&example()).await.expect(201);
        let request = service.request("coordinator", Method::POST, "/v1/authorizations/26335R00002/close");
        let body = json!({"reason_code": "replaced", "reason": "By a newer one."});
        let other = Answer::of(request.header("idempotency-key", "k1").header("if-match", &etag).json(&body)).await;
        assert_eq!(other.problem(422), "idempotency-key-reused");
    }

    async fn c_12_a_key_is_for_one_body(service) {
        ask(&service, "single-site", "k1", &example()).await.expect(201);
        let mut other = example();
        other["lines"][0]["units"] = json!(13);
        assert_eq!(ask(&service, "single-site", "k1", &other).await.problem(422), "idempotency-key-reused");
        other["lines"][0]["units"] = json!(0);
        assert_eq!(ask(&service, "single-site", "k1", &other).await.problem(422), "idempotency-key-reused");
        assert_eq!(service.counts()[0], "1");
    }

    async fn c_12_a_key_is_its_callers_and_its_sites_own(service) {
        let mut ids = Vec::new();
        for (who, site) in [("single-site", 0), ("multi-site", 0), ("multi-site", 1), ("ehr-vendor", 0), ("ehr-vendor", 2)] {
            let mut body = example();
            body["site_id"] = json!(registry::demo::SITES[site].0);
            body["requesting_provider"] = json!(null);
            if who == "ehr-vendor" {
                body["requesting_provider"] = json!({"npi": "1346218294", "contact": {"name": "Desk", "phone": "+16175550100"}});
            }
            let answer = ask(&service, who, "k1", &body).await;
            assert_eq!(answer.header("idempotency-replayed"), None);
            ids.push(answer.expect(201)["id"].to_string());
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 5);
    }

    async fn c_12_a_key_has_a_form_and_systems_send_one(service) {
        let body = example();
        let without = service.post("ehr-vendor", "/v1/authorizations", &body).await;
        assert_eq!(without.problem(400), "idempotency-key-required");
        for key in ["", "a b", "a\tb", "\u{e9}", &"k".repeat(256)] {
            assert_eq!(ask(&service, "single-site", key, &body).await.problem(400), "idempotency-key-invalid", "{key}");
        }
        let twice = service.request("single-site", Method::POST, "/v1/authorizations").json(&body);
        let twice = Answer::of(twice.header("idempotency-key", "a").header("idempotency-key", "b")).await;
        assert_eq!(twice.problem(400), "idempotency-key-invalid");
        assert_eq!(service.counts()[0], "0");
        ask(&service, "single-site", &"k".repeat(255), &body).await.expect(201);
    }

    /// What the caller may not see by now is no answer to a repeat, though a state that moved on is none to a refusal.
    async fn c_11_a_repeat_that_finds_nothing_any_more_gets_no_replay(service) {
        let actor = store::Actor { id: "t".into(), client: "t".into(), request: "t".into(), of_service: true };
        let key = || store::IdempotencyKey { scope: "s".into(), key: "k".into(), fingerprint: "f".into() };
        let ask = |answer: Result<u8, Error>| service.store.write_once(&actor, key(), move |_| answer);
        assert_eq!(ask(Ok(1)).await, Ok(Kept { value: 1, replayed: false }));
        assert_eq!(ask(Err(Error::NotFound)).await, Err(Error::NotFound));
        assert_eq!(ask(Err(Error::SiteNotPermitted)).await, Err(Error::SiteNotPermitted));
        for again in [Ok(2), Err(Error::Stale)] {
            assert_eq!(ask(again).await, Ok(Kept { value: 1, replayed: true }));
        }
    }

    /// The caller is authorized before a replay.
    async fn c_11_a_caller_without_the_site_any_more_gets_no_replay(service) {
        ask(&service, "multi-site", "k1", &example()).await.expect(201);
        service.execute(&format!("update grants set ended_at = requested_at where site_id = '{}'", registry::demo::SITES[0].0));
        assert_eq!(ask(&service, "multi-site", "k1", &example()).await.problem(403), "site-not-permitted");
        service.execute("update principals set active = (1 = 0)");
        assert_eq!(ask(&service, "multi-site", "k1", &example()).await.problem(401), "unauthenticated");
    }
}
