//! Sets of codes: closed in requests, open in answers, since a later version may add to them.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::operations;

const SCHEMAS: &str = "#/components/schemas/";

/// Has whatever only answers say take a code of a later version, too: its reference to `Status` becomes one to `OpenStatus`, which
/// is `Status` or any other text.
pub(super) fn open(document: &mut Value) {
    let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
    let sets: BTreeSet<_> =
        schemas.iter().filter(|it| it.1["enum"].is_array()).map(|it| it.0.clone()).collect();
    let (mut asked, mut answered) = (BTreeSet::new(), BTreeSet::new());
    for (_, operation) in operations(document) {
        for part in ["parameters", "requestBody"] {
            reach(operation.get(part).unwrap_or(&Value::Null), &schemas, &mut asked);
        }
        reach(&operation["responses"], &schemas, &mut answered);
    }
    reach(&document["components"]["parameters"], &schemas, &mut asked);
    reach(&document["components"]["responses"], &schemas, &mut answered);
    reach(&document["webhooks"], &schemas, &mut answered);
    let Some(kept) = document["components"]["schemas"].as_object_mut() else { return };
    let mut opened = BTreeSet::new();
    for (name, schema) in kept.iter_mut().filter(|it| answered.contains(it.0) && !asked.contains(it.0)) {
        if !sets.contains(name) {
            relax(schema, &sets, &mut opened);
        }
    }
    for name in opened {
        let about = format!("A `{name}`, or what a later version adds to them: expect any text.");
        let either = json!([{"$ref": format!("{SCHEMAS}{name}")}, {"type": "string"}]);
        kept.insert(format!("Open{name}"), json!({"description": about, "anyOf": either}));
    }
    kept.values_mut().for_each(named);
}

/// Collects the names of all schemas to which `it` leads.
fn reach(it: &Value, schemas: &Map<String, Value>, into: &mut BTreeSet<String>) {
    if let Some(name) = it["$ref"].as_str().and_then(|it| it.strip_prefix(SCHEMAS)) {
        if into.insert(name.to_owned()) {
            schemas.get(name).into_iter().for_each(|it| reach(it, schemas, into));
        }
    }
    match it {
        Value::Object(parts) => {
            parts.iter().filter(|it| it.0 != "example").for_each(|it| reach(it.1, schemas, into));
        }
        Value::Array(items) => items.iter().for_each(|it| reach(it, schemas, into)),
        _ => {}
    }
}

/// Replaces each reference to a set by one to the open one.
fn relax(it: &mut Value, sets: &BTreeSet<String>, opened: &mut BTreeSet<String>) {
    match it {
        Value::Object(parts) => {
            let name = parts.get("$ref").and_then(Value::as_str).and_then(|it| it.strip_prefix(SCHEMAS));
            if let Some(name) = name.filter(|it| sets.contains(*it)).map(str::to_owned) {
                parts.insert("$ref".to_owned(), format!("{SCHEMAS}Open{name}").into());
                opened.insert(name);
            }
            parts.values_mut().for_each(|it| relax(it, sets, opened));
        }
        Value::Array(items) => items.iter_mut().for_each(|it| relax(it, sets, opened)),
        _ => {}
    }
}

/// Gives names to the codes of a set that aren't words, for the programs that are made from the contract: `MembersSearch`.
fn named(schema: &mut Value) {
    let Some(codes) = schema.get("enum").and_then(Value::as_array) else { return };
    if schema.get("x-enum-varnames").is_some() {
        return;
    }
    let codes: Vec<_> = codes.iter().filter_map(Value::as_str).collect();
    let word = |it: &str| it.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    if !codes.iter().all(|it| word(it)) {
        let names: Vec<_> = codes.iter().map(|it| camel(it)).collect();
        schema["x-enum-varnames"] = names.into();
    }
}

/// `members:search` as `MembersSearch`.
pub(super) fn camel(code: &str) -> String {
    let words = code.split(|it: char| !it.is_ascii_alphanumeric()).filter(|it| !it.is_empty());
    words.map(|it| format!("{}{}", it[..1].to_uppercase(), &it[1..])).collect()
}
