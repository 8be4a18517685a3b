//! A node's turn at a webhook: no other sends to it meanwhile.

use ::store::{EventQuery, Rx, Told, Tx};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use kernel::{Scope, SiteId};

use crate::find::texts;
use crate::relay::{queued, wants};
use crate::schema::{QueueRow, WebhookRow, webhook_queue, webhooks};
use crate::store::{replay, sites_of};
use crate::{Error, WebhookId, WebhookStatus};

/// How long a node that fell silent keeps others from a webhook: longer than an attempt may take, each of which renews it.
const LEASE: TimeDelta = TimeDelta::seconds(25);

/// How many events are put into a queue again at once.
const AGAIN: i64 = 200;

/// A webhook that is this node's to send to.
#[derive(Debug, Clone)]
pub struct Turn {
    /// Which one.
    pub id: WebhookId,
    /// Where it is.
    pub url: String,
    /// Its secrets, sealed; the new ones, and those of before while they still sign.
    pub sealed: Vec<String>,
    /// The sites whose events it is told, as of now.
    pub sites: Vec<SiteId>,
    /// By which node it was taken.
    pub node: String,
    /// When it was taken.
    pub since: DateTime<Utc>,
}

/// An event that is due to a webhook.
#[derive(Debug, Clone)]
pub struct Due {
    /// The event.
    pub event: Told,
    /// How often it was tried.
    pub attempts: i32,
}

/// What is due of all queues: nothing of a subject of which something earlier waits for its next attempt.
macro_rules! due {
    ($now:expr) => {{
        let earlier = diesel::alias!(webhook_queue as earlier);
        let held = earlier
            .filter(earlier.field(webhook_queue::webhook_id).eq(webhook_queue::webhook_id))
            .filter(earlier.field(webhook_queue::subject).eq(webhook_queue::subject))
            .filter(earlier.field(webhook_queue::position).lt(webhook_queue::position))
            .filter(earlier.field(webhook_queue::next_at).gt($now));
        webhook_queue::table.filter(webhook_queue::next_at.le($now)).filter(not(exists(held)))
    }};
}

/// The webhooks that no one sends to, and that have something to be sent.
macro_rules! ready {
    ($now:expr) => {{
        let due = due!($now).select(webhook_queue::webhook_id);
        webhooks::table
            .filter(webhooks::status.eq(WebhookStatus::Active).and(webhooks::leased_until.le($now)))
            .filter(webhooks::held_until.is_null().or(webhooks::held_until.le($now)))
            .filter(webhooks::id.eq_any(due).or(webhooks::replay_after.is_not_null()))
    }};
}

/// Whether a webhook has something to be sent.
pub(crate) fn has_due(rx: &mut Rx<'_>, now: NaiveDateTime) -> Result<bool, Error> {
    Ok(diesel::select(exists(ready!(now))).get_result(rx.db())?)
}

/// Takes at most `limit` webhooks for `node`, those first that waited longest.
///
/// # Errors
/// If the database can't answer.
pub fn claim(tx: &mut Tx<'_>, node: &str, limit: i64) -> Result<Vec<Turn>, Error> {
    let now = tx.now().naive_utc();
    let ready = ready!(now).order((webhooks::leased_until, webhooks::id)).limit(limit);
    let found: Vec<WebhookRow> = ready.load(tx.db()?)?;
    let mut turns = Vec::new();
    for it in found {
        let free = webhooks::table.filter(webhooks::id.eq(&it.id).and(webhooks::leased_until.le(now)));
        let set = (webhooks::leased_by.eq(Some(node)), webhooks::leased_until.eq(now + LEASE));
        // Another node may have been faster.
        if diesel::update(free).set(set).execute(tx.db()?)? == 1 {
            turns.push(turn(tx, node, it)?);
        }
    }
    Ok(turns)
}

fn turn(tx: &mut Tx<'_>, node: &str, it: WebhookRow) -> Result<Turn, Error> {
    let (since, now) = (tx.now(), tx.now().naive_utc());
    // What the owner lost in the meantime, the webhook lost, too.
    let held = registry::scope_of(tx, &it.owner_id, Scope::WebhooksRead)?;
    let mut sites = sites_of(tx.db()?, std::slice::from_ref(&it.id))?.remove(&it.id).unwrap_or_default();
    sites.retain(|site| held.sees(site));
    if let Some((after, until)) = it.replay_after.zip(it.replay_until) {
        again(tx, &it, &sites, (after, until))?;
    }
    let old = it.old_secrets.filter(|_| it.old_until.is_some_and(|it| it > now));
    let sealed = std::iter::once(it.secrets).chain(old).collect();
    Ok(Turn { id: it.id, url: it.url, sealed, sites, node: node.to_owned(), since })
}

/// Puts the next events of a replay into the queue, but those that wait there.
fn again(
    tx: &mut Tx<'_>,
    it: &WebhookRow,
    sites: &[SiteId],
    (after, until): (i64, i64),
) -> Result<(), Error> {
    let query = EventQuery { sites: Some(texts(sites)), topics: Vec::new(), after, until };
    let found = tx.events(&query, AGAIN)?;
    let last = found.last().filter(|_| i64::try_from(found.len()) == Ok(AGAIN)).map(Told::position);
    replay(tx, &it.id, last.map(|it| (it, until)))?;
    let waiting: Vec<i64> = webhook_queue::table
        .filter(webhook_queue::webhook_id.eq(&it.id).and(webhook_queue::position.gt(after)))
        .filter(webhook_queue::position.le(last.unwrap_or(until)))
        .select(webhook_queue::position)
        .load(tx.db()?)?;
    let now = tx.now().naive_utc();
    let new =
        found.iter().filter(|event| wants(&it.id, &it.types, event) && !waiting.contains(&event.position()));
    let rows = new.map(|event| queued(&it.id, event, now)).collect();
    tx.insert(rows);
    Ok(())
}

/// At most `limit` of what is due to a webhook, in its order.
///
/// # Errors
/// If the database can't answer.
pub fn due(rx: &mut Rx<'_>, id: &WebhookId, limit: i64) -> Result<Vec<Due>, Error> {
    let now = rx.now().naive_utc();
    let found = due!(now).filter(webhook_queue::webhook_id.eq(id)).order(webhook_queue::position);
    let found: Vec<QueueRow> = found.limit(limit).load(rx.db())?;
    let ids: Vec<_> = found.iter().map(|it| it.event_id.clone()).collect();
    let mut events = rx.events_of(&ids)?;
    events.sort_unstable_by_key(Told::position);
    let attempts = |it: &Told| found.iter().find(|row| row.position == it.position()).map(|it| it.attempts);
    Ok(events.into_iter().filter_map(|event| Some(Due { attempts: attempts(&event)?, event })).collect())
}

/// Goes on with a turn that is still the node's.
pub(crate) fn renew(tx: &mut Tx<'_>, it: &Turn) -> Result<(), Error> {
    let until = tx.now().naive_utc() + LEASE;
    hold(tx, it, until)
}

/// Ends a turn.
///
/// # Errors
/// If the database can't answer.
pub fn finish(tx: &mut Tx<'_>, it: &Turn) -> Result<(), Error> {
    let now = tx.now().naive_utc();
    hold(tx, it, now)
}

fn hold(tx: &mut Tx<'_>, it: &Turn, until: NaiveDateTime) -> Result<(), Error> {
    let mine = webhooks::table.filter(webhooks::id.eq(&it.id).and(webhooks::leased_by.eq(&it.node)));
    diesel::update(mine).set(webhooks::leased_until.eq(until)).execute(tx.db()?)?;
    Ok(())
}
