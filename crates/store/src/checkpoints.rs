//! What moves SQLite's log back into its file, so that the writing thread needn't.

use std::fs;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use crate::db::{Role, Target};
use crate::{Db, Error};

/// How often the log's size is looked at while there are writes.
const ROUND: Duration = Duration::from_millis(50);

/// The size from which it is moved, without holding anyone up: a thousand pages, as SQLite's own.
const LARGE: u64 = 4 << 20;

/// The size from which writers are held up for a moment, since what is moved while they write never empties the log.
const TOO_LARGE: u64 = 32 << 20;

/// For how many rounds the log isn't emptied after no one let it.
const RESTS: u32 = 200;

/// The thread's own connection, and what it waits for.
pub(crate) struct Checkpoints {
    target: Target,
    log: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    written: bool,
    closing: bool,
}

impl Checkpoints {
    /// Of this database, if it has such a log.
    pub(crate) fn of(target: &Target) -> Option<Self> {
        let Target::Sqlite(file) = target else { return None };
        let log = PathBuf::from(format!("{file}-wal"));
        Some(Self { target: target.clone(), log, state: Mutex::default(), changed: Condvar::new() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says that something was written.
    pub(crate) fn written(&self) {
        let mut state = self.state();
        if !state.written {
            state.written = true;
            self.changed.notify_all();
        }
    }

    pub(crate) fn close(&self) {
        self.state().closing = true;
        self.changed.notify_all();
    }

    /// Moves the log whenever it is large, until the end.
    pub(crate) fn run(&self) {
        let (mut db, mut rests) = (None, 0_u32);
        while self.wait() {
            let size = fs::metadata(&self.log).map_or(0, |it| it.len());
            if size < LARGE {
                continue;
            }
            rests = rests.saturating_sub(1);
            match self.shrink(&mut db, rests == 0) {
                Ok(true) => {}
                // Someone reads what it holds, and may for long.
                Ok(false) => rests = rests.max(RESTS),
                Err(it) => {
                    // After a failed sync nothing on the same connection is to be believed.
                    db = None;
                    log::error!(target: "lanyard::fault", cause = format!("{it:?}"); "the log can't be moved into the database");
                }
            }
        }
    }

    /// Waits for writes, and then a round more; false at the end.
    fn wait(&self) -> bool {
        let idle = |it: &mut State| !it.written && !it.closing;
        let state = self.changed.wait_while(self.state(), idle).unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(state, ROUND, |it| !it.closing);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.written = false;
        !state.closing
    }

    /// Moves what can be moved; false if it should be emptied and no one let it. Then writers were held up in vain for a moment.
    fn shrink(&self, db: &mut Option<Db>, may_empty: bool) -> Result<bool, Error> {
        let db = if let Some(db) = db {
            db
        } else {
            let made = db.insert(self.target.connect(Role::Writer)?);
            made.batch_execute("pragma busy_timeout = 30")?;
            made
        };
        db.batch_execute("pragma wal_checkpoint(passive)")?;
        if !may_empty || fs::metadata(&self.log).map_or(0, |it| it.len()) < TOO_LARGE {
            return Ok(true);
        }
        let told: Told = match db {
            Db::Sqlite(db) => diesel::sql_query("pragma wal_checkpoint(truncate)").get_result(db)?,
            Db::Postgres(_) => return Ok(true),
        };
        Ok(told.busy == 0)
    }
}

/// What the pragma answers.
#[derive(QueryableByName)]
struct Told {
    #[diesel(sql_type = diesel::sql_types::Integer)]
    busy: i32,
}
