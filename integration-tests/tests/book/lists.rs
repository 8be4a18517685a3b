//! `docs/lists.md`: pages and filters.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Operation, code, contract, hold, send, table};
use crate::support::{Kind, example, start};

/// Each list, and its order.
const LISTS: [(&str, &str, &str); 18] = [
    ("GET /v1/authorizations", "newest number first", ""),
    ("POST /v1/authorizations/search", "newest number first", "AuthorizationSearch"),
    ("POST /v1/members/search", "last name, first name, number", "MemberSearch"),
    ("GET /v1/providers", "NPI", ""),
    ("GET /v1/diagnosis-codes", "best match first", ""),
    ("GET /v1/procedure-codes", "code set, code", ""),
    ("GET /v1/services", "as the guide has them", ""),
    ("GET /v1/users", "id", ""),
    ("GET /v1/delegations", "id", ""),
    ("GET /v1/clients", "id", ""),
    ("GET /v1/events", "as they are told, the oldest first", ""),
    ("GET /v1/webhooks", "id", ""),
    ("GET /v1/webhooks/{id}/deliveries", "the latest first", ""),
    ("GET /v1/emergency-access", "the latest first", ""),
    ("GET /v1/deadlines", "the soonest first", ""),
    ("GET /v1/jobs", "id", ""),
    ("GET /v1/trail", "the latest first", ""),
    ("POST /v1/trail/search", "the latest first", "TrailSearch"),
];

/// How a list pages, as the contract says.
fn row((name, order, schema): &(&str, &str, &str)) -> [String; 5] {
    let operations = Operation::all();
    let of = operations.iter().find(|it| it.name() == *name).expect(name);
    let contract = contract();
    let parameter = |name: &str| -> Option<Value> {
        match *schema {
            "" => of.it["parameters"].as_array()?.iter().find(|it| it["name"] == name).cloned(),
            schema => contract["components"]["schemas"][schema]["properties"].get(name).cloned(),
        }
    };
    let limit = parameter("limit").unwrap_or_default();
    let about = limit["description"].as_str().unwrap_or_default();
    let usual: String = about.chars().filter(char::is_ascii_digit).collect::<String>();
    let usual = about.split("; ").nth(1).and_then(|it| it.split(' ').next()).map_or(usual, str::to_owned);
    let most = [&limit["maximum"], &limit["schema"]["maximum"]].into_iter().find(|it| it.is_number());
    let paged = ["cursor", "after"].into_iter().find(|it| parameter(it).is_some());
    let paged = paged.map_or("a single page".to_owned(), code);
    let usual = if usual.is_empty() { "all".to_owned() } else { usual };
    let most = most.map_or("all".to_owned(), ToString::to_string);
    [code(name), (*order).to_owned(), paged, usual, most]
}

fn filters() -> String {
    let mut rows = Vec::new();
    for it in Operation::all() {
        for (name, about) in it.parameters("query") {
            rows.push([code(it.name()), code(name), about]);
        }
        let sent = &it.it["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let schema = sent.as_str().and_then(|it| it.rsplit('/').next()).unwrap_or_default();
        let fields = contract()["components"]["schemas"][schema]["properties"].clone();
        for (name, field) in fields.as_object().filter(|_| schema.ends_with("Search")).into_iter().flatten() {
            let about = field["description"].as_str().unwrap_or_default();
            let (about, _) = about.rsplit_once(" (").unwrap_or((about, ""));
            rows.push([code(it.name()), code(name), about.to_owned()]);
        }
    }
    table(["list", "parameter", "means"], rows)
}

#[test]
fn the_page_of_lists_is_true() {
    let lists =
        table(["list", "order", "pages", "rows where `limit` is left out", "at most"], LISTS.iter().map(row));
    hold("lists.md", &[("lists", lists), ("filters", filters())]);
    for it in Operation::all().iter().filter(|it| it.path.starts_with("/v1/")) {
        // No address takes what it must not hold.
        for (name, _) in it.parameters("query") {
            let patient = ["member", "birth", "last_name", "diagnosis"];
            assert!(patient.iter().all(|it| !name.contains(it)), "{name}");
        }
        let data = it.it["responses"]["200"]["content"]["application/json"]["example"]["data"].is_array();
        assert_eq!(data, LISTS.iter().any(|(list, ..)| *list == it.name()), "{}", it.name());
    }
}

#[test]
fn pages_are_as_the_page_says() {
    start(Kind::Sqlite, |service| async move {
        for _ in 0..4 {
            service.submit(&example()).await.expect(201);
        }
        let list =
            async |query: &str| service.get("single-site", &format!("/v1/authorizations{query}")).await;
        let first = list("?limit=2&status=PEND").await;
        let next = first.header("link").expect("a link").to_owned();
        assert!(
            next.starts_with("</v1/authorizations?limit=2&status=PEND&cursor=")
                && next.ends_with(">; rel=\"next\"")
        );
        assert_eq!(first.header("etag"), None);
        let cursor = list("?limit=1").await.json()["next_cursor"].as_str().expect("a cursor").to_owned();
        // One that arrives while we page, and the same cursor in the search.
        service.submit(&example()).await.expect(201);
        let page = list(&format!("?limit=1&cursor={cursor}")).await.json();
        assert_eq!(page["data"][0]["id"], "26335R00003");
        let body = json!({"limit": 1, "cursor": cursor});
        let search =
            send(&service, "single-site", (Method::POST, "/v1/authorizations/search"), &[], Some(&body))
                .await;
        assert_eq!(
            (search.expect(200)["data"][0]["id"].as_str(), search.header("link")),
            (Some("26335R00003"), None)
        );
        for name in ["actions", "deadlines", "decision"] {
            assert!(page["data"][0].get(name).is_none(), "{name}");
        }
        for query in [
            "?offset=1",
            "?limit=0",
            "?limit=201",
            "?limit=1&limit=1",
            "?cursor=x",
            "?status=open",
            "?member_id=x",
        ] {
            assert_eq!(list(query).await.problem(400), "invalid-parameter", "{query}");
        }
        let other = format!("/v1/providers?cursor={cursor}");
        assert_eq!(service.get("single-site", &other).await.problem(400), "invalid-parameter");
        let other = format!("?site_id={}", registry::demo::SITES[1].0);
        assert_eq!(list(&other).await.problem(403), "site-not-permitted");
    });
}
