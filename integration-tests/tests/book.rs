//! The book in `docs/`: its tables are generated, its examples performed, its links followed.

mod callers;
mod errors;
pub(crate) mod events;
mod glossary;
mod idempotency;
mod lifecycle;
mod lists;
mod quick_start;
mod runbook;
mod style;
mod values;

use std::fs;

use reqwest::Method;
use serde_json::{Value, json};

use crate::contract::{document as contract, operations};
use crate::support::{Answer, Service, root, same_as_file};

/// The names of the pages, in order.
fn pages() -> Vec<String> {
    let files = fs::read_dir(root().join("docs")).expect("docs").map(|it| it.expect("an entry").path());
    let files = files.filter(|it| it.extension().is_some_and(|it| it == "md"));
    let names = files.filter_map(|it| Some(it.file_name()?.to_string_lossy().into_owned()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}

/// The text of a page.
fn page(name: &str) -> String {
    fs::read_to_string(root().join("docs").join(name)).expect(name)
}

/// Holds the parts of a page that are generated, each between `<!-- its name -->` and `<!-- end -->`.
#[track_caller]
fn hold(name: &str, parts: &[(&str, String)]) {
    let mut text = page(name);
    for (part, made) in parts {
        let begin = format!("<!-- {part} -->\n");
        let (before, rest) = text.split_once(&begin).unwrap_or_else(|| panic!("{name} has no {part}"));
        let (_, after) = rest.split_once("<!-- end -->").unwrap_or_else(|| panic!("{part} has no end"));
        text = format!("{before}{begin}\n{}\n\n<!-- end -->{after}", made.trim_end());
    }
    same_as_file(&format!("docs/{name}"), &text);
}

/// A table of Markdown.
fn table<const N: usize>(heads: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let row = |cells: [String; N]| {
        let cells = cells.map(|it| it.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" "));
        format!("| {} |\n", cells.join(" | "))
    };
    let rows: String = rows.into_iter().map(row).collect();
    format!("| {} |\n|{}\n{rows}", heads.join(" | "), "---|".repeat(N))
}

/// As code.
fn code(it: impl std::fmt::Display) -> String {
    format!("`{it}`")
}

/// As code, several of them.
fn codes<T: std::fmt::Display>(all: impl IntoIterator<Item = T>) -> String {
    all.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// An operation of the contract, with its method and path.
struct Operation {
    method: String,
    path: String,
    it: Value,
}

impl Operation {
    fn all() -> Vec<Self> {
        let of =
            |(path, method, it): (String, String, Value)| Self { method: method.to_uppercase(), path, it };
        operations().into_iter().map(of).collect()
    }

    fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }

    /// The parameters of a kind: `query`, `header`.
    fn parameters(&self, kind: &str) -> Vec<(String, String)> {
        let all = self.it["parameters"].as_array().cloned().unwrap_or_default();
        let all = all.into_iter().filter(|it| it["in"] == kind);
        let word = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
        all.map(|it| (word(&it, "name"), word(&it, "description"))).collect()
    }
}

/// The items of a list in a schema's description: each code, and what it means.
fn meanings(schema: &Value) -> Vec<(String, String)> {
    let about = schema["description"].as_str().unwrap_or_default();
    let item = |line: &str| {
        let (code, means) = line.strip_prefix("- `")?.split_once("`: ")?;
        Some((code.to_owned(), means.to_owned()))
    };
    about.lines().filter_map(item).collect()
}

/// Sends a request with headers.
async fn send(
    service: &Service,
    who: &str,
    (method, path): (Method, &str),
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Answer {
    let mut request = service.request(who, method, path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(body) = body {
        request = request.json(body);
    }
    Answer::of(request).await
}

/// Status, and of a problem its slug.
fn told(it: &Answer) -> String {
    if it.status < 400 { it.status.to_string() } else { format!("{} `{}`", it.status, it.problem(it.status)) }
}

/// The body of the main job, with parts of it otherwise.
pub(crate) fn but(parts: &[(&str, Value)]) -> Value {
    let mut body = crate::support::example();
    for (pointer, value) in parts {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        match body.pointer_mut(parent).expect(pointer) {
            Value::Object(it) if value.is_null() => drop(it.remove(name)),
            Value::Object(it) => drop(it.insert(name.to_owned(), value.clone())),
            other => other[name.parse::<usize>().expect("a place")] = value.clone(),
        }
    }
    body
}

/// A request that a clinician reviews: two lines, more units than are usual.
fn reviewed() -> Value {
    let line = |units: u32| json!({"code_type": "revenue", "code": "0551", "units": units});
    but(&[("/lines", json!([line(30), line(2)]))])
}
