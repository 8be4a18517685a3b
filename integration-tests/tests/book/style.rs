//! How the book is written: one short sentence a line, no praise, every page linked, every link good.

use std::collections::BTreeSet;
use std::fs;

use super::{page, pages};
use crate::support::root;

/// The most words that a sentence has.
const WORDS: usize = 45;

/// Words that sell or soothe, and say nothing.
const EMPTY: [&str; 10] = [
    "simply",
    "easily",
    "easy",
    "powerful",
    "seamless",
    "robust",
    "best-in-class",
    "obviously",
    "very",
    "please",
];

/// The lines that are prose, each with its number; not headings, tables, code and what is only for the tests.
fn prose(text: &str) -> Vec<(usize, String)> {
    let (mut code, mut lines) = (false, Vec::new());
    for (place, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            code = !code;
        } else if !code && !line.is_empty() && !["#", "|", "<!--"].iter().any(|it| line.starts_with(it)) {
            lines.push((place + 1, line.to_owned()));
        }
    }
    assert!(!code, "a block of code has no end");
    lines
}

/// The sentence of a line, without the mark of a list and without what leads it in, in bold.
fn sentence(line: &str) -> &str {
    let line = line.trim_start();
    let digits = line.trim_start_matches(|it: char| it.is_ascii_digit());
    let line = line.strip_prefix("- ").or(digits.strip_prefix(". ")).unwrap_or(line);
    match line.strip_prefix("**").and_then(|it| it.split_once("**")) {
        Some((_, rest)) => rest.trim_start(),
        None => line,
    }
}

/// The same without what stands in backticks.
fn bare(text: &str) -> String {
    text.split('`').step_by(2).collect::<Vec<_>>().join("x")
}

fn faults(line: &str) -> Vec<&'static str> {
    let (own, mut faults) = (bare(sentence(line)), Vec::new());
    let inner = own.trim_end_matches(['.', '?', '!', ':', ')', '*']);
    if [". ", "? ", "! "].iter().any(|it| inner.contains(it)) {
        faults.push("has two sentences");
    }
    if !own.is_empty() && !own.ends_with(['.', '?', ':', ';', ')']) {
        faults.push("doesn't end with its sentence");
    }
    if own.split_whitespace().count() > WORDS {
        faults.push("is long");
    }
    let words: BTreeSet<_> =
        own.split(|it: char| !it.is_alphanumeric() && it != '-').map(str::to_lowercase).collect();
    if EMPTY.iter().any(|it| words.contains(*it)) {
        faults.push("has an empty word");
    }
    faults
}

#[test]
fn a_line_is_one_sentence() {
    let mut all = Vec::new();
    for name in pages() {
        for (number, line) in prose(&page(&name)) {
            all.extend(
                faults(&line).into_iter().map(|fault| format!("docs/{name}:{number} {fault}: {line}")),
            );
        }
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn a_fault_of_style_is_seen() {
    for line in ["One. Two.", "One", "- One. Two.", "1. One", "It is simply so.", &"word ".repeat(50)] {
        assert!(!faults(line).is_empty(), "{line}");
    }
    for line in ["One.", "- `a.b` is one:", "**A.** One.", "1. One (`x. Y`)."] {
        assert!(faults(line).is_empty(), "{line}");
    }
}

/// What a heading is linked by.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|it| it.is_alphanumeric() || [' ', '-', '_'].contains(it));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|it| it.starts_with('#'));
    headings.map(|it| anchor(it.trim_start_matches('#').trim())).collect()
}

/// Where the links of a text lead.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1).filter_map(|it| it.split(')').next());
    targets.filter(|it| !it.contains("://")).collect()
}

#[test]
fn every_page_is_linked_and_every_link_leads_somewhere() {
    let contents = page("README.md");
    let linked: BTreeSet<_> = links(&contents).into_iter().collect();
    for name in pages().iter().filter(|it| *it != "README.md") {
        assert!(linked.contains(name.as_str()), "docs/README.md doesn't link {name}");
    }
    let top = fs::read_to_string(root().join("README.md")).expect("README.md");
    assert!(links(&top).contains(&"docs/README.md"), "README.md doesn't link the book");
    let mut files = vec![("README.md".to_owned(), root(), top)];
    files.extend(pages().into_iter().map(|it| (format!("docs/{it}"), root().join("docs"), page(&it))));
    for (name, folder, text) in &files {
        for link in links(text) {
            let (path, at) = link.split_once('#').unwrap_or((link, ""));
            let target = if path.is_empty() { root().join(name) } else { folder.join(path) };
            assert!(target.exists(), "{name} links {link}, which isn't there");
            if !at.is_empty() {
                let text = fs::read_to_string(&target).expect("text");
                assert!(anchors(&text).contains(at), "{name} links {link}, which has no such heading");
            }
        }
    }
}
