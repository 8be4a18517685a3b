//! The deadlines of all domains: opened, met, missed, and told in time.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use kernel::{EventType, codes, fresh_id};

use crate::{AnyOf, Error, Event, Key, Number, Rx, Tx, both, ledger, rows};

/// How long before a deadline its plan is told.
const NOTICE: TimeDelta = TimeDelta::hours(24);

codes! {
    /// How a deadline was counted.
    pub enum Basis {
        /// Every day counts.
        Calendar = "calendar",
        /// Weekends and holidays don't.
        Business = "business",
    }
}

codes! {
    /// Where a deadline stands.
    pub enum DeadlineStatus {
        /// Still to be met.
        Open = "open",
        /// Met in time.
        Met = "met",
        /// Not met in time, whether it was met later or not.
        Missed = "missed",
    }
}

/// A promise to do something by a time.
#[derive(Debug, Clone)]
pub struct Deadline {
    /// What must be done.
    pub subject: String,
    /// The site that owns the subject, if one does.
    pub site_id: Option<String>,
    /// The rule that sets the time.
    pub rule: &'static str,
    /// How it was counted.
    pub basis: Basis,
    /// When it must be done; never computed again.
    pub due_at: DateTime<Utc>,
}

/// A deadline as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct KeptDeadline {
    /// Its id.
    pub id: String,
    /// What must be done.
    pub subject: String,
    /// The site that owns the subject, if one does.
    pub site_id: Option<String>,
    /// The rule that sets the time.
    pub rule: String,
    /// How it was counted.
    pub basis: Basis,
    /// Since when it runs.
    pub opened_at: NaiveDateTime,
    /// When it runs out.
    pub due_at: NaiveDateTime,
    /// When it was met.
    pub met_at: Option<NaiveDateTime>,
}

impl KeptDeadline {
    /// Where it stands at `now`.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> DeadlineStatus {
        match self.met_at {
            Some(met) if met <= self.due_at => DeadlineStatus::Met,
            None if now.naive_utc() <= self.due_at => DeadlineStatus::Open,
            _ => DeadlineStatus::Missed,
        }
    }
}

/// Which deadlines.
#[derive(Debug, Clone, Default)]
pub struct DeadlineQuery {
    /// Only those that stand here.
    pub status: Option<DeadlineStatus>,
    /// Only those that this rule set.
    pub rule: Option<String>,
    /// Only those of this subject.
    pub subject: Option<String>,
    /// Only those of what these sites own; none for all.
    pub sites: Option<Vec<String>>,
    /// Only those that run out before this moment.
    pub due_before: Option<DateTime<Utc>>,
    /// Only those after this one in the order of a page: when it runs out, and its id.
    pub after: Option<(DateTime<Utc>, String)>,
}

pub(crate) fn row(it: Deadline, now: DateTime<Utc>) -> DeadlineRow {
    DeadlineRow {
        id: fresh_id("ddl", now),
        subject: it.subject,
        site_id: it.site_id,
        rule: it.rule.to_owned(),
        basis: it.basis,
        opened_at: now.naive_utc(),
        due_at: it.due_at.naive_utc(),
    }
}

impl Rx<'_> {
    /// A page of at most `limit` deadlines, the soonest first.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn deadlines(&mut self, query: &DeadlineQuery, limit: i64) -> Result<Vec<KeptDeadline>, Error> {
        let now = self.now().naive_utc();
        Ok(both!(self.db(), |db| {
            let columns = (
                deadlines::id,
                deadlines::subject,
                deadlines::site_id,
                deadlines::rule,
                deadlines::basis,
                deadlines::opened_at,
                deadlines::due_at,
                deadlines::met_at,
            );
            let order = (deadlines::due_at, deadlines::id);
            let mut found = deadlines::table.select(columns).order(order).limit(limit).into_boxed();
            let in_time = deadlines::met_at.le(deadlines::due_at.nullable());
            found = match query.status {
                None => found,
                Some(DeadlineStatus::Open) => {
                    found.filter(deadlines::met_at.is_null().and(deadlines::due_at.ge(now)))
                }
                Some(DeadlineStatus::Met) => found.filter(in_time),
                Some(DeadlineStatus::Missed) => {
                    let late = deadlines::met_at.gt(deadlines::due_at.nullable());
                    let open = deadlines::met_at.is_null().and(deadlines::due_at.lt(now));
                    found.filter(late.assume_not_null().or(open))
                }
            };
            if let Some(rule) = &query.rule {
                found = found.filter(deadlines::rule.eq(rule));
            }
            if let Some(subject) = &query.subject {
                found = found.filter(deadlines::subject.eq(subject));
            }
            if let Some(sites) = &query.sites {
                found = found.filter(AnyOf { column: "deadlines.site_id", values: sites });
            }
            if let Some(before) = query.due_before {
                found = found.filter(deadlines::due_at.lt(before.naive_utc()));
            }
            if let Some((at, id)) = &query.after {
                let at = at.naive_utc();
                let next = deadlines::due_at.eq(at).and(deadlines::id.gt(id));
                found = found.filter(deadlines::due_at.gt(at).or(next));
            }
            found.load(db)
        })?)
    }

    /// At most `limit` that no one was told of: those that run out within a day, and those that have.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn untold(&mut self, limit: i64) -> Result<Vec<Untold>, Error> {
        let now = self.now();
        let (soon, now) = ((now + NOTICE).naive_utc(), now.naive_utc());
        let soon = deadlines::due_at.le(soon).and(deadlines::told_at.is_null());
        let late = deadlines::due_at.lt(now).and(deadlines::missed_at.is_null());
        let found = deadlines::table
            .filter(deadlines::met_at.is_null().and(soon.or(late)))
            .order((deadlines::due_at, deadlines::id))
            .select((deadlines::id, deadlines::subject, deadlines::site_id, deadlines::due_at))
            .limit(limit)
            .load::<(String, String, Option<String>, NaiveDateTime)>(self.db())?;
        let untold = |(id, subject, site_id, due_at): (_, _, _, NaiveDateTime)| Untold {
            missed: due_at < now,
            id,
            subject,
            site_id,
        };
        Ok(found.into_iter().map(untold).collect())
    }
}

/// A deadline of which the plan is to be told.
#[derive(Debug, Clone)]
pub struct Untold {
    id: String,
    subject: String,
    site_id: Option<String>,
    missed: bool,
}

impl Tx<'_> {
    /// Opens a deadline.
    pub fn promise(&mut self, deadline: Deadline) {
        let row = row(deadline, self.now());
        self.insert(vec![row]);
    }

    /// Marks the open deadlines of `subject` as met, all at the moment of this transaction.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn meet(&mut self, subject: &str) -> Result<(), Error> {
        let now = self.now().naive_utc();
        let open =
            deadlines::table.filter(deadlines::subject.eq(subject)).filter(deadlines::met_at.is_null());
        diesel::update(open).set(deadlines::met_at.eq(now)).execute(self.db()?)?;
        Ok(())
    }

    /// Tells of a deadline, once, if it wasn't met meanwhile; whether it did.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn tell_of(&mut self, it: &Untold) -> Result<bool, Error> {
        // Whoever adds an event to a subject holds it.
        let held = match Number::parse(&it.subject) {
            Some(_) => Key::Authorization(it.subject.clone()),
            None => Key::User(it.subject.clone()),
        };
        self.lock(&[held])?;
        let now = self.now().naive_utc();
        let row = deadlines::table.find(&it.id).filter(deadlines::met_at.is_null());
        let changed = if it.missed {
            // Of one that was missed before anyone was told, that is all there is to tell.
            let told = (deadlines::missed_at.eq(now), deadlines::told_at.eq(now));
            diesel::update(row.filter(deadlines::missed_at.is_null())).set(told).execute(self.db()?)?
        } else {
            let row = row.filter(deadlines::told_at.is_null());
            diesel::update(row).set(deadlines::told_at.eq(now)).execute(self.db()?)?
        };
        if changed == 1 {
            let (topic, subject) = (
                if it.missed { EventType::DeadlineMissed } else { EventType::DeadlineDue },
                it.subject.clone(),
            );
            let (sequence, status, version) = ledger::last_event(self.db()?, &subject)?;
            let site_id = it.site_id.clone();
            self.emit(Event { topic, subject, site_id, status, version, sequence: sequence + 1 });
        }
        Ok(changed == 1)
    }
}

rows! {
    pub(crate) struct DeadlineRow for deadlines {
        id: String,
        subject: String,
        site_id: Option<String>,
        rule: String,
        basis: Basis,
        opened_at: NaiveDateTime,
        due_at: NaiveDateTime,
    }
}

diesel::table! {
    deadlines (id) {
        id -> Text,
        subject -> Text,
        site_id -> Nullable<Text>,
        rule -> Text,
        basis -> Text,
        opened_at -> Timestamp,
        due_at -> Timestamp,
        met_at -> Nullable<Timestamp>,
        told_at -> Nullable<Timestamp>,
        missed_at -> Nullable<Timestamp>,
    }
}
