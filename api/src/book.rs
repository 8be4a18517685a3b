//! The book, as pages: `docs/*.md`, in the binary.

mod diagram;
mod marks;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use marks::marked;

macro_rules! pages {
    ($($name:literal),+ $(,)?) => { &[$(($name, include_str!(concat!("../../docs/", $name)))),+] };
}

/// Each page: its name, and its text.
pub const PAGES: &[(&str, &str)] = pages![
    "README.md",
    "quick-start.md",
    "callers.md",
    "access.md",
    "walkthrough.md",
    "lifecycle.md",
    "dates-and-money.md",
    "errors.md",
    "idempotency.md",
    "lists.md",
    "webhooks.md",
    "glossary.md",
    "policy.md",
    "operations.md",
    "runbook.md",
    "rules.md",
];

/// A page as it is shown.
pub struct Page {
    /// Its title.
    pub title: &'static str,
    /// What it tells, in a sentence.
    pub about: String,
    /// Its parts, but for its title, as HTML.
    pub html: String,
    /// The anchor and the words of each of its parts.
    pub parts: Vec<(String, String)>,
    /// The page before it: its name and title.
    pub before: Option<(&'static str, &'static str)>,
    /// The page after it.
    pub after: Option<(&'static str, &'static str)>,
}

/// The rules, and what each says.
static RULES: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let rows = text("rules.md").unwrap_or_default().lines().filter_map(|it| {
        let mut cells = it.strip_prefix("| ")?.split(" | ");
        cells.next().filter(|it| it.contains('-')).zip(cells.next())
    });
    rows.collect()
});

/// Each page, made when the first of them is asked for.
static MADE: LazyLock<BTreeMap<&str, Page>> =
    LazyLock::new(|| (0..PAGES.len()).map(|at| (PAGES[at].0, made(at))).collect());

fn made(at: usize) -> Page {
    let (name, text) = PAGES[at];
    let shown = if name == "rules.md" { first_columns(text) } else { text.to_owned() };
    let (html, parts) = marks::page(name, shown.split_once('\n').map_or("", |it| it.1));
    let beside = |it: Option<usize>| it.and_then(|it| PAGES.get(it)).map(|it| (it.0, title(it.1)));
    Page {
        title: title(text),
        about: about(name, text),
        html,
        parts,
        before: beside(at.checked_sub(1)),
        after: beside(Some(at + 1)),
    }
}

fn title(text: &'static str) -> &'static str {
    text.lines().next().unwrap_or_default().trim_start_matches("# ")
}

/// What the contents say of a page; of themselves, their first sentence.
fn about(name: &str, text: &str) -> String {
    let entry = PAGES[0].1.lines().find_map(|it| it.split_once(&format!("]({name}): ")).map(|it| it.1));
    let said = entry.or_else(|| text.lines().nth(2)).unwrap_or_default();
    let mut letters = said.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).filter(|it| *it != '`').collect()
}

/// The page of rules without what only the project's own people look for.
fn first_columns(text: &str) -> String {
    let line = |it: &str| match it.split(" | ").collect::<Vec<_>>()[..] {
        [id, says, ..] if it.starts_with("| ") => format!("{id} | {says} |\n"),
        _ if it.starts_with("|--") => "|---|---|\n".to_owned(),
        _ => format!("{it}\n"),
    };
    text.lines().map(line).collect()
}

/// The page of this name, if there is one.
#[must_use]
pub fn page(name: &str) -> Option<&'static Page> {
    MADE.get(name)
}

/// The Markdown of a page, if there is one of this name.
#[must_use]
pub fn text(name: &str) -> Option<&'static str> {
    PAGES.iter().find(|it| it.0 == name).map(|it| it.1)
}

/// What a rule says, in Markdown.
#[must_use]
pub fn rule(id: &str) -> Option<&'static str> {
    RULES.get(id).copied()
}
