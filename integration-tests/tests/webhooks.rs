//! Events, read and sent: in an order that misses nothing, signed, tried again, and only where they may go (W-01 to W-08).

mod changed;
mod counted;
mod feed;
mod hostile;
mod killed;
mod owners;
mod retries;
mod signatures;
mod turns;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::Days;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Receiver, Service, example};

pub(crate) const PATH: &str = "/v1/webhooks";

/// Adds a webhook at `url`, of the site administrator.
async fn add(service: &Service, url: &str) -> Value {
    add_as(service, "site-administrator", &json!({"url": url})).await.expect(201)
}

async fn add_as(service: &Service, who: &str, body: &Value) -> Answer {
    let mut key = DefaultHasher::new();
    (who, body.to_string()).hash(&mut key);
    let request = service.request(who, Method::POST, PATH).header("idempotency-key", key.finish());
    Answer::of(request.json(body)).await
}

/// Adds a webhook that `receiver` takes; its id.
async fn of(service: &Service, receiver: &Receiver) -> String {
    add(service, &receiver.url()).await["id"].as_str().expect("an id").to_owned()
}

/// Has a webhook moved.
async fn moved(service: &Service, id: &str, verb: &str, body: &Value) -> Answer {
    service.post("site-administrator", &format!("{PATH}/{id}/{verb}"), body).await
}

/// What became of what a webhook was sent, the first attempt first.
async fn log(service: &Service, id: &str) -> Vec<Value> {
    let page =
        service.get("site-administrator", &format!("{PATH}/{id}/deliveries?limit=200")).await.expect(200);
    let mut all = page["data"].as_array().expect("rows").clone();
    all.reverse();
    all
}

/// Asks for an authorization of the first site, like none before, by which there are two events.
async fn happen(service: &Service) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    let mut body = example();
    let day = service.state.today() + Days::new(COUNT.fetch_add(1, Ordering::Relaxed));
    (body["start_date"], body["end_date"], body["lines"][0]["units"]) = (json!(day), json!(day), json!(1));
    let made = service.submit(&body).await.expect(201);
    assert_eq!(made["status"], "APPROVED");
    made["id"].as_str().expect("an id").to_owned()
}

/// Keeps a webhook whose id stays, of someone and for one site.
pub(crate) fn keep(service: &Service, id: &str, who: &str, site: &str) {
    let owner = crate::users::id(who);
    service.execute(&format!(
        "insert into webhooks (id, owner_id, url, types, status, public_key, secrets, leased_until, version, created_at, updated_at) values \
         ('{id}', '{owner}', 'https://hooks.example.org/', '', 'active', 'whpk_x', '', '2026-12-01 00:00:00', 1, '2026-12-01 00:00:00', '2026-12-01 00:00:00'); \
         insert into webhook_sites (webhook_id, site_id) values ('{id}', '{site}')"
    ));
}

/// The one that is kept where each operation is tried.
pub(crate) const KEPT: &str = "whk_0198c1f2a4b37c10a1b2c3d4e5f60751";
