//! What many operations say alike, said once: headers, problems, parameters.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::sets::camel;
use super::{members, operations};
use crate::refusal::{all, title};

/// Each header of answers: whether every answer that lists it has it, and what it holds. A plan may count nothing, and what isn't for
/// this service isn't counted.
const HEADERS: [(&str, bool, &str); 9] = [
    (
        "X-Request-Id",
        true,
        "The request's id: yours, if you sent one of 1 to 64 letters, digits, `_` or `-`.",
    ),
    ("RateLimit-Policy", false, "How many requests at once (`q`) come back in how many seconds (`w`)."),
    ("RateLimit", false, "How many of them are left (`r`), and in how many seconds all will be (`t`)."),
    ("WWW-Authenticate", true, "`Bearer`."),
    ("Retry-After", true, "Seconds to wait."),
    ("ETag", true, "Its version, and a digest of what this caller sees of it."),
    ("Location", true, "Where it is: a path of this service."),
    ("Link", false, "The next page, as `rel=\"next\"`; left out on the last one."),
    ("Idempotency-Replayed", false, "`true`, if this is the answer to an earlier request."),
];

/// The problem that stands for each status, as an example; of the others a test keeps the answer.
const SHOWN: [(u16, &str); 9] = [
    (401, "unauthenticated"),
    (403, "not-permitted"),
    (408, "request-timeout"),
    (413, "body-too-large"),
    (415, "not-json"),
    (428, "if-match-required"),
    (429, "too-many-requests"),
    (500, "internal"),
    (503, "database-unavailable"),
];

/// The same, as they were answered: each has members of its own.
pub const ANSWERED: [(u16, &str); 5] = [
    (400, include_str!("../examples/problem_400.json")),
    (404, include_str!("../examples/problem_404.json")),
    (409, include_str!("../examples/problem_409.json")),
    (412, include_str!("../examples/problem_412.json")),
    (422, include_str!("../examples/problem_422.json")),
];

/// The id that stands for those that are made anew.
const INSTANCE: &str = "req_0198c1f2a4b37c10a1b2c3d4e5f60a01";

/// Moves into `components` what is the same in many places.
pub(super) fn share(document: &mut Value) {
    let (mut headers, mut problems) = (Map::new(), BTreeMap::new());
    for (name, required, about) in HEADERS {
        let header = json!({"description": about, "required": required, "schema": {"type": "string"}});
        headers.insert(name.replace('-', ""), header);
    }
    let mut parameters = Parameters::of(document);
    let mut unchanged = None;
    for (path, operation) in operations(document) {
        for (status, answer) in members(operation, "responses") {
            if answer.get("$ref").is_some() {
                problems.entry(status.to_owned()).or_insert_with(|| problem(status));
                continue;
            }
            for (name, header) in members(answer, "headers") {
                *header = to("headers", &name.replace('-', ""));
            }
            if status == "304" {
                unchanged = Some(std::mem::replace(answer, to("responses", "NotModified")));
            }
        }
        let taken = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for it in taken.into_iter().flatten() {
            if let Some(name) = parameters.named(path, it) {
                *it = to("parameters", &name);
            }
        }
    }
    let problems = problems.into_iter().map(|(status, it)| (format!("Problem{status}"), it));
    let unchanged = unchanged.map(|it| ("NotModified".to_owned(), it));
    let responses: Map<_, _> = unchanged.into_iter().chain(problems).collect();
    document["components"]["headers"] = headers.into();
    document["components"]["parameters"] = parameters.kept.into();
    document["components"]["responses"] = responses.into();
}

fn to(kind: &str, name: &str) -> Value {
    json!({"$ref": format!("#/components/{kind}/{name}")})
}

/// Any problem of a status, with an example.
fn problem(status: &str) -> Value {
    let more = match status {
        "401" => Some("WWW-Authenticate"),
        "429" | "503" => Some("Retry-After"),
        _ => None,
    };
    let names = [Some("X-Request-Id"), more, Some("RateLimit-Policy"), Some("RateLimit")];
    let headers = names.into_iter().flatten().map(|it| (it.to_owned(), to("headers", &it.replace('-', ""))));
    let schema = to("schemas", "Problem");
    let status = status.parse().expect("a status");
    json!({
        "description": title(status_of(status)),
        "headers": headers.collect::<Map<_, _>>(),
        "content": {"application/problem+json": {"schema": schema, "example": example(status)}},
    })
}

fn status_of(status: u16) -> actix_web::http::StatusCode {
    actix_web::http::StatusCode::from_u16(status).expect("a status")
}

fn example(status: u16) -> Value {
    if let Some((_, text)) = ANSWERED.iter().find(|it| it.0 == status) {
        return serde_json::from_str(text).expect("an example is JSON");
    }
    let (_, slug) = SHOWN.iter().find(|it| it.0 == status).expect("a problem stands for each status");
    let it = all().into_iter().find(|it| it.slug == *slug).expect("a problem");
    serde_json::to_value(it.problem().about(INSTANCE)).expect("JSON")
}

/// The parameters that several operations take.
struct Parameters {
    /// How often each is taken: by its name and its text.
    counts: BTreeMap<String, BTreeMap<String, usize>>,
    kept: Map<String, Value>,
}

impl Parameters {
    fn of(document: &mut Value) -> Self {
        let mut counts = BTreeMap::<String, BTreeMap<String, usize>>::new();
        for (path, operation) in operations(document) {
            for it in operation.get("parameters").and_then(Value::as_array).into_iter().flatten() {
                *counts.entry(name_of(path, it)).or_default().entry(it.to_string()).or_default() += 1;
            }
        }
        Self { counts, kept: Map::new() }
    }

    /// The name of a parameter that is shared, which is the most frequent one of its name.
    fn named(&mut self, path: &str, it: &Value) -> Option<String> {
        let (name, text) = (name_of(path, it), it.to_string());
        let most = self.counts[&name].iter().max_by_key(|it| it.1)?;
        (*most.0 == text && *most.1 > 1).then(|| {
            self.kept.insert(name.clone(), it.clone());
            name
        })
    }
}

/// `IdempotencyKey`, `Limit`; with what it is of, where things have their own: `WebhookId`, `WebhookIfMatch`.
fn name_of(path: &str, it: &Value) -> String {
    let name = it["name"].as_str().unwrap_or_default();
    let thing = match (it["in"].as_str(), name) {
        (Some("path"), "id") | (_, "If-Match") => path.split('/').nth(2).unwrap_or_default(),
        _ => "",
    };
    let thing = thing.strip_suffix('s').filter(|it| !it.ends_with('s')).unwrap_or(thing);
    camel(&format!("{thing}-{name}"))
}
