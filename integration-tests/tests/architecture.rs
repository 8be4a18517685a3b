//! What is deliberately absent from the source, and that `docs/rules.md` tells the truth.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::support::{root, same_as_file};

/// Every source file below `folder`, with its path from the top and its text.
fn sources(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|it| it == "rs") {
                into.push(path);
            }
        }
    }
    let (root, mut files) = (root(), Vec::new());
    walk(&root.join(folder), &mut files);
    files.sort();
    let read = |it: PathBuf| {
        let path = it.strip_prefix(&root).expect("below the top").display().to_string();
        (path, fs::read_to_string(it).expect("text"))
    };
    files.into_iter().map(read).collect()
}

fn service() -> Vec<(String, String)> {
    ["api/src", "crates"].iter().flat_map(|it| sources(it)).collect()
}

/// The part of a file that isn't its tests.
fn code(text: &str) -> &str {
    text.split("#[cfg(test)]").next().unwrap_or_default()
}

#[test]
fn rooms_lean_only_where_the_drawing_says() {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec().expect("metadata");
    let names: Vec<_> = metadata.packages.iter().map(|it| it.name.to_string()).collect();
    let allowed = BTreeMap::from([
        ("kernel", &[][..]),
        ("store", &["kernel"]),
        ("registry", &["kernel", "store"]),
        ("access", &["kernel", "store", "registry"]),
        ("authorizations", &["kernel", "store", "registry"]),
        ("outbound", &["kernel", "store"]),
        ("webhooks", &["kernel", "store", "registry"]),
        ("api", &["kernel", "store", "registry", "access", "authorizations", "outbound", "webhooks"]),
        ("integration-tests", &[]),
    ]);
    assert_eq!(names.iter().map(String::as_str).collect::<BTreeSet<_>>(), allowed.keys().copied().collect());
    // Only this room may name these crates.
    let only = [
        ("actix-web", "api"),
        ("actix-http", "api"),
        ("tokio-rustls", "api"),
        ("jsonwebtoken", "api"),
        ("reqwest", "api outbound"),
        ("config", "api"),
        ("governor", "api"),
        ("env_logger", "api"),
        ("libsqlite3-sys", "store"),
        ("pq-sys", "store"),
        ("diesel_migrations", "store"),
    ];
    // The tests drive all of them.
    for package in metadata.packages.iter().filter(|it| it.name.as_str() != "integration-tests") {
        let normal = package.dependencies.iter().filter(|it| it.kind == DependencyKind::Normal);
        for dependency in normal {
            let (room, name) = (package.name.as_str(), dependency.name.as_str());
            if names.iter().any(|it| it == name) {
                assert!(allowed[room].contains(&name), "{room} leans on {name}");
            }
            for (guarded, owner) in only {
                assert!(name != guarded || owner.split(' ').any(|it| it == room), "{room} names {name}");
            }
        }
    }
}

#[test]
fn what_is_absent_stays_absent() {
    for (path, text) in service() {
        let code = code(&text);
        for (word, owners) in [
            ("Utc::now", &["crates/kernel/src/clock.rs"][..]),
            ("Instant::now", &["api/src/patience/waiting.rs"]),
            ("SystemTime", &[]),
            ("env::var", &["api/src/config.rs"]),
            ("env::args", &["api/src/config.rs"]),
            ("diesel::pg", &["crates/store/src/"]),
            ("diesel::sqlite", &["crates/store/src/"]),
            ("thread::sleep", &[]),
            (
                "begin_transaction",
                &["crates/store/src/migrate.rs", "crates/store/src/tx.rs", "crates/store/src/worker.rs"],
            ),
            (".transaction(", &[]),
            ("PgConnection", &["crates/store/src/"]),
            ("SqliteConnection", &["crates/store/src/"]),
            ("table!", &["store.rs", "schema.rs", "crates/store/src/"]),
            (".unwrap()", &[]),
            ("todo!", &[]),
            ("unimplemented!", &[]),
            ("TODO", &[]),
            ("FIXME", &[]),
            ("#[allow", &[]),
        ] {
            let home = owners.iter().any(|it| path.contains(it));
            assert!(home || !code.contains(word), "{path} has `{word}`");
        }
        if path.starts_with("crates/") {
            for word in ["actix", "HttpRequest", "StatusCode"] {
                assert!(!code.contains(word), "{path} knows HTTP: `{word}`");
            }
        }
    }
}

#[test]
fn a_file_is_short_enough_to_be_read() {
    for (path, text) in service() {
        assert!(
            text.lines().count() <= 320,
            "{path} has {} lines: split it by use case",
            text.lines().count()
        );
    }
}

/// The IDs of rules that `text` cites.
fn cited(text: &str) -> BTreeSet<String> {
    let words = text.split(|it: char| !it.is_ascii_alphanumeric() && it != '-');
    let is_rule = |it: &&str| {
        let (domain, number) = it.split_once('-').unwrap_or_default();
        ["AUT", "ENR", "CRD", "ACC", "AUD", "FED"].contains(&domain)
            && number.len() == 2
            && number.parse::<u8>().is_ok()
    };
    words.filter(is_rule).map(str::to_owned).collect()
}

/// The tests that name a rule, in their own name or in the comment above it.
fn tests() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::<String, BTreeSet<String>>::new();
    for (path, text) in sources("integration-tests/tests") {
        let module = Path::new(&path).file_stem().expect("a name").to_string_lossy().into_owned();
        let mut above = String::new();
        for line in text.lines().map(str::trim) {
            if let Some(comment) = line.strip_prefix("///") {
                above += comment;
            } else if let Some(name) = line.strip_prefix("async fn ").or(line.strip_prefix("fn ")) {
                let name = name.split(['(', '<']).next().unwrap_or_default();
                let parts: Vec<_> = name.split('_').collect();
                let pairs = parts.windows(2).map(|it| format!("{}-{}", it[0].to_uppercase(), it[1]));
                for rule in cited(&pairs.chain([above.clone()]).collect::<Vec<_>>().join(" ")) {
                    all.entry(rule).or_default().insert(format!("{module}::{name}"));
                }
                above.clear();
            } else if !line.starts_with("#[") {
                above.clear();
            }
        }
    }
    all
}

/// Rule, where the code cites it, which test holds it over HTTP: generated, but for the words of the rule.
#[test]
fn the_page_of_rules_is_true() {
    let page = fs::read_to_string(root().join("docs/rules.md")).expect("docs/rules.md");
    let words: BTreeMap<_, _> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.split(" | ");
            Some((cells.next()?.strip_prefix("| ")?.to_owned(), cells.next()?.to_owned()))
        })
        .collect();
    let mut enforced = BTreeMap::<String, BTreeSet<String>>::new();
    for (path, text) in service() {
        for rule in cited(code(&text)) {
            enforced.entry(rule).or_default().insert(path.clone());
        }
    }
    let tests = tests();
    let list = |it: &BTreeSet<String>| it.iter().map(|it| format!("`{it}`")).collect::<Vec<_>>().join("<br>");
    let (head, _) = page.split_once("| rule |").expect("a table");
    let mut text = format!("{head}| rule | says | code | tests over HTTP |\n|---|---|---|---|\n");
    for (rule, files) in &enforced {
        let named = tests
            .get(rule)
            .unwrap_or_else(|| panic!("{rule} is cited in {files:?} and by no test over HTTP"));
        let says = words.get(rule).unwrap_or_else(|| panic!("docs/rules.md doesn't say what {rule} is"));
        let _ = writeln!(text, "| {rule} | {says} | {} | {} |", list(files), list(named));
    }
    same_as_file("docs/rules.md", &text);
}
