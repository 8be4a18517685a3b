//! Events in the order in which everyone is told of them.
//!
//! An event's id is made before its commit, so that ids don't follow the order of commits: whoever asked for what comes after an id
//! could miss a late one. So each committed event is given a position, one after the other and by one relay at a time; what has a
//! position has every earlier one before it, and never gets another.

use std::collections::{BTreeMap, VecDeque};

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Text};

use crate::ledger::outbox;
use crate::{AnyOf, Db, Error, Key, Rx, Tx, both};

/// An event that has its position.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Told {
    /// Its id.
    pub id: String,
    at: NaiveDateTime,
    /// What happened, such as `authorization.decided`.
    pub topic: String,
    /// To what.
    pub subject: String,
    /// The site that owns the subject; none where it is the plan's.
    pub site_id: Option<String>,
    /// Where the subject stands after it.
    pub status: String,
    /// The subject's version after it.
    pub version: i32,
    /// Its place among the subject's events, from 1.
    pub sequence: i32,
    position: Option<i64>,
}

impl Told {
    /// When it happened.
    #[must_use]
    pub fn at(&self) -> DateTime<Utc> {
        self.at.and_utc()
    }

    /// Its position, from 1 and without a gap.
    #[must_use]
    pub fn position(&self) -> i64 {
        self.position.unwrap_or_default()
    }
}

/// Which events are asked for.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// Only those of these sites; none for all, those of the plan itself among them.
    pub sites: Option<Vec<String>>,
    /// Only those of these types; any, where there is none.
    pub topics: Vec<String>,
    /// Only those after this position.
    pub after: i64,
    /// Only those up to this position.
    pub until: i64,
}

impl Rx<'_> {
    /// At most `limit` events, in the order of their positions.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn events(&mut self, query: &EventQuery, limit: i64) -> Result<Vec<Told>, Error> {
        events(self.db(), query, limit)
    }

    /// The last position that there is; 0 where there is none.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn last_position(&mut self) -> Result<i64, Error> {
        last(self.db())
    }

    /// Whether an event waits for its position.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn has_waiting(&mut self) -> Result<bool, Error> {
        let waiting = outbox::table.filter(outbox::position.is_null());
        Ok(diesel::select(diesel::dsl::exists(waiting)).get_result(self.db())?)
    }

    /// These events, as far as they have a position.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn events_of(&mut self, ids: &[String]) -> Result<Vec<Told>, Error> {
        let found = outbox::table.filter(AnyOf { column: "outbox.id", values: ids });
        Ok(found.filter(outbox::position.is_not_null()).load(self.db())?)
    }

    /// The position after which whatever happened from `at` on stands.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn position_before(&mut self, at: DateTime<Utc>) -> Result<i64, Error> {
        // Ids sort by time. Those of some seconds may stand in another order than their positions do.
        let first = format!("evt_{:012x}", at.timestamp_millis().max(0));
        let near: Vec<i64> = outbox::table
            .filter(outbox::id.ge(first).and(outbox::position.is_not_null()))
            .order(outbox::id)
            .limit(1000)
            .select(outbox::position.assume_not_null())
            .load(self.db())?;
        match near.into_iter().min() {
            Some(it) => Ok(it - 1),
            None => self.last_position(),
        }
    }
}

diesel::define_sql_function! {
    fn pg_try_advisory_xact_lock(key: BigInt) -> diesel::sql_types::Bool;
}

impl Tx<'_> {
    /// The same as of a read.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn events(&mut self, query: &EventQuery, limit: i64) -> Result<Vec<Told>, Error> {
        events(self.db()?, query, limit)
    }

    /// Holds `key` until the transaction ends, unless another holds it: whether it does.
    ///
    /// # Errors
    /// If the database can't answer.
    fn try_lock(&mut self, key: &Key) -> Result<bool, Error> {
        match self.db()? {
            Db::Postgres(db) => Ok(diesel::select(pg_try_advisory_xact_lock(key.hash())).get_result(db)?),
            Db::Sqlite(_) => Ok(true),
        }
    }

    /// Gives their positions to about `limit` events that have none; those, or none while another relay does so.
    ///
    /// Those of one subject always follow each other as they happened.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn relay(&mut self, limit: i64) -> Result<Vec<Told>, Error> {
        if !self.try_lock(&Key::Feed)? {
            return Ok(Vec::new());
        }
        let db = self.db()?;
        let waiting = || outbox::table.filter(outbox::position.is_null());
        let first: Vec<Told> = waiting().order(outbox::id).limit(limit).load(db)?;
        if first.is_empty() {
            return Ok(first);
        }
        // Whatever else waits of the same subjects comes along: some of it may have to go before.
        let mut subjects: Vec<_> = first.iter().map(|it| it.subject.clone()).collect();
        subjects.sort_unstable();
        subjects.dedup();
        let all: Vec<Told> = waiting()
            .filter(AnyOf { column: "outbox.subject", values: &subjects })
            .order(outbox::id)
            .load(db)?;
        let mut next = last(db)?;
        let mut placed = in_order(all);
        for it in &mut placed {
            next += 1;
            it.position = Some(next);
        }
        place(db, &placed)?;
        Ok(placed)
    }
}

/// The same events, by id, but those of each subject among their places by sequence.
fn in_order(all: Vec<Told>) -> Vec<Told> {
    let subjects: Vec<_> = all.iter().map(|it| it.subject.clone()).collect();
    let mut of = BTreeMap::<String, Vec<Told>>::new();
    for it in all {
        of.entry(it.subject.clone()).or_default().push(it);
    }
    let sorted = |(subject, mut its): (String, Vec<Told>)| {
        its.sort_unstable_by_key(|it| it.sequence);
        (subject, VecDeque::from(its))
    };
    let mut of: BTreeMap<_, _> = of.into_iter().map(sorted).collect();
    subjects.iter().filter_map(|it| of.get_mut(it)?.pop_front()).collect()
}

fn place(db: &mut Db, placed: &[Told]) -> Result<(), Error> {
    match db {
        Db::Postgres(db) => {
            let ids: Vec<_> = placed.iter().map(|it| it.id.as_str()).collect();
            let positions: Vec<_> = placed.iter().map(Told::position).collect();
            let sql = "update outbox set position = v.position from unnest($1, $2) as v(id, position) \
                       where outbox.id = v.id";
            let update = diesel::sql_query(sql).bind::<Array<Text>, _>(ids);
            update.bind::<Array<BigInt>, _>(positions).execute(db)?;
        }
        Db::Sqlite(db) => {
            for it in placed {
                let row = outbox::table.find(&it.id);
                diesel::update(row).set(outbox::position.eq(it.position)).execute(db)?;
            }
        }
    }
    Ok(())
}

fn last(db: &mut Db) -> Result<i64, Error> {
    let found = outbox::table.filter(outbox::position.is_not_null()).order(outbox::position.desc());
    let found = found.select(outbox::position.assume_not_null()).first(db).optional()?;
    Ok(found.unwrap_or(0))
}

fn events(db: &mut Db, query: &EventQuery, limit: i64) -> Result<Vec<Told>, Error> {
    Ok(both!(db, |db| {
        let mut found = outbox::table
            .filter(outbox::position.gt(query.after).and(outbox::position.le(query.until)))
            .order(outbox::position)
            .limit(limit)
            .into_boxed();
        if let Some(sites) = &query.sites {
            found = found.filter(AnyOf { column: "outbox.site_id", values: sites });
        }
        if !query.topics.is_empty() {
            found = found.filter(AnyOf { column: "outbox.topic", values: &query.topics });
        }
        found.load(db)
    })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(id: &str, subject: &str, sequence: i32) -> Told {
        Told {
            id: id.to_owned(),
            at: NaiveDateTime::default(),
            topic: String::new(),
            subject: subject.to_owned(),
            site_id: None,
            status: String::new(),
            version: 1,
            sequence,
            position: None,
        }
    }

    #[test]
    fn a_subjects_events_keep_their_order_among_the_others() {
        let all = vec![event("1", "a", 2), event("2", "b", 1), event("3", "a", 1), event("4", "a", 3)];
        let placed: Vec<_> = in_order(all).into_iter().map(|it| it.id).collect();
        assert_eq!(placed, ["3", "2", "1", "4"]);
    }
}
