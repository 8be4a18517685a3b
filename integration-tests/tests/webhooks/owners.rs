//! Whose webhooks are whose, and of what they are told.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PATH, add, add_as, happen, log, moved, of};
use crate::on_both;
use crate::support::{Answer, Receiver, Service, example};

/// How the caller is answered to each thing that is done to a webhook.
async fn tried(service: &Service, who: &str, id: &str) -> Vec<u16> {
    let mut all = Vec::new();
    for path in ["", "/deliveries"] {
        all.push(service.get(who, &format!("{PATH}/{id}{path}")).await.status);
    }
    for (verb, body) in
        [("rotate", json!({})), ("test", json!({})), ("replay", json!({"after": "2026-12-01T00:00:00Z"}))]
    {
        let request = service.request(who, Method::POST, &format!("{PATH}/{id}/{verb}"));
        all.push(
            Answer::of(request.header("idempotency-key", format!("{who}{verb}{id}")).json(&body))
                .await
                .status,
        );
    }
    all
}

fn ids(page: &Value) -> Vec<&str> {
    page["data"].as_array().expect("rows").iter().map(|it| it["id"].as_str().expect("an id")).collect()
}

on_both! {
    async fn a_webhook_is_its_owners(service) {
        let sites = registry::demo::SITES.map(|it| it.0);
        let id = |it: Value| it["id"].as_str().expect("an id").to_owned();
        let theirs = id(add(&service, "https://a.receiver.test/").await);
        let programs = id(add_as(&service, "ehr-vendor", &json!({"url": "https://b.receiver.test/", "site_ids": [sites[0]]})).await.expect(201));
        // An administrator of one of its sites alone.
        service.execute(&format!(
            "update grants set role = 'site_administrator' where principal_id = '{}'",
            crate::users::id("single-site")
        ));
        let own = id(add_as(&service, "single-site", &json!({"url": "https://c.receiver.test/"})).await.expect(201));
        for (who, it, answered) in [
            ("site-administrator", &theirs, [200; 5]),
            ("single-site", &theirs, [404; 5]),
            ("ehr-vendor", &theirs, [404; 5]),
            ("ehr-vendor", &programs, [200; 5]),
            ("clearinghouse", &programs, [404; 5]),
            ("site-administrator", &programs, [404; 5]),
            ("site-administrator", &own, [200; 5]),
            ("compliance", &programs, [200, 200, 403, 403, 403]),
            ("compliance", &theirs, [200, 200, 403, 403, 403]),
            ("nurse", &theirs, [403; 5]),
            ("administrator", &theirs, [403; 5]),
        ] {
            assert_eq!(tried(&service, who, it).await, answered, "{who}");
        }
        for (who, all) in [
            ("site-administrator", vec![&theirs, &own]),
            ("single-site", vec![&own]),
            ("ehr-vendor", vec![&programs]),
            ("clearinghouse", vec![]),
            ("compliance", vec![&theirs, &programs, &own]),
        ] {
            let mut all: Vec<_> = all.into_iter().map(String::as_str).collect();
            all.sort_unstable();
            assert_eq!(ids(&service.get(who, PATH).await.expect(200)), all, "{who}");
        }
        let foreign = json!({"url": "https://d.receiver.test/", "site_ids": [sites[0], sites[2]]});
        assert_eq!(add_as(&service, "site-administrator", &foreign).await.problem(403), "site-not-permitted");
    }

    async fn what_is_asked_for_is_checked(service) {
        for (body, flaws) in [
            (json!({}), vec!["/url required -"]),
            (json!({"url": "http://hooks.example.org/"}), vec!["/url format -"]),
            (json!({"url": "https://user:word@hooks.example.org/"}), vec!["/url format -"]),
            (json!({"url": "https://hooks.example.org/#x"}), vec!["/url format -"]),
            (json!({"url": "https://hooks.example.org:22/"}), vec!["/url format -"]),
            (json!({"url": "https://hooks.example.org/", "types": ["everything"]}), vec!["/types/0 one-of -"]),
            (json!({"url": "https://hooks.example.org/", "site_ids": []}), vec!["/site_ids items -"]),
            (json!({"url": "https://hooks.example.org/", "secret": "x"}), vec!["/secret unknown -"]),
        ] {
            assert_eq!(add_as(&service, "site-administrator", &body).await.flaws(), flaws, "{body}");
        }
        let id = add(&service, "https://hooks.example.org/").await["id"].as_str().expect("an id").to_owned();
        for after in ["yesterday", "2026-12-01", "evt_ffffffffffffffffffffffffffffffff", &*id] {
            assert_eq!(moved(&service, &id, "replay", &json!({"after": after})).await.flaws(), ["/after format -"], "{after}");
        }
        assert_eq!(moved(&service, &id, "enable", &json!({})).await.problem(409), "webhook-unchanged");
        moved(&service, &id, "disable", &json!({"reason": "No longer used."})).await.expect(200);
        assert_eq!(moved(&service, &id, "disable", &json!({})).await.problem(409), "webhook-unchanged");
        assert_eq!(moved(&service, &id, "replay", &json!({"after": "2026-12-01T00:00:00Z"})).await.problem(409), "webhook-disabled");
    }

    async fn one_owner_has_ten_and_no_more(service) {
        let mut made = Vec::new();
        for it in 0..10 {
            made.push(add(&service, &format!("https://hooks.example.org/{}", "x".repeat(it))).await);
        }
        let first = made[0]["id"].as_str().expect("an id");
        let more = json!({"url": "https://hooks.example.org/more/and/more"});
        assert_eq!(add_as(&service, "site-administrator", &more).await.problem(409), "webhook-limit");
        moved(&service, first, "disable", &json!({})).await.expect(200);
        add_as(&service, "site-administrator", &more).await.expect(201);
        assert_eq!(moved(&service, first, "enable", &json!({})).await.problem(409), "webhook-limit");
    }

    /// J-04: what is withdrawn from its owner is told no more, what happened before among it.
    async fn a_webhook_is_told_what_its_owner_may_see_now(service) {
        let receiver = Receiver::start().await;
        let named = [registry::demo::SITES[0].0, registry::demo::SITES[1].0];
        let named = json!({"url": receiver.url(), "site_ids": named});
        let named = add_as(&service, "site-administrator", &named).await.expect(201);
        let id = named["id"].as_str().expect("an id");
        happen(&service).await;
        service.deliver().await;
        assert_eq!(receiver.all().len(), 2);
        happen(&service).await;
        service.execute(&format!(
            "update grants set ended_at = requested_at where principal_id = '{}' and site_id = '{}'",
            crate::users::id("site-administrator"), registry::demo::SITES[0].0
        ));
        service.deliver().await;
        assert_eq!(receiver.all().len(), 2);
        assert_eq!(service.get("site-administrator", &format!("{PATH}/{id}")).await.problem(404), "webhook-not-found");
        let kept = service.texts("select failure as it from webhook_attempts where failure is not null");
        assert_eq!(kept, ["not_permitted", "not_permitted"]);
        // The control: of the other site it still is.
        let mut other = example();
        (other["site_id"], other["requesting_provider"]["npi"]) = (json!(registry::demo::SITES[1].0), json!(registry::demo::SITES[1].3));
        service.post("multi-site", "/v1/authorizations", &other).await.expect(201);
        service.deliver().await;
        assert!(receiver.all().len() > 2);
    }

    async fn a_webhook_is_told_of_its_types_and_its_sites(service) {
        let (typed, other) = (Receiver::start().await, Receiver::start().await);
        let sites = registry::demo::SITES.map(|it| it.0);
        add_as(&service, "site-administrator", &json!({"url": typed.url(), "types": ["authorization.decided"]})).await.expect(201);
        add_as(&service, "site-administrator", &json!({"url": other.url(), "site_ids": [sites[1]]})).await.expect(201);
        happen(&service).await;
        service.deliver().await;
        let told: Vec<_> = typed.all().iter().map(|it| it.json()["type"].clone()).collect();
        assert_eq!((told, other.connected()), (vec![json!("authorization.decided")], 0));
    }

    async fn a_replay_tells_again_with_the_same_ids(service) {
        let receiver = Receiver::start().await;
        happen(&service).await;
        service.deliver().await;
        let id = of(&service, &receiver).await;
        service.set("2026-12-01T15:00:10Z");
        happen(&service).await;
        service.deliver().await;
        let first = receiver.ids();
        assert_eq!(first.len(), 2);
        moved(&service, &id, "replay", &json!({"after": "2026-12-01T15:00:05Z"})).await.expect(200);
        service.deliver().await;
        assert_eq!(receiver.ids(), [first.clone(), first.clone()].concat());
        moved(&service, &id, "replay", &json!({"after": first[0]})).await.expect(200);
        service.deliver().await;
        assert_eq!(receiver.ids()[4..], first[1..]);
        moved(&service, &id, "replay", &json!({"after": "2026-11-01T00:00:00Z"})).await.expect(200);
        service.deliver().await;
        assert_eq!(receiver.ids().len(), 9);
        assert_eq!(log(&service, &id).await.len(), 9);
    }
}
