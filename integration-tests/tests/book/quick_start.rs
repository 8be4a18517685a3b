//! `docs/quick-start.md`: each of its blocks run by bash against the built service, each answer compared.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::America::New_York;
use kernel::{Clock, SystemClock};
use regex::{Captures, Regex};
use serde_json::Value;

use super::page;
use crate::cli::{Process, folder, lanyard};
use crate::support::same_as_file;

/// The headers that are shown, by the names that the service gives them.
const HEADERS: [&str; 5] = ["content-type", "location", "etag", "idempotency-replayed", "link"];

/// The blocks of commands but the one that starts the service, which the test has done.
fn blocks(text: &str) -> Vec<&str> {
    let blocks = text.split("```sh\n").skip(1).filter_map(|it| it.split_once("\n```")).map(|it| it.0);
    blocks.filter(|it| *it != "make run").collect()
}

/// Runs the blocks in one shell, in a folder where the paths of the page lead to the built command.
fn run(blocks: &[&str], folder: &Path, address: &str) -> Vec<String> {
    let script = blocks.iter().fold(String::new(), |all, it| all + it + "\nprintf '\u{1e}'\n");
    let script = script.replace("127.0.0.1:8080", address);
    let output = Command::new("bash").args(["-euo", "pipefail", "-c", &script]).current_dir(folder).output();
    let output = output.expect("bash");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.split('\u{1e}').map(str::to_owned).collect()
}

/// Makes every run look like one on 2026-12-01.
struct Likeness {
    today: NaiveDate,
    ids: Vec<String>,
}

impl Likeness {
    fn day(&self, day: NaiveDate) -> NaiveDate {
        let like = NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day");
        like + (day - self.today)
    }

    fn of(&mut self, text: &str) -> String {
        let form = |it: &str| Regex::new(it).expect("a form");
        let id = |it: &Captures<'_>| {
            let place = self.ids.iter().position(|known| *known == it[0]).unwrap_or_else(|| {
                self.ids.push(it[0].to_owned());
                self.ids.len() - 1
            });
            format!("26335R{:05}", place + 1)
        };
        let text = form(r"[0-9]{5}R[0-9]{5,}").replace_all(text, id).into_owned();
        let instant = |it: &Captures<'_>| {
            let it: DateTime<Utc> = it[0].parse().expect("an instant");
            format!("{}T15:00:00Z", self.day(it.with_timezone(&New_York).date_naive()))
        };
        let text = form(r"[0-9-]{10}T[0-9:.]+Z").replace_all(&text, instant).into_owned();
        let day = |it: &Captures<'_>| self.day(it[0].parse().expect("a day")).to_string();
        // An instant that is changed already stays as it is.
        let text = form(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b").replace_all(&text, day).into_owned();
        let text = form(r#""([0-9]+)\.[0-9a-f]{8}""#).replace_all(&text, "\"$1.00000000\"").into_owned();
        let text = form("req_[0-9a-f]{32}").replace_all(&text, "req_…").into_owned();
        form(r#"(cursor=|"next_cursor": ")[A-Za-z0-9_-]+"#).replace_all(&text, "$1…").into_owned()
    }
}

/// An answer as it is shown: its status, some headers, and of its body the members that are named, or all.
fn shown(answer: &str, members: &[&str]) -> String {
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let mut text = lines.next().expect("a status").trim_end().to_owned() + "\n";
    let headers: BTreeMap<_, _> =
        lines.filter_map(|it| it.split_once(": ")).map(|it| (it.0.to_lowercase(), it.1)).collect();
    for name in HEADERS {
        text += &headers.get(name).map(|it| format!("{name}: {it}\n")).unwrap_or_default();
    }
    let mut body: Value = serde_json::from_str(body).expect("JSON");
    if !members.is_empty() {
        let all = body.as_object_mut().expect("an object");
        assert!(members.iter().all(|it| all.contains_key(*it)), "{members:?}");
        all.retain(|name, _| members.contains(&name.as_str()));
    }
    format!("{text}\n{}", serde_json::to_string_pretty(&body).expect("JSON"))
}

/// The page, each `<!-- answer: members -->` followed by what its block was answered.
fn written(text: &str, answers: &[String]) -> String {
    let (mut like, mut answers) = (Likeness { today: today(), ids: Vec::new() }, answers.iter());
    let mut parts = text.split("```sh\n");
    let mut made = parts.next().expect("a beginning").to_owned();
    for part in parts {
        made += "```sh\n";
        let block = part.split("\n```").next().unwrap_or_default();
        let answer = if block == "make run" { None } else { answers.next() };
        let Some((before, rest)) = part.split_once("<!-- answer") else {
            made += part;
            continue;
        };
        let (members, rest) = rest.split_once(" -->\n\n").expect("an end");
        // What was written there before goes.
        let rest = match rest.strip_prefix("```http\n").and_then(|it| it.split_once("\n```\n")) {
            Some((_, rest)) => rest,
            None => &format!("\n{rest}"),
        };
        let named: Vec<_> =
            members.trim_start_matches(": ").split(", ").filter(|it| !it.is_empty()).collect();
        let answer = like.of(&shown(answer.expect("an answer"), &named));
        let _ = write!(made, "{before}<!-- answer{members} -->\n\n```http\n{answer}\n```\n{rest}");
    }
    made
}

/// The day in the plan's zone.
fn today() -> NaiveDate {
    SystemClock.now().with_timezone(&New_York).date_naive()
}

#[test]
fn the_quick_start_is_what_a_newcomer_sees() {
    let folder = folder("quick-start");
    std::fs::create_dir_all(folder.join("target/debug")).expect("a folder");
    symlink(lanyard(), folder.join("target/debug/lanyard")).expect("a link");
    let process = Process::start(&folder, &[]);
    let text = page("quick-start.md");
    let answers = run(&blocks(&text), &folder, &process.address);
    same_as_file("docs/quick-start.md", &written(&text, &answers));
}
