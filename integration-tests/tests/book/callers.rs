//! `docs/callers.md`: who calls, by what tokens, and what each may do.

use kernel::{Clock, Scope};
use registry::demo::PRINCIPALS;
use registry::{PrincipalKind, Role};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Operation, code, codes, hold, page, table};
use crate::caller::{but, signed};
use crate::support::{Answer, ISSUER, Kind, PUBLIC_URL, Service, start};
use crate::tokens::said;

/// The block of JSON after a mark.
fn block(mark: &str) -> Value {
    let text = page("callers.md");
    let (_, rest) = text.split_once(&format!("<!-- {mark} -->\n```json\n")).expect(mark);
    serde_json::from_str(rest.split_once("\n```").expect("its end").0).expect("JSON")
}

async fn me(service: &Service, token: &str) -> u16 {
    Answer::of(service.anonymous(Method::GET, "/v1/me").bearer_auth(token)).await.status
}

fn without(of: &Value, name: &str) -> Value {
    but(of, name, Value::Null)
}

/// The head and the claims that the page shows are taken, and none of them may be left out but those that it says.
#[test]
fn the_token_that_is_shown_is_good() {
    start(Kind::Sqlite, |service| async move {
        let (head, mut claims) = (block("head"), block("claims"));
        let now = service.clock.now().timestamp();
        assert_eq!(claims["iat"], now, "the page shows a token of the tests' day");
        assert_eq!(claims["iss"], ISSUER);
        assert_eq!(me(&service, &signed(&head, &claims)).await, 200);
        for name in ["alg", "typ", "kid"] {
            assert_eq!(me(&service, &signed(&without(&head, name), &claims)).await, 401, "{name}");
        }
        let text = page("callers.md");
        for name in claims.as_object().expect("claims").keys() {
            assert_eq!(me(&service, &signed(&head, &without(&claims, name))).await, 401, "{name}");
            assert!(text.contains(&format!("`{name}`")), "{name}");
        }
        // A system client's needs no more than these, and is the service's own.
        let mut system = without(&without(&claims, "acr"), "auth_time");
        (system["sub"], system["iss"]) = (json!(PRINCIPALS[2].0), json!(PUBLIC_URL));
        let own = said(&service.token("ehr-vendor"), 0);
        assert_eq!(me(&service, &signed(&own, &system)).await, 200);
        assert_eq!(me(&service, &signed(&head, &system)).await, 401);
        claims["nbf"] = json!(now + 30);
        assert_eq!(me(&service, &signed(&head, &claims)).await, 200);
    });
}

fn scopes() -> String {
    table(["scope", "permits to"], Scope::ALL.iter().map(|it| [code(it), it.about().to_owned()]))
}

fn roles() -> String {
    let heads = ["role", "is", "kind", "scopes"];
    let row = |role: &Role| {
        let scopes = Scope::ALL.iter().filter(|it| role.permits(**it));
        [code(role), role.about().to_owned(), code(role.kind()), codes(scopes)]
    };
    table(heads, Role::ALL.iter().map(row))
}

/// Each scope that is named by what an operation asks for.
fn operations() -> String {
    let row = |it: &Operation| {
        let ways = it.it["security"].as_array().cloned().unwrap_or_default();
        let scopes = |way: &Value| way["bearer"].as_array().cloned().unwrap_or_default();
        let named: Vec<_> =
            ways.iter().flat_map(scopes).filter_map(|it| it.as_str().map(str::to_owned)).collect();
        let takes = match (ways.iter().any(|it| it["bearer"].is_array()), named.is_empty()) {
            (false, _) => "no token".to_owned(),
            (true, true) => "a token, no scope".to_owned(),
            (true, false) => named.iter().map(code).collect::<Vec<_>>().join(" or "),
        };
        [code(it.name()), it.it["summary"].as_str().unwrap_or_default().to_owned(), takes]
    };
    table(["operation", "does", "takes"], Operation::all().iter().map(row))
}

fn demo() -> String {
    let row = |(_, name, role, contact, sites): &(&str, &str, Role, Option<(&str, &str)>, &[usize])| {
        let sites = match (role.kind(), sites.len()) {
            (PrincipalKind::Staff, _) => "all, as the plan's".to_owned(),
            (_, count) => count.to_string(),
        };
        let contact = contact.map_or("none", |it| it.0);
        [code(name), code(role), sites, contact.to_owned()]
    };
    table(["`NAME`", "role", "sites", "contact in its profile"], PRINCIPALS.iter().map(row))
}

#[test]
fn the_page_of_callers_is_true() {
    let parts = [("scopes", scopes()), ("roles", roles()), ("operations", operations()), ("demo", demo())];
    hold("callers.md", &parts);
    // Each setting that is named is one.
    for name in ["cors_origins", "hosts", "jwks_file", "issuer"] {
        let set = api::config::DEFAULTS
            .lines()
            .any(|it| it.trim_start_matches("# ").starts_with(&format!("{name} = ")));
        assert!(set && page("callers.md").contains(name), "{name}");
    }
}

/// A caller without the scope that the table names is refused, and one with it isn't.
#[test]
fn the_table_of_operations_is_kept() {
    start(Kind::Sqlite, |service| async move {
        for it in Operation::all().iter().filter(|it| it.path.starts_with("/v1/")) {
            let path = it.path.replace("{id}", "26335R00001");
            let method = Method::from_bytes(it.method.as_bytes()).expect("a method");
            let needs: Vec<_> = it.it["security"].as_array().expect("security").iter().collect();
            let needs: Vec<_> = needs.iter().filter_map(|it| it["bearer"][0].as_str()).collect();
            for (_, name, role, ..) in &PRINCIPALS[..7] {
                let request =
                    service.request(name, method.clone(), &path).header("content-type", "application/json");
                let answer = Answer::of(if it.method == "POST" { request.body("x") } else { request }).await;
                // A program has no emergencies, whatever its scopes.
                let program = it.it["operationId"] == "open_emergency_access" && *name == "ehr-vendor";
                let may = !program
                    && (needs.is_empty()
                        || Scope::ALL.iter().any(|it| needs.contains(&it.as_str()) && role.permits(*it)));
                assert_eq!(answer.status == 403, !may, "{} {name}: {}", it.name(), answer.text);
            }
        }
    });
}
