//! What was seen and what was refused, on its way into the trail: a bounded queue, and a thread that writes it in batches.
//!
//! A write's own entry commits with it. These don't hold up whoever reads: a crash may lose the last second of them. If they
//! can't be written any more, whoever shows members' data is told by [`Notes::is_stuck`] to refuse.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use kernel::Clock;

use crate::ledger::{self, TrailRow};
use crate::{Actor, Error, Tx};

/// The most that wait; the queue is full beyond it.
const LIMIT: usize = 10_000;

/// The most that are written at once.
const BATCH: usize = 500;

/// How long an entry waits for others.
const PAUSE: Duration = Duration::from_secs(1);

/// How long the writer may fail before no more is shown.
const TOLERATED: TimeDelta = TimeDelta::seconds(5);

/// Something that someone saw, or that they were refused.
#[derive(Debug, Clone)]
pub struct Note {
    /// Who, by which program, with which request.
    pub actor: Actor,
    /// The operation.
    pub action: String,
    /// Of what; empty where there is no one subject.
    pub subject: String,
    /// The site that owns it, if one does and it is known.
    pub site_id: Option<String>,
    /// How it ended: `read`, or the slug of the problem.
    pub outcome: String,
    /// Of a list, the ids of what it showed.
    pub subjects: Vec<String>,
    /// The emergency access under which it was seen.
    pub emergency: Option<String>,
}

/// The queue.
pub(crate) struct Notes {
    waiting: Mutex<Waiting>,
    changed: Condvar,
    clock: Arc<dyn Clock>,
}

#[derive(Default)]
struct Waiting {
    rows: Vec<TrailRow>,
    /// How many the thread has taken, and not yet written.
    taken: usize,
    /// Whether someone waits for all of it to be written.
    hurried: bool,
    closing: bool,
    failing_since: Option<DateTime<Utc>>,
}

impl Notes {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { waiting: Mutex::default(), changed: Condvar::new(), clock }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a note, if there is room.
    pub(crate) fn push(&self, note: Note) -> bool {
        let now = self.clock.now();
        let row = ledger::note(note, now);
        let mut waiting = self.waiting();
        if waiting.rows.len() >= LIMIT || waiting.closing {
            return false;
        }
        waiting.rows.push(row);
        // The thread sleeps only while there is nothing; in its pause it looks at the count.
        if waiting.rows.len() == 1 || waiting.rows.len() == BATCH {
            self.changed.notify_all();
        }
        true
    }

    /// Whether what is seen now could not be told: the queue is full, or the writer has failed for too long.
    pub(crate) fn is_stuck(&self) -> bool {
        let waiting = self.waiting();
        let failing = waiting.failing_since.is_some_and(|it| self.clock.now() - it >= TOLERATED);
        failing || waiting.rows.len() >= LIMIT
    }

    /// How many aren't written yet.
    pub(crate) fn len(&self) -> usize {
        let waiting = self.waiting();
        waiting.rows.len() + waiting.taken
    }

    /// Waits until all that was noted so far is written; not for long, if it can't be.
    pub(crate) fn drain(&self) -> bool {
        let mut waiting = self.waiting();
        waiting.hurried = true;
        self.changed.notify_all();
        let done = |it: &mut Waiting| !it.rows.is_empty() || it.taken > 0;
        let patience = Duration::from_secs(10);
        let waited = self.changed.wait_timeout_while(waiting, patience, done);
        let (mut waiting, late) = waited.unwrap_or_else(PoisonError::into_inner);
        waiting.hurried = false;
        !late.timed_out()
    }

    pub(crate) fn close(&self) {
        self.waiting().closing = true;
        self.changed.notify_all();
    }

    /// The next batch, once there is one; none at the end.
    fn next(&self) -> Option<Vec<TrailRow>> {
        let idle = |it: &mut Waiting| it.rows.is_empty() && !it.closing;
        let waiting = self.changed.wait_while(self.waiting(), idle).unwrap_or_else(PoisonError::into_inner);
        let early = |it: &mut Waiting| it.rows.len() < BATCH && !it.hurried && !it.closing;
        let waited = self.changed.wait_timeout_while(waiting, PAUSE, early);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let count = waiting.rows.len().min(BATCH);
        waiting.taken = count;
        let batch: Vec<_> = waiting.rows.drain(..count).collect();
        (!batch.is_empty()).then_some(batch)
    }

    /// Writes what is noted, by `write`, until the queue closes and all of it is written, or can't be.
    pub(crate) fn run(&self, write: impl Fn(Vec<TrailRow>, bool) -> Result<(), Error>) {
        let mut again = false;
        while let Some(batch) = self.next() {
            let written = write(batch.clone(), again);
            let mut waiting = self.waiting();
            waiting.taken = 0;
            again = written.is_err();
            let Err(why) = written else {
                waiting.failing_since = None;
                self.changed.notify_all();
                continue;
            };
            waiting.rows.splice(0..0, batch);
            let first = waiting.failing_since.is_none();
            waiting.failing_since.get_or_insert(self.clock.now());
            if first {
                log::error!(target: "lanyard::fault", cause = format!("{why:?}"); "the trail can't be written");
            }
            if waiting.closing {
                return;
            }
            let pause = self.changed.wait_timeout_while(waiting, PAUSE, |it| !it.closing && !it.hurried);
            drop(pause.unwrap_or_else(PoisonError::into_inner));
        }
    }
}

/// Writes a batch; of one whose fate isn't known, only what isn't there.
pub(crate) fn write(tx: &mut Tx<'_>, mut batch: Vec<TrailRow>, again: bool) -> Result<(), Error> {
    if again {
        let there = ledger::there(tx.db()?, &batch)?;
        batch.retain(|it| !there.contains(&it.id));
    }
    tx.insert(batch);
    Ok(())
}
