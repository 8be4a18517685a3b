//! From the outbox to the queues.

use std::collections::BTreeSet;

use ::store::{AnyOf, Db, Rx, Told, Tx};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::exists;
use diesel::prelude::*;
use kernel::{EventType, PrincipalId, Scope, SiteId};

use crate::schema::{QueueRow, webhook_attempts, webhook_sites, webhooks};
use crate::turn::{count_due, has_due};
use crate::{Error, WebhookId, WebhookStatus};

/// How many events are given their positions at once.
const BATCH: i64 = 200;

/// How long it is kept what became of an attempt.
const KEPT: TimeDelta = TimeDelta::days(30);

/// What there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Events wait for their positions.
    pub relay: bool,
    /// Webhooks wait for what is due.
    pub send: bool,
    /// Something is kept for longer than it should.
    pub purge: bool,
}

/// What there is to do now.
///
/// # Errors
/// If the database can't answer.
pub fn work(rx: &mut Rx<'_>) -> Result<Work, Error> {
    let now = rx.now().naive_utc();
    let old = webhook_attempts::table.filter(webhook_attempts::at.lt(over(now)));
    Ok(Work {
        relay: rx.has_waiting()?,
        send: has_due(rx, now)?,
        purge: diesel::select(exists(old)).get_result(rx.db())?,
    })
}

/// How many deliveries wait to be sent and could be, if a node came to them; 10,000 means that or more.
///
/// # Errors
/// If the database can't answer.
pub fn overdue(rx: &mut Rx<'_>) -> Result<i64, Error> {
    let now = rx.now().naive_utc();
    count_due(rx, now, 10_000)
}

/// Forgets what became of attempts of more than thirty days ago; how many.
///
/// # Errors
/// If the database can't answer.
pub fn purge(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let before = over(tx.now().naive_utc());
    let old = webhook_attempts::table.filter(webhook_attempts::at.lt(before));
    let some = old.order(webhook_attempts::at).limit(1000).select(webhook_attempts::id);
    let some: Vec<String> = some.load(tx.db()?)?;
    let gone = webhook_attempts::table.filter(AnyOf { column: "webhook_attempts.id", values: &some });
    Ok(diesel::delete(gone).execute(tx.db()?)?)
}

fn over(now: NaiveDateTime) -> NaiveDateTime {
    now - KEPT
}

/// Gives the next events their positions, and puts each into the queues of the webhooks that are told of it; how many events.
///
/// # Errors
/// If the database can't answer.
pub fn relay(tx: &mut Tx<'_>) -> Result<usize, Error> {
    let told = tx.relay(BATCH)?;
    let sites: BTreeSet<_> = told.iter().filter_map(|it| SiteId::parse(it.site_id.as_deref()?)).collect();
    let sites: Vec<_> = sites.into_iter().collect();
    let mut hooks = naming(tx.db()?, &sites)?;
    hooks.extend(of_all(tx, &sites)?);
    let now = tx.now().naive_utc();
    let mut rows = Vec::new();
    for it in &told {
        let of = hooks
            .iter()
            .filter(|(id, site, types)| it.site_id.as_deref() == Some(&**site) && wants(id, types, it));
        rows.extend(of.map(|(id, ..)| queued(id, it, now)));
    }
    tx.insert(rows);
    Ok(told.len())
}

/// An active webhook, a site of which it is told, and the types. None of them is changed before the transaction ends: what is disabled
/// meanwhile empties its queue afterwards.
type Hook = (WebhookId, SiteId, String);

/// Those that name one of these sites.
fn naming(db: &mut Db, sites: &[SiteId]) -> Result<Vec<Hook>, Error> {
    let found = webhook_sites::table
        .inner_join(webhooks::table)
        .filter(AnyOf { column: "webhook_sites.site_id", values: sites })
        .filter(webhooks::status.eq(WebhookStatus::Active))
        .order(webhook_sites::webhook_id)
        .select((webhook_sites::webhook_id, webhook_sites::site_id, webhooks::types));
    Ok(match db {
        Db::Postgres(db) => found.for_share().load(db)?,
        Db::Sqlite(db) => found.load(db)?,
    })
}

/// Those that are told of all of their owner's sites, where one of these is.
fn of_all(tx: &mut Tx<'_>, sites: &[SiteId]) -> Result<Vec<Hook>, Error> {
    let day = tx.today();
    let owners = registry::granted_at(tx.db()?, sites, Scope::WebhooksRead)?;
    let found = webhooks::table
        .filter(webhooks::status.eq(WebhookStatus::Active).and(webhooks::all_sites))
        .filter(AnyOf { column: "webhooks.owner_id", values: &owners })
        .order(webhooks::id)
        .select((webhooks::id, webhooks::owner_id, webhooks::types));
    let found: Vec<(WebhookId, PrincipalId, String)> = match tx.db()? {
        Db::Postgres(db) => found.for_share().load(db)?,
        Db::Sqlite(db) => found.load(db)?,
    };
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let of = registry::sites_of(tx.db()?, day, &owners, Scope::WebhooksRead)?;
    let each = found.into_iter().flat_map(|(id, owner, types)| {
        let of = of.get(&owner).into_iter().flatten().filter(|it| sites.contains(it));
        of.map(move |site| (id.clone(), site.clone(), types.clone())).collect::<Vec<_>>()
    });
    Ok(each.collect())
}

/// Whether a webhook is told of events of this type.
pub(crate) fn wants(id: &WebhookId, types: &str, event: &Told) -> bool {
    if event.topic == EventType::WebhookTest.as_str() {
        return event.subject == id.as_str();
    }
    types.is_empty() || types.split(' ').any(|it| it == event.topic)
}

pub(crate) fn queued(id: &WebhookId, event: &Told, now: NaiveDateTime) -> QueueRow {
    QueueRow {
        webhook_id: id.clone(),
        position: event.position(),
        event_id: event.id.clone(),
        subject: event.subject.clone(),
        attempts: 0,
        next_at: now,
    }
}
