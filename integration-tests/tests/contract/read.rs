//! How programs that were made from the contract read it: small, without repetition, and ready for what a later version adds.

use std::collections::BTreeSet;

use api::openapi::{self, ANSWERED, EXAMPLES};
use kernel::Scope;
use registry::Role;
use serde_json::{Value, json};

use super::{document, operations, pointers, schema};

/// What no set of codes has yet.
const LATER: &str = "a code of a later version";

/// The closed sets, by name.
fn sets() -> Vec<(String, Vec<String>)> {
    let schemas = document()["components"]["schemas"].as_object().expect("schemas").clone();
    let set = |(name, it): (String, Value)| {
        let codes = it["enum"].as_array()?.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
        Some((name, codes))
    };
    schemas.into_iter().filter_map(set).collect()
}

/// Each place of `whole` that holds a code, and whether the schema takes one of a later version there.
fn places(said: &Value, whole: &Value, codes: &BTreeSet<String>) -> Vec<(String, bool)> {
    let said = schema(said);
    let errors: Vec<_> = said.iter_errors(whole).map(|it| it.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?} {whole}");
    let is_code =
        |at: &String| whole.pointer(at).and_then(Value::as_str).is_some_and(|it| codes.contains(it));
    let try_it = |at: String| {
        let mut other = whole.clone();
        *other.pointer_mut(&at).expect("a place") = json!(LATER);
        let takes = said.is_valid(&other);
        (at, takes)
    };
    pointers(whole, String::new()).into_iter().filter(is_code).map(try_it).collect()
}

/// Each example with each of its codes in turn replaced by one that there isn't: an answer may hold it, a request may not.
#[test]
fn a_code_of_a_later_version_is_taken_in_answers_alone() {
    let codes: BTreeSet<_> = sets().into_iter().flat_map(|it| it.1).collect();
    let (mut answered, mut refused) = (0, BTreeSet::new());
    for (id, request, answer) in EXAMPLES {
        let (_, _, it) =
            operations().into_iter().find(|it| it.2["operationId"] == *id).expect("an operation");
        let content = |it: &Value| it["content"]["application/json"]["schema"].clone();
        let status = if it["responses"]["201"].is_object() { "201" } else { "200" };
        let answer = serde_json::from_str(answer).expect("JSON");
        for (at, takes) in places(&content(&it["responses"][status]), &answer, &codes) {
            assert!(takes, "the answer of {id} at {at}");
            answered += 1;
        }
        let request = request.map(|it| serde_json::from_str(it).expect("JSON"));
        for (at, takes) in request.iter().flat_map(|sent| places(&content(&it["requestBody"]), sent, &codes))
        {
            assert!(!takes, "the request of {id} at {at}");
            refused.insert(format!("{id}{at}"));
        }
    }
    for (_, text) in ANSWERED {
        let of = json!({"$ref": "#/components/schemas/Problem"});
        let found = places(&of, &serde_json::from_str(text).expect("JSON"), &codes);
        assert!(found.iter().any(|it| it.0 == "/type") && found.iter().all(|it| it.1), "{found:?}");
        answered += found.len();
    }
    assert!(answered > 200, "{answered}");
    for at in [
        "create_authorization/type",
        "create_authorization/lines/0/code_type",
        "decide_authorization/outcome",
        "grant_role/role",
    ] {
        assert!(refused.contains(at), "{refused:?}");
    }
}

/// Whatever an answer leads to names open sets, whatever a request leads to closed ones; and each is what it is called.
#[test]
fn each_set_is_open_in_answers_and_closed_in_requests() {
    fn refers(it: &Value, into: &mut BTreeSet<String>) {
        let document = document();
        let mut rest = vec![it.clone()];
        while let Some(it) = rest.pop() {
            match it {
                Value::Object(parts) => {
                    let name = parts.get("$ref").and_then(Value::as_str).and_then(|it| it.rsplit('/').next());
                    if let Some(name) = name
                        && into.insert(name.to_owned())
                        && !name.starts_with("Open")
                    {
                        rest.push(document["components"]["schemas"][name].clone());
                    }
                    rest.extend(parts.into_iter().filter(|it| it.0 != "example").map(|it| it.1));
                }
                Value::Array(items) => rest.extend(items),
                _ => {}
            }
        }
    }
    let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
    let (mut sent, mut given) = (Vec::new(), vec![document()["webhooks"].clone()]);
    for (.., it) in operations() {
        sent.extend([it["parameters"].clone(), it["requestBody"].clone()]);
        given.push(it["responses"].clone());
    }
    refers(&Value::from(sent), &mut asked);
    refers(&Value::from(given), &mut answered);
    for (name, codes) in sets() {
        assert!(!answered.contains(&name), "an answer is held to the {name} of today");
        let open = format!("Open{name}");
        assert!(!asked.contains(&open) && (asked.contains(&name) || answered.contains(&open)), "{name}");
        let closed = schema(&json!({"$ref": format!("#/components/schemas/{name}")}));
        assert!(
            codes.iter().all(|it| closed.is_valid(&json!(it))) && !closed.is_valid(&json!(LATER)),
            "{name}"
        );
        if answered.contains(&open) {
            let open = schema(&json!({"$ref": format!("#/components/schemas/{open}")}));
            assert!(
                codes.iter().all(|it| open.is_valid(&json!(it))) && open.is_valid(&json!(LATER)),
                "{name}"
            );
            assert!(!open.is_valid(&json!(1)), "{name}");
        }
    }
    for name in ["Scope", "Action", "Role", "Status", "FlawCode", "PendReason", "ProblemType"] {
        assert!(answered.contains(&format!("Open{name}")), "{name}");
    }
}

/// The names by which programs know the codes are words, each once.
#[test]
fn the_codes_of_a_set_have_names() {
    for (name, codes) in sets() {
        let names = document()["components"]["schemas"][&name]["x-enum-varnames"].clone();
        let names: Vec<_> = names
            .as_array()
            .map_or(codes.clone(), |it| it.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect());
        let word = |it: &String| it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
        let distinct: BTreeSet<_> = names.iter().collect();
        assert!(names.iter().all(word) && distinct.len() == codes.len(), "{name} {names:?}");
    }
}

/// What is the same in several places is said once, and is small.
#[test]
fn nothing_is_said_twice() {
    let text = openapi::json();
    assert!(text.len() < 400_000 && !text.contains(": {") && !text.contains('\n'), "{}", text.len());
    let document = document();
    let mut parameters = BTreeSet::new();
    for item in document["paths"].as_object().expect("paths").values() {
        for it in item.as_object().expect("an item").values() {
            for (status, answer) in it["responses"].as_object().expect("answers") {
                let shared = status == "304" || status.as_bytes()[0] > b'3';
                assert_eq!(answer["$ref"].is_string(), shared, "{} {status}", it["operationId"]);
                let headers = answer["headers"].as_object().into_iter().flatten();
                assert!(headers.into_iter().all(|it| it.1["$ref"].is_string()), "{}", it["operationId"]);
            }
            for it in it["parameters"].as_array().into_iter().flatten().filter(|it| it["$ref"].is_null()) {
                assert!(parameters.insert(it.to_string()), "{it} is there twice");
            }
        }
    }
    assert!(parameters.len() > 10);
}

/// Each operation that takes a token says so in words, with the scopes, and with the roles that have one of them.
#[test]
fn each_operation_says_what_it_takes() {
    let mut secured = 0;
    for (_, _, it) in operations() {
        let about = it["description"].as_str().unwrap_or_default();
        let last = about.rsplit("\n\n").next().unwrap_or_default();
        let taken: Vec<_> = it["security"].as_array().into_iter().flatten().map(|it| &it["bearer"]).collect();
        let scopes: Vec<_> = taken.iter().filter_map(|it| it[0].as_str()).collect();
        assert_eq!(last.starts_with("Takes "), taken.iter().any(|it| it.is_array()), "{}", it["operationId"]);
        for role in Role::ALL {
            let has = Scope::ALL.iter().any(|it| scopes.contains(&it.as_str()) && role.permits(*it));
            assert_eq!(last.contains(&format!("`{role}`")), has, "{} {role}", it["operationId"]);
        }
        assert!(scopes.iter().all(|it| last.contains(&format!("`{it}`"))), "{last}");
        secured += usize::from(!scopes.is_empty());
    }
    assert!(secured > 30);
}
