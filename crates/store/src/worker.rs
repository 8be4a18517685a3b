//! The threads that do the reading and the writing.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::NaiveDate;
use chrono_tz::Tz;
use diesel::Connection;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::Pool;
use diesel::result::QueryResult;
use kernel::Clock;

use crate::checkpoints::Checkpoints;
use crate::crew::Turn;
use crate::gauges::Counts;
use crate::job::{Instant, Job, Verdict};
use crate::link::Links;
use crate::queue::Queue;
use crate::{Db, Error, Moment, failpoint, number};

type Manager = <Db as Connection>::TransactionManager;
pub(crate) type Jobs = Queue<Box<dyn Job>>;

/// A read.
pub(crate) struct Look {
    /// Whether it is the service's own, which sees the rows of every site.
    pub(crate) of_service: bool,
    pub(crate) work: Box<Looking>,
}

/// It answers its caller itself, and says whether all went well.
type Looking = dyn FnOnce(Result<(&mut Db, Moment), Error>) -> bool + Send;

/// What all workers of a store share.
pub(crate) struct Shop {
    pub(crate) readers: Pool<Links>,
    pub(crate) writers: Pool<Links>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) zone: Tz,
    pub(crate) counts: Arc<Counts>,
    /// The day whose numbers have a base.
    pub(crate) opened: Mutex<Option<NaiveDate>>,
    pub(crate) checkpoints: Option<Arc<Checkpoints>>,
}

impl Shop {
    fn instant(&self) -> Instant {
        let now = self.clock.now();
        (now, now.with_timezone(&self.zone).date_naive())
    }

    /// Serves reads until the queue closes.
    pub(crate) fn read(&self, looks: &Queue<Look>, turn: &Turn) {
        while let Some(look) = looks.pop() {
            let stays = turn.at(|| {
                let (now, day) = self.instant();
                let moment = Moment { now, day, writes: false };
                match self.readers.get() {
                    Ok(mut link) => link.look(now, look, moment),
                    Err(it) => drop((look.work)(Err(it.into()))),
                }
            });
            if !stays {
                return;
            }
        }
    }

    /// Serves writes one to a transaction, beside others that do the same.
    pub(crate) fn write(&self, jobs: &Jobs, turn: &Turn) {
        while let Some(mut job) = jobs.pop() {
            if !job.claim() {
                continue;
            }
            let stays = turn.at(|| {
                let end = self.writer(|db| self.alone(db, &mut *job));
                job.answer(end);
            });
            if !stays {
                return;
            }
        }
    }

    fn writer(&self, work: impl FnOnce(&mut Db) -> Result<(), Error>) -> Result<(), Error> {
        self.writers.get()?.with(self.clock.now(), work)
    }

    /// Runs one write in its own transaction, which it begins itself with its first statement; only PostgreSQL's are.
    fn alone(&self, db: &mut Db, job: &mut dyn Job) -> Result<(), Error> {
        let instant = self.instant();
        self.open_day(db, instant.1)?;
        let Verdict { keep, begun } = job.run(db, instant);
        if keep {
            return if begun { settle(db, 1) } else { Ok(()) };
        }
        rewind(db, 0)?;
        job.replay(db);
        Ok(())
    }

    /// Sets the base of a day's numbers before the first write of that day begins.
    fn open_day(&self, db: &mut Db, day: NaiveDate) -> Result<(), Error> {
        let known = *self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if known != Some(day) {
            // Several may at once, and the first counts; none waits for another's answer.
            number::open_day(db, day)?;
            *self.opened.lock().unwrap_or_else(PoisonError::into_inner) = Some(day);
        }
        Ok(())
    }

    /// Serves writes in groups of at most `limit`, each group one transaction and one sync, each write a savepoint in it.
    pub(crate) fn write_groups(&self, jobs: &Jobs, limit: usize, turn: &Turn) {
        while let Some(first) = jobs.pop() {
            turn.at(|| self.write_group(jobs, limit, first));
        }
    }

    fn write_group(&self, jobs: &Jobs, limit: usize, first: Box<dyn Job>) {
        let mut group = Vec::with_capacity(limit);
        let (mut next, began) = (Some(first), self.clock.now());
        let end = self.writer(|db| {
            begin_immediate(db)?;
            // What arrives while the group is at work still joins it.
            while let Some(mut job) = next.take() {
                if job.claim() {
                    let done = self.member(db, &mut *job);
                    group.push(job);
                    done?;
                }
                next = if group.len() < limit { jobs.try_pop() } else { None };
            }
            settle(db, 1)
        });
        self.counts.group(group.len(), self.clock.now() - began);
        group.extend(next);
        for job in group {
            job.answer(end.clone());
        }
        if let Some(it) = &self.checkpoints {
            it.written();
        }
    }

    /// Runs one write in its savepoint. An error is the end of the transaction around it.
    fn member(&self, db: &mut Db, job: &mut dyn Job) -> Result<(), Error> {
        Manager::begin_transaction(db)?;
        if job.run(db, self.instant()).keep {
            return settle(db, 2);
        }
        rewind(db, 1)?;
        job.replay(db);
        Ok(())
    }
}

/// SQLite's transactions take the write lock at once: a deferred one that reads and then writes fails under load.
fn begin_immediate(db: &mut Db) -> QueryResult<()> {
    match db {
        Db::Sqlite(db) => AnsiTransactionManager::begin_transaction_sql(db, "begin immediate"),
        Db::Postgres(_) => Ok(()),
    }
}

/// Commits at `depth`; one level deeper, a COMMIT would be a release and acknowledge what isn't on disk.
fn settle(db: &mut Db, depth: u32) -> Result<(), Error> {
    let open = Manager::transaction_manager_status_mut(db).transaction_depth()?;
    if open.map_or(0, std::num::NonZero::get) != depth {
        return Err(Error::Internal("the work left a transaction open".to_owned()));
    }
    let outer = depth == 1;
    if outer {
        failpoint::reached("store::commit");
    }
    let sqlite = matches!(db, Db::Sqlite(_));
    let committed = Manager::commit_transaction(db).map_err(Error::from);
    if outer && committed.is_ok() {
        failpoint::reached("store::committed");
    }
    committed.map_err(|it| if outer { it.at_commit(sqlite) } else { it })
}

/// Rolls back to `depth`, past whatever a panic left open.
fn rewind(db: &mut Db, depth: u32) -> Result<(), Error> {
    loop {
        let open = Manager::transaction_manager_status_mut(db).transaction_depth()?;
        match open {
            Some(open) if open.get() > depth => Manager::rollback_transaction(db)?,
            _ => return Ok(()),
        }
    }
}
