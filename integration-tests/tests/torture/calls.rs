//! A call of each route that writes, on things that are made for it.

use chrono::TimeDelta;
use kernel::{Clock, SystemClock};
use registry::demo::SITES;
use reqwest::Method;
use serde_json::{Value, json};

use super::Round;
use crate::contract::operations;
use crate::tokens;

/// What is asked with a body and changes nothing.
pub(super) const READS: [&str; 4] =
    ["search_authorizations", "get_eligibility", "search_members", "search_trail"];

/// A request, ready to be sent.
pub(super) struct Call {
    pub(super) who: &'static str,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) body: Value,
    /// In the place of a body.
    pub(super) form: Option<String>,
    pub(super) etag: Option<String>,
    /// Whether the route takes a key.
    pub(super) keyed: bool,
}

/// The version of what was just made.
fn first() -> String {
    "\"1.00000000\"".to_owned()
}

/// A new name.
fn fresh() -> String {
    kernel::fresh_id("x", SystemClock.now())
}

/// Someone of the first site: the paths of the user and of the grant.
async fn user(round: &mut Round<'_>, base: &str, who: &str, body: Value) -> (String, String) {
    let it = round.make(base, who, "/v1/users", body).await;
    let path = format!("/v1/users/{}", it["id"].as_str().expect("an id"));
    let grant = it["grants"][0]["id"].as_str().unwrap_or_default();
    (path.clone(), format!("{path}/grants/{grant}"))
}

fn person() -> Value {
    json!({"login": fresh(), "name": "A", "kind": "person", "role": "portal_user", "site_id": SITES[0].0})
}

fn today() -> Value {
    json!(SystemClock.now().with_timezone(&chrono_tz::America::New_York).date_naive())
}

/// A client with a key of the tests'.
async fn client(round: &mut Round<'_>, base: &str) -> String {
    let body = json!({"name": "A", "scopes": ["authorizations:read"], "jwks": {"keys": [tokens::ec("ec")]}});
    let it = round.make(base, "administrator", "/v1/clients", body).await;
    it["id"].as_str().expect("an id").to_owned()
}

/// The path of a webhook of the first site, which is sent nothing before it is tested.
async fn webhook(round: &mut Round<'_>, base: &str) -> String {
    let it = round.make(base, "site-administrator", "/v1/webhooks", receiver()).await;
    format!("/v1/webhooks/{}", it["id"].as_str().expect("an id"))
}

/// One whose address leads nowhere, and which nothing that happens here is told to.
fn receiver() -> Value {
    json!({"url": "https://hooks.example.org/", "site_ids": [SITES[0].0], "types": ["security.enumeration_suspected"]})
}

async fn delegation(round: &mut Round<'_>, base: &str) -> Value {
    let agent = json!({"login": fresh(), "name": "Kim Doe", "kind": "person"});
    let agent = round.make(base, "administrator", "/v1/users", agent).await;
    json!({"agent_id": agent["id"], "site_id": SITES[0].0, "channel": "portal", "first_on": today()})
}

/// The call of `operation`; one that isn't here yet fails.
#[expect(clippy::too_many_lines, reason = "a list of calls")]
pub(super) async fn call(round: &mut Round<'_>, base: &str, operation: &str) -> Call {
    let why = json!({"reason": "x"});
    let post = |who, path: String, body| Call {
        who,
        method: Method::POST,
        path,
        body,
        form: None,
        etag: None,
        keyed: true,
    };
    let call = match operation {
        "create_authorization" => {
            let mut body = crate::support::example();
            body["start_date"] = json!(SystemClock.now().date_naive() + TimeDelta::days(40));
            body["end_date"] = body["start_date"].clone();
            post("single-site", "/v1/authorizations".to_owned(), body)
        }
        "decide_authorization" | "close_authorization" => {
            let path = round.authorization(base).await;
            let (verb, body) = if operation == "close_authorization" {
                ("close", json!({"reason_code": "replaced", "reason": "x"}))
            } else {
                (
                    "decide",
                    json!({"outcome": "deny", "reason_code": "not_medically_necessary", "reason": "x"}),
                )
            };
            Call { etag: Some(first()), ..post("physician", format!("{path}/{verb}"), body) }
        }
        "open_emergency_access" | "review_emergency_access" => {
            let path = "/v1/emergency-access".to_owned();
            let body = json!({"member_id": "MCF0000000042", "reason_code": "treatment", "reason": "The member is in our emergency room."});
            if operation == "open_emergency_access" {
                post("coordinator", path, body)
            } else {
                let it = round.make(base, "nurse", &path, body).await;
                let path = format!("{path}/{}/review", it["id"].as_str().expect("an id"));
                post(
                    "compliance",
                    path,
                    json!({"finding": "justified", "reason": "Seen with the emergency room."}),
                )
            }
        }
        "create_client" => {
            let body = json!({"name": "A", "scopes": ["authorizations:read"], "jwks_url": "https://client.example/jwks.json"});
            post("administrator", "/v1/clients".to_owned(), body)
        }
        "replace_client_keys" => {
            let path = format!("/v1/clients/{}/keys", client(round, base).await);
            let body = json!({"jwks_url": "https://client.example/jwks.json"});
            Call { method: Method::PUT, etag: Some(first()), ..post("administrator", path, body) }
        }
        "disable_client" => {
            let path = format!("/v1/clients/{}/disable", client(round, base).await);
            Call { etag: Some(first()), ..post("administrator", path, why) }
        }
        "create_token" => {
            let client = client(round, base).await;
            crate::tokens::delegate_to(&client, |sql| round.ledger.execute(sql));
            let form = tokens::asserted(&client, &fresh(), SystemClock.now());
            Call { form: Some(form), ..post("", "/v1/oauth/token".to_owned(), Value::Null) }
        }
        "create_user" => post("site-administrator", "/v1/users".to_owned(), person()),
        "grant_role" => {
            let (path, _) = user(round, base, "site-administrator", person()).await;
            let body = json!({"role": "credentialing_delegate", "site_id": SITES[0].0});
            post("site-administrator", format!("{path}/grants"), body)
        }
        "approve_grant" => {
            let staff =
                json!({"login": fresh(), "name": "A", "kind": "staff", "role": "medical_review_nurse"});
            let (_, grant) = user(round, base, "administrator", staff).await;
            post("second-administrator", format!("{grant}/approve"), json!({}))
        }
        "withdraw_grant" => {
            let (_, grant) = user(round, base, "site-administrator", person()).await;
            post("site-administrator", format!("{grant}/withdraw"), why)
        }
        "disable_user" => {
            let (path, _) = user(round, base, "site-administrator", person()).await;
            post("administrator", format!("{path}/disable"), why)
        }
        "enable_user" => {
            let (path, _) = user(round, base, "site-administrator", person()).await;
            round.make(base, "administrator", &format!("{path}/disable"), why.clone()).await;
            post("administrator", format!("{path}/enable"), why)
        }
        "record_delegation" => {
            post("site-administrator", "/v1/delegations".to_owned(), delegation(round, base).await)
        }
        "end_delegation" => {
            let body = delegation(round, base).await;
            let it = round.make(base, "site-administrator", "/v1/delegations", body).await;
            let path = format!("/v1/delegations/{}/end", it["id"].as_str().expect("an id"));
            post("site-administrator", path, why)
        }
        "create_webhook" => post("site-administrator", "/v1/webhooks".to_owned(), receiver()),
        "change_webhook" => {
            let path = webhook(round, base).await;
            let body = json!({"description": "x"});
            Call { method: Method::PATCH, etag: Some(first()), ..post("site-administrator", path, body) }
        }
        "rotate_webhook" | "test_webhook" | "disable_webhook" | "replay_webhook" | "enable_webhook" => {
            let path = webhook(round, base).await;
            let (verb, _) = operation.split_once('_').expect("a verb");
            if verb == "enable" {
                round.make(base, "site-administrator", &format!("{path}/disable"), why.clone()).await;
            }
            let body = if verb == "replay" { json!({"after": "2026-01-01T00:00:00Z"}) } else { why };
            post("site-administrator", format!("{path}/{verb}"), body)
        }
        other => panic!("{other} writes, and has no call here"),
    };
    Call { keyed: takes_key(operation), ..call }
}

fn takes_key(operation: &str) -> bool {
    let it = operations().into_iter().find(|it| it.2["operationId"] == operation).expect("an operation").2;
    let parameters = it["parameters"].as_array().into_iter().flatten();
    parameters.into_iter().any(|it| it["name"] == "Idempotency-Key")
}
