//! What the service does on its own, on whichever node comes first.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use kernel::{codes, fresh_id};

use crate::{Actor, Answer, Error, Rx, Store, Tx, both, failpoint};

/// Something to be done later, kept with the write that asks for it.
#[derive(Debug, Clone)]
pub struct NewJob {
    /// What is to be done.
    pub kind: &'static str,
    /// For what; of a kind and a subject there is one job at a time.
    pub subject: String,
    /// Those of a kind go by priority, the lowest first,
    pub priority: i32,
    /// and then in this order.
    pub rank: i64,
    /// Not before.
    pub run_at: DateTime<Utc>,
}

/// A job that this node has taken, and no other one will, for as long as its lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its id.
    pub id: String,
    /// For what it is; empty where there is one of its kind.
    pub subject: String,
    /// How often it was begun, this time included, since it was last finished.
    pub attempts: i32,
    node: String,
}

/// A job as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub kind: String,
    /// Since when it is there.
    pub created_at: NaiveDateTime,
    /// Not before.
    pub run_at: NaiveDateTime,
    /// How often it was begun and not finished.
    pub attempts: i32,
    /// When it was last finished; never for one that goes with its effect.
    pub finished_at: Option<NaiveDateTime>,
    /// Which node does it.
    pub claimed_by: Option<String>,
    /// Until when.
    pub claimed_until: Option<NaiveDateTime>,
    /// Why it failed the last time.
    pub failure: Option<String>,
}

codes! {
    /// Where a job stands.
    pub enum JobStatus {
        /// It waits for its time.
        Waiting = "waiting",
        /// Its time has come, and a node takes it as soon as it can.
        Due = "due",
        /// A node does it.
        Running = "running",
    }
}

impl Job {
    /// Where it stands at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> JobStatus {
        if self.claimed_until.is_some_and(|until| until > now.naive_utc()) {
            JobStatus::Running
        } else if self.run_at <= now.naive_utc() {
            JobStatus::Due
        } else {
            JobStatus::Waiting
        }
    }
}

/// How many jobs of a kind wait, and for how long the oldest has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// What is to be done.
    pub kind: String,
    /// How many are due.
    pub due: i64,
    /// Since when the first of them is.
    pub since: Option<DateTime<Utc>>,
}

const JOB: (
    jobs::id,
    jobs::kind,
    jobs::created_at,
    jobs::run_at,
    jobs::attempts,
    jobs::finished_at,
    jobs::claimed_by,
    jobs::claimed_until,
    jobs::failure,
) = (
    jobs::id,
    jobs::kind,
    jobs::created_at,
    jobs::run_at,
    jobs::attempts,
    jobs::finished_at,
    jobs::claimed_by,
    jobs::claimed_until,
    jobs::failure,
);

/// How far the clocks of two nodes may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(1);

impl Store {
    /// Sees to it that there is a job of each of these kinds, which come back so often, and none later than that.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn keep_jobs(&self, kinds: Vec<(&'static str, TimeDelta)>) -> Answer<(), Error> {
        self.write(&system(), move |tx| {
            for (kind, every) in kinds {
                let (subject, run_at) = (String::new(), tx.now());
                tx.enqueue(NewJob { kind, subject, priority: 0, rank: 0, run_at })?;
                let far = jobs::run_at.gt((run_at + every + SKEW).naive_utc());
                let far = jobs::table.filter(jobs::kind.eq(kind)).filter(far);
                diesel::update(far).set(jobs::run_at.eq(run_at.naive_utc())).execute(tx.db()?)?;
            }
            Ok(())
        })
    }

    /// Takes the next job of `kind` that is due, for as long as `lease`; none while another node does one of this kind.
    ///
    /// All look for the same one, so that of several nodes the first to change its row has it.
    pub fn claim(&self, kind: &'static str, node: &str, lease: TimeDelta) -> Answer<Option<Claim>, Error> {
        let node = node.to_owned();
        self.write(&system(), move |tx| {
            let (now, until) = (tx.now().naive_utc(), (tx.now() + lease).naive_utc());
            // One that is longer than any could be was taken by a clock that was ahead.
            let longest = until + SKEW;
            let held = jobs::claimed_until.gt(now).and(jobs::claimed_until.le(longest));
            let taken = jobs::table.filter(jobs::kind.eq(kind)).filter(held.assume_not_null());
            if diesel::select(diesel::dsl::exists(taken)).get_result(tx.db()?)? {
                return Ok(None);
            }
            let next = jobs::table
                .filter(jobs::kind.eq(kind).and(jobs::run_at.le(now)))
                .order((jobs::priority, jobs::rank, jobs::id))
                .select((jobs::id, jobs::subject, jobs::attempts))
                .first::<(String, String, i32)>(tx.db()?)
                .optional()?;
            let Some((id, subject, attempts)) = next else { return Ok(None) };
            let free = jobs::claimed_until
                .is_null()
                .or(jobs::claimed_until.le(now))
                .or(jobs::claimed_until.gt(longest));
            let claimed = diesel::update(jobs::table.find(&id).filter(free.assume_not_null()))
                .set((
                    jobs::claimed_by.eq(&node),
                    jobs::claimed_until.eq(until),
                    jobs::attempts.eq(attempts + 1),
                ))
                .execute(tx.db()?)?;
            failpoint::dies("store::claim");
            Ok((claimed == 1).then_some(Claim { id, subject, attempts: attempts + 1, node }))
        })
    }

    /// Gives back what `node` had taken, for the others.
    pub fn release(&self, node: &str) -> Answer<usize, Error> {
        let node = node.to_owned();
        self.write(&system(), move |tx| {
            let mine = jobs::table.filter(jobs::claimed_by.eq(&node));
            let free = (jobs::claimed_by.eq(None::<String>), jobs::claimed_until.eq(None::<NaiveDateTime>));
            Ok(diesel::update(mine).set(free).execute(tx.db()?)?)
        })
    }
}

impl Tx<'_> {
    /// Leaves a job; if there is one of this kind for this subject, that one stays.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn enqueue(&mut self, it: NewJob) -> Result<(), Error> {
        let now = self.now();
        let row = (
            jobs::id.eq(fresh_id("job", now)),
            jobs::kind.eq(it.kind),
            jobs::subject.eq(it.subject),
            jobs::priority.eq(it.priority),
            jobs::rank.eq(it.rank),
            jobs::created_at.eq(now.naive_utc()),
            jobs::run_at.eq(it.run_at.naive_utc()),
            jobs::attempts.eq(0),
        );
        let unique = (jobs::kind, jobs::subject);
        both!(self.db()?, |db| diesel::insert_into(jobs::table)
            .values(row)
            .on_conflict(unique)
            .do_nothing()
            .execute(db))?;
        Ok(())
    }

    /// Ends a job together with its effect, so that it has that effect once.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if another node has it by now.
    pub fn finish(&mut self, it: &Claim) -> Result<(), Error> {
        let done = diesel::delete(it.mine()).execute(self.db()?)?;
        if done == 1 { Ok(()) } else { Err(lost()) }
    }

    /// Has a job come back at `run_at`: after it was done, or for `failure`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if another node has it by now.
    pub fn repeat(&mut self, it: &Claim, run_at: DateTime<Utc>, failure: Option<&str>) -> Result<(), Error> {
        let free = (
            jobs::run_at.eq(run_at.naive_utc()),
            jobs::claimed_by.eq(None::<String>),
            jobs::claimed_until.eq(None::<NaiveDateTime>),
            jobs::failure.eq(failure),
        );
        let now = self.now().naive_utc();
        let db = self.db()?;
        let changed = if failure.is_some() {
            diesel::update(it.mine()).set(free).execute(db)?
        } else {
            let done = (jobs::attempts.eq(0), jobs::finished_at.eq(now));
            diesel::update(it.mine()).set((free, done)).execute(db)?
        };
        if changed == 1 { Ok(()) } else { Err(lost()) }
    }
}

impl Rx<'_> {
    /// A page of at most `limit` jobs after `after`, the oldest first.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn jobs(&mut self, kind: Option<&str>, after: Option<&str>, limit: i64) -> Result<Vec<Job>, Error> {
        Ok(both!(self.db(), |db| {
            let mut found = jobs::table.select(JOB).order(jobs::id).limit(limit).into_boxed();
            if let Some(kind) = kind {
                found = found.filter(jobs::kind.eq(kind));
            }
            if let Some(after) = after {
                found = found.filter(jobs::id.gt(after));
            }
            found.load(db)
        })?)
    }

    /// What is due, by its kind.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn backlog(&mut self) -> Result<Vec<Backlog>, Error> {
        let now = self.now().naive_utc();
        let found: Vec<(String, i64, Option<NaiveDateTime>)> = jobs::table
            .filter(jobs::run_at.le(now))
            .group_by(jobs::kind)
            .select((jobs::kind, diesel::dsl::count_star(), diesel::dsl::min(jobs::run_at)))
            .load(self.db())?;
        let backlog = |(kind, due, since): (String, i64, Option<NaiveDateTime>)| Backlog {
            kind,
            due,
            since: since.map(|it| it.and_utc()),
        };
        Ok(found.into_iter().map(backlog).collect())
    }
}

type Mine<'a> = diesel::dsl::Filter<
    diesel::dsl::Filter<diesel::dsl::Find<jobs::table, &'a str>, diesel::dsl::Eq<jobs::claimed_by, &'a str>>,
    diesel::dsl::Eq<jobs::attempts, i32>,
>;

impl Claim {
    /// Its row, as long as no one else has taken it.
    fn mine(&self) -> Mine<'_> {
        let of_node = jobs::table.find(&*self.id).filter(jobs::claimed_by.eq(&*self.node));
        of_node.filter(jobs::attempts.eq(self.attempts))
    }
}

fn lost() -> Error {
    Error::Unavailable("another node has this job by now".to_owned())
}

/// Who the service is, where it works on its own.
pub(crate) fn system() -> Actor {
    Actor { id: "system".into(), client: "lanyard".into(), request: "job".into(), of_service: true }
}

diesel::table! {
    jobs (id) {
        id -> Text,
        kind -> Text,
        subject -> Text,
        priority -> Integer,
        rank -> BigInt,
        created_at -> Timestamp,
        run_at -> Timestamp,
        attempts -> Integer,
        finished_at -> Nullable<Timestamp>,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamp>,
        failure -> Nullable<Text>,
    }
}
