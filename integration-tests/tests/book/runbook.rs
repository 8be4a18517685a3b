//! The alarms and their pages: each has the other, and what they name is there.

use std::collections::BTreeSet;
use std::fs;

use regex::Regex;
use serde_json::Value;

use super::page;
use crate::metrics::{Scrape, scrape};
use crate::support::{Kind, root, start};

/// The rules, each as YAML has it.
fn rules() -> Vec<Value> {
    let text = fs::read_to_string(root().join("docs/alerts.yaml")).expect("the alarms");
    let all: Value = yaml_serde::from_str(&text).expect("YAML");
    let groups = all["groups"].as_array().expect("groups");
    groups.iter().flat_map(|it| it["rules"].as_array().expect("rules").clone()).collect()
}

fn text<'v>(it: &'v Value, pointer: &str) -> &'v str {
    it.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("no {pointer}: {it}"))
}

/// The name of an alarm as its page's link has it.
fn anchor(alert: &str) -> String {
    let name = alert.strip_prefix("Lanyard").unwrap_or_else(|| panic!("{alert}"));
    let words = Regex::new("[A-Z][a-z]+").expect("a pattern");
    words.find_iter(name).map(|it| it.as_str().to_lowercase()).collect::<Vec<_>>().join("-")
}

/// Each alarm has its page, and each page its alarm, in the same order, with the same four parts.
#[test]
fn every_alarm_has_its_page_and_every_page_its_alarm() {
    let rules = rules();
    let named: Vec<_> = rules.iter().map(|it| anchor(text(it, "/alert"))).collect();
    let page = page("runbook.md");
    let sections: Vec<_> = page.split("\n## ").skip(1).filter_map(|it| it.split_once('\n')).collect();
    let headed: Vec<_> = sections.iter().map(|it| it.0.to_lowercase().replace(' ', "-")).collect();
    assert_eq!(named, headed);
    assert_eq!(named.iter().collect::<BTreeSet<_>>().len(), named.len());
    for (rule, (head, section)) in rules.iter().zip(&sections) {
        assert_eq!(
            text(rule, "/annotations/runbook"),
            format!("/book/runbook.md#{}", anchor(text(rule, "/alert")))
        );
        assert!(["page", "ticket"].contains(&text(rule, "/labels/severity")), "{head}");
        assert!(text(rule, "/annotations/summary").ends_with('.'), "{head}");
        let parts =
            ["**Means.** ", "**Look.**\n\n- ", "**Do.**\n\n1. ", "**Over.** "].map(|it| section.find(it));
        assert!(parts.iter().all(Option::is_some) && parts.is_sorted(), "{head}");
    }
}

/// The names of numbers in `text`.
fn numbers(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"\b(?:lanyard|process)_[a-z_]+").expect("a pattern");
    name.find_iter(text).map(|it| it.as_str().to_owned()).collect()
}

/// Those that `told` hasn't.
fn unknown(text: &str, told: &Scrape) -> Vec<String> {
    let histogram = |it: &str| {
        let stem = ["_bucket", "_sum", "_count"].iter().find_map(|end| it.strip_suffix(end));
        stem.is_some_and(|it| told.types.get(it).is_some_and(|it| it == "histogram"))
    };
    numbers(text).into_iter().filter(|it| !told.types.contains_key(it) && !histogram(it)).collect()
}

/// Every number that an alarm or its page names is one that the service tells, whether or not it was ever counted.
#[test]
fn what_an_alarm_names_is_told() {
    start(Kind::Sqlite, async |service| {
        let told = scrape(&service).await;
        for rule in rules() {
            let expr = text(&rule, "/expr");
            assert_eq!(unknown(expr, &told), Vec::<String>::new(), "{expr}");
            assert!(numbers(expr).len() + usize::from(expr.contains("up{")) > 0, "{expr}");
            for (open, close) in [('(', ')'), ('[', ']'), ('{', '}')] {
                assert_eq!(expr.matches(open).count(), expr.matches(close).count(), "{expr}");
            }
        }
        for name in ["runbook.md", "operations.md"] {
            let in_code: String = page(name).split('`').skip(1).step_by(2).flat_map(|it| [it, " "]).collect();
            let in_code = in_code.replace("lanyard_app", "");
            assert_eq!(unknown(&in_code, &told), Vec::<String>::new(), "{name}");
        }
        // The controls.
        assert_eq!(unknown("rate(lanyard_rain_total[5m])", &told), ["lanyard_rain_total"]);
        assert_eq!(unknown("lanyard_deadlines_overdue_count", &told), ["lanyard_deadlines_overdue_count"]);
        assert!(numbers("lanyard_request_duration_seconds_bucket").len() == 1);
    });
}

#[test]
fn the_names_of_alarms_become_those_of_pages() {
    assert_eq!(anchor("LanyardNotReady"), "not-ready");
    assert_eq!(anchor("LanyardSlow"), "slow");
}
