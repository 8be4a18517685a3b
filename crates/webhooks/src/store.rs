//! The queries on webhooks themselves.

use std::collections::{BTreeMap, BTreeSet};

use ::store::{AnyOf, Db, Rx, Tx, both};
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use diesel::dsl::not;
use diesel::prelude::*;
use kernel::{PrincipalId, Scope, SiteId};

use crate::schema::{SiteRow, WebhookRow, webhook_queue, webhook_sites, webhooks};
use crate::{Error, Webhook, WebhookId, WebhookStatus};

/// Whose webhooks are listed.
pub(crate) enum Whose<'a> {
    Anyones,
    /// What a program made.
    Own(&'a PrincipalId),
    /// What people made for these sites and no others.
    OfSites(&'a [SiteId]),
}

/// The webhook with this id as of `day`, whoever asks.
pub(crate) fn webhook(
    db: &mut Db,
    day: NaiveDate,
    id: &WebhookId,
) -> Result<Option<(Webhook, WebhookRow)>, Error> {
    let found: Option<WebhookRow> = webhooks::table.find(id).first(db).optional()?;
    let Some(row) = found else { return Ok(None) };
    Ok(with_sites(db, day, vec![row.clone()])?.pop().map(|it| (it, row)))
}

/// The same, which no one else changes until the transaction ends.
pub(crate) fn webhook_held(tx: &mut Tx<'_>, id: &WebhookId) -> Result<Option<(Webhook, WebhookRow)>, Error> {
    if let Db::Postgres(db) = tx.db()? {
        let held = webhooks::table.find(id).select(webhooks::id).for_update();
        held.first::<WebhookId>(db).optional()?;
    }
    let day = tx.today();
    webhook(tx.db()?, day, id)
}

/// At most `limit` webhooks, by id.
pub(crate) fn webhooks_of(
    rx: &mut Rx<'_>,
    whose: &Whose<'_>,
    after: Option<&WebhookId>,
    limit: i64,
) -> Result<Vec<Webhook>, Error> {
    let day = rx.today();
    let alike = match whose {
        Whose::OfSites(sites) => owners_of(rx.db(), day, sites)?,
        Whose::Anyones | Whose::Own(_) => Vec::new(),
    };
    let rows: Vec<WebhookRow> = both!(rx.db(), |db| {
        let mut found = webhooks::table
            .filter(webhooks::id.gt(after.map_or("", |it| it.as_str())))
            .order(webhooks::id)
            .limit(limit)
            .into_boxed();
        match whose {
            Whose::Anyones => {}
            Whose::Own(owner) => found = found.filter(webhooks::owner_id.eq(*owner)),
            Whose::OfSites(sites) => {
                let any = || webhook_sites::table.select(webhook_sites::webhook_id);
                let mine = AnyOf { column: "webhook_sites.site_id", values: sites };
                let others = not(AnyOf { column: "webhook_sites.site_id", values: sites });
                let named = webhooks::id.eq_any(any().filter(mine));
                let named = named.and(webhooks::id.ne_all(any().filter(others)));
                let all = AnyOf { column: "webhooks.owner_id", values: &alike };
                // Programs come before people.
                found = found
                    .filter(webhooks::owner_id.ge("usr_"))
                    .filter(named.or(webhooks::all_sites.and(all)));
            }
        }
        found.load(db)
    })?;
    with_sites(rx.db(), day, rows)
}

/// Who is told of these sites and no others, where they are told of all of theirs.
fn owners_of(db: &mut Db, day: NaiveDate, sites: &[SiteId]) -> Result<Vec<PrincipalId>, Error> {
    let some = registry::granted_at(db, sites, Scope::WebhooksRead)?;
    let of = registry::sites_of(db, day, &some, Scope::WebhooksRead)?;
    Ok(of.into_iter().filter(|it| it.1.iter().all(|it| sites.contains(it))).map(|it| it.0).collect())
}

/// The same webhooks with their sites as of `day`.
fn with_sites(db: &mut Db, day: NaiveDate, rows: Vec<WebhookRow>) -> Result<Vec<Webhook>, Error> {
    let (all, named): (Vec<_>, Vec<_>) = rows.iter().partition(|it| it.all_sites);
    let owners: BTreeSet<_> = all.iter().map(|it| it.owner_id.clone()).collect();
    let owners: Vec<_> = owners.into_iter().collect();
    let of_owner = match &*owners {
        [] => BTreeMap::new(),
        some => registry::sites_of(db, day, some, Scope::WebhooksRead)?,
    };
    let ids: Vec<_> = named.iter().map(|it| it.id.clone()).collect();
    let of_webhook = sites_named(db, &ids)?;
    let sites = |it: &WebhookRow| {
        let found = if it.all_sites { of_owner.get(&it.owner_id) } else { of_webhook.get(&it.id) };
        found.cloned().unwrap_or_default()
    };
    Ok(rows
        .into_iter()
        .map(|it| {
            let of = sites(&it);
            read(it, of)
        })
        .collect())
}

/// The sites that each names.
pub(crate) fn sites_named(db: &mut Db, ids: &[WebhookId]) -> Result<BTreeMap<WebhookId, Vec<SiteId>>, Error> {
    let mut sites = BTreeMap::<_, Vec<_>>::new();
    if ids.is_empty() {
        return Ok(sites);
    }
    let found: Vec<(WebhookId, SiteId)> = webhook_sites::table
        .filter(AnyOf { column: "webhook_sites.webhook_id", values: ids })
        .order((webhook_sites::webhook_id, webhook_sites::site_id))
        .load(db)?;
    for (id, site) in found {
        sites.entry(id).or_default().push(site);
    }
    Ok(sites)
}

/// How many active webhooks someone has.
pub(crate) fn count_of(tx: &mut Tx<'_>, owner: &PrincipalId) -> Result<i64, Error> {
    let own = webhooks::table.filter(webhooks::owner_id.eq(owner));
    Ok(own.filter(webhooks::status.eq(WebhookStatus::Active)).count().get_result(tx.db()?)?)
}

/// Keeps a new webhook, with its sealed secrets.
pub(crate) fn insert(tx: &mut Tx<'_>, it: &Webhook, sealed: String) {
    tx.insert(vec![WebhookRow {
        id: it.id.clone(),
        owner_id: it.owner_id.clone(),
        url: it.url.clone(),
        description: it.description.clone(),
        types: it.types.join(" "),
        status: it.status,
        disabled_for: it.disabled_for,
        public_key: it.public_key.clone(),
        secrets: sealed,
        old_secrets: None,
        old_until: None,
        replay_after: None,
        replay_until: None,
        held_until: None,
        failing_since: None,
        leased_by: None,
        leased_until: it.created_at.naive_utc(),
        version: it.version,
        created_at: it.created_at.naive_utc(),
        updated_at: it.updated_at.naive_utc(),
        all_sites: it.all_sites,
    }]);
    tx.insert(site_rows(it));
}

/// The sites that it names.
fn site_rows(it: &Webhook) -> Vec<SiteRow> {
    let sites = it.site_ids.iter().filter(|_| !it.all_sites).cloned();
    sites.map(|site_id| SiteRow { webhook_id: it.id.clone(), site_id }).collect()
}

/// Writes of what a webhook is told, and where; with another address all that waits is due to it at once, and whoever's turn it is sends
/// nothing more to the one of before.
pub(crate) fn redirect(tx: &mut Tx<'_>, it: &Webhook, moved: bool) -> Result<(), Error> {
    let (id, now) = (&it.id, tx.now().naive_utc());
    let set = (
        webhooks::url.eq(&it.url),
        webhooks::description.eq(&it.description),
        webhooks::types.eq(it.types.join(" ")),
        webhooks::all_sites.eq(it.all_sites),
    );
    diesel::update(webhooks::table.find(id)).set(set).execute(tx.db()?)?;
    diesel::delete(webhook_sites::table.filter(webhook_sites::webhook_id.eq(id))).execute(tx.db()?)?;
    tx.insert(site_rows(it));
    if moved {
        let free = (
            webhooks::held_until.eq(None::<NaiveDateTime>),
            webhooks::leased_by.eq(None::<String>),
            webhooks::leased_until.eq(now),
        );
        diesel::update(webhooks::table.find(id)).set(free).execute(tx.db()?)?;
        let waiting = webhook_queue::table.filter(webhook_queue::webhook_id.eq(id));
        diesel::update(waiting).set(webhook_queue::next_at.eq(now)).execute(tx.db()?)?;
    }
    Ok(())
}

/// Writes what changed of a webhook.
pub(crate) fn change(tx: &mut Tx<'_>, it: &Webhook) -> Result<(), Error> {
    let set = (
        webhooks::status.eq(it.status),
        webhooks::disabled_for.eq(it.disabled_for),
        webhooks::public_key.eq(&it.public_key),
        webhooks::failing_since.eq(it.failing_since.map(|it| it.naive_utc())),
        webhooks::version.eq(it.version),
        webhooks::updated_at.eq(it.updated_at.naive_utc()),
    );
    diesel::update(webhooks::table.find(&it.id)).set(set).execute(tx.db()?)?;
    Ok(())
}

/// Takes the place of the secrets; those of before stay until `until`.
pub(crate) fn rotate(
    tx: &mut Tx<'_>,
    it: &WebhookId,
    sealed: &str,
    old: &str,
    until: DateTime<Utc>,
) -> Result<(), Error> {
    let set = (
        webhooks::secrets.eq(sealed),
        webhooks::old_secrets.eq(Some(old)),
        webhooks::old_until.eq(Some(until.naive_utc())),
    );
    diesel::update(webhooks::table.find(it)).set(set).execute(tx.db()?)?;
    Ok(())
}

/// Empties its queue, forgets what it asked for, and ends whoever's turn it is.
pub(crate) fn clear(tx: &mut Tx<'_>, id: &WebhookId) -> Result<(), Error> {
    diesel::delete(webhook_queue::table.filter(webhook_queue::webhook_id.eq(id))).execute(tx.db()?)?;
    let none = (
        webhooks::held_until.eq(None::<NaiveDateTime>),
        webhooks::replay_after.eq(None::<i64>),
        webhooks::replay_until.eq(None::<i64>),
        webhooks::leased_by.eq(None::<String>),
        webhooks::leased_until.eq(tx.now().naive_utc()),
    );
    diesel::update(webhooks::table.find(id)).set(none).execute(tx.db()?)?;
    Ok(())
}

/// Has it told again of what stands after one position, up to another.
pub(crate) fn replay(tx: &mut Tx<'_>, id: &WebhookId, range: Option<(i64, i64)>) -> Result<(), Error> {
    let (after, until) = range.unzip();
    let set = (webhooks::replay_after.eq(after), webhooks::replay_until.eq(until));
    diesel::update(webhooks::table.find(id)).set(set).execute(tx.db()?)?;
    Ok(())
}

pub(crate) fn read(it: WebhookRow, site_ids: Vec<SiteId>) -> Webhook {
    Webhook {
        id: it.id,
        owner_id: it.owner_id,
        url: it.url,
        description: it.description,
        types: it.types.split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        all_sites: it.all_sites,
        site_ids,
        status: it.status,
        disabled_for: it.disabled_for,
        public_key: it.public_key,
        old_until: it.old_until.map(|it| it.and_utc()),
        failing_since: it.failing_since.map(|it| it.and_utc()),
        version: it.version,
        created_at: it.created_at.and_utc(),
        updated_at: it.updated_at.and_utc(),
    }
}
