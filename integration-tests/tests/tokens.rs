//! Tokens of system clients, for what they assert (J-02), and of people, by the keys that their provider publishes.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, EncodingKey, crypto};
use kernel::Clock;
use registry::demo::SITES;
use reqwest::Method;
use serde_json::{Value, json};

use crate::caller::{but, claims, der, me, signed};
use crate::on_both;
use crate::support::{Answer, Options, PUBLIC_URL, Publisher, Service, issuer};

const RSA: &str = include_str!("support/rsa.pem");
const ES384: &str = include_str!("support/es384.pem");
const N: &str = "xHFUsEmGtChxUdPwuUvxV07T006MACiz6WdOwktSMIEBs_22ZVI6CS448-rSvamzbfuPWRc7yGfMMKSb-tHggrld9ttYowuDZ7SIQ3ljfMvhx12MViuy2VhodaQhU4l9KotWSaQo86zm5zHfcgbGsPP_AusQWIUZCmeMCkDM1u5hxUWmsLoDJI2IIYgk9wEo5_zUo4DHdDzFu56sbKDqrolf9FIhLvIrLQgcWwp8nwj4XfDbFCWy-Y9mfsRDBVxpyH7YyQ6i6ISulsMnwN9ty7PpZMPn_ry7Ai3Qw6jllGCDmjKgCdYBeXMDodyqYw8tTQQIuCksB2SEvZ1lmPpS1Q";
const X: &str = "_HCiJOJg1KPW7CJYhj_MFxNgxYD2t5pwz3EHxdCunXZ62vlYUyZRGwFLVLnl9lWs";
const Y: &str = "1PSfpHsL2PZLRNPPKZAarigPhR-rh_Ei14lP9m9ydHZHdL2Ko6FJLmsshX5aZbxJ";

const FORM: &str = "application/x-www-form-urlencoded";
const BY: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

fn rsa(kid: &str, alg: &str) -> Value {
    json!({"kty": "RSA", "kid": kid, "alg": alg, "use": "sig", "n": N, "e": "AQAB"})
}

/// The public half of a key of these tests, as a JWK.
pub(crate) fn ec(kid: &str) -> Value {
    json!({"kty": "EC", "crv": "P-384", "kid": kid, "x": X, "y": Y})
}

fn key(alg: Algorithm) -> EncodingKey {
    match alg {
        Algorithm::ES384 => EncodingKey::from_ec_der(&der(ES384)),
        _ => EncodingKey::from_rsa_der(&der(RSA)),
    }
}

/// A JWT of any head and claims, signed by one of these tests' keys.
fn sign(head: &Value, claims: &Value, alg: Algorithm) -> String {
    let part = |it: &Value| BASE64_URL_SAFE_NO_PAD.encode(it.to_string());
    let text = format!("{}.{}", part(head), part(claims));
    let signature = crypto::sign(text.as_bytes(), &key(alg), alg).expect("a signature");
    format!("{text}.{signature}")
}

/// What `client` asserts: its head and its claims.
fn assertion(service: &Service, client: &str, jti: &str) -> (Value, Value) {
    assertion_at(service.clock.now(), client, jti)
}

fn assertion_at(now: DateTime<Utc>, client: &str, jti: &str) -> (Value, Value) {
    let now = now.timestamp();
    let aud = format!("{PUBLIC_URL}/v1/oauth/token");
    (
        json!({"alg": "ES384", "typ": "JWT", "kid": "ec"}),
        json!({"iss": client, "sub": client, "aud": aud, "exp": now + 300, "iat": now, "jti": jti}),
    )
}

fn good(service: &Service, client: &str, jti: &str) -> String {
    let (head, claims) = assertion(service, client, jti);
    sign(&head, &claims, Algorithm::ES384)
}

/// The form by which a client whose key is [`ec`] asks for a token.
pub(crate) fn asserted(client: &str, jti: &str, now: DateTime<Utc>) -> String {
    let (head, claims) = assertion_at(now, client, jti);
    let assertion = sign(&head, &claims, Algorithm::ES384);
    let by = ("client_assertion_type", BY);
    form(&[
        ("grant_type", "client_credentials"),
        by,
        ("client_assertion", &assertion),
        ("scope", "authorizations:read"),
    ])
}

fn form(fields: &[(&str, &str)]) -> String {
    let text =
        fields.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+").replace(':', "%3A")));
    text.collect::<Vec<_>>().join("&")
}

async fn send(service: &Service, fields: &[(&str, &str)]) -> Answer {
    let request = service.anonymous(Method::POST, "/v1/oauth/token").header("content-type", FORM);
    Answer::of(request.body(form(fields))).await
}

async fn ask(service: &Service, assertion: &str, scope: &str) -> Answer {
    let grant = ("grant_type", "client_credentials");
    send(service, &[grant, ("client_assertion_type", BY), ("client_assertion", assertion), ("scope", scope)])
        .await
}

async fn register(service: &Service, keys: (&str, Value)) -> String {
    let mut body = json!({"name": "A program", "scopes": ["authorizations:read", "authorizations:create", "policy:read"]});
    body[keys.0] = keys.1;
    let answer = service.post("administrator", "/v1/clients", &body).await;
    let id = answer.expect(201)["id"].as_str().expect("an id").to_owned();
    assert_eq!(answer.header("location"), Some(&*format!("/v1/clients/{id}")));
    id
}

/// What a delegation comes to.
fn delegate(service: &Service, client: &str) {
    delegate_to(client, |sql| service.execute(sql));
}

/// The same, by whatever changes the database.
pub(crate) fn delegate_to(client: &str, execute: impl FnOnce(&str)) {
    let (id, site) = (client.replace("cli_", "grt_"), SITES[0].0);
    execute(&format!(
        "insert into grants (id, principal_id, role, site_id, requested_by, requested_at, approved_by, approved_at) \
         values ('{id}', '{client}', 'ehr_vendor', '{site}', 'test', '2026-11-22 00:00:00', 'test', '2026-11-22 00:00:00')"
    ));
}

/// A client with a key of each kind, and a role at one site.
async fn client(service: &Service) -> String {
    let id = register(service, ("jwks", json!({"keys": [rsa("rsa", "RS384"), ec("ec")]}))).await;
    delegate(service, &id);
    id
}

fn error(answer: &Answer, status: u16) -> String {
    let body = answer.expect(status);
    let slug = answer.problem(status);
    assert_eq!(body["error"].as_str().map(|it| it.replace('_', "-")), Some(slug));
    assert_eq!(body["error_description"], body["detail"]);
    body["error"].as_str().expect("a word").to_owned()
}

fn without_id(it: &Answer) -> String {
    it.text.replace(it.header("x-request-id").expect("an id"), "…")
}

fn token(answer: &Answer) -> String {
    answer.expect(200)["access_token"].as_str().expect("a token").to_owned()
}

/// What a part of a token says.
pub(crate) fn said(token: &str, part: usize) -> Value {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(part).expect("a part")).expect("base64");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn later(service: &Service, seconds: i64) {
    service.clock.set(service.clock.now() + chrono::TimeDelta::seconds(seconds));
}

on_both! {
    async fn j_02_an_assertion_is_taken_once(service) {
        let (id, other) = (client(&service).await, client(&service).await);
        let first = good(&service, &id, "j1");
        let answer = ask(&service, &first, "").await;
        answer.expect(200);
        for _ in 0..3 {
            assert_eq!(error(&ask(&service, &first, "").await, 401), "invalid_client");
        }
        // Another signature of the same name, too.
        assert_eq!(error(&ask(&service, &good(&service, &id, "j1"), "").await, 401), "invalid_client");
        // After a restart, and at another node.
        let twin = service.twin(Options::default());
        assert_eq!(error(&ask(&twin, &first, "").await, 401), "invalid_client");
        // The controls: another name, and the same of another client.
        ask(&twin, &good(&service, &id, "j2"), "").await.expect(200);
        ask(&service, &good(&service, &other, "j1"), "").await.expect(200);
        // At once, at both nodes.
        let raced = good(&service, &id, "j3");
        let answers = join_all((0..16).map(|it| ask(if it % 2 == 0 { &service } else { &twin }, &raced, ""))).await;
        let taken = answers.iter().filter(|it| it.status == 200).count();
        assert_eq!(taken, 1, "{answers:?}");
        assert!(answers.iter().filter(|it| it.status != 200).all(|it| error(it, 401) == "invalid_client"));
        // As long as any node may take it, it is kept; then it goes.
        later(&service, 299);
        assert_eq!(error(&ask(&service, &raced, "").await, 401), "invalid_client");
        later(&service, 302);
        assert_eq!(error(&ask(&service, &raced, "").await, 401), "invalid_client");
        ask(&service, &good(&service, &id, "j4"), "").await.expect(200);
        assert_eq!(service.texts(&format!("select jti as it from used_assertions where client_id = '{id}'")), ["j4"]);
        let trail = service.texts(&format!("select subject as it from trail where action = 'token.issue' and actor = '{id}'"));
        assert_eq!(trail, [&*id; 4]);
        twin.stop().await;
    }

    async fn bad_assertions_get_one_answer(service) {
        let id = client(&service).await;
        let other = register(&service, ("jwks", json!({"keys": [ec("ec2")]}))).await;
        let unknown = "cli_ffffffffffffffffffffffffffffffff";
        let person = registry::demo::PRINCIPALS[0].0;
        let keyless = registry::demo::PRINCIPALS[2].0;
        let now = service.clock.now().timestamp();
        let (head, claims) = assertion(&service, &id, "j");
        let mut bad: Vec<String> = ["x", "a.b.c", "..", "e30.e30.e30"].map(str::to_owned).into();
        let by = |head: &Value, claims: &Value| sign(head, claims, Algorithm::ES384);
        for (name, values) in [
            ("alg", vec![json!("none"), json!("RS384"), json!("ES256"), json!("HS384"), json!(null)]),
            ("typ", vec![json!("at+jwt"), json!(1), json!("")]),
            ("kid", vec![json!(null), json!("other"), json!(1), json!("rsa"), json!("ec2")]),
            ("jku", vec![json!("https://ehr.example/jwks.json"), json!(1)]),
            ("jwk", vec![ec("ec")]), ("x5u", vec![json!("https://ehr.example")]), ("crit", vec![json!(["exp"])]),
        ] {
            bad.extend(values.into_iter().map(|it| by(&but(&head, name, it), &claims)));
        }
        for (name, values) in [
            ("iss", vec![json!(null), json!(1), json!(unknown), json!(other), json!(person), json!(keyless), json!(PUBLIC_URL), json!([id])]),
            ("sub", vec![json!(null), json!(1), json!(other), json!(unknown), json!("")]),
            ("aud", vec![json!(null), json!(1), json!("lanyard"), json!(PUBLIC_URL), json!([format!("{PUBLIC_URL}/v1/oauth/token")]), json!(format!("{PUBLIC_URL}/v1/oauth/token/"))]),
            ("exp", vec![json!(null), json!(now), json!(now - 1), json!(now + 331), json!(i64::MAX), json!(i64::MIN), json!((now + 300).to_string()), json!([now + 300]), json!(true), json!(1e300), json!(1.5)]),
            ("iat", vec![json!(now + 31), json!(now.to_string()), json!([now]), json!(true), json!(1e300)]),
            ("nbf", vec![json!(now + 31), json!(now.to_string()), json!(true)]),
            ("jti", vec![json!(null), json!(""), json!(1), json!("j".repeat(256)), json!("a\0b")]),
        ] {
            bad.extend(values.into_iter().map(|it| by(&head, &but(&claims, name, it))));
        }
        // Signed with a key of another kind, with none, with the public one as a secret; and cut.
        bad.push(sign(&head, &claims, Algorithm::RS384));
        bad.push(sign(&json!({"alg": "RS256", "kid": "rsa"}), &claims, Algorithm::RS256));
        let whole = by(&head, &claims);
        let (text, signature) = whole.rsplit_once('.').expect("a signature");
        bad.push(format!("{text}."));
        bad.push(format!("{text}.{}", &signature[..20]));
        bad.push(format!("{text}.{}", BASE64_URL_SAFE_NO_PAD.encode([0; 96])));
        let hs = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(json!({"alg": "HS384", "kid": "ec"}).to_string()), text.split('.').nth(1).expect("claims"));
        let mac = crypto::sign(hs.as_bytes(), &EncodingKey::from_secret(X.as_bytes()), Algorithm::HS384).expect("a signature");
        bad.push(format!("{hs}.{mac}"));
        bad.push(by(&head, &but(&claims, "x", json!("x".repeat(9000)))));
        assert!(bad.len() > 60, "{}", bad.len());
        let expected = ask(&service, "x", "").await;
        assert_eq!(expected.header("www-authenticate"), Some("Bearer"));
        for it in bad {
            let answer = ask(&service, &it, "").await;
            assert_eq!(error(&answer, 401), "invalid_client", "{it}");
            assert_eq!(without_id(&answer), without_id(&expected));
        }
        // The control: none of them used up the name, and the whole one is good.
        ask(&service, &whole, "").await.expect(200);
    }

    async fn both_algorithms_get_a_token_that_is_good_for_five_minutes(service) {
        let id = client(&service).await;
        for (kid, alg, name) in [("rsa", Algorithm::RS384, "RS384"), ("ec", Algorithm::ES384, "ES384")] {
            let (_, claims) = assertion(&service, &id, name);
            let answer = ask(&service, &sign(&json!({"alg": name, "kid": kid}), &claims, alg), "").await;
            let body = answer.expect(200);
            assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("bearer"), &json!(300)));
            assert_eq!(answer.header("cache-control"), Some("no-store"));
            assert_eq!(body["scope"], "authorizations:read authorizations:create");
            let token = token(&answer);
            let public = Answer::of(service.anonymous(Method::GET, "/.well-known/jwks.json")).await.expect(200);
            assert_eq!(said(&token, 0), json!({"typ": "at+jwt", "alg": "EdDSA", "kid": public["keys"][0]["kid"]}));
            let claims = said(&token, 1);
            let now = service.clock.now().timestamp();
            for (name, value) in [
                ("iss", json!(PUBLIC_URL)), ("aud", json!("lanyard")), ("sub", json!(id)), ("client_id", json!(id)),
                ("scope", body["scope"].clone()), ("iat", json!(now)), ("exp", json!(now + 300)),
            ] {
                assert_eq!(claims[name], value, "{name}");
            }
            let known = me(&service, &token).await.expect(200);
            assert_eq!((&known["id"], &known["kind"], &known["sites"][0]["id"]), (&json!(id), &json!("system"), &json!(SITES[0].0)));
            assert_eq!(known["scopes"], json!(["authorizations:read", "authorizations:create"]));
            later(&service, 299);
            me(&service, &token).await.expect(200);
            later(&service, 1);
            assert_eq!(me(&service, &token).await.problem(401), "unauthenticated");
        }
    }

    async fn a_token_has_what_was_asked_for_and_may_be_had(service) {
        let id = client(&service).await;
        let mut count = 0;
        for (asked, got) in [
            ("", "authorizations:read authorizations:create"),
            ("authorizations:read", "authorizations:read"),
            ("authorizations:create authorizations:read authorizations:read", "authorizations:read authorizations:create"),
            // Beyond the ceiling, beyond the role, unknown.
            ("authorizations:read members:search policy:read system/*.rs", "authorizations:read"),
        ] {
            count += 1;
            let answer = ask(&service, &good(&service, &id, &format!("j{count}")), asked).await;
            assert_eq!(answer.expect(200)["scope"], got, "{asked}");
        }
        for asked in ["members:search", "policy:read", "authorizations:deny", "x", "a  b", " a", "a\"b", "ä"] {
            count += 1;
            let answer = ask(&service, &good(&service, &id, &format!("j{count}")), asked).await;
            assert_eq!(error(&answer, 400), "invalid_scope", "{asked}");
        }
        // What a token carries is no more than what was asked for, whatever its client may.
        let narrow = token(&ask(&service, &good(&service, &id, "n1"), "authorizations:create").await);
        assert_eq!(me(&service, &narrow).await.expect(200)["scopes"], json!(["authorizations:create"]));
        let list = service.anonymous(Method::GET, "/v1/authorizations").bearer_auth(&narrow);
        assert_eq!(Answer::of(list).await.problem(403), "not-permitted");
        // A client to which no one delegated anything.
        let alone = register(&service, ("jwks", json!({"keys": [ec("ec")]}))).await;
        assert_eq!(error(&ask(&service, &good(&service, &alone, "j1"), "").await, 400), "unauthorized_client");
    }

    async fn j_04_what_a_client_may_is_in_force_at_the_next_request(service) {
        let id = client(&service).await;
        let held = token(&ask(&service, &good(&service, &id, "j1"), "").await);
        service.execute(&format!("update principals set ceiling = 'authorizations:create' where id = '{id}'"));
        assert_eq!(me(&service, &held).await.expect(200)["scopes"], json!(["authorizations:create"]));
        assert_eq!(ask(&service, &good(&service, &id, "j2"), "").await.expect(200)["scope"], "authorizations:create");
        service.execute(&format!("update grants set ended_at = requested_at, ended_by = 'test' where principal_id = '{id}'"));
        assert_eq!(me(&service, &held).await.expect(200)["scopes"], json!([]));
        assert_eq!(error(&ask(&service, &good(&service, &id, "j3"), "").await, 400), "unauthorized_client");

        let (path, why) = (format!("/v1/clients/{id}/disable"), json!({"reason": "Its contract ended."}));
        let it = service.post("administrator", &path, &why).await.expect(200);
        assert_eq!((&it["active"], &it["version"]), (&json!(false), &json!(2)));
        assert_eq!(me(&service, &held).await.problem(401), "unauthenticated");
        assert_eq!(error(&ask(&service, &good(&service, &id, "j4"), "").await, 401), "invalid_client");
        assert_eq!(service.post("administrator", &path, &why).await.expect(200)["version"], 2);
    }

    async fn a_request_for_a_token_has_its_form(service) {
        let id = client(&service).await;
        let (grant, by) = (("grant_type", "client_credentials"), ("client_assertion_type", BY));
        let text = good(&service, &id, "j1");
        let asserted = ("client_assertion", &*text);
        for (form, word) in [
            (vec![], "invalid_request"),
            (vec![grant], "invalid_request"),
            (vec![grant, by], "invalid_request"),
            (vec![grant, asserted], "invalid_request"),
            (vec![by, asserted], "invalid_request"),
            (vec![grant, by, ("client_assertion", "")], "invalid_request"),
            (vec![grant, grant, by, asserted], "invalid_request"),
            (vec![grant, by, asserted, asserted], "invalid_request"),
            (vec![grant, ("client_assertion_type", "other"), asserted], "invalid_request"),
            (vec![("grant_type", "authorization_code"), by, asserted], "unsupported_grant_type"),
            (vec![("grant_type", "password")], "unsupported_grant_type"),
        ] {
            assert_eq!(error(&send(&service, &form).await, 400), word, "{form:?}");
        }
        assert_eq!(error(&send(&service, &[grant, by, asserted, ("client_id", "cli_x")]).await, 401), "invalid_client");
        let post = || service.anonymous(Method::POST, "/v1/oauth/token");
        assert_eq!(error(&Answer::of(post().json(&json!({"grant_type": "client_credentials"}))).await, 400), "invalid_request");
        let packed = post().header("content-type", FORM).header("content-encoding", "gzip").body("x");
        assert_eq!(error(&Answer::of(packed).await, 400), "invalid_request");
        assert_eq!(error(&Answer::of(post().header("content-type", FORM).body(vec![0xff, 0xfe])).await, 400), "invalid_request");
        let long = post().header("content-type", FORM).body("x".repeat(300 * 1024));
        assert_eq!(Answer::of(long).await.problem(413), "body-too-large");
        assert_eq!(Answer::of(service.anonymous(Method::GET, "/v1/oauth/token")).await.problem(405), "method-not-allowed");
        // What is unknown is left out of account, and the client may name itself.
        send(&service, &[grant, by, asserted, ("client_id", &id), ("resource", "x")]).await.expect(200);
    }

    async fn what_clients_must_know_is_published(service) {
        let server = Answer::of(service.anonymous(Method::GET, "/.well-known/oauth-authorization-server")).await.expect(200);
        assert_eq!(server["issuer"], PUBLIC_URL);
        assert_eq!(server["token_endpoint"], format!("{PUBLIC_URL}/v1/oauth/token"));
        assert_eq!(server["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
        assert_eq!(server["token_endpoint_auth_signing_alg_values_supported"], json!(["RS384", "ES384"]));
        assert_eq!(server["grant_types_supported"], json!(["client_credentials"]));
        let scopes = server["scopes_supported"].as_array().expect("scopes");
        assert!(scopes.contains(&json!("authorizations:create")) && !scopes.contains(&json!("authorizations:deny")));
        let smart = Answer::of(service.anonymous(Method::GET, "/.well-known/smart-configuration")).await.expect(200);
        assert_eq!((&smart["token_endpoint"], &smart["capabilities"]), (&server["token_endpoint"], &json!(["client-confidential-asymmetric"])));
    }

    /// A token of people's issuer never makes a system client of anyone, nor the other way round.
    async fn each_issuer_speaks_for_its_own(service) {
        let vendor = registry::demo::PRINCIPALS[2].0;
        let own: Value = said(&service.token("ehr-vendor"), 0);
        assert_eq!(said(&service.token("ehr-vendor"), 1)["iss"], PUBLIC_URL);
        me(&service, &service.token("ehr-vendor")).await.expect(200);
        let (head, person) = (json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "demo"}), claims(&service));
        me(&service, &signed(&head, &person)).await.expect(200);
        let system = but(&but(&person, "acr", Value::Null), "auth_time", Value::Null);
        for (head, claims) in [
            (&head, but(&person, "sub", json!(vendor))),
            (&head, but(&system, "sub", json!(vendor))),
            (&own, but(&person, "iss", json!(PUBLIC_URL))),
            (&own, but(&system, "iss", json!(PUBLIC_URL))),
            (&own, person.clone()),
            (&head, but(&but(&person, "sub", json!(vendor)), "iss", json!(PUBLIC_URL))),
            (&own, but(&person, "iss", json!("https://other.test"))),
        ] {
            assert_eq!(me(&service, &signed(head, &claims)).await.problem(401), "unauthenticated", "{head} {claims}");
        }
        // The control: the service's own key, for a system client.
        let right = but(&but(&system, "sub", json!(vendor)), "iss", json!(PUBLIC_URL));
        me(&service, &signed(&own, &right)).await.expect(200);
    }

    async fn keys_at_an_address_are_fetched_and_rotated(service) {
        let vendor = Publisher::start();
        let url = format!("{}/jwks.json", vendor.base);
        let id = register(&service, ("jwks_url", json!(url))).await;
        delegate(&service, &id);
        let by = |kid: &str, jti: &str| {
            let (head, claims) = assertion(&service, &id, jti);
            let head = but(&head, "jku", json!(url));
            sign(&but(&head, "kid", json!(kid)), &claims, Algorithm::ES384)
        };
        vendor.publish("/jwks.json", &json!({"keys": [ec("a")]}));
        ask(&service, &by("a", "1"), "").await.expect(200);
        ask(&service, &by("a", "2"), "").await.expect(200);
        assert_eq!(vendor.asked(), 1);
        // A new key is known at the next request, but no one makes us ask all the time.
        vendor.publish("/jwks.json", &json!({"keys": [ec("b")]}));
        assert_eq!(error(&ask(&service, &by("b", "3"), "").await, 401), "invalid_client");
        later(&service, 10);
        ask(&service, &by("b", "4"), "").await.expect(200);
        assert_eq!(error(&ask(&service, &by("a", "5"), "").await, 401), "invalid_client");
        assert_eq!(vendor.asked(), 2);
        // One that was taken out is out after five minutes.
        vendor.publish("/jwks.json", &json!({"keys": [ec("c")]}));
        later(&service, 300);
        assert_eq!(error(&ask(&service, &by("b", "6"), "").await, 401), "invalid_client");
        ask(&service, &by("c", "7"), "").await.expect(200);
        // What is no set, too long, somewhere else or not there leaves the keys of before.
        let long = json!({"keys": [ec("d")], "x": "x".repeat(70_000)});
        vendor.publish("/elsewhere", &json!({"keys": [ec("d")]}));
        for (jti, it) in ["{", &long.to_string(), &format!("{}/elsewhere", vendor.base)].into_iter().enumerate() {
            vendor.publish("/jwks.json", &json!(it));
            later(&service, 300);
            assert_eq!(error(&ask(&service, &by("d", &format!("d{jti}")), "").await, 401), "invalid_client");
            ask(&service, &by("c", &format!("c{jti}")), "").await.expect(200);
        }
        vendor.stop().await;
        later(&service, 300);
        ask(&service, &by("c", "8"), "").await.expect(200);
    }

    async fn people_come_from_an_openid_provider(service) {
        let provider = Publisher::start();
        let document = json!({"issuer": provider.base, "jwks_uri": format!("{}/keys", provider.base), "response_types_supported": ["code"]});
        let demo: Value = serde_json::from_str(&issuer().jwks()).expect("keys");
        let demo = &demo["keys"][0];
        let publish = |keys: &[&Value]| provider.publish("/keys", &json!({"keys": keys}));
        publish(&[demo, &rsa("r", "RS256"), &rsa("enc", "RSA-OAEP"), &ec("other")]);
        let twin = service.twin(Options { provider: Some(provider.base.clone()), ..Options::default() });
        let person = || but(&claims(&service), "iss", json!(provider.base));
        let by_ed = |kid: &str| signed(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": kid}), &person());
        let by_rsa = |kid: &str| sign(&json!({"alg": "RS256", "typ": "at+jwt", "kid": kid}), &person(), Algorithm::RS256);

        // Before there is a document, no one is known; a document of another issuer is none.
        assert_eq!(me(&twin, &by_ed("demo")).await.status, 401);
        later(&service, 10);
        provider.publish("/.well-known/openid-configuration", &but(&document, "issuer", json!("https://other.test")));
        assert_eq!(me(&twin, &by_ed("demo")).await.status, 401);
        later(&service, 10);
        provider.publish("/.well-known/openid-configuration", &document);
        let asked = provider.asked();
        let token = by_ed("demo");
        let all = join_all((0..16).map(|_| me(&twin, &token))).await;
        assert!(all.iter().all(|it| it.status == 200));
        assert_eq!(provider.asked(), asked + 2);
        me(&twin, &by_rsa("r")).await.expect(200);
        // Each key for its own algorithm, and none of another kind or use.
        for alg in ["RS384", "PS256", "HS256"] {
            let token = sign(&json!({"alg": alg, "typ": "at+jwt", "kid": "r"}), &person(), Algorithm::RS256);
            assert_eq!(me(&twin, &token).await.status, 401, "{alg}");
        }
        assert_eq!(me(&twin, &by_rsa("enc")).await.status, 401);
        assert_eq!(me(&twin, &signed(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "demo"}), &claims(&service))).await.status, 401);
        assert_eq!(provider.asked(), asked + 2);

        // A new key is in force at the next request.
        publish(&[demo, &rsa("r", "RS256"), &rsa("new", "RS256")]);
        later(&service, 10);
        me(&twin, &by_rsa("new")).await.expect(200);
        // One that was taken out is known until the refresh, which no request waits for.
        publish(&[demo, &rsa("new", "RS256")]);
        me(&twin, &by_rsa("r")).await.expect(200);
        later(&service, 300);
        let mut tries = 0;
        while me(&twin, &by_rsa("r")).await.status == 200 {
            tries += 1;
            assert!(tries < 500, "the keys are refreshed");
            actix_web::rt::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        me(&twin, &by_rsa("new")).await.expect(200);
        // A provider that is down leaves the keys of before, and a secret one is never taken.
        publish(&[&but(demo, "d", json!("AAAA"))]);
        later(&service, 300);
        for _ in 0..2 {
            me(&twin, &by_rsa("new")).await.expect(200);
            actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        provider.stop().await;
        later(&service, 300);
        for _ in 0..2 {
            me(&twin, &by_ed("demo")).await.expect(200);
            actix_web::rt::time::sleep(std::time::Duration::from_millis(50)).await;
        }
        assert_eq!(me(&twin, &by_rsa("unknown")).await.status, 401);
        twin.stop().await;
    }

    async fn clients_are_registered_seen_and_changed(service) {
        let body = json!({"name": "A program", "scopes": ["authorizations:read"], "jwks": {"keys": [ec("ec")], "extra": 1}});
        for who in ["single-site", "site-administrator", "nurse", "operator"] {
            assert_eq!(service.post(who, "/v1/clients", &body).await.problem(403), "not-permitted", "{who}");
            assert_eq!(service.get(who, "/v1/clients").await.problem(403), "not-permitted", "{who}");
        }
        let keyed = || service.request("administrator", Method::POST, "/v1/clients").header("idempotency-key", "k1").json(&body);
        let (first, again) = (Answer::of(keyed()).await, Answer::of(keyed()).await);
        assert_eq!(first.expect(201), again.expect(201));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
        let id = first.json()["id"].as_str().expect("an id").to_owned();
        let path = format!("/v1/clients/{id}");
        let seen = service.get("compliance", &path).await;
        assert_eq!((seen.expect(200), seen.header("etag")), (first.json(), first.header("etag")));
        assert_eq!(seen.json()["jwks"], body["jwks"]);
        for (name, value, flaw) in [
            ("jwks", json!({"keys": []}), "/jwks format -"),
            ("jwks", json!({"keys": [but(&ec("ec"), "d", json!("AAAA"))]}), "/jwks format -"),
            ("jwks", json!({"keys": [but(&rsa("r", "RS384"), "n", json!("AAAA"))]}), "/jwks format -"),
            ("jwks", json!({"keys": [but(&ec("ec"), "y", json!(X))]}), "/jwks format -"),
            ("jwks", json!({"keys": [ec("ec"), ec("ec")]}), "/jwks format -"),
            ("jwks", json!([ec("ec")]), "/jwks type -"),
            ("jwks", Value::Null, "/jwks required -"),
            ("jwks_url", json!("https://ehr.example/jwks.json"), "/jwks_url not-applicable -"),
            ("scopes", json!([]), "/scopes items -"),
            ("scopes", json!(["everything"]), "/scopes/0 one-of -"),
            ("name", json!(""), "/name length -"),
            ("id", json!("cli_x"), "/id unknown -"),
            ("contact", json!({"name": "Desk"}), "/contact/phone required -"),
        ] {
            assert_eq!(service.post("administrator", "/v1/clients", &but(&body, name, value)).await.flaws(), [flaw]);
        }
        let at = |url: &str| but(&but(&body, "jwks", Value::Null), "jwks_url", json!(url));
        for url in ["http://ehr.example/jwks.json", "ftp://ehr.example", "x", "https://a@ehr.example/", "https://ehr.example/#a"] {
            assert_eq!(service.post("administrator", "/v1/clients", &at(url)).await.flaws(), ["/jwks_url format -"], "{url}");
        }

        // Keys are replaced against the version that was read, and those of before are out at once.
        delegate(&service, &id);
        ask(&service, &good(&service, &id, "j1"), "").await.expect(200);
        let keys = json!({"jwks": {"keys": [ec("next")]}});
        let put = |etag: Option<&str>| {
            let request = service.request("administrator", Method::PUT, &format!("{path}/keys")).json(&keys);
            Answer::of(etag.into_iter().fold(request, |it, etag| it.header("if-match", etag)))
        };
        assert_eq!(put(None).await.problem(428), "if-match-required");
        assert_eq!(put(Some("\"2.00000000\"")).await.problem(412), "client-changed");
        let it = put(seen.header("etag")).await;
        assert_eq!((&it.expect(200)["version"], &it.json()["jwks"]), (&json!(2), &keys["jwks"]));
        assert_eq!(put(seen.header("etag")).await.problem(412), "client-changed");
        assert_eq!(error(&ask(&service, &good(&service, &id, "j2"), "").await, 401), "invalid_client");
        let (head, claims) = assertion(&service, &id, "j3");
        ask(&service, &sign(&but(&head, "kid", json!("next")), &claims, Algorithm::ES384), "").await.expect(200);

        for path in ["/v1/clients/cli_ffffffffffffffffffffffffffffffff", "/v1/clients/x", &format!("/v1/clients/{}", registry::demo::PRINCIPALS[0].0)] {
            assert_eq!(service.get("administrator", path).await.problem(404), "client-not-found");
            let disable = service.post("administrator", &format!("{path}/disable"), &json!({"reason": "x"})).await;
            assert_eq!(disable.problem(404), "client-not-found");
        }
        // All of them, page by page.
        let (mut path, mut ids) = ("/v1/clients?limit=1".to_owned(), Vec::new());
        loop {
            let page = service.get("administrator", &path).await.expect(200);
            ids.push(page["data"][0]["id"].as_str().expect("an id").to_owned());
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("/v1/clients?limit=1&cursor={cursor}");
        }
        assert_eq!(ids, [registry::demo::PRINCIPALS[2].0, registry::demo::PRINCIPALS[10].0, &id]);
        let trail = service.texts(&format!("select action as it from trail where subject = '{id}' and action like 'client.%' order by at"));
        assert_eq!(trail, ["client.add", "client.rotate_keys"]);
    }

    /// J-07: to register a client takes a login of a few minutes ago by more than a password.
    async fn j_07_clients_are_managed_after_a_strong_login(service) {
        let administrator = registry::demo::PRINCIPALS[25];
        assert_eq!(administrator.1, "administrator");
        let claims = but(&but(&claims(&service), "sub", json!(administrator.0)), "scope", json!("users:grant users:read"));
        let head = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "demo"});
        let post = service.anonymous(Method::POST, "/v1/clients").bearer_auth(signed(&head, &claims));
        assert_eq!(Answer::of(post.json(&json!({}))).await.problem(401), "step-up-required");
        let get = service.anonymous(Method::GET, "/v1/clients").bearer_auth(signed(&head, &claims));
        Answer::of(get).await.expect(200);
    }
}

/// To change the service's own key without a token lost, the file has both for a while.
#[test]
fn of_several_keys_of_the_service_the_first_signs_and_each_verifies() {
    let pem = std::fs::read_to_string(crate::support::signing_key()).expect("a key");
    let other = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let own = |pem: &str| api::keys::Own::parse(PUBLIC_URL, pem);
    let kids = |pem: &str| {
        let jwks: Value = serde_json::from_str(&own(pem).expect("keys").jwks()).expect("JSON");
        jwks["keys"].as_array().expect("keys").iter().map(|it| it["kid"].to_string()).collect::<Vec<_>>()
    };
    let both = kids(&format!("{other}{pem}"));
    assert_eq!(both, [kids(other), kids(&pem)].concat());
    let token = own(&format!("{other}\n{pem}\n")).expect("keys").token(
        "cli_x",
        &[],
        "2026-12-01T15:00:00Z".parse().expect("a time"),
        chrono::TimeDelta::minutes(5),
    );
    assert_eq!(said(&token.expect("a token"), 0)["kid"].to_string(), both[0]);
    for bad in [
        "",
        "x",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        RSA,
        ES384,
        &format!("{pem}x"),
        &format!("{pem}{pem}"),
    ] {
        assert!(own(bad).is_err(), "{bad}");
    }
}
