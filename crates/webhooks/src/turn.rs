//! A node's turn at a webhook: no other sends to it meanwhile.

use ::store::{EventQuery, Rx, Told, Tx};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use kernel::{Scope, SiteId, fresh_id};

use crate::find::texts;
use crate::relay::{queued, wants};
use crate::schema::{QueueRow, WebhookRow, webhook_queue, webhooks};
use crate::store::{replay, webhook};
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
    /// What no other turn is called, of this node or another.
    pub lease: String,
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

/// The webhooks that may be sent to, and that no one sends to.
macro_rules! free {
    ($now:expr) => {
        webhooks::table
            .filter(webhooks::status.eq(WebhookStatus::Active).and(webhooks::leased_until.le($now)))
            .filter(webhooks::held_until.is_null().or(webhooks::held_until.le($now)))
    };
}

/// Those of them that have something to be sent.
macro_rules! ready {
    ($now:expr) => {{
        let due = due!($now).select(webhook_queue::webhook_id);
        free!($now).filter(webhooks::id.eq_any(due).or(webhooks::replay_after.is_not_null()))
    }};
}

/// How many deliveries a claim would find, `most` at most.
pub(crate) fn count_due(rx: &mut Rx<'_>, now: NaiveDateTime, most: i64) -> Result<i64, Error> {
    let free = free!(now).select(webhooks::id);
    let found = due!(now).filter(webhook_queue::webhook_id.eq_any(free)).limit(most);
    let found: Vec<i64> = found.select(webhook_queue::position).load(rx.db())?;
    Ok(i64::try_from(found.len()).unwrap_or(most))
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
    let mut found: Vec<WebhookId> = ready.select(webhooks::id).load(tx.db()?)?;
    // Whoever holds several takes them by id, so that no two wait for each other.
    found.sort_unstable();
    let mut turns = Vec::new();
    for id in found {
        let lease = format!("{node}/{}", fresh_id("turn", tx.now()));
        let free = webhooks::table
            .filter(webhooks::id.eq(&id).and(webhooks::leased_until.le(now)))
            .filter(webhooks::status.eq(WebhookStatus::Active));
        let set = (webhooks::leased_by.eq(Some(&lease)), webhooks::leased_until.eq(now + LEASE));
        // Another node may have been faster. From here on the row is this transaction's, and may be another than was found.
        if diesel::update(free).set(set).execute(tx.db()?)? == 1
            && let Some(row) = webhooks::table.find(&id).first(tx.db()?).optional()?
        {
            turns.push(turn(tx, lease, row)?);
        }
    }
    Ok(turns)
}

fn turn(tx: &mut Tx<'_>, lease: String, it: WebhookRow) -> Result<Turn, Error> {
    let (since, now) = (tx.now(), tx.now().naive_utc());
    let sites = seen(tx, &it.id)?;
    if let Some((after, until)) = it.replay_after.zip(it.replay_until) {
        again(tx, &it, &sites, (after, until))?;
    }
    let old = it.old_secrets.filter(|_| it.old_until.is_some_and(|it| it > now));
    let sealed = std::iter::once(it.secrets).chain(old).collect();
    Ok(Turn { id: it.id, url: it.url, sealed, lease, since })
}

/// The sites of a webhook, but those that its owner lost in the meantime.
fn seen(tx: &mut Tx<'_>, id: &WebhookId) -> Result<Vec<SiteId>, Error> {
    let day = tx.today();
    let Some((it, _)) = webhook(tx.db()?, day, id)? else { return Ok(Vec::new()) };
    if it.all_sites {
        return Ok(it.site_ids);
    }
    let held = registry::scope_of(tx, &it.owner_id, Scope::WebhooksRead)?;
    Ok(it.site_ids.into_iter().filter(|site| held.sees(site)).collect())
}

/// The sites whose events may be sent in this turn, as of now; none at all where the turn is over, be it that the lease ran out or that
/// the webhook was disabled.
///
/// # Errors
/// If the database can't answer.
pub fn permitted(tx: &mut Tx<'_>, it: &Turn) -> Result<Option<Vec<SiteId>>, Error> {
    let now = tx.now().naive_utc();
    let mine = webhooks::table
        .filter(webhooks::id.eq(&it.id).and(webhooks::leased_by.eq(&it.lease)))
        .filter(webhooks::status.eq(WebhookStatus::Active).and(webhooks::leased_until.gt(now)));
    if !diesel::select(exists(mine)).get_result::<bool>(tx.db()?)? {
        return Ok(None);
    }
    seen(tx, &it.id).map(Some)
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

/// Goes on with a turn, if no other began since and the webhook is active: whether it does.
pub(crate) fn renew(tx: &mut Tx<'_>, it: &Turn) -> Result<bool, Error> {
    let until = tx.now().naive_utc() + LEASE;
    hold(tx, it, until)
}

/// Ends a turn.
///
/// # Errors
/// If the database can't answer.
pub fn finish(tx: &mut Tx<'_>, it: &Turn) -> Result<(), Error> {
    let now = tx.now().naive_utc();
    hold(tx, it, now).map(drop)
}

/// Whether the turn is still what it was; if so, until then.
fn hold(tx: &mut Tx<'_>, it: &Turn, until: NaiveDateTime) -> Result<bool, Error> {
    let mine = webhooks::table
        .filter(webhooks::id.eq(&it.id).and(webhooks::leased_by.eq(&it.lease)))
        .filter(webhooks::status.eq(WebhookStatus::Active));
    Ok(diesel::update(mine).set(webhooks::leased_until.eq(until)).execute(tx.db()?)? == 1)
}

/// Ends the turns of a node that stops, whatever is still under way in them; how many.
///
/// # Errors
/// If the database can't answer.
pub fn release(tx: &mut Tx<'_>, node: &str) -> Result<usize, Error> {
    let now = tx.now().naive_utc();
    let own = || {
        let named = webhooks::leased_by.like(format!("{node}/%"));
        webhooks::table.filter(named.and(webhooks::leased_until.gt(now)))
    };
    let held: Vec<WebhookId> = own().order(webhooks::id).select(webhooks::id).load(tx.db()?)?;
    for id in &held {
        let free = (webhooks::leased_by.eq(None::<String>), webhooks::leased_until.eq(now));
        // It may be another's since it was looked for.
        diesel::update(own().filter(webhooks::id.eq(id))).set(free).execute(tx.db()?)?;
    }
    Ok(held.len())
}
