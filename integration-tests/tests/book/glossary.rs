//! `docs/glossary.md`: the words of the field, and every closed set of codes.

use std::fs;

use serde_json::Value;

use super::{code, contract, hold, meanings, page, pages, table};
use crate::support::root;

/// Sets with a table of their own in another page.
const ELSEWHERE: [&str; 2] = ["FlawCode", "Scope"];

/// Every closed set of the contract: its name, its codes, its schema.
fn sets() -> Vec<(String, Vec<String>, Value)> {
    let schemas = contract()["components"]["schemas"].as_object().expect("schemas").clone();
    let set = |(name, schema): (String, Value)| {
        let codes =
            schema["enum"].as_array()?.iter().filter_map(|it| it.as_str().map(str::to_owned)).collect();
        Some((name, codes, schema))
    };
    // Those of problems are named with their status and their meaning in a page of their own.
    schemas.into_iter().filter(|it| it.0 != "ProblemType").filter_map(set).collect()
}

fn list() -> String {
    let row = |(_, codes, schema): (String, Vec<String>, Value)| {
        let about = schema["description"].as_str().unwrap_or_default();
        let about = about.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
        let meanings = meanings(&schema);
        let each = move |it: String| {
            let means = meanings.iter().find(|of| of.0 == it).map(|it| it.1.clone()).unwrap_or_default();
            [about.clone(), code(it), means]
        };
        codes.into_iter().map(each).collect::<Vec<_>>()
    };
    let rows = sets().into_iter().filter(|it| !ELSEWHERE.contains(&it.0.as_str())).flat_map(row);
    table(["set", "code", "means"], rows)
}

#[test]
fn the_page_of_words_is_true() {
    hold("glossary.md", &[("sets", list())]);
}

/// Each code of a closed set is named in the book, beside pages that only show answers.
#[test]
fn every_closed_word_is_named() {
    let shown = ["walkthrough.md", "rules.md", "quick-start.md"];
    let book: String = pages().iter().filter(|it| !shown.contains(&it.as_str())).map(|it| page(it)).collect();
    for (name, codes, _) in sets() {
        for it in codes {
            assert!(book.contains(&code(&it)), "{name}: `{it}` is in no page of the book");
        }
    }
}

/// The words are in order, each explained once, and each is one that the documents or the contract use.
#[test]
fn every_term_is_one_that_is_used() {
    let text = page("glossary.md");
    let term = |line: &str| Some(line.strip_prefix("- **")?.split_once("**")?.0.to_owned());
    let terms: Vec<_> = text.lines().filter_map(term).collect();
    let folded: Vec<_> = terms.iter().map(|it| it.to_lowercase()).collect();
    assert!(folded.windows(2).all(|it| it[0] < it[1]), "{folded:?}");
    let mut used: String = pages().iter().filter(|it| *it != "glossary.md").map(|it| page(it)).collect();
    for file in ["README.md", "ARCHITECTURE.md", "openapi.yaml"] {
        used += &fs::read_to_string(root().join(file)).expect(file);
    }
    let used = used.to_lowercase().replace('_', " ");
    let unused: Vec<_> =
        folded.iter().flat_map(|it| it.split(", ")).filter(|it| !used.contains(it)).collect();
    assert!(unused.is_empty(), "explained and nowhere used: {unused:?}");
}
