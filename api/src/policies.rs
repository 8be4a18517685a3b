//! The plan's policies: where they are, whether one is sound, and whether they still decide as they did.

use std::fs;
use std::path::{Path, PathBuf};

use authorizations::{Policies, Policy, Replay};
use store::{Number, Store};

/// How many authorizations are read at once.
const PAGE: i64 = 1_000;

/// The policies that are shipped, and those of the plan's folder.
///
/// # Errors
/// Which file can't be read, or is wrong, and where: table and key.
pub fn load(folder: Option<&Path>) -> Result<Policies, String> {
    let mut own = Vec::new();
    if let Some(folder) = folder {
        let wrong = |it: std::io::Error| format!("plan.policy_folder: {}: {it}", folder.display());
        for entry in fs::read_dir(folder).map_err(wrong)? {
            let path = entry.map_err(wrong)?.path();
            if path.extension().is_some_and(|it| it == "toml") {
                own.push((path.display().to_string(), text(&path)?));
            }
        }
    }
    own.sort();
    Policies::read(&own)
}

/// Reads a policy's file as the service does at its start.
///
/// # Errors
/// What is wrong with it, and where: file, table and key.
pub fn check(file: &Path) -> Result<Policy, String> {
    Policy::parse(&text(file)?).map_err(|why| format!("{}: {why}", file.display()))
}

fn text(file: &Path) -> Result<String, String> {
    fs::read_to_string(file).map_err(|it| format!("{}: {it}", file.display()))
}

/// What a replay came to.
pub struct Replayed {
    /// How many decisions of policies there are.
    pub decisions: usize,
    /// How many came out otherwise, or could not be made again.
    pub differ: usize,
}

/// Makes every decision of a policy again, by its own version or by that of the file `with`, and has `tell` say which ones come
/// out otherwise.
///
/// # Errors
/// That the file is wrong, or that the database can't answer.
pub fn replay(
    store: &Store,
    policies: &Policies,
    with: Option<&PathBuf>,
    tell: impl Fn(&str),
) -> Result<Replayed, String> {
    let other = with.map(|it| check(it)).transpose()?;
    let mut so_far = Replayed { decisions: 0, differ: 0 };
    let mut after = None::<Number>;
    loop {
        let (policies, other) = (policies.clone(), other.clone());
        let look = store.read(move |rx| authorizations::replay(rx, &policies, other.as_ref(), after, PAGE));
        let (page, next) = look.wait().map_err(|it| format!("{it:?}"))?;
        so_far.decisions += page.len();
        for it in page.iter().filter(|it| !it.same) {
            so_far.differ += 1;
            tell(&line(it));
        }
        match next {
            Some(next) => after = Some(next),
            None => return Ok(so_far),
        }
    }
}

fn line(it: &Replay) -> String {
    let Replay { number, version, row, outcome, again, .. } = it;
    match again {
        Some(again) => {
            let (then, row_then) = (again.outcome, &again.policy_row);
            let version_then = &again.policy_version;
            format!("{number}: {outcome} by {row} of {version}, now {then} by {row_then} of {version_then}")
        }
        None => format!("{number}: {outcome} by {row} of {version}, a version that isn't here"),
    }
}
