//! What becomes of a webhook that is changed, and of one that is told of all of its owner's sites.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::feed::other_site;
use super::{PATH, add, add_as, happen, moved, of};
use crate::on_both;
use crate::support::{Answer, Answers, Receiver, Service};

async fn change(service: &Service, who: &str, id: &str, version: Option<&str>, body: &Value) -> Answer {
    let request = service.request(who, Method::PATCH, &format!("{PATH}/{id}"));
    let request = version
        .into_iter()
        .fold(request, |it, version| it.header("if-match", format!("\"{version}.00000000\"")));
    Answer::of(request.json(body)).await
}

fn id(it: &Value) -> &str {
    it["id"].as_str().expect("an id")
}

/// The sites of which a receiver was told.
fn sites(receiver: &Receiver) -> BTreeSet<String> {
    receiver.all().iter().map(|it| it.json()["site_id"].as_str().expect("a site").to_owned()).collect()
}

/// Ends the grants of someone for a site, or takes that back.
fn withdraw(service: &Service, who: &str, site: &str, ended: &str) {
    let who = crate::users::id(who);
    service.execute(&format!(
        "update grants set ended_at = {ended} where principal_id = '{who}' and site_id = '{site}'"
    ));
}

on_both! {
    /// Of a site that is delegated later it is told, and of one that is lost no more; one that names its sites is told of these.
    async fn all_sites_are_those_of_each_moment(service) {
        let [own, _, other, ..] = registry::demo::SITES.map(|it| it.0.to_owned());
        withdraw(&service, "ehr-vendor", &other, "requested_at");
        let (all, named) = (Receiver::start().await, Receiver::start().await);
        let made = add_as(&service, "ehr-vendor", &json!({"url": all.url()})).await.expect(201);
        assert_eq!(made["site_ids"], Value::Null);
        let fixed = json!({"url": named.url(), "site_ids": [own]});
        assert_eq!(add_as(&service, "ehr-vendor", &fixed).await.expect(201)["site_ids"], json!([own]));
        happen(&service).await;
        other_site(&service).await;
        service.deliver().await;
        assert_eq!((sites(&all), sites(&named)), ([own.clone()].into(), [own.clone()].into()));
        withdraw(&service, "ehr-vendor", &other, "null");
        other_site(&service).await;
        service.deliver().await;
        assert_eq!((sites(&all), sites(&named)), ([own.clone(), other.clone()].into(), [own.clone()].into()));
        let told = all.all().len();
        withdraw(&service, "ehr-vendor", &other, "requested_at");
        other_site(&service).await;
        service.deliver().await;
        assert_eq!(all.all().len(), told);
        // A test goes to it, whatever its sites are, and it is listed.
        let test = service.request("ehr-vendor", Method::POST, &format!("{PATH}/{}/test", id(&made)));
        Answer::of(test.header("idempotency-key", "t")).await.expect(200);
        service.deliver().await;
        assert_eq!(all.all().len(), told + 1);
        assert_eq!(service.get("ehr-vendor", PATH).await.expect(200)["data"].as_array().expect("rows").len(), 2);
    }

    async fn a_change_is_of_what_it_names_and_of_nothing_else(service) {
        let (first, second) = (Receiver::start().await, Receiver::start().await);
        let made = add(&service, &first.url()).await;
        let (it, secret) = (id(&made), made["secret"].as_str().expect("a secret"));
        let who = "site-administrator";
        for (version, status, slug) in [(None, 428, "if-match-required"), (Some("2"), 412, "webhook-changed")] {
            let refused = change(&service, who, it, version, &json!({"url": second.url()})).await;
            assert_eq!(refused.problem(status), slug);
        }
        let changed = change(&service, who, it, Some("1"), &json!({"url": second.url(), "description": "New."})).await.expect(200);
        assert_eq!((&changed["version"], &changed["types"], &changed["site_ids"]), (&json!(2), &json!([]), &Value::Null));
        assert_eq!((&changed["public_key"], &changed["description"]), (&made["public_key"], &json!("New.")));
        let site = registry::demo::SITES[0].0;
        let narrow = json!({"types": ["authorization.decided"], "site_ids": [site], "description": null});
        let narrow = change(&service, who, it, Some("2"), &narrow).await.expect(200);
        assert_eq!((&narrow["types"], &narrow["site_ids"]), (&json!(["authorization.decided"]), &json!([site])));
        assert_eq!((&narrow["description"], &narrow["url"]), (&Value::Null, &changed["url"]));
        happen(&service).await;
        service.deliver().await;
        let types: Vec<_> = second.all().iter().map(|it| it.json()["type"].clone()).collect();
        assert_eq!((first.connected(), types), (0, vec![json!("authorization.decided")]));
        let sent = second.all().pop().expect("an event");
        let signature = Webhook::new(secret).expect("a secret").sign(
            sent.header("webhook-id"),
            sent.header("webhook-timestamp").parse().expect("seconds"),
            sent.text.as_bytes(),
        );
        assert!(sent.header("webhook-signature").split(' ').any(|it| it == signature.as_ref().expect("a signature")));
        let back = change(&service, who, it, Some("3"), &json!({"types": null, "site_ids": null})).await.expect(200);
        assert_eq!((&back["types"], &back["site_ids"]), (&json!([]), &Value::Null));
        happen(&service).await;
        service.deliver().await;
        assert_eq!(second.all().iter().filter(|it| it.json()["type"] == "authorization.submitted").count(), 1);
        let told = service.get(who, "/v1/events?type=webhook.changed").await.expect(200);
        let versions: Vec<_> = told["data"].as_array().expect("rows").iter().map(|it| it["version"].clone()).collect();
        assert_eq!(versions, [2, 3, 4].map(|it| json!(it)));
        assert_eq!(service.texts("select action as it from trail where action = 'webhook.change'").len(), 3);
    }

    /// What waits is sent to the new address at once, with its ids and in its order; of a site that was taken away nothing is.
    async fn what_waits_goes_where_the_webhook_is(service) {
        let (first, second) = (Receiver::start().await, Receiver::start().await);
        first.answer(|_| Answers::With(500, ""));
        let it = of(&service, &first).await;
        let subject = happen(&service).await;
        service.deliver().await;
        assert_eq!((first.all().len(), second.all().len()), (1, 0));
        let changed = change(&service, "site-administrator", &it, Some("1"), &json!({"url": second.url()})).await.expect(200);
        assert_eq!(changed["failing_since"], Value::Null);
        service.deliver().await;
        let told: Vec<_> = second.all().iter().map(crate::support::Received::json).filter(|it| it["subject"] == json!(subject)).collect();
        let sequences: Vec<_> = told.iter().map(|it| it["sequence"].clone()).collect();
        assert_eq!((sequences, &told[0]["id"]), (vec![json!(1), json!(2)], &json!(first.ids()[0])));
        second.answer(|_| Answers::With(500, ""));
        happen(&service).await;
        service.deliver().await;
        let before = second.all().len();
        let elsewhere = json!({"url": format!("{}x", second.url()), "site_ids": [registry::demo::SITES[1].0]});
        change(&service, "site-administrator", &it, Some("2"), &elsewhere).await.expect(200);
        second.answer(|_| Answers::With(200, ""));
        service.deliver().await;
        let after: Vec<_> = second.all()[before..].iter().map(|it| it.json()["type"].clone()).collect();
        assert_eq!(after, [json!("webhook.changed")]);
    }

    async fn a_change_is_checked_as_a_new_one_is(service) {
        let it = add(&service, "https://hooks.example.org/").await;
        let (it, who) = (id(&it), "site-administrator");
        for (body, flaws) in [
            (json!({}), vec![" required -"]),
            (json!({"url": null}), vec!["/url required -"]),
            (json!({"url": "http://hooks.example.org/"}), vec!["/url format -"]),
            (json!({"url": "https://hooks.example.org:22/"}), vec!["/url format -"]),
            (json!({"types": ["authorization.decidedd"]}), vec!["/types/0 one-of -"]),
            (json!({"types": []}), vec!["/types items -"]),
            (json!({"site_ids": []}), vec!["/site_ids items -"]),
            (json!({"types": null, "status": "disabled"}), vec!["/status unknown -"]),
        ] {
            assert_eq!(change(&service, who, it, Some("1"), &body).await.flaws(), flaws, "{body}");
        }
        let foreign = json!({"site_ids": [registry::demo::SITES[2].0]});
        assert_eq!(change(&service, who, it, Some("1"), &foreign).await.problem(403), "site-not-permitted");
        assert_eq!(service.get(who, &format!("{PATH}/{it}")).await.expect(200)["version"], 1);
    }

    /// Who administers all of its sites today may name some of them, and not have it told of those that come.
    async fn all_sites_are_for_the_owner_to_ask_for(service) {
        service.execute(&format!(
            "update grants set role = 'site_administrator' where principal_id = '{}'",
            crate::users::id("single-site")
        ));
        let made = add_as(&service, "single-site", &json!({"url": "https://hooks.example.org/"})).await.expect(201);
        let (it, site, who) = (id(&made), registry::demo::SITES[0].0, "site-administrator");
        for body in [json!({"url": "https://hooks.example.org/x"}), json!({"site_ids": null})] {
            assert_eq!(change(&service, who, it, Some("1"), &body).await.problem(403), "site-not-permitted", "{body}");
        }
        change(&service, who, it, Some("1"), &json!({"site_ids": [site]})).await.expect(200);
        assert_eq!(change(&service, who, it, Some("2"), &json!({"site_ids": null})).await.problem(403), "site-not-permitted");
        change(&service, "single-site", it, Some("2"), &json!({"site_ids": null})).await.expect(200);
    }

    /// A move that names a version is made to that one only; a test and a replay make no other.
    async fn a_move_is_of_the_version_that_it_names(service) {
        let made = add(&service, "https://hooks.example.org/").await;
        let it = id(&made);
        let send = |verb: &str, version: &str, body: &Value| {
            let request = service.request("site-administrator", Method::POST, &format!("{PATH}/{it}/{verb}"));
            Answer::of(request.header("if-match", version).json(body))
        };
        let after = json!({"after": "2026-12-01T00:00:00Z"});
        for (verb, body) in [("test", json!({})), ("replay", after), ("rotate", json!({})), ("disable", json!({}))] {
            assert_eq!(send(verb, "\"7.00000000\"", &body).await.problem(412), "webhook-changed", "{verb}");
            assert_eq!(send(verb, "7", &body).await.problem(400), "if-match-invalid", "{verb}");
        }
        assert_eq!(send("test", "\"1.00000000\"", &json!({})).await.expect(200)["version"], 1);
        assert_eq!(send("replay", "\"1.00000000\"", &json!({"after": "2026-12-01T00:00:00Z"})).await.expect(200)["version"], 1);
        let rotated = send("rotate", "\"1.00000000\"", &json!({})).await;
        assert_eq!(rotated.expect(200)["version"], 2);
        assert_eq!(send("disable", "\"1.00000000\"", &json!({})).await.problem(412), "webhook-changed");
        send("disable", rotated.header("etag").expect("an etag"), &json!({})).await.expect(200);
        assert_eq!(send("enable", "\"2.00000000\"", &json!({})).await.problem(412), "webhook-changed");
        // The control: whoever names none has it done.
        moved(&service, it, "enable", &json!({})).await.expect(200);
    }

    /// Where nothing must be given, no body is an empty one; a body of another type is refused as ever.
    async fn what_may_be_left_out_may_be_left_out_whole(service) {
        let made = add(&service, "https://hooks.example.org/").await;
        let path = |verb: &str| format!("{PATH}/{}/{verb}", id(&made));
        let send = |verb: &str| service.request("site-administrator", Method::POST, &path(verb));
        for verb in ["test", "rotate", "disable", "enable"] {
            Answer::of(send(verb)).await.expect(200);
        }
        assert_eq!(Answer::of(send("test").body("{}")).await.problem(415), "not-json");
        assert_eq!(Answer::of(send("test").header("content-type", "text/plain")).await.problem(415), "not-json");
        assert_eq!(Answer::of(send("test").header("content-type", "application/json")).await.problem(400), "unreadable-body");
        assert_eq!(Answer::of(send("replay")).await.problem(415), "not-json");
        // The contract says so of these, and of no other.
        for (path, _, it) in crate::contract::operations() {
            let body = &it["requestBody"];
            let name = body["content"]["application/json"]["schema"]["$ref"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
            let schema = &crate::contract::document()["components"]["schemas"][name];
            let nothing = schema.is_object() && schema["required"].is_null() && schema["minProperties"].is_null();
            assert_eq!(body["required"] == false, nothing, "{path}");
        }
    }
}
