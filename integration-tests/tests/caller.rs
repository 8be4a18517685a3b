//! Access tokens, verified strictly (J-01, J-03).

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use kernel::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::on_both;
use crate::support::{Answer, ISSUER, Options, Service, issuer, key_folder};

/// A key for these tests alone.
const ES256: &str = include_str!("support/es256.pem");

pub(crate) fn claims(service: &Service) -> Value {
    let now = service.clock.now().timestamp();
    json!({
        "iss": ISSUER, "aud": "lanyard", "sub": registry::demo::PRINCIPALS[0].0, "client_id": "test",
        "scope": "authorizations:read", "iat": now, "exp": now + 900, "jti": "j1", "acr": "1", "auth_time": now,
    })
}

fn head() -> Value {
    json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "demo"})
}

fn key() -> EncodingKey {
    let _ = issuer();
    let pem = std::fs::read_to_string(key_folder().join("signing-key.pem")).expect("a key");
    EncodingKey::from_ed_der(&der(&pem))
}

pub(crate) fn der(pem: &str) -> Vec<u8> {
    let text: String = pem.lines().filter(|it| !it.starts_with("-----")).collect();
    BASE64_STANDARD.decode(text).expect("a key")
}

/// A token of any head and claims, properly signed by the tests' key.
pub(crate) fn signed(head: &Value, claims: &Value) -> String {
    sign(&head.to_string(), &claims.to_string())
}

fn sign(head: &str, claims: &str) -> String {
    let text = format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(head), BASE64_URL_SAFE_NO_PAD.encode(claims));
    let signature =
        jsonwebtoken::crypto::sign(text.as_bytes(), &key(), Algorithm::EdDSA).expect("a signature");
    format!("{text}.{signature}")
}

pub(crate) async fn me(service: &Service, token: &str) -> Answer {
    Answer::of(service.anonymous(Method::GET, "/v1/me").header("authorization", format!("Bearer {token}")))
        .await
}

pub(crate) fn but(whole: &Value, name: &str, value: Value) -> Value {
    let mut whole = whole.clone();
    if value.is_null() {
        whole.as_object_mut().expect("an object").remove(name);
    } else {
        whole[name] = value;
    }
    whole
}

on_both! {
    async fn j_01_j_03_bad_tokens_get_one_answer(service) {
        let (head, claims) = (head(), claims(&service));
        let good = signed(&head, &claims);
        me(&service, &good).await.expect(200);
        let now = service.clock.now().timestamp();

        let mut bad = vec![String::new(), "x".to_owned(), "a.b.c".to_owned(), format!("{good}x"), format!("{good}."), format!(" {good}")];
        let (text, _) = good.rsplit_once('.').expect("a signature");
        bad.push(format!("{text}."));
        bad.push(text.to_owned());
        for alg in ["none", "None", "nOnE", "NONE", "HS256", "ES256", "RS256", "EDDSA", ""] {
            bad.push(signed(&but(&head, "alg", json!(alg)), &claims));
        }
        // Signed with the public key as if it were a shared secret.
        let jwks: Value = serde_json::from_str(&issuer().jwks()).expect("keys");
        let public = jwks["keys"][0]["x"].as_str().expect("a key");
        for secret in [public.as_bytes().to_vec(), BASE64_URL_SAFE_NO_PAD.decode(public).expect("a key")] {
            let head = Header { typ: Some("at+jwt".into()), kid: Some("demo".into()), ..Header::new(Algorithm::HS256) };
            bad.push(encode(&head, &claims, &EncodingKey::from_secret(&secret)).expect("a token"));
        }
        for (name, value) in [
            ("kid", json!(null)), ("kid", json!("other")), ("kid", json!("")), ("kid", json!(1)), ("typ", json!(null)),
            ("typ", json!("JWT")), ("typ", json!(1)), ("jku", json!("https://issuer.test/jwks")), ("x5u", json!("https://issuer.test")),
            ("jwk", jwks["keys"][0].clone()), ("crit", json!(["exp"])), ("crit", json!([])), ("b64", json!(false)), ("zip", json!("DEF")),
        ] {
            bad.push(signed(&but(&head, name, value), &claims));
        }
        for (name, values) in [
            ("iss", vec![json!(null), json!("https://other.test"), json!([ISSUER]), json!(1)]),
            ("aud", vec![json!(null), json!("other"), json!([]), json!(["lanyard", "other"]), json!(1)]),
            ("sub", vec![json!(null), json!(""), json!("usr_x"), json!(1), json!("usr_ffffffffffffffffffffffffffffffff")]),
            ("client_id", vec![json!(null), json!(""), json!(1)]),
            ("scope", vec![json!(null), json!(["authorizations:read"])]),
            ("jti", vec![json!(null), json!(""), json!(1)]),
            ("acr", vec![json!(null), json!(1)]),
            ("auth_time", vec![json!(null), json!("1"), json!(now + 60)]),
            ("exp", vec![json!(null), json!(now), json!(now - 1), json!(0), json!(-1), json!((now + 900).to_string()), json!([now + 900]), json!(true), json!(1e300), json!({})]),
            ("iat", vec![json!(null), json!(now + 60), json!(now.to_string()), json!([now]), json!(true), json!(1e300), json!(now + 900)]),
            ("nbf", vec![json!(now + 60), json!(now.to_string()), json!([now]), json!(true), json!(1e300)]),
        ] {
            for value in values {
                bad.push(signed(&head, &but(&claims, name, value)));
            }
        }
        let text = claims.to_string();
        bad.push(sign(&head.to_string(), &text.replacen('{', "{\"exp\":1e400,", 1)));
        bad.push(sign(&head.to_string(), &text.replacen('{', &format!("{{\"exp\":{},", now + 900), 1)));
        bad.push(sign(&head.to_string(), &text.replacen('{', &format!("{{\"x\":\"{}\",", "x".repeat(16 * 1024)), 1)));
        bad.push(sign(&head.to_string(), &text.replacen('{', &format!("{{\"x\":\"{}\",", "x".repeat(48 * 1024)), 1)));
        assert!(bad.len() > 70, "{}", bad.len());

        let expected = me(&service, "x").await;
        assert_eq!(expected.problem(401), "unauthenticated");
        let body = |it: &Answer| it.text.replace(it.header("x-request-id").expect("an id"), "…");
        for token in bad {
            let answer = me(&service, &token).await;
            assert_eq!(answer.problem(401), "unauthenticated", "{token}");
            assert_eq!(body(&answer), body(&expected));
        }
        for header in [good.clone(), format!("Basic {good}"), format!("Bearer  {good}"), format!("Bearer{good}")] {
            let answer = Answer::of(service.anonymous(Method::GET, "/v1/me").header("authorization", header)).await;
            assert_eq!(answer.problem(401), "unauthenticated");
        }
        let twice = service.anonymous(Method::GET, "/v1/me").bearer_auth(&good).header("authorization", format!("Bearer {good}"));
        assert_eq!(Answer::of(twice).await.problem(401), "unauthenticated");
    }

    async fn a_token_is_good_until_it_expires_by_the_services_clock(service) {
        let token = signed(&head(), &claims(&service));
        for (at, status) in [
            ("2026-12-01T14:59:29Z", 401),
            ("2026-12-01T14:59:30Z", 200),
            ("2026-12-01T15:14:59.999999Z", 200),
            ("2026-12-01T15:15:00Z", 401),
        ] {
            service.set(at);
            assert_eq!(me(&service, &token).await.status, status, "{at}");
        }
    }

    async fn a_scope_that_the_token_lacks_is_lacking(service) {
        let token = signed(&head(), &but(&claims(&service), "scope", json!("authorizations:create unknown:scope")));
        let answer = me(&service, &token).await;
        assert_eq!(answer.expect(200)["scopes"], json!(["authorizations:create"]));
        for path in ["/v1/authorizations", "/v1/providers"] {
            let request = service.anonymous(Method::GET, path).bearer_auth(&token);
            assert_eq!(Answer::of(request).await.problem(403), "not-permitted", "{path}");
        }
        let request = service.anonymous(Method::POST, "/v1/members/search").bearer_auth(&token);
        assert_eq!(Answer::of(request.json(&json!({"last_name": "whit"}))).await.problem(403), "not-permitted");
        let request = service.anonymous(Method::GET, "/v1/diagnosis-codes?q=i10").bearer_auth(token);
        Answer::of(request).await.expect(200);
    }

    /// J-01: what isn't signed by the issuer isn't looked up, so that nobody need be on record.
    async fn j_01_a_bad_token_costs_no_query(service) {
        service.execute("alter table principals rename to gone");
        let good = signed(&head(), &claims(&service));
        let (text, _) = good.rsplit_once('.').expect("a signature");
        for (token, status) in [(format!("{text}.AAAA"), 401), (good, 500)] {
            assert_eq!(me(&service, &token).await.status, status);
        }
    }

    /// J-01 and J-04, keys: each token is checked with the key that its `kid` names, while that one is in force.
    async fn keys_rotate_by_kid(service) {
        let file = crate::cli::folder(&format!("rotate-{:?}", service.kind)).join("jwks.json");
        let replace = |text: String| {
            let next = file.with_extension("next");
            std::fs::write(&next, text).expect("a file");
            std::fs::rename(&next, &file).expect("a file in its place");
        };
        let jwks: Value = serde_json::from_str(&issuer().jwks()).expect("keys");
        let (old, mut new) = (jwks["keys"][0].clone(), jwks["keys"][0].clone());
        new["kid"] = json!("new");
        new["extra"] = json!("not published");
        let sets = |keys: &[&Value]| json!({"keys": keys}).to_string();
        replace(sets(&[&old]));
        let twin = service.twin(Options { jwks_file: Some(file.clone()), ..Options::default() });
        let by_old = signed(&head(), &claims(&service));
        let by_new = signed(&but(&head(), "kid", json!("new")), &claims(&service));
        for (text, wants) in [
            (sets(&[&old]), [200, 401]),
            (sets(&[&old, &new]), [200, 200]),
            (sets(&[&new]), [401, 200]),
            // Rewritten in place, too.
            (sets(&[&new, &but(&old, "kid", json!("other"))]), [401, 200]),
            // What can't be used leaves the keys of before.
            ("{".to_owned(), [401, 200]),
            (sets(&[]), [401, 200]),
            (sets(&[&old, &old]), [401, 200]),
            (sets(&[&but(&old, "d", json!("AAAA"))]), [401, 200]),
            (sets(&[&old]), [200, 401]),
        ] {
            replace(text);
            for (token, want) in [&by_old, &by_new].into_iter().zip(wants) {
                assert_eq!(me(&twin, token).await.status, want);
            }
        }
        // What is published are the keys of the service's own tokens.
        let public = Answer::of(twin.anonymous(Method::GET, "/.well-known/jwks.json")).await.expect(200);
        assert_eq!(public["keys"].as_array().map(Vec::len), Some(1));
        assert!(public["keys"][0]["kid"] != "demo" && public["keys"][0]["x"] == jwks["keys"][0]["x"]);
        twin.stop().await;
    }

    /// J-04: however long a set takes to be read, the newest one is in force.
    async fn j_04_an_older_set_never_takes_the_place_of_a_newer_one(service) {
        let file = crate::cli::folder(&format!("race-{:?}", service.kind)).join("jwks.json");
        let good: Value = serde_json::from_str(&issuer().jwks()).expect("keys");
        let named = |kid: &str| but(&good["keys"][0], "kid", json!(kid));
        let many = (0..3000).map(|it| named(&format!("k{it}"))).chain([named("demo")]).collect::<Vec<_>>();
        let replace = |keys: Vec<Value>| {
            std::fs::write(file.with_extension("next"), json!({"keys": keys}).to_string()).expect("a file");
            std::fs::rename(file.with_extension("next"), &file).expect("a file in its place");
        };
        replace(many.clone());
        let keys = api::keys::Keys::of_file(ISSUER, &file).expect("keys");
        for _ in 0..3 {
            replace(many.clone());
            std::thread::scope(|scope| {
                let slow = scope.spawn(|| keys.jwks());
                replace(vec![named("new")]);
                for _ in 0..50 {
                    let _ = keys.jwks();
                }
                slow.join().expect("a thread");
            });
            assert!(!keys.jwks().contains("demo"));
        }
    }

    async fn es256_is_as_good_and_a_key_is_good_for_its_own_algorithm(service) {
        let key = json!({
            "kty": "EC", "crv": "P-256", "kid": "es", "x": "7zjNNJQ9M-3py8Sh7CHICbQPij4-Pg2S2GKCAjf_ocs",
            "y": "N5zLEMSX8s9oxO6J8RjcrN4Y2w2BFOGR7udOaXuiECQ",
        });
        let file = crate::cli::folder(&format!("es256-{:?}", service.kind)).join("jwks.json");
        std::fs::write(&file, json!({"keys": [key]}).to_string()).expect("a file");
        let twin = service.twin(Options { jwks_file: Some(file), ..Options::default() });
        let head = Header { typ: Some("at+jwt".into()), kid: Some("es".into()), ..Header::new(Algorithm::ES256) };
        let key = EncodingKey::from_ec_der(&der(ES256));
        let token = encode(&head, &claims(&service), &key).expect("a token");
        me(&twin, &token).await.expect(200);
        assert_eq!(me(&service, &token).await.status, 401);
        let other = signed(&json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "es"}), &claims(&service));
        assert_eq!(me(&twin, &other).await.status, 401);
        twin.stop().await;
    }
}

#[test]
fn only_keys_that_can_verify_are_taken() {
    let good = issuer().jwks();
    let but = |from: &str, to: &str| good.replacen(from, to, 1);
    let x = serde_json::from_str::<Value>(&good).expect("keys")["keys"][0]["x"].clone();
    let x = x.as_str().expect("a key");
    let ec = |x: &str, y: &str| {
        format!(r#"{{"keys": [{{"kty": "EC", "crv": "P-256", "kid": "a", "x": "{x}", "y": "{y}"}}]}}"#)
    };
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let no_point = BASE64_URL_SAFE_NO_PAD.encode(no_point);
    let rsa_key = |n: &[u8], e: &str| {
        let n = BASE64_URL_SAFE_NO_PAD.encode(n);
        format!(r#"{{"keys": [{{"kty": "RSA", "kid": "a", "n": "{n}", "e": "{e}"}}]}}"#)
    };
    let (of_32, of_31) = (BASE64_URL_SAFE_NO_PAD.encode([0xff; 32]), BASE64_URL_SAFE_NO_PAD.encode([1; 31]));
    // Beside a good one, keys of other kinds and uses are left aside.
    let rsa =
        r#"{"keys":[{"kty": "RSA", "kid": "r", "alg": "RS512", "n": "AAAA", "e": "AQAB"}, {"kty": "new"}, "#;
    assert!(
        api::keys::Keys::parse(ISSUER, &but(r#"{"keys":["#, rsa))
            .expect("keys")
            .jwks()
            .matches("kid")
            .count()
            == 1
    );
    for (jwks, word) in [
        ("{}".to_owned(), "can't be read"),
        ("[".to_owned(), "can't be read"),
        (r#"{"keys": []}"#.to_owned(), "no key"),
        (
            r#"{"keys": [{"kty": "RSA", "kid": "a", "alg": "PS256", "n": "AAAA", "e": "AQAB"}]}"#.to_owned(),
            "no key",
        ),
        (rsa_key(&[0xff; 255], "AQAB"), "length"),
        (rsa_key(&[0x7f; 256], "AQAB"), "length"),
        (rsa_key(&[0xff; 513], "AQAB"), "length"),
        (rsa_key(&[0xff; 256], "Aw"), "no kind"),
        (r#"{"keys": [{"kty": "oct", "kid": "a", "k": "AAAA"}]}"#.to_owned(), "secret"),
        (but(r#""x""#, r#""d":"AAAA","x""#), "secret"),
        (but(r#""use":"sig""#, r#""use":"enc""#), "no key"),
        (but(r#""use":"sig""#, r#""key_ops":["encrypt"]"#), "no key"),
        (but(r#""kid":"demo","#, ""), "no `kid`"),
        (but("EdDSA", "ES256"), "isn't its own"),
        (but(x, "AA"), "length"),
        (but(x, &format!("{x}AA")), "length"),
        (but(x, &no_point), "can't be used"),
        (ec(&of_32, &of_32), "can't be used"),
        (ec(&of_31, &of_32), "length"),
    ] {
        let wrong = api::keys::Keys::parse(ISSUER, &jwks).err().unwrap_or_else(|| panic!("{jwks}"));
        assert!(wrong.contains(word), "{wrong}");
    }
}
