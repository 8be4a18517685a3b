//! The first and the last day and instant of every field that takes one, on both databases.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use crate::contract::{document, operations};
use crate::on_both;
use crate::quiet::{Operation, secured};
use crate::support::{Answer, Database, Kind, Options, Service, example};
use crate::users::id;

/// Whether each is taken.
const DAYS: [(&str, bool); 8] = [
    ("0000-01-01", false),
    ("0001-01-01", false),
    ("1899-12-31", false),
    ("1900-01-01", true),
    ("2199-12-31", true),
    ("2200-01-01", false),
    ("9999-12-31", false),
    ("+262142-12-31", false),
];

const INSTANTS: [(&str, bool); 14] = [
    ("-262143-01-01T00:00:00Z", false),
    ("-0001-01-01T00:00:00Z", false),
    ("0000-01-01T00:00:00Z", false),
    ("0001-01-01T00:00:00Z", false),
    ("1899-12-31T23:59:59Z", false),
    ("1900-01-01T00:00:00Z", true),
    ("1900-01-01T00:00:00+23:59", true),
    ("2199-12-31T23:59:59.999999Z", true),
    ("2199-12-31T23:59:59-23:59", true),
    ("2200-01-01T00:00:00Z", false),
    ("9999-12-31T23:59:59Z", false),
    ("+262142-12-31T23:59:59Z", false),
    ("2026-11-01 00:00:00 UTC", false),
    ("2026-12-01T15:00:60Z", false),
];

/// One of these may call whatever there is.
const CALLERS: [&str; 8] = [
    "administrator",
    "site-administrator",
    "single-site",
    "physician",
    "nurse",
    "compliance",
    "operator",
    "coordinator",
];

/// A field: its pointer in the body, or the name of a parameter.
struct Field {
    operation: String,
    at: String,
    instant: bool,
}

impl Field {
    fn values(&self) -> &'static [(&'static str, bool)] {
        if self.instant { &INSTANTS } else { &DAYS }
    }
}

/// Whether a schema is of an instant, or else of a day, if of either.
fn is_instant(schema: &Value) -> Option<bool> {
    match schema["format"].as_str()? {
        "date" => Some(false),
        "date-time" => Some(true),
        _ => None,
    }
}

/// The pointers of all days and instants below `at`.
fn below(document: &Value, schema: &Value, at: &str, into: &mut Vec<(String, bool)>) {
    if let Some(name) = schema["$ref"].as_str() {
        return below(document, document.pointer(name.trim_start_matches('#')).expect(name), at, into);
    }
    into.extend(is_instant(schema).map(|it| (at.to_owned(), it)));
    for (name, it) in schema["properties"].as_object().into_iter().flatten() {
        below(document, it, &format!("{at}/{name}"), into);
    }
    for it in schema["oneOf"].as_array().into_iter().flatten() {
        below(document, it, at, into);
    }
    if schema["items"].is_object() {
        below(document, &schema["items"], &format!("{at}/0"), into);
    }
}

fn fields() -> Vec<Field> {
    let (document, mut fields) = (document(), Vec::new());
    for (_, _, it) in operations() {
        let operation = it["operationId"].as_str().expect("an id").to_owned();
        let asked = it["parameters"].as_array().into_iter().flatten().filter(|it| it["in"] == "query");
        for it in asked {
            let at = it["name"].as_str().expect("a name").to_owned();
            let field = |instant| Field { operation: operation.clone(), at, instant };
            fields.extend(is_instant(&it["schema"]).map(field));
        }
        let mut found = Vec::new();
        below(&document, &it["requestBody"]["content"]["application/json"]["schema"], "", &mut found);
        fields.extend(found.into_iter().map(|(at, instant)| Field {
            operation: operation.clone(),
            at,
            instant,
        }));
    }
    // An event's id is taken there, too, so that the contract calls it text.
    fields.push(Field { operation: "replay_webhook".to_owned(), at: "/after".to_owned(), instant: true });
    fields
}

/// Puts `text` where `at` points, and makes what is missing on the way there.
fn put(body: &mut Value, at: &str, text: &str) {
    let mut it = body;
    for name in at[1..].split('/') {
        it = if let Ok(place) = name.parse::<usize>() {
            if !it.is_array() {
                *it = json!([]);
            }
            let list = it.as_array_mut().expect("a list");
            while list.len() <= place {
                list.push(json!({}));
            }
            &mut list[place]
        } else {
            if !it.is_object() {
                *it = json!({});
            }
            &mut it[name]
        };
    }
    *it = json!(text);
}

async fn as_permitted(service: &Service, it: &Operation, tail: &str, body: Option<&Value>) -> Answer {
    let mut last = None;
    for who in CALLERS {
        let request = service.request(who, it.method.clone(), &format!("{}{tail}", it.path));
        let request = request.header("if-match", "\"1.00000000\"");
        let answer = Answer::of(match body {
            Some(body) => request.json(body),
            None => request,
        });
        let answer = answer.await;
        if ![401, 403, 404].contains(&answer.status) {
            return answer;
        }
        last = Some(answer);
    }
    last.expect("an answer")
}

/// Each field's answer to each value, and what is read afterwards.
async fn run(service: &Service, fields: &[Field], secured: &[Operation]) -> Vec<String> {
    for _ in 0..2 {
        service.submit(&example()).await.expect(201);
    }
    crate::emergency::open_one(service);
    let site = registry::demo::SITES[0].0;
    crate::webhooks::keep(service, crate::webhooks::KEPT, "site-administrator", site);
    let mut said = Vec::new();
    for field in fields {
        let it = secured.iter().find(|it| it.id == field.operation).expect("an operation with a token");
        for (text, taken) in field.values() {
            let of_query = !field.at.starts_with('/');
            let answer = if of_query {
                let text = text.replace('+', "%2B").replace(' ', "%20");
                let mark = if it.id == "list_diagnosis_codes" { "q=i10&" } else { "" };
                as_permitted(service, it, &format!("?{mark}{}={text}", field.at), None).await
            } else {
                let mut body = it.body.clone().expect("an example");
                put(&mut body, &field.at, text);
                as_permitted(service, it, "", Some(&body)).await
            };
            let place = format!("{} {} {text}", field.operation, field.at);
            assert!(![401, 403].contains(&answer.status) && answer.status < 500, "{place} {}", answer.text);
            let body: Value = serde_json::from_str(&answer.text).unwrap_or_default();
            let flaws: Vec<_> = body["errors"].as_array().into_iter().flatten().map(flaw).collect();
            let pointer = if of_query { format!("/{}", field.at) } else { field.at.clone() };
            let refused = flaws.contains(&format!("{pointer} format"));
            // What is later than all events can't be asked for, and is of the form all the same.
            assert_eq!(refused, !taken, "{place} {}", answer.text);
            assert!(!answer.text.contains(" BC"), "{place}");
            said.push(format!("{place}: {} {flaws:?}", answer.status));
        }
    }
    for it in secured.iter().filter(|it| it.method == Method::GET) {
        let tail = if it.id == "list_diagnosis_codes" { "?q=i10" } else { "" };
        for who in CALLERS {
            let answer = service.get(who, &format!("{}{tail}", it.path)).await;
            assert!(answer.status < 500, "{} {}", it.id, answer.text);
            said.push(format!("{} as {who}: {}", it.id, answer.status));
        }
    }
    said
}

fn flaw(it: &Value) -> String {
    let word = |name: &str| it[name].as_str().unwrap_or_default().to_owned();
    format!("{} {}", word("pointer"), word("code"))
}

/// Fields that are new in the contract are among them by themselves.
#[test]
fn every_day_and_instant_has_its_extremes_and_both_databases_answer_alike() {
    // Read beforehand: what takes long leaves connections idle.
    let (fields, secured) = (fields(), secured());
    let found: Vec<_> = fields.iter().map(|it| format!("{} {}", it.operation, it.at)).collect();
    for known in [
        "grant_role /first_on",
        "create_authorization /start_date",
        "list_trail to",
        "list_deadlines due_before",
    ] {
        assert!(found.iter().any(|it| it == known), "{found:?}");
    }
    let (Some(left), Some(right)) = (Database::new(Kind::Sqlite), Database::new(Kind::Postgres)) else {
        return eprintln!("left out: there is no PostgreSQL");
    };
    actix_web::rt::System::new().block_on(async {
        let on = |database, kind| Service::on(&Arc::new(database), kind, Options::default());
        let left = on(left, Kind::Sqlite);
        let one = run(&left, &fields, &secured).await;
        left.stop().await;
        let right = on(right, Kind::Postgres);
        let other = run(&right, &fields, &secured).await;
        right.stop().await;
        for (one, other) in one.iter().zip(&other) {
            assert_eq!(one, other);
        }
        assert_eq!(one.len(), other.len());
    });
}

on_both! {
    /// Whatever a database holds from before, or by another's hand, its user is read, and can be kept from calling.
    async fn a_grant_that_no_one_would_take_today_ends_like_any_other(service) {
        let user = id("multi-site");
        let early = if service.kind == Kind::Postgres { "0001-01-01 BC" } else { "0000-01-01" };
        let sites = service.texts("select id as it from sites order by id limit 6");
        let grant = |place: usize| format!("grt_0198c1f2a4b37c10a1b2c3d4e5f60b{place:02}");
        for (place, role, first, last) in [
            (3_usize, "portal_user", format!("'{early}'"), "null"),
            (4, "portal_user", "null".to_owned(), "'9999-12-31'"),
            (5, "no_role_of_ours", "null".to_owned(), "null"),
        ] {
            service.execute(&format!(
                "insert into grants (id, principal_id, role, site_id, first_on, last_on, requested_by, requested_at) values \
                 ('{}', '{user}', '{role}', '{}', {first}, {last}, 'test', '2026-11-01 00:00:00')",
                grant(place), sites[place]
            ));
        }
        let path = format!("/v1/users/{user}");
        let found = service.get("administrator", &path).await.expect(200);
        let of = |place: usize| found["grants"].as_array().expect("grants").iter().find(|it| it["id"] == grant(place)).cloned();
        assert_eq!(of(3).expect("the early one")["first_on"], "1900-01-01");
        assert_eq!(of(4).expect("the late one")["last_on"], "2199-12-31");
        assert_eq!(of(5), None);
        service.get("administrator", "/v1/users?limit=200").await.expect(200);
        let why = json!({"reason": "It is no longer needed."});
        for place in [3, 4] {
            let answer = service.post("administrator", &format!("{path}/grants/{}/withdraw", grant(place)), &why).await;
            assert!(answer.status < 300, "{}", answer.text);
        }
        assert_eq!(service.post("administrator", &format!("{path}/disable"), &why).await.expect(200)["active"], false);
    }

    /// What was stored is mended as the schema is brought up to date, and means the same.
    async fn stored_days_are_brought_within_the_years_that_are_taken(service) {
        let early = if service.kind == Kind::Postgres { "0001-01-01 BC" } else { "0000-01-01" };
        let days = || service.texts(
            "select cast(first_on as text) || ' ' || cast(last_on as text) as it from grants where requested_by = 'test' order by id"
        );
        for (place, first, last) in [(1, early, "9999-12-31"), (2, "2200-01-01", "1899-12-31"), (3, "1900-01-01", "2199-12-31")] {
            service.execute(&format!(
                "insert into grants (id, principal_id, role, first_on, last_on, requested_by, requested_at) values \
                 ('grt_{place}', '{}', 'test_{place}', '{first}', '{last}', 'test', '2026-11-01 00:00:00')",
                id("nurse")
            ));
        }
        let before = days();
        service.execute(include_str!("../../migrations/portable/2026-11-22-000031_days/up.sql"));
        let mended = ["1900-01-01 2199-12-31", "2199-12-31 1900-01-01", "1900-01-01 2199-12-31"];
        assert!(days() == mended && before != mended, "{before:?} {:?}", days());
    }
}
