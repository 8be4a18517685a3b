//! What moves SQLite's log back into its file, so that the writing thread needn't.

use std::fs;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use diesel::connection::SimpleConnection;

use crate::db::{Role, Target};
use crate::{Db, Error};

/// How often the log's size is looked at while there are writes.
const ROUND: Duration = Duration::from_millis(50);

/// The size from which it is moved, without holding anyone up: a thousand pages, as SQLite's own.
const LARGE: u64 = 4 << 20;

/// The size from which writers are held up for a moment, since what is moved while they write never empties the log.
const TOO_LARGE: u64 = 32 << 20;

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
        let mut db = None;
        while self.wait() {
            let size = fs::metadata(&self.log).map_or(0, |it| it.len());
            if size < LARGE {
                continue;
            }
            if let Err(it) = self.shrink(&mut db) {
                // After a failed sync nothing on the same connection is to be believed.
                db = None;
                log::error!(target: "lanyard::fault", cause = format!("{it:?}"); "the log can't be moved into the database");
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

    fn shrink(&self, db: &mut Option<Db>) -> Result<(), Error> {
        let db = match db {
            Some(db) => db,
            None => db.insert(self.target.connect(Role::Writer)?),
        };
        db.batch_execute("pragma wal_checkpoint(passive)")?;
        if fs::metadata(&self.log).map_or(0, |it| it.len()) >= TOO_LARGE {
            db.batch_execute("pragma wal_checkpoint(truncate)")?;
        }
        Ok(())
    }
}
