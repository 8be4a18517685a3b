//! What an operation takes of its caller, in words, since not every reader of the contract shows scopes.

use kernel::Scope;
use registry::Role;
use serde_json::Value;

use super::operations;

/// Says it at the end of what is said of each operation that takes a token.
pub(super) fn say(document: &mut Value) {
    for (_, operation) in operations(document) {
        let Some(words) = words(&operation["security"]) else { continue };
        let about = operation["description"].as_str().map_or(words.clone(), |it| format!("{it}\n\n{words}"));
        operation["description"] = about.into();
    }
}

fn words(security: &Value) -> Option<String> {
    let alternatives: Vec<_> = security.as_array()?.iter().filter_map(|it| it["bearer"].as_array()).collect();
    alternatives.first()?;
    let named: Vec<_> = alternatives.into_iter().flatten().filter_map(Value::as_str).collect();
    let scopes: Vec<_> = Scope::ALL.iter().filter(|it| named.contains(&it.as_str())).collect();
    let roles = Role::ALL.iter().filter(|role| scopes.iter().any(|it| role.permits(**it)));
    let roles = listed(roles.map(|it| it.as_str()));
    let taken = listed(scopes.iter().map(|it| it.as_str()));
    Some(match scopes.len() {
        0 => "Takes a token, and no scope.".to_owned(),
        1 => format!("Takes {taken}. Roles that have it: {roles}."),
        _ => format!("Takes one of {taken}. Roles that have one: {roles}."),
    })
}

fn listed<'a>(codes: impl Iterator<Item = &'a str>) -> String {
    codes.map(|it| format!("`{it}`")).collect::<Vec<_>>().join(", ")
}
