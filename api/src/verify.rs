//! Whether the trail is as it was sealed, and ends no earlier than was signed (L-01).

use std::fs;
use std::path::{Path, PathBuf};

use store::{Error, Head, Store};

use crate::jobs::Checkpoint;
use crate::keys::Own;

/// How many entries are walked at once.
const PAGE: i64 = 1000;

/// What was found, where nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// How many entries are as they were sealed.
    pub sealed: i64,
    /// How many aren't sealed yet; more than `PAGE` aren't counted.
    pub loose: usize,
    /// How many checkpoints agree.
    pub checkpoints: usize,
}

/// Walks the whole trail, and compares it with the checkpoints in `files`.
///
/// # Errors
/// The first entry that is broken, or what contradicts a checkpoint; or that the database or a file can't be read. It blocks its
/// thread.
pub fn verify(store: &Store, own: &Own, files: &[PathBuf]) -> Result<Verified, String> {
    let wrong = |it: Error| format!("{it:?}");
    // Read before the walk: what is signed meanwhile may be beyond its end.
    let read = |file: &PathBuf| match fs::read_to_string(file) {
        Ok(text) => Ok((file.clone(), text)),
        Err(it) => Err(format!("{}: {it}", file.display())),
    };
    let files = files.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let mut head = Head::default();
    loop {
        let from = head.clone();
        let (next, broken) = store.read(move |rx| rx.verify_trail(from, PAGE)).wait().map_err(wrong)?;
        if let Some(it) = broken {
            return Err(format!("entry {}: {}", it.position, it.why));
        }
        if next.position == head.position {
            break;
        }
        head = next;
    }
    let (loose, edited) = store.read(|rx| rx.verify_loose(PAGE)).wait().map_err(wrong)?;
    if let Some(id) = edited {
        return Err(format!("entry {id}, which isn't sealed yet: it was edited"));
    }
    let mut checkpoints = 0;
    for (file, text) in &files {
        checkpoints += compare(store, own, file, text, head.position)?;
    }
    Ok(Verified { sealed: head.position, loose, checkpoints })
}

/// Compares the trail, which ends at `last`, with each checkpoint in `file`; how many there are.
fn compare(store: &Store, own: &Own, file: &Path, text: &str, last: i64) -> Result<usize, String> {
    let shown = file.display();
    // A line without an end is one that is being written, or whose writer died.
    let whole = text.split_inclusive('\n').filter(|it| it.ends_with('\n'));
    let mut count = 0;
    for (line, place) in whole.zip(1..) {
        count += 1;
        let it: Checkpoint =
            serde_json::from_str(line).map_err(|_| format!("{shown}, line {place}: not a checkpoint"))?;
        if !it.is_of(own) {
            return Err(format!("{shown}, line {place}: not signed by a key of this service"));
        }
        if it.position > last {
            let next = last + 1;
            return Err(format!(
                "entry {next}: it is missing; the trail ends before it, and at {} it had {} entries ({shown}, line {place})",
                it.at, it.position
            ));
        }
        let position = it.position;
        let chain = store.read(move |rx| rx.chain_at(position)).wait().map_err(|it| format!("{it:?}"))?;
        if chain.as_ref() != Some(&it.chain) {
            return Err(format!(
                "entry {position}, or one before it: it isn't what was sealed by {} ({shown}, line {place})",
                it.at
            ));
        }
    }
    Ok(count)
}
