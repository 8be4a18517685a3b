//! C-04: SQLite's data is synced before its acknowledgement is sent, as the kernel sees it.

use std::collections::HashMap;
use std::fs;
use std::process::Command;

use super::ledger::Ledger;
use super::load::Load;
use super::node::Setting;
use super::{form, on, report, variable};
use crate::support::{Database, Kind};

#[test]
fn torture_c_04_a_sync_comes_before_each_acknowledgement() {
    let there = Command::new("strace").args(["-o", "/dev/null", "-e", "trace=fsync", "true"]).status();
    if !there.is_ok_and(|it| it.success()) {
        assert!(variable("REQUIRE_STRACE").is_none(), "REQUIRE_STRACE is set, and strace can't trace");
        return eprintln!("left out: there is no strace, or it may not trace");
    }
    on(Kind::Sqlite, synced);
}

/// One system call: where it begins and ends among the others, and what it was told.
struct Sys {
    begins: usize,
    ends: usize,
    text: String,
}

/// The calls of strace's file, in the order of their beginnings.
fn calls(text: &str) -> Vec<Sys> {
    let (mut calls, mut open) = (Vec::<Sys>::new(), HashMap::<String, usize>::new());
    for (place, line) in text.lines().enumerate() {
        let Some((process, rest)) = line.trim_start().split_once(' ') else { continue };
        if rest.trim_start().starts_with("<... ") {
            if let Some(of) = open.remove(process) {
                calls[of].ends = place;
                // What is read is told at the end.
                calls[of].text += rest;
            }
            continue;
        }
        let unfinished = rest.ends_with("<unfinished ...>");
        if unfinished {
            open.insert(process.to_owned(), calls.len());
        }
        let ends = if unfinished { usize::MAX } else { place };
        calls.push(Sys { begins: place, ends, text: rest.trim_start().to_owned() });
    }
    calls
}

fn is_any(call: &Sys, names: &[&str]) -> bool {
    names.iter().any(|it| call.text.strip_prefix(it).is_some_and(|it| it.starts_with('(')))
}

/// Which of these acknowledged requests were answered before their data was synced.
fn unsynced(text: &str, tags: &[String]) -> Vec<String> {
    let calls = calls(text);
    let log = |it: &&Sys| it.text.contains("-wal>");
    let early = |tag: &&String| {
        let written = calls
            .iter()
            .filter(log)
            .find(|it| is_any(it, &["write", "pwrite64"]) && it.text.contains(&***tag));
        let answered = |it: &&Sys| {
            is_any(it, &["write", "writev", "sendto", "sendmsg"])
                && it.text.contains("HTTP/1.1 2")
                && it.text.contains(&***tag)
        };
        let (Some(written), Some(answered)) = (written, calls.iter().find(answered)) else { return true };
        let between = |it: &Sys| it.begins > written.ends && it.ends < answered.begins;
        !calls.iter().filter(log).any(|it| is_any(it, &["fsync", "fdatasync"]) && between(it))
    };
    tags.iter().filter(early).cloned().collect()
}

/// What strace saw of a node under load, and the requests that it acknowledged.
async fn traced(setting: &Setting, ledger: &Ledger, name: &str, steps: usize) -> (String, Vec<String>) {
    let mut setting = setting.clone();
    let file = setting.folder.join(name);
    let calls = "trace=read,recvfrom,write,writev,sendto,sendmsg,pwrite64,fsync,fdatasync";
    let line = ["strace", "-f", "-y", "-s", "20000", "-e", calls, "-e", "signal=none", "-o"];
    setting.wrapper = line.iter().map(|it| (*it).to_owned()).chain([file.display().to_string()]).collect();
    let node = setting.start();
    let load = Load::new(ledger, &[&node.base]);
    load.steps_by(1, steps / 4).await;
    load.steps_by(6, steps - steps / 4).await;
    node.kill();
    let text = String::from_utf8_lossy(&fs::read(file).expect("a trace")).into_owned();
    (text, load.acts().iter().filter(|it| it.is_done()).map(|it| it.tag.clone()).collect())
}

async fn synced(database: Database) {
    let (ledger, setting) = (Ledger::new(Kind::Sqlite, &database.url), Setting::new("c-04", &database.url));
    let steps = form(1_000, 60);
    let (text, tags) = traced(&setting, &ledger, "strace", steps).await;
    assert!(tags.len() > steps / 3, "{} acknowledged", tags.len());
    assert_eq!(unsynced(&text, &tags), Vec::<String>::new());
    // The control: with `synchronous=NORMAL` nearly all are.
    let setting = setting.armed("store::unsynced=return");
    let (text, wrong) = traced(&setting, &ledger, "strace-unsynced", 40).await;
    let early = unsynced(&text, &wrong).len();
    assert!(early * 2 > wrong.len() && early > 0, "{early} of {}", wrong.len());
    let measured = format!(
        "{} of {} synced first; with NORMAL {} of {}",
        tags.len(),
        tags.len(),
        wrong.len() - early,
        wrong.len()
    );
    report("C-04", Kind::Sqlite, "a sync before every acknowledgement", &measured);
}
