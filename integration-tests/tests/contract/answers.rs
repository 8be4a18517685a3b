//! What the contract says of answers: their heads, the problems that an operation meets, and those that are shown.

use std::collections::BTreeSet;

use api::openapi::{ANSWERED, ANSWERS};
use registry::demo::PRINCIPALS;
use reqwest::Method;
use serde_json::{Value, json};

use super::{document, named, operations, schema};
use crate::on_both;
use crate::quiet::secured;
use crate::support::{Answer, Options, Receiver, Service, example, same_as_file};
use crate::tokens::{asserted, delegate_to, ec};

fn operation(id: &str) -> Value {
    let found = operations().into_iter().find(|it| it.2["operationId"] == id);
    found.unwrap_or_else(|| panic!("no operation {id}")).2
}

/// The headers that the answer of an operation lacks.
fn lacks(id: &str, answer: &Answer) -> Vec<String> {
    let headers = operation(id)["responses"][answer.status.to_string()]["headers"].clone();
    let headers = headers.as_object().unwrap_or_else(|| panic!("{id} lists no {}", answer.status)).clone();
    let lacking =
        headers.into_iter().filter(|(name, it)| it["required"] == true && answer.header(name).is_none());
    lacking.map(|it| it.0).collect()
}

/// What the contract says that each answer has, this one has.
pub(super) fn has_its_headers(id: &str, answer: &Answer) {
    assert_eq!(lacks(id, answer), Vec::<String>::new(), "{id}");
}

fn example_of(id: &str, status: u16) -> Value {
    let answer = operation(id)["responses"][status.to_string()]["content"].clone();
    let kinds = answer.as_object().expect("content");
    kinds.values().next().expect("a kind")["example"].clone()
}

fn text(it: &Answer) -> String {
    named(&(serde_json::to_string_pretty(&it.json()).expect("JSON") + "\n"))
}

/// An answer of each status that can be had here, with the operation that is asked.
async fn problems(service: &Service) -> Vec<(&'static str, Answer)> {
    let path = "/v1/authorizations";
    let close = |etag: Option<&str>, body: Value| {
        let request = service.request("coordinator", Method::POST, "/v1/authorizations/26335R00001/close");
        let request = etag.into_iter().fold(request, |it, etag| it.header("if-match", etag));
        Answer::of(request.json(&body))
    };
    let reason = || json!({"reason_code": "replaced", "reason": "It is asked for anew."});
    let post = |kind: &str, body: String| {
        Answer::of(service.request("single-site", Method::POST, path).header("content-type", kind).body(body))
    };
    let mut two = example();
    (two["lines"][0]["units"], two["member_id"]) = (json!(0), json!("MCF0000000043"));
    service.submit(&example()).await.expect(201);
    let stale = close(Some("\"7.00000000\""), reason()).await;
    let bare = close(None, reason()).await;
    close(Some("\"1.00000000\""), reason()).await.expect(200);
    vec![
        ("list_authorizations", service.get("single-site", "/v1/authorizations?limit=0&status=open").await),
        ("get_me", Answer::of(service.anonymous(Method::GET, "/v1/me")).await),
        ("create_authorization", service.post("nurse", path, &example()).await),
        ("get_authorization", service.get("single-site", "/v1/authorizations/26335R00099").await),
        ("close_authorization", close(Some("\"2.00000000\""), reason()).await),
        ("close_authorization", stale),
        ("create_authorization", post("application/json", " ".repeat(300_000)).await),
        ("create_authorization", post("text/plain", "x".to_owned()).await),
        ("create_authorization", service.submit(&two).await),
        ("close_authorization", bare),
    ]
}

on_both! {
    async fn the_problems_that_are_shown_are_answered(service) {
        let mut seen = BTreeSet::new();
        let all = problems(&service).await;
        for (_, answer) in &all {
            let text = text(answer);
            if ANSWERED.iter().any(|it| it.0 == answer.status) {
                same_as_file(&format!("api/src/examples/problem_{}.json", answer.status), &text);
            }
        }
        for (id, answer) in all {
            let text = text(&answer);
            let shown = serde_json::to_string_pretty(&example_of(id, answer.status)).expect("JSON") + "\n";
            assert_eq!(shown, text, "{id}");
            has_its_headers(id, &answer);
            seen.insert(answer.status);
        }
        assert_eq!(seen, BTreeSet::from([400, 401, 403, 404, 409, 412, 413, 415, 422, 428]));
        // What isn't for this service isn't counted, and the contract doesn't say that it is.
        let wrong = service.request("single-site", Method::GET, "/v1/me").header("host", "elsewhere.example");
        let wrong = Answer::of(wrong).await;
        assert_eq!((wrong.problem(400), wrong.header("ratelimit")), ("wrong-host".to_owned(), None));
        has_its_headers("get_me", &wrong);
        // The control: what is always there would be missed.
        assert_eq!(lacks("get_authorization", &Answer { status: 200, ..wrong }), ["ETag"]);
    }

    async fn what_is_decided_later_is_answered_as_shown(service) {
        service.set("2026-12-18T22:00:00Z");
        let one = service.twin(Options { maintained: true, ..Options::default() });
        let body = crate::book::but(&[("/start_date", json!("2027-01-04")), ("/end_date", json!("2027-01-29"))]);
        let ask = || Answer::of(one.request("single-site", Method::POST, "/v1/authorizations").header("idempotency-key", "k").json(&body));
        let (first, again) = (ask().await, ask().await);
        let (_, _, shown) = ANSWERS.iter().find(|it| (it.0, it.1) == ("create_authorization", "202")).expect("an example");
        same_as_file("api/src/examples/create_authorization.202.json", &text(&first));
        assert_eq!((first.status, first.json()["status"].as_str()), (202, Some("PEND")));
        let shown: Value = serde_json::from_str(shown).expect("JSON");
        assert_eq!(example_of("create_authorization", 202), shown);
        let said = &operation("create_authorization")["responses"]["202"];
        assert!(schema(&said["content"]["application/json"]["schema"]).is_valid(&first.json()));
        assert_eq!((again.status, again.header("idempotency-replayed")), (202, Some("true")));
        assert!(said["headers"]["Idempotency-Replayed"].is_object());
        has_its_headers("create_authorization", &again);
        one.stop().await;
    }

    async fn a_token_is_asked_for_and_given_as_shown(service) {
        let body = json!({"name": "A program", "scopes": ["authorizations:read"], "jwks": {"keys": [ec("ec")]}});
        let client = service.post("administrator", "/v1/clients", &body).await.expect(201)["id"].as_str().expect("an id").to_owned();
        delegate_to(&client, |sql| service.execute(sql));
        let it = operation("create_token");
        let content = &it["requestBody"]["content"]["application/x-www-form-urlencoded"];
        let shown = content["example"].as_object().expect("an example").clone();
        assert!(schema(&content["schema"]).is_valid(&json!(shown)));
        let sent = asserted(&client, "one", kernel::Clock::now(&*service.clock));
        let names: BTreeSet<_> = sent.split('&').filter_map(|it| it.split('=').next()).collect();
        assert_eq!(names, shown.keys().map(String::as_str).collect());
        for name in ["grant_type", "scope", "client_assertion_type"] {
            let value = shown[name].as_str().expect("text").replace(':', "%3A");
            assert!(sent.contains(&format!("{name}={value}")), "{name}");
        }
        let request = service.anonymous(Method::POST, "/v1/oauth/token").header("content-type", "application/x-www-form-urlencoded");
        let answer = Answer::of(request.body(sent)).await;
        let (mut given, mut shown) = (answer.expect(200), example_of("create_token", 200));
        has_its_headers("create_token", &answer);
        assert!(schema(&it["responses"]["200"]["content"]["application/json"]["schema"]).is_valid(&given));
        for it in [&mut given, &mut shown] {
            assert_eq!(it["access_token"].as_str().expect("a token").split('.').count(), 3);
            it["access_token"] = json!("");
        }
        assert_eq!(given, shown);
    }

    async fn what_clients_look_up_is_as_described(service) {
        for (id, path) in [
            ("get_jwks", "/.well-known/jwks.json"),
            ("get_authorization_server", "/.well-known/oauth-authorization-server"),
            ("get_smart_configuration", "/.well-known/smart-configuration"),
        ] {
            let answer = Answer::of(service.anonymous(Method::GET, path)).await;
            let said = operation(id)["responses"]["200"]["content"]["application/json"]["schema"].clone();
            let said = schema(&said);
            assert!(said.is_valid(&answer.expect(200)), "{id}");
            assert!(!said.is_valid(&json!({})), "{id}");
            has_its_headers(id, &answer);
        }
    }

    /// What a webhook is sent is what the contract says: its head, and its body.
    async fn a_webhook_is_sent_what_the_contract_says(service) {
        let receiver = Receiver::start().await;
        let hook = json!({"url": receiver.url()});
        let id = service.post("site-administrator", "/v1/webhooks", &hook).await.expect(201)["id"].as_str().expect("an id").to_owned();
        service.post("site-administrator", &format!("/v1/webhooks/{id}/test"), &json!({})).await.expect(200);
        assert!(service.deliver().await > 0);
        let sent = receiver.all().pop().expect("an event");
        let told = document()["webhooks"]["event"]["post"].clone();
        let names = told["parameters"].as_array().expect("headers").iter().map(|it| it["name"].as_str().expect("a name"));
        let mine: BTreeSet<_> = sent.headers.keys().map(String::as_str).filter(|it| it.starts_with("webhook-")).collect();
        assert_eq!(names.collect::<BTreeSet<_>>(), mine);
        let said = &told["requestBody"]["content"]["application/json"];
        let body = schema(&said["schema"]);
        assert!(body.is_valid(&sent.json()) && body.is_valid(&said["example"]) && !body.is_valid(&json!({})));
    }

    /// Whoever names an emergency access that isn't theirs is refused by each operation that asks for a token, and each lists it;
    /// whoever has no role for it is refused by those alone that list it.
    async fn each_operation_lists_why_it_refuses_a_caller(service) {
        let other = "emg_0198c1f2a4b37c10a1b2c3d4e5f60799";
        let mut open = BTreeSet::new();
        for it in secured() {
            let listed = operation(&it.id)["x-problems"]["403"].to_string();
            let lists = |slug: &str| listed.contains(&format!("\"{slug}\""));
            let ask = |who: &str| {
                let request = service.request(who, it.method.clone(), &it.path).header("if-match", "\"1.00000000\"");
                it.body.iter().fold(request, reqwest::RequestBuilder::json)
            };
            let refused = Answer::of(ask("single-site").header("emergency-access", other)).await;
            assert_eq!((refused.problem(403), lists("no-emergency-access")), ("no-emergency-access".to_owned(), true), "{}", it.id);
            let mut met = false;
            for (_, who, ..) in PRINCIPALS {
                let answer = Answer::of(ask(who)).await;
                met |= answer.status == 403 && answer.problem(403) == "not-permitted";
            }
            assert_eq!(met, lists("not-permitted"), "{}", it.id);
            if !met {
                open.insert(it.id);
            }
        }
        assert!(open.contains("get_me") && open.contains("get_emergency_access") && open.len() < 12, "{open:?}");
    }
}
