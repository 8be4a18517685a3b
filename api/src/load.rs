//! `lanyard load`: the releases of code sets.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;
use clap::Subcommand;
use registry::{Error, Loaded, Release};
use store::Store;

use crate::State;
use crate::cli::say;

/// The code sets that are loaded from files.
#[derive(Subcommand)]
pub enum CodeSet {
    /// ICD-10-CM, the diagnosis codes: CSV with a head of `code,billable,description`, or the order file of CMS; plain or
    /// compressed by gzip. Codes that the release no longer has, or has otherwise, end the day before it holds.
    Icd10 {
        /// The release.
        file: PathBuf,
        /// The first day of service on which it holds, as YYYY-MM-DD.
        #[arg(long)]
        effective: NaiveDate,
        /// Load it even if it ends more than a twentieth of the codes.
        #[arg(long)]
        force: bool,
    },
}

/// Loads a release, all of it or nothing.
///
/// # Errors
/// Which row of the file is wrong, and why; or why it could not be loaded.
pub fn run(CodeSet::Icd10 { file, effective, force }: &CodeSet, store: &Store) -> Result<(), String> {
    let loaded = icd10(store, file, *effective, *force).map_err(|it| format!("{}: {it}", file.display()))?;
    let Loaded { added, changed, ended } = loaded;
    say(&format!("ICD-10-CM from {effective} on: {added} codes added, {changed} changed, {ended} ended"));
    Ok(())
}

fn icd10(store: &Store, file: &Path, effective: NaiveDate, force: bool) -> Result<Loaded, String> {
    // What went wrong in the database is for whoever runs this, in its own words.
    let told = |it: Error| match it {
        Error::Store(it) => format!("{it:?}"),
        it => it.to_string(),
    };
    let file = File::open(file).map_err(|it| it.to_string())?;
    let release =
        Release::read(file, effective, |count| tell(&format!("{count} codes read"))).map_err(told)?;
    tell("loading");
    store
        .write(&State::system("load"), move |tx| registry::load_release(tx, release, force))
        .wait()
        .map_err(told)
}

/// Tells how far it is; that no one listens is no reason to stop.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
