//! What every write leaves beside its own rows: the trail, the outbox, the deadlines, and the answer to a repeated key.

use chrono::{DateTime, NaiveDateTime, Utc};
use diesel::prelude::*;
use kernel::{EventType, TrailAction, fresh_id};
use sha2::{Digest, Sha256};

use crate::tx::lock_number;
use crate::{Actor, AnyOf, Db, Error, IdempotencyKey, Note, both, rows};

/// What was done to which subject, and why.
#[derive(Debug, Clone)]
pub struct Trail {
    /// What was done.
    pub action: TrailAction,
    /// To what it was done.
    pub subject: String,
    /// The site that owns the subject, if one does.
    pub site_id: Option<String>,
    /// Why, if the caller said so.
    pub reason: Option<String>,
    /// The subject before, if it existed; only its digest is kept.
    pub before: Option<String>,
    /// The subject after, if it still exists; only its digest is kept.
    pub after: Option<String>,
}

/// Something that others are told once it has happened; ids only, no PHI.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub topic: EventType,
    /// What it is about; deliveries keep their order within a subject.
    pub subject: String,
    /// The site that owns the subject; none where it is the plan's.
    pub site_id: Option<String>,
    /// Where the subject stands after it.
    pub status: String,
    /// The subject's version after it.
    pub version: i32,
    /// Its place among the subject's events, from 1.
    pub sequence: i32,
}

pub(crate) fn trail(it: Trail, actor: &Actor, now: DateTime<Utc>) -> TrailRow {
    let digest_of = |it: Option<String>| it.map(|it| format!("{:x}", Sha256::digest(it)));
    let mut row = TrailRow {
        reason: it.reason,
        before: digest_of(it.before),
        after: digest_of(it.after),
        ..entry(it.action.to_string(), (it.subject, it.site_id), actor, now)
    };
    row.sign();
    row
}

pub(crate) fn note(it: Note, now: DateTime<Utc>) -> TrailRow {
    let subjects = (!it.subjects.is_empty()).then(|| it.subjects.join(" "));
    let mut row = TrailRow {
        outcome: Some(it.outcome),
        subjects,
        emergency: it.emergency,
        ..entry(it.action, (it.subject, it.site_id), &it.actor, now)
    };
    row.sign();
    row
}

fn entry(
    action: String,
    (subject, site_id): (String, Option<String>),
    actor: &Actor,
    now: DateTime<Utc>,
) -> TrailRow {
    TrailRow {
        id: fresh_id("trl", now),
        at: now.naive_utc(),
        actor: actor.id.to_string(),
        client: actor.client.to_string(),
        request: actor.request.to_string(),
        site_id,
        action,
        subject,
        reason: None,
        before: None,
        after: None,
        outcome: None,
        subjects: None,
        emergency: None,
        digest: String::new(),
    }
}

impl TrailRow {
    /// Sets the digest of all the rest.
    pub(crate) fn sign(&mut self) {
        self.digest = self.digest();
    }

    /// The digest of all the rest, as it is now.
    pub(crate) fn digest(&self) -> String {
        let mut digest = Sha256::new();
        let at = self.at.and_utc().timestamp_micros().to_string();
        let seen = [self.outcome.as_ref(), self.subjects.as_ref(), self.emergency.as_ref()];
        // A write's entry has none of these, and the digest that it had before there were any.
        let seen = if self.outcome.is_some() { &seen[..] } else { &[] };
        let written = [
            Some(&self.id),
            Some(&at),
            Some(&self.actor),
            Some(&self.client),
            Some(&self.request),
            self.site_id.as_ref(),
            Some(&self.action),
            Some(&self.subject),
            self.reason.as_ref(),
            self.before.as_ref(),
            self.after.as_ref(),
        ];
        for part in written.iter().chain(seen).copied() {
            // The length comes first, or two fields could be cut elsewhere and have one digest; absent isn't empty.
            digest.update(part.map_or(-1, |it| it.len().cast_signed()).to_be_bytes());
            digest.update(part.map_or("", String::as_str));
        }
        format!("{:x}", digest.finalize())
    }
}

/// The ids of these entries that are in the trail.
pub(crate) fn there(db: &mut Db, rows: &[TrailRow]) -> Result<Vec<String>, Error> {
    let ids: Vec<_> = rows.iter().map(|it| &*it.id).collect();
    Ok(trail::table.filter(AnyOf { column: "trail.id", values: &ids }).select(trail::id).load(db)?)
}

pub(crate) fn event(it: Event, now: DateTime<Utc>) -> EventRow {
    let Event { topic, subject, site_id, status, version, sequence } = it;
    let (id, topic) = (fresh_id("evt", now), topic.to_string());
    EventRow { id, at: now.naive_utc(), topic, subject, site_id, status, version, sequence }
}

/// The last event of `subject`: its place, and where the subject stood after it, at which version. Zero before the first.
pub(crate) fn last_event(db: &mut Db, subject: &str) -> Result<(i32, String, i32), Error> {
    let last = outbox::table.filter(outbox::subject.eq(subject)).order(outbox::sequence.desc());
    let last = last.select((outbox::sequence, outbox::status, outbox::version)).first(db).optional()?;
    Ok(last.unwrap_or_default())
}

/// Forgets at most `limit` of what was kept before this moment; how many answers.
pub(crate) fn forget(db: &mut Db, before: DateTime<Utc>, limit: i64) -> Result<usize, Error> {
    // Diesel has no pairs of columns.
    let sql = "delete from idempotency where (scope, key) in (select scope, key from idempotency where at < $1 order by at limit $2)";
    Ok(both!(db, |db| diesel::sql_query(sql)
        .bind::<diesel::sql_types::Timestamp, _>(before.naive_utc())
        .bind::<diesel::sql_types::BigInt, _>(limit)
        .execute(db))?)
}

impl IdempotencyKey {
    /// What is held while a request with this key is answered.
    pub(crate) fn guard(&self) -> i64 {
        lock_number(&["key", &self.scope, &self.key])
    }
}

diesel::define_sql_function! {
    fn pg_try_advisory_xact_lock(key: diesel::sql_types::BigInt) -> diesel::sql_types::Bool;
}

/// Whether someone else holds this key.
pub(crate) fn in_flight(db: &mut Db, key: &IdempotencyKey) -> Result<bool, Error> {
    match db {
        Db::Postgres(db) => {
            Ok(!diesel::select(pg_try_advisory_xact_lock(key.guard())).get_result::<bool>(db)?)
        }
        // Its one writer has no one to wait for.
        Db::Sqlite(_) => Ok(false),
    }
}

/// The answer kept for a key, if its effect is committed.
pub(crate) fn kept(db: &mut Db, key: &IdempotencyKey) -> Result<Option<String>, Error> {
    let it = idempotency::table.find((&key.scope, &key.key));
    let found = it.select((idempotency::fingerprint, idempotency::answer)).first::<(String, String)>(db);
    match found.optional()? {
        Some((fingerprint, _)) if fingerprint != key.fingerprint => Err(Error::KeyReused),
        found => Ok(found.map(|it| it.1)),
    }
}

rows! {
    #[derive(Queryable, Selectable)]
    pub(crate) struct TrailRow for trail {
        id: String,
        at: NaiveDateTime,
        actor: String,
        client: String,
        request: String,
        site_id: Option<String>,
        action: String,
        subject: String,
        reason: Option<String>,
        before: Option<String>,
        after: Option<String>,
        outcome: Option<String>,
        subjects: Option<String>,
        emergency: Option<String>,
        digest: String,
    }
}
rows! {
    pub(crate) struct EventRow for outbox {
        id: String,
        at: NaiveDateTime,
        topic: String,
        subject: String,
        site_id: Option<String>,
        status: String,
        version: i32,
        sequence: i32,
    }
}
rows! {
    pub(crate) struct KeptRow for idempotency {
        scope: String,
        key: String,
        fingerprint: String,
        answer: String,
        at: NaiveDateTime,
    }
}

diesel::table! {
    /// Who did what, and who saw what.
    trail (id) {
        id -> Text,
        at -> Timestamp,
        actor -> Text,
        client -> Text,
        request -> Text,
        site_id -> Nullable<Text>,
        action -> Text,
        subject -> Text,
        reason -> Nullable<Text>,
        before -> Nullable<Text>,
        after -> Nullable<Text>,
        outcome -> Nullable<Text>,
        subjects -> Nullable<Text>,
        emergency -> Nullable<Text>,
        digest -> Text,
        position -> Nullable<BigInt>,
        chain -> Nullable<Text>,
    }
}
diesel::table! {
    outbox (id) {
        id -> Text,
        at -> Timestamp,
        topic -> Text,
        subject -> Text,
        site_id -> Nullable<Text>,
        status -> Text,
        version -> Integer,
        sequence -> Integer,
        position -> Nullable<BigInt>,
    }
}
diesel::table! {
    idempotency (scope, key) {
        scope -> Text,
        key -> Text,
        fingerprint -> Text,
        answer -> Text,
        at -> Timestamp,
    }
}
