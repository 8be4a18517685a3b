//! The contract: current, complete, exemplified, and kept.

mod answers;
mod read;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use api::openapi::{self, EXAMPLES};
use jsonschema::{Draft, Validator};
use kernel::{At, FlawCode, Flaws, Json, Read};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Receiver, Service, example, same_as_file};
use crate::{on_both, users};

static DOCUMENT: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(openapi::json()).expect("a document"));

pub(crate) fn document() -> Value {
    DOCUMENT.clone()
}

/// Checks values against a schema of the contract.
fn schema(of: &Value) -> Validator {
    let mut whole = of.clone();
    whole["components"] = DOCUMENT["components"].clone();
    let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
    options.build(&whole).expect("a schema")
}

/// Each operation: its path, its method, and what the contract says of it, wherever it says it; schemas keep their names.
pub(crate) fn operations() -> Vec<(String, String, Value)> {
    static ALL: LazyLock<Vec<(String, String, Value)>> = LazyLock::new(|| {
        let paths = DOCUMENT["paths"].as_object().expect("paths");
        let each = |(path, item): (&String, &Value)| {
            let (path, item) = (path.clone(), item.as_object().expect("an item").clone());
            item.into_iter().map(move |(method, it)| (path.clone(), method, resolved(it, &DOCUMENT)))
        };
        paths.into_iter().flat_map(each).collect()
    });
    ALL.clone()
}

/// The same with what its references name, beside what they say themselves.
fn resolved(it: Value, document: &Value) -> Value {
    match it {
        Value::Object(mut own) => {
            let of_schema = |it: &str| it.starts_with("#/components/schemas/");
            let place = own
                .get("$ref")
                .and_then(Value::as_str)
                .filter(|it| !of_schema(it))
                .map(|it| it[1..].to_owned());
            if let Some(place) = place {
                own.remove("$ref");
                let mut named = document.pointer(&place).unwrap_or_else(|| panic!("no {place}")).clone();
                named.as_object_mut().expect("an object").extend(own);
                return resolved(named, document);
            }
            own.into_iter().map(|(name, it)| (name, resolved(it, document))).collect()
        }
        Value::Array(items) => items.into_iter().map(|it| resolved(it, document)).collect(),
        other => other,
    }
}

/// Whether an operation does nothing without an `If-Match`.
pub(crate) fn takes_only_with_a_version(id: &str) -> bool {
    let of = |it: &Value| it["name"] == "If-Match" && it["required"] == true;
    let found = operations().into_iter().find(|it| it.2["operationId"] == *id);
    found.is_some_and(|it| it.2["parameters"].as_array().is_some_and(|it| it.iter().any(of)))
}

#[test]
fn the_file_is_what_the_service_says() {
    same_as_file("openapi.yaml", openapi::yaml());
}

#[test]
fn every_operation_is_described() {
    assert_eq!(document()["openapi"], "3.1.0");
    let mut ids = Vec::new();
    for (path, method, it) in operations() {
        let id = it["operationId"].as_str().expect("an id");
        ids.push(id.to_owned());
        for name in ["summary", "description"] {
            assert!(it[name].as_str().is_some_and(|it| it.len() > 10), "{id}: {name}");
        }
        assert!(it["security"].is_array() && it["tags"].is_array(), "{id}");
        // A token is another each time, and what it is asked for with is no JSON.
        let v1 = path.starts_with("/v1/") && path != "/v1/oauth/token";
        if let Some(name) = v1.then_some(id) {
            assert!(EXAMPLES.iter().any(|it| it.0 == name), "{id} has no example");
            assert_eq!(
                ["patch", "post", "put"].contains(&&*method),
                it["requestBody"]["content"]["application/json"]["example"].is_object(),
                "{id}"
            );
            let secured = ["401", "500", "503"].iter().all(|status| {
                it["responses"][status]["content"]["application/problem+json"]["schema"]["$ref"]
                    == "#/components/schemas/Problem"
            });
            assert!(secured, "{id}");
        }
        // In words, and as data.
        for (status, slugs) in it["x-problems"].as_object().expect("problems") {
            let told = it["responses"][status]["description"].as_str().expect("words");
            let listed = slugs
                .as_array()
                .expect("slugs")
                .iter()
                .map(|it| format!("[`{0}`](/problems/{0})", it.as_str().expect("a slug")));
            assert!(told.ends_with(&format!(": {}.", listed.collect::<Vec<_>>().join(", "))), "{id}: {told}");
        }
    }
    // What is policy is named where it is needed.
    let close = operations()
        .into_iter()
        .find(|it| it.2["operationId"] == "close_authorization")
        .expect("an operation");
    for code in authorizations::Policies::shipped().on(chrono::NaiveDate::MAX).close_reasons.keys() {
        assert!(close.2["description"].as_str().expect("text").contains(code), "{code}");
    }
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
}

/// A decision that could not be made in time.
const JOB: &str = "insert into jobs (id, kind, subject, priority, rank, created_at, run_at, attempts, failure) values \
    ('job_0198c1f2a4b37c10a1b2c3d4e5f60718', 'decide', '26335R99999', 1, 1, '2026-12-01 14:58:00', '2026-12-01 15:01:00', 1, \
    'database-unavailable')";

/// The same, in which each id that is made anew has one that stays.
fn named(text: &str) -> String {
    let ids = regex::Regex::new("(usr|cli|grt|req|trl|emg|ddl|whk|evt|dlv)_[0-9a-f]{32}").expect("a pattern");
    let name = |it: &regex::Captures<'_>| match &it[0] {
        id if id[4..].starts_with("0198c1f2a4b37c10a1b2c3d4") => id.to_owned(),
        _ => format!("{}_0198c1f2a4b37c10a1b2c3d4e5f60a01", &it[1]),
    };
    let text = ids.replace_all(text, name);
    // Of a secret as many letters are shown as it has.
    let secrets = regex::Regex::new("(whsec|whpk)_[A-Za-z0-9+/]{43}=").expect("a pattern");
    secrets.replace_all(&text, "${1}_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=").into_owned()
}

/// What was done so far, and of what others are told.
fn done(service: &Service) -> BTreeSet<String> {
    service.texts("select id || ' ' || action as it from trail where outcome is null").into_iter().collect()
}

fn happened(service: &Service) -> BTreeSet<String> {
    service.texts("select id || ' ' || topic as it from outbox").into_iter().collect()
}

/// The words that came with the second of both.
fn more(all: &BTreeSet<String>, before: &BTreeSet<String>) -> Vec<String> {
    all.difference(before).filter_map(|it| Some(it.split_once(' ')?.1.to_owned())).collect()
}

on_both! {
    /// The example of each operation, sent and compared.
    async fn the_examples_are_what_the_service_answers(service) {
        let user = format!("/v1/users/{}", users::id("single-site"));
        let (grants, disable, enable) = (format!("{user}/grants"), format!("{user}/disable"), format!("{user}/enable"));
        let withdraw = format!("/v1/users/{}/grants/{}/withdraw", users::id("multi-site"), users::demo_grant("multi-site", Some(1)));
        let end = format!("/v1/delegations/{}/end", users::demo_grant("billing-agent", Some(0)));
        crate::emergency::open_one(&service);
        let emergency = format!("/v1/emergency-access/{}", crate::emergency::OPENED);
        let review = format!("{emergency}/review");
        let _receiver = Receiver::named("hooks.example.org").await;
        let users = format!("/v1/users?site_id={}&role=portal_user", registry::demo::SITES[0].0);
        for (id, body, _) in EXAMPLES {
            let body = body.map(|it| serde_json::from_str::<Value>(it).expect("JSON"));
            let asked = service.texts("select id as it from grants where approved_at is null").pop().unwrap_or_default();
            let approve = format!("{grants}/{asked}/approve");
            let webhook = service.texts("select id as it from webhooks").pop().unwrap_or_default();
            let webhook = |tail: &str| format!("/v1/webhooks/{webhook}{tail}");
            let of_webhook = match *id {
                "get_webhook" | "change_webhook" => webhook(""),
                "list_webhook_deliveries" => webhook("/deliveries"),
                it => webhook(&format!("/{}", it.trim_end_matches("_webhook"))),
            };
            let (who, method, path) = match *id {
                "create_authorization" => ("single-site", Method::POST, "/v1/authorizations"),
                "get_authorization" => ("coordinator", Method::GET, "/v1/authorizations/26335R00001"),
                "list_authorizations" => ("single-site", Method::GET, "/v1/authorizations"),
                "close_authorization" => ("coordinator", Method::POST, "/v1/authorizations/26335R00001/close"),
                "search_authorizations" => ("nurse", Method::POST, "/v1/authorizations/search"),
                "decide_authorization" => ("physician", Method::POST, "/v1/authorizations/26335R00002/decide"),
                "get_eligibility" => ("single-site", Method::POST, "/v1/members/eligibility"),
                "list_services" => ("single-site", Method::GET, "/v1/services"),
                "list_procedure_codes" => ("single-site", Method::GET, "/v1/procedure-codes?q=infusion&service=home_infusion&limit=5"),
                "get_policy" => ("nurse", Method::GET, "/v1/policy"),
                "search_members" => ("single-site", Method::POST, "/v1/members/search"),
                "list_providers" => ("single-site", Method::GET, "/v1/providers?q=riverside+home"),
                "list_diagnosis_codes" => ("single-site", Method::GET, "/v1/diagnosis-codes?q=type+2+diab+neuropathy&limit=4"),
                "get_me" => ("multi-site", Method::GET, "/v1/me"),
                "create_client" => ("administrator", Method::POST, "/v1/clients"),
                "list_clients" => ("administrator", Method::GET, "/v1/clients?limit=2"),
                "get_client" => ("administrator", Method::GET, "/v1/clients/cli_0198c1f2a4b37c10a1b2c3d4e5f60703"),
                "replace_client_keys" => ("administrator", Method::PUT, "/v1/clients/cli_0198c1f2a4b37c10a1b2c3d4e5f60703/keys"),
                "disable_client" => ("administrator", Method::POST, "/v1/clients/cli_0198c1f2a4b37c10a1b2c3d4e5f60703/disable"),
                "list_deadlines" => ("nurse", Method::GET, "/v1/deadlines?status=met"),
                "list_jobs" => ("operator", Method::GET, "/v1/jobs"),
                "list_trail" => ("hospital", Method::GET, "/v1/trail"),
                "search_trail" => ("compliance", Method::POST, "/v1/trail/search"),
                "list_emergency_accesses" => ("compliance", Method::GET, "/v1/emergency-access"),
                "get_emergency_access" => ("nurse", Method::GET, &*emergency),
                "review_emergency_access" => ("compliance", Method::POST, &*review),
                "open_emergency_access" => ("other-site", Method::POST, "/v1/emergency-access"),
                "list_users" => ("site-administrator", Method::GET, &*users),
                "get_user" => ("administrator", Method::GET, &*user),
                "create_user" => ("site-administrator", Method::POST, "/v1/users"),
                "grant_role" => ("administrator", Method::POST, &*grants),
                "approve_grant" => ("second-administrator", Method::POST, &*approve),
                "withdraw_grant" => ("site-administrator", Method::POST, &*withdraw),
                "disable_user" => ("administrator", Method::POST, &*disable),
                "enable_user" => ("administrator", Method::POST, &*enable),
                "list_delegations" => ("site-administrator", Method::GET, "/v1/delegations"),
                "record_delegation" => ("site-administrator", Method::POST, "/v1/delegations"),
                "end_delegation" => ("site-administrator", Method::POST, &*end),
                "create_webhook" => ("site-administrator", Method::POST, "/v1/webhooks"),
                "list_webhooks" => ("site-administrator", Method::GET, "/v1/webhooks"),
                "list_events" => ("site-administrator", Method::GET, "/v1/events?type=webhook.test&limit=3"),
                "get_webhook" | "list_webhook_deliveries" => ("site-administrator", Method::GET, &*of_webhook),
                "change_webhook" => ("site-administrator", Method::PATCH, &*of_webhook),
                "rotate_webhook" | "test_webhook" | "disable_webhook" | "enable_webhook" | "replay_webhook" => {
                    ("site-administrator", Method::POST, &*of_webhook)
                }
                other => panic!("{other} has an example that no one sends"),
            };
            if *id == "list_jobs" {
                service.execute(JOB);
            }
            if *id == "list_trail" {
                // One entry each, since those of one moment have no order.
                service.post("hospital", "/v1/members/eligibility", &json!({"member_id": "HMO0000000053"})).await.expect(200);
                service.drain();
            }
            if ["create_webhook", "list_webhook_deliveries"].contains(id) {
                // Of what happened before, it is told nothing.
                service.deliver().await;
            }
            let mut request = service.request(who, method.clone(), path);
            if let Some(body) = body {
                request = request.json(&body);
            }
            if takes_only_with_a_version(id) {
                request = request.header("if-match", "\"1.00000000\"");
            }
            if *id == "decide_authorization" {
                let mut more = example();
                more["lines"][0]["units"] = json!(24);
                more["member_id"] = json!("HMO0000000051");
                assert_eq!(service.submit(&more).await.expect(201)["status"], "MEDREVIEW");
            }
            let (written, told) = (done(&service), happened(&service));
            let answer = Answer::of(request).await;
            assert!(answer.status < 300, "{}", answer.text);
            let (written, told) = (more(&done(&service), &written), more(&happened(&service), &told));
            crate::book::events::agrees(id, &written, &told);
            let text = serde_json::to_string_pretty(&answer.json()).expect("JSON") + "\n";
            same_as_file(&format!("api/src/examples/{id}.json"), &named(&text));
            let (_, _, operation) = operations().into_iter().find(|it| it.2["operationId"] == *id).expect("an operation");
            let status = answer.status.to_string();
            let said = &operation["responses"][status]["content"]["application/json"]["schema"];
            let errors: Vec<_> = schema(said).iter_errors(&answer.json()).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{id}: {errors:?}");
            answers::has_its_headers(id, &answer);
        }
    }

    async fn problems_are_of_their_schema_and_have_a_page(service) {
        let problem = schema(&json!({"$ref": "#/components/schemas/Problem"}));
        let mut body = example();
        body["lines"][0]["units"] = json!(0);
        service.submit(&example()).await.expect(201);
        let close = |etag: &str| {
            let request = service.request("coordinator", Method::POST, "/v1/authorizations/26335R00001/close");
            Answer::of(request.header("if-match", etag).json(&json!({"reason_code": "replaced", "reason": "x"})))
        };
        close("\"1.00000000\"").await.expect(200);
        for (answer, status) in [
            (service.submit(&body).await, 422),
            (service.get("single-site", "/v1/authorizations/1").await, 404),
            (close("\"2.00000000\"").await, 409),
            (close("\"1.00000000\"").await, 412),
            (close("").await, 400),
        ] {
            let it = answer.expect(status);
            let errors: Vec<_> = problem.iter_errors(&it).map(|it| it.to_string()).collect();
            assert!(errors.is_empty(), "{it}: {errors:?}");
        }
    }

    async fn the_contract_is_served(service) {
        for (path, text) in [("/openapi.json", openapi::json()), ("/openapi.yaml", openapi::yaml())] {
            let answer = Answer::of(service.anonymous(Method::GET, path)).await;
            assert_eq!((answer.status, &*answer.text), (200, text));
        }
    }
}

/// The reader and a validator of the published schema take and refuse the same bodies: the example with each of its parts
/// in turn left out, or replaced by each of many values.
#[test]
fn the_reader_and_the_contract_agree() {
    let contract = schema(&json!({"$ref": "#/components/schemas/NewAuthorization"}));
    let with: Vec<Value> = serde_json::from_str(include_str!("support/replacements.json")).expect("JSON");
    let whole = example();
    let mut count = 0;
    let mut agree = |sent: &Value| {
        count += 1;
        let text = sent.to_string();
        let json = Json::parse(text.as_bytes()).expect("JSON");
        let mut flaws = Flaws::default();
        let draft = authorizations::NewAuthorization::read(&json, At::Root, &mut flaws);
        let whole = draft.and_then(authorizations::NewAuthorization::whole);
        // Rules between fields aren't the schema's to say.
        let of_form =
            flaws.iter().all(|it| matches!(it.code, FlawCode::BeforeStart | FlawCode::NotApplicable))
                || flaws.iter().all(|it| it.pointer == "/lines/0/code" && it.detail.contains("code:"));
        assert_eq!(whole.is_some() && of_form, contract.is_valid(sent), "{sent} {flaws:?}");
    };
    for at in pointers(&whole, String::new()) {
        for value in &with {
            let mut sent = whole.clone();
            *sent.pointer_mut(&at).expect("the part is there") = value.clone();
            agree(&sent);
        }
        let mut sent = whole.clone();
        let (parent, name) = at.rsplit_once('/').unwrap_or_default();
        if let Some(Value::Object(parent)) = sent.pointer_mut(parent) {
            parent.remove(name);
        }
        agree(&sent);
    }
    assert!(count > 1000, "{count}");
}

/// Points to `value` and to all of its parts.
fn pointers(value: &Value, at: String) -> Vec<String> {
    let parts: Vec<_> = match value {
        Value::Object(parts) => parts.iter().map(|(name, it)| (name.clone(), it)).collect(),
        Value::Array(parts) => parts.iter().enumerate().map(|(place, it)| (place.to_string(), it)).collect(),
        _ => Vec::new(),
    };
    let below =
        parts.into_iter().flat_map(|(name, it)| pointers(it, format!("{at}/{name}"))).collect::<Vec<_>>();
    std::iter::once(at).chain(below).collect()
}
