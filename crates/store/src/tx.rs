use std::fmt::Write;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::RunQueryDsl;
use diesel::connection::{AnsiTransactionManager, SimpleConnection};
use sha2::{Digest, Sha256};

use crate::rows::{self, Rows};
use crate::{
    Actor, Check, Db, Error, Event, IdempotencyKey, Number, Pending, Row, Trail, failpoint, ledger, number,
};

/// When something is asked, and in what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub now: DateTime<Utc>,
    /// The day in the plan's zone.
    pub day: NaiveDate,
    /// Whether it is asked in a write.
    pub writes: bool,
}

/// A read in progress; the database refuses what would write.
pub struct Rx<'a> {
    pub(crate) db: &'a mut Db,
    pub(crate) moment: Moment,
}

impl Rx<'_> {
    /// The connection.
    pub fn db(&mut self) -> &mut Db {
        self.db
    }

    /// The day of this read in the plan's zone.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.moment.day
    }

    /// The instant of this read.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.moment.now
    }

    /// Has what follows see the records of one member, whoever owns them, as some rules ask for; a write does so with the
    /// member's lock.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn about(&mut self, member: &str) -> Result<(), Error> {
        if let Db::Postgres(db) = &mut *self.db {
            diesel::select(set_config("app.member", member, false)).execute(db)?;
        }
        Ok(())
    }
}

diesel::define_sql_function! {
    fn set_config(name: diesel::sql_types::Text, value: diesel::sql_types::Text, local: diesel::sql_types::Bool) -> diesel::sql_types::Text;
}

/// What a write may hold alone until it ends, in the order in which several must be taken.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// A member's requests.
    Member(String),
    /// One authorization.
    Authorization(String),
    /// A site's users.
    Site(String),
    /// What someone was granted.
    User(String),
    /// A webhook.
    Webhook(String),
    /// The order in which everyone is told of events.
    Feed,
    /// A code set, while it is loaded.
    CodeSet(String),
}

impl Key {
    /// The number that stands for it in PostgreSQL; two keys that share one wait for each other and are still right.
    pub(crate) fn hash(&self) -> i64 {
        let (kind, id) = match self {
            Self::Member(id) => ("member", id),
            Self::Authorization(id) => ("authorization", id),
            Self::Site(id) => ("site", id),
            Self::User(id) => ("user", id),
            Self::Webhook(id) => ("webhook", id),
            Self::Feed => ("feed", &String::new()),
            Self::CodeSet(id) => ("code set", id),
        };
        lock_number(&[kind, id])
    }
}

/// The number by which PostgreSQL knows what is held.
pub(crate) fn lock_number(parts: &[&str]) -> i64 {
    let mut digest = Sha256::new();
    for (at, part) in parts.iter().enumerate() {
        digest.update(if at == 0 { "" } else { ":" });
        digest.update(part);
    }
    digest.finalize().iter().take(8).fold(0, |hash, byte| (hash << 8) | i64::from(*byte))
}

/// What is going to be written, and what it must hold meanwhile.
pub trait Locks {
    /// The keys, in their order.
    fn keys(&self) -> Vec<Key>;
}

/// A write in progress: the connection, who is writing, and the one instant at which it all happens.
///
/// Nothing goes to PostgreSQL before the first statement, so that `begin` and the first lock share one round trip, and
/// inserted rows wait for the end, where they share another.
pub struct Tx<'a> {
    db: &'a mut Db,
    actor: &'a Actor,
    now: DateTime<Utc>,
    day: NaiveDate,
    begun: bool,
    /// What stands for the idempotency key, which is held like a lock.
    guard: Option<i64>,
    held: Vec<Key>,
    /// As whom it is recorded.
    who: Arc<str>,
    pending: Vec<Box<dyn Pending>>,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        db: &'a mut Db,
        actor: &'a Actor,
        now: DateTime<Utc>,
        day: NaiveDate,
        guard: Option<i64>,
    ) -> Self {
        let begun = matches!(db, Db::Sqlite(_));
        let who = Arc::clone(&actor.id);
        Self { db, actor, now, day, begun, guard, held: Vec::new(), who, pending: Vec::new() }
    }

    /// The moment of this transaction; every row that it writes carries the same one.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// The day of this transaction in the plan's zone.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.day
    }

    /// The connection, in its transaction, with all that was inserted so far.
    ///
    /// # Errors
    /// If the transaction can't begin, or the database refuses a row inserted before.
    pub fn db(&mut self) -> Result<&mut Db, Error> {
        self.begin("")?;
        rows::insert(self.db, std::mem::take(&mut self.pending))?;
        Ok(self.db)
    }

    /// Holds `keys` until the transaction ends. SQLite's writer is alone and holds everything anyway.
    ///
    /// A use case that checks and then writes takes its lock first: under READ COMMITTED the statements after it see what
    /// the last holder committed.
    ///
    /// # Errors
    /// If a key comes before one already held, which could deadlock; or if another transaction holds one for too long.
    pub fn lock(&mut self, keys: &[Key]) -> Result<(), Error> {
        let mut sql = String::new();
        for key in keys {
            if self.held.contains(key) {
                continue;
            }
            if self.held.last().is_some_and(|held| held > key) {
                return Err(Error::Internal("locks are taken in the order of `Key`".to_owned()));
            }
            self.held.push(key.clone());
            let _ = write!(sql, "; select pg_advisory_xact_lock({})", key.hash());
            if let Key::Member(id) = key {
                // Whoever holds a member's lock sees that member's requests, of other sites too.
                let _ = write!(sql, "; set local app.member = '{}'", id.replace('\'', "''"));
            }
        }
        if sql.is_empty() {
            return Ok(());
        }
        if !self.begun {
            return self.begin(&sql);
        }
        match &mut *self.db {
            Db::Postgres(db) => Ok(db.batch_execute(sql.trim_start_matches(';'))?),
            Db::Sqlite(_) => Ok(()),
        }
    }

    /// Has `find` say on whose behalf this is, before anything is looked at for them: whoever it finds, and their id.
    ///
    /// # Errors
    /// Whatever `find` returns, or that the transaction can't begin.
    pub fn enter<W, E: From<Error>>(
        &mut self,
        find: impl FnOnce(&mut Db, Moment) -> Result<(W, Arc<str>), E>,
    ) -> Result<W, E> {
        let moment = Moment { now: self.now, day: self.day, writes: true };
        let (who, id) = find(self.db()?, moment)?;
        self.who = id;
        Ok(who)
    }

    /// Takes the next number of the day, in the plan's zone, at which this transaction happens; and answers `check`, since
    /// whoever needs a number has something to look up as well, and the two share a round trip.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn number(&mut self, check: impl Check) -> Result<(Number, bool), Error> {
        let day = self.day;
        number::next(self.db()?, day, check)
    }

    /// Inserts `rows` when the transaction ends, or before the next use of [`Tx::db`].
    pub fn insert<R: Row>(&mut self, rows: Vec<R>) {
        if !rows.is_empty() {
            self.pending.push(Box::new(Rows(rows)));
        }
    }

    /// Adds an entry to the trail.
    pub fn record(&mut self, entry: Trail) {
        let row = ledger::trail(entry, &Actor { id: Arc::clone(&self.who), ..self.actor.clone() }, self.now);
        self.insert(vec![row]);
    }

    /// Leaves an event in the outbox.
    pub fn emit(&mut self, event: Event) {
        let row = ledger::event(event, self.now);
        self.insert(vec![row]);
    }

    /// The place of the next event of a subject that has no version of its own, under a lock of whoever calls.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn next_event(&mut self, subject: &str) -> Result<i32, Error> {
        Ok(ledger::last_event(self.db()?, subject)?.0 + 1)
    }

    /// Forgets at most `limit` answers that were kept before this moment; how many.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn forget(&mut self, before: DateTime<Utc>, limit: i64) -> Result<usize, Error> {
        ledger::forget(self.db()?, before, limit)
    }

    /// Keeps `answer` for whoever sends the same key again.
    pub(crate) fn keep(&mut self, key: IdempotencyKey, answer: String) {
        let IdempotencyKey { scope, key, fingerprint } = key;
        let row = ledger::KeptRow { scope, key, fingerprint, answer, at: self.now.naive_utc() };
        self.insert(vec![row]);
    }

    /// Writes what is pending. After this the transaction may be committed.
    pub(crate) fn seal(&mut self) -> Result<(), Error> {
        if !self.pending.is_empty() {
            // If nothing went before, this one statement is the transaction.
            rows::insert(self.db, std::mem::take(&mut self.pending))?;
        } else if let (Db::Postgres(db), true) = (&mut *self.db, self.begun) {
            // PostgreSQL answers the COMMIT of a failed transaction with a ROLLBACK and no error. A closure that dropped
            // an error would then be acknowledged, so the transaction must prove that it still works.
            db.batch_execute("select 1")?;
        }
        Ok(())
    }

    pub(crate) fn begun(&self) -> bool {
        self.begun
    }

    fn begin(&mut self, then: &str) -> Result<(), Error> {
        if let (Db::Postgres(db), false) = (&mut *self.db, self.begun) {
            // A caller sees nothing before they have entered.
            let seen = if self.actor.of_service { "job" } else { "" };
            let mut begin = format!(
                "begin; set local app.scope = '{seen}'; set local app.sites = ''; set local app.member = ''"
            );
            if let Some(guard) = self.guard {
                // A twin waits for whoever has the same key, a little longer than for anything else.
                let _ = write!(
                    begin,
                    "; set local lock_timeout = '2s'; select pg_advisory_xact_lock({guard}); set local lock_timeout = '1s'"
                );
            }
            begin.push_str(then);
            if let Err(it) = AnsiTransactionManager::begin_transaction_sql(db, &begin) {
                // The `begin` of the batch may have worked before the rest of it failed.
                db.batch_execute("rollback")?;
                return Err(it.into());
            }
            self.begun = true;
            failpoint::reached("store::begun");
        }
        Ok(())
    }
}
