//! What is sent, and by what it is known to be ours (W-05, W-08).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chrono::TimeDelta;
use ed25519_dalek::{Signature, VerifyingKey};
use kernel::{Clock, SystemClock};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::{PATH, add, happen, log, moved};
use crate::on_both;
use crate::support::{Received, Receiver, Service};

/// Whether the public verifier of Standard Webhooks takes it.
fn verified(it: &Received, secret: &str) -> bool {
    let verifier = Webhook::new(secret).expect("a secret");
    let mut heads = http_headers(it);
    let good = verifier.verify(it.text.as_bytes(), &heads).is_ok();
    // The control: of each part another is noticed.
    assert!(verifier.verify(format!("{} ", it.text).as_bytes(), &heads).is_err());
    heads.insert("webhook-id", "evt_x".parse().expect("a value"));
    assert!(verifier.verify(it.text.as_bytes(), &heads).is_err());
    good
}

fn http_headers(it: &Received) -> reqwest::header::HeaderMap {
    let names = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let one = |name: &'static str| (name.parse().expect("a name"), it.header(name).parse().expect("a value"));
    names.into_iter().map(one).collect::<reqwest::header::HeaderMap>()
}

/// Whether a signature `v1a` is of the key `whpk_…`, by a verifier that takes nothing lax.
fn verified_by_key(it: &Received, public: &str) -> bool {
    let key = BASE64_STANDARD.decode(public.strip_prefix("whpk_").expect("a key")).expect("base64");
    let key = VerifyingKey::from_bytes(&key.try_into().expect("32 bytes")).expect("a key");
    let content = format!("{}.{}.{}", it.header("webhook-id"), it.header("webhook-timestamp"), it.text);
    let signatures = it.header("webhook-signature").split(' ').filter_map(|it| it.strip_prefix("v1a,"));
    let good = |it: &str, content: &str| {
        let bytes = BASE64_STANDARD.decode(it).expect("base64");
        key.verify_strict(content.as_bytes(), &Signature::from_slice(&bytes).expect("64 bytes")).is_ok()
    };
    signatures.into_iter().any(|it| good(it, &content) && !good(it, &format!("{content} ")))
}

fn word<'a>(it: &'a Value, name: &str) -> &'a str {
    it[name].as_str().expect(name)
}

/// Sets the clock to the machine's, by which the verifier goes, and so much earlier.
fn real_time(service: &Service, before: TimeDelta) {
    service.clock.set(SystemClock.now() - before);
}

async fn tried(service: &Service, receiver: &Receiver, id: &str) -> Received {
    moved(service, id, "test", &json!({})).await.expect(200);
    assert!(service.deliver().await > 0);
    receiver.all().pop().expect("an event")
}

on_both! {
    async fn w_05_what_is_sent_verifies_by_secret_and_by_key(service) {
        real_time(&service, TimeDelta::zero());
        let receiver = Receiver::start().await;
        let made = add(&service, &receiver.url()).await;
        let it = tried(&service, &receiver, word(&made, "id")).await;
        assert!(verified(&it, word(&made, "secret")) && verified_by_key(&it, word(&made, "public_key")));
        assert_eq!(it.header("webhook-timestamp"), service.clock.now().timestamp().to_string());
        assert_eq!((it.header("webhook-id"), it.header("content-type")), (word(&it.json(), "id"), "application/json"));
        assert_eq!((word(&it.json(), "type"), word(&it.json(), "subject")), ("webhook.test", word(&made, "id")));
        // The control: another's secret and key take none of it.
        let other = add(&service, &format!("{}/2", receiver.url())).await;
        assert!(!verified(&it, word(&other, "secret")) && !verified_by_key(&it, word(&other, "public_key")));
    }

    async fn w_05_after_a_rotation_both_secrets_sign_for_a_day(service) {
        real_time(&service, TimeDelta::hours(24) + TimeDelta::seconds(2));
        let receiver = Receiver::start().await;
        let old = add(&service, &receiver.url()).await;
        let id = word(&old, "id").to_owned();
        let new = moved(&service, &id, "rotate", &json!({})).await.expect(200);
        assert_ne!((&new["secret"], &new["public_key"]), (&old["secret"], &old["public_key"]));
        let rotated = service.clock.now();
        service.clock.set(rotated + TimeDelta::hours(24) - TimeDelta::seconds(1));
        let it = tried(&service, &receiver, &id).await;
        assert_eq!(it.header("webhook-signature").split(' ').count(), 4);
        for made in [&old, &new] {
            assert!(verified(&it, word(made, "secret")) && verified_by_key(&it, word(made, "public_key")));
        }
        service.clock.set(rotated + TimeDelta::hours(24));
        let it = tried(&service, &receiver, &id).await;
        assert!(verified(&it, word(&new, "secret")) && !verified(&it, word(&old, "secret")));
        assert!(verified_by_key(&it, word(&new, "public_key")) && !verified_by_key(&it, word(&old, "public_key")));
    }

    /// A secret is shown once: neither what is read later nor the database tells it, the answer that is kept for a repeat among it.
    async fn w_05_a_secret_is_shown_once_and_kept_sealed(service) {
        let receiver = Receiver::start().await;
        let made = add(&service, &receiver.url()).await;
        let secret = word(&made, "secret");
        assert_eq!(add(&service, &receiver.url()).await, made);
        let read = service.get("site-administrator", &format!("{PATH}/{}", word(&made, "id"))).await.expect(200);
        assert_eq!((&read["secret"], &read["public_key"]), (&json!(null), &made["public_key"]));
        let kept = service.texts("select answer as it from idempotency").concat() + &service.texts("select secrets as it from webhooks").concat();
        let bytes = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").expect("a secret")).expect("base64");
        let written = [secret.to_owned(), secret[6..].trim_end_matches('=').to_owned(), format!("{bytes:?}")];
        assert!(written.iter().all(|it| !kept.contains(it.as_str())) && kept.contains(word(&made, "public_key")));
        // What was sealed for one isn't good for another.
        service.execute(&format!("update webhooks set secrets = (select answer from idempotency limit 1) where id = '{}'", word(&made, "id")));
        happen(&service).await;
        service.deliver().await;
        assert_eq!(receiver.connected(), 0);
        let log = log(&service, word(&made, "id")).await;
        assert_eq!(log[0]["failure"], "secrets_lost");
    }

    /// W-08: ids and nothing else, and little of it; canaries of all that is known of members are in no body.
    async fn w_08_what_is_sent_holds_ids_and_nothing_of_members(service) {
        let receiver = Receiver::start().await;
        add(&service, &receiver.url()).await;
        let mut body = crate::support::example();
        (body["remarks"], body["urgency"], body["urgency_reason"]) = (json!("Zq7phi remarks"), json!("expedited"), json!("Zq7phi urgency"));
        body["servicing_provider"]["contact"] = json!({"name": "Zq7phi Desk", "phone": "+16175559173"});
        body["lines"][0]["units"] = json!(99);
        let made = service.submit(&body).await;
        let etag = made.header("etag").expect("a version").to_owned();
        let id = word(&made.expect(201), "id").to_owned();
        let deny = json!({"outcome": "deny", "reason_code": "not_medically_necessary", "reason": "Zq7phi reason"});
        let deny = service.request("second-physician", reqwest::Method::POST, &format!("/v1/authorizations/{id}/decide")).header("if-match", etag).json(&deny);
        crate::support::Answer::of(deny).await.expect(200);
        service.deliver().await;
        let all = receiver.all();
        assert!(all.len() >= 2, "{}", all.len());
        // Every value of a column that is of members or people, as the database has it.
        let classes = std::fs::read_to_string(crate::support::root().join("migrations/classes.toml")).expect("classes");
        let classes: std::collections::BTreeMap<String, std::collections::BTreeMap<String, String>> = toml::from_str(&classes).expect("classes");
        let mut canaries = Vec::new();
        for (table, columns) in &classes {
            let told = columns.iter().filter(|it| ["phi", "personal", "secret"].contains(&it.1.as_str()));
            for (column, _) in told {
                canaries.extend(service.texts(&format!("select distinct {column} as it from {table} where {column} is not null limit 500")));
            }
        }
        // What is an id of ours, or a number or a word that stands anywhere, says nothing of anyone.
        let own = |it: &str| ["usr_", "cli_", "site_", "2026-12-01", "system"].iter().any(|own| it.starts_with(own));
        canaries.retain(|it| it.len() > 4 && *it != id && !own(it));
        assert!(canaries.len() > 500 && canaries.iter().any(|it| it.contains("Zq7phi")), "{}", canaries.len());
        for it in &all {
            let text = format!("{} {:?}", it.text, it.headers).replace("/hook", "");
            assert!(it.text.len() < 20_000 && !text.contains("Zq7phi"));
            let found: Vec<_> = canaries.iter().filter(|canary| it.text.contains(canary.as_str())).collect();
            assert!(found.is_empty(), "{found:?} {text}");
            let names: Vec<_> = it.json().as_object().expect("an object").keys().cloned().collect();
            assert_eq!(names, ["id", "type", "occurred_at", "subject", "site_id", "status", "version", "sequence"]);
        }
        let longest = all.iter().map(|it| it.text.len()).max().expect("bodies");
        assert!(longest < 400, "{longest}");
    }
}
