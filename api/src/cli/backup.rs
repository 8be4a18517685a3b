//! `lanyard backup` and `lanyard restore`.

use std::path::{Path, PathBuf};

use kernel::{Clock, SystemClock};
use serde::{Deserialize, Serialize};
use store::Manifest;

use super::{doctor, open, say, serve};
use crate::State;
use crate::config::Settings;
use crate::verify::verify;

/// How often the database is told of a backup, while others write, before that is given up.
const TRIES: usize = 10;

/// The settings `[backup]`.
#[derive(Debug, Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Backup {
    /// The folder of PostgreSQL's programs.
    pub programs: Option<PathBuf>,
}

pub(super) fn backup(settings: &Settings, to: &Path) -> Result<(), String> {
    let (url, programs) = (&settings.database.url.0, settings.backup.programs.as_deref());
    let build = env!("CARGO_PKG_VERSION");
    let made = store::backup(url, to, build, SystemClock.now(), programs);
    let made = made.map_err(|it| format!("backup: {}", it.words()))?;
    say(&format!("{}: {}", to.display(), told(&made)));
    if let Err(why) = note(settings, &made) {
        // It is good all the same.
        eprintln!(
            "lanyard: the database couldn't be told of the backup, so that no alarm knows of it: {why}"
        );
    }
    Ok(())
}

fn note(settings: &Settings, made: &Manifest) -> Result<(), String> {
    let store = open(settings, 1)?;
    let mut last = String::new();
    for _ in 0..TRIES {
        let made = made.clone();
        match store.write(&State::system("backup"), move |tx| store::note_backup(tx, &made)).wait() {
            Ok(()) => return Ok(()),
            Err(it) => last = it.words(),
        }
    }
    Err(last)
}

pub(super) fn restore(settings: &Settings, from: &Path) -> Result<(), String> {
    if settings.demo {
        std::fs::create_dir_all(&settings.demo_folder).map_err(|it| format!("demo_folder: {it}"))?;
    }
    let (url, programs) = (&settings.database.url.0, settings.backup.programs.as_deref());
    let today = SystemClock.now().with_timezone(&settings.plan.zone).date_naive();
    let made = store::restore(url, from, today, programs).map_err(|it| format!("restore: {}", it.words()))?;
    say(&format!("{}: {}, restored", from.display(), told(&made)));
    trail(settings)?;
    doctor::database(settings)
}

/// The trail is as it was sealed. What was sealed after the backup isn't in it, so that no checkpoint is asked.
fn trail(settings: &Settings) -> Result<(), String> {
    let own = match serve::own(settings) {
        Ok(own) => own,
        Err(why) => {
            say(&format!("the trail isn't verified yet ({why}): run `lanyard trail verify`"));
            return Ok(());
        }
    };
    let it = verify(&open(settings, 1)?, &own, &[]).map_err(|it| format!("restore: the trail: {it}"))?;
    say(&format!("{} entries of the trail are as they were sealed, {} wait to be", it.sealed, it.loose));
    Ok(())
}

fn told(it: &Manifest) -> String {
    let rows: i64 = it.rows.values().sum();
    let (tables, bytes) = (it.rows.len(), it.bytes);
    format!(
        "{rows} rows of {tables} tables as of {}, {bytes} bytes",
        it.made_at.format("%Y-%m-%d %H:%M:%S UTC")
    )
}
