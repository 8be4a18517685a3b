//! The trail, read: who did what, and who saw what.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::ledger::{TrailRow, trail};
use crate::{AnyOf, Error, Rx, both};

/// Which entries.
#[derive(Debug, Clone)]
pub struct TrailQuery {
    /// Only those of this subject, by its id; lists that showed it among them.
    pub subject: Option<String>,
    /// Only those of this actor.
    pub actor: Option<String>,
    /// Only those of what these sites own; none for all.
    pub sites: Option<Vec<String>>,
    /// Only those from this moment on.
    pub from: DateTime<Utc>,
    /// Only those before this moment.
    pub to: DateTime<Utc>,
    /// Only those that come after this one in the order of a page, by its moment and its id.
    pub after: Option<(DateTime<Utc>, String)>,
}

/// An entry of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrailEntry {
    /// Its id, which sorts by time.
    pub id: String,
    /// When it happened.
    pub at: DateTime<Utc>,
    /// Who did it.
    pub actor: String,
    /// The program by which.
    pub client: String,
    /// The request.
    pub request: String,
    /// The site that owns the subject, if one does and it is known.
    pub site_id: Option<String>,
    /// What was done, or the operation that was asked for.
    pub action: String,
    /// To what; empty where there is no one subject.
    pub subject: String,
    /// Why, if it was said.
    pub reason: Option<String>,
    /// How it ended: none of what was done, `read`, or the slug of a problem.
    pub outcome: Option<String>,
    /// What a list showed.
    pub subjects: Vec<String>,
    /// The emergency access under which it was seen.
    pub emergency: Option<String>,
}

impl Rx<'_> {
    /// A page of at most `limit` entries, the latest first. Without a subject or an actor all of the time's are read.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn trail(&mut self, query: &TrailQuery, limit: usize) -> Result<Vec<TrailEntry>, Error> {
        let mut rows = self.entries(query, false, limit)?;
        if query.subject.is_some() {
            rows.extend(self.entries(query, true, limit)?);
            rows.sort_unstable_by_key(|it| Reverse((it.at, it.id.clone())));
            rows.truncate(limit);
        }
        Ok(rows.into_iter().map(TrailEntry::from).collect())
    }

    /// Those that name the subject, or the lists that showed it.
    fn entries(&mut self, query: &TrailQuery, lists: bool, limit: usize) -> Result<Vec<TrailRow>, Error> {
        Ok(both!(self.db(), |db| {
            let mut found = trail::table
                .select(TrailRow::as_select())
                .filter(trail::at.ge(query.from.naive_utc()).and(trail::at.lt(query.to.naive_utc())))
                .order((trail::at.desc(), trail::id.desc()))
                .limit(i64::try_from(limit).unwrap_or(i64::MAX))
                .into_boxed();
            if let Some(subject) = &query.subject {
                // Ids have neither `%` nor `_` that could stand for another: each is framed by spaces.
                found = if lists {
                    let among = format!("% {} %", subject.replace('_', "\\_"));
                    let framed = diesel::dsl::sql::<diesel::sql_types::Text>("' ' || subjects || ' '");
                    found.filter(trail::subjects.is_not_null()).filter(framed.like(among).escape('\\'))
                } else {
                    found.filter(trail::subject.eq(subject))
                };
            }
            if let Some(actor) = &query.actor {
                found = found.filter(trail::actor.eq(actor));
            }
            if let Some(sites) = &query.sites {
                found = found.filter(AnyOf { column: "trail.site_id", values: sites });
            }
            if let Some((at, id)) = &query.after {
                let at = at.naive_utc();
                found = found.filter(trail::at.lt(at).or(trail::at.eq(at).and(trail::id.lt(id))));
            }
            found.load(db)
        })?)
    }
}

impl From<TrailRow> for TrailEntry {
    fn from(it: TrailRow) -> Self {
        Self {
            id: it.id,
            at: it.at.and_utc(),
            actor: it.actor,
            client: it.client,
            request: it.request,
            site_id: it.site_id,
            action: it.action,
            subject: it.subject,
            reason: it.reason,
            outcome: it.outcome,
            subjects: it.subjects.iter().flat_map(|it| it.split(' ')).map(str::to_owned).collect(),
            emergency: it.emergency,
        }
    }
}
