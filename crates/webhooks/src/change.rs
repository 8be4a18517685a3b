//! What becomes of a webhook.

use ::store::{Event, Key, Locks, Rx, Trail, Tx};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Draft, EventType, FlawCode, Flaws, PrincipalId, Scope, TrailAction};
use registry::Access;

use crate::create::MOST;
use crate::find::{find, sees};
use crate::store::{self, clear, count_of, webhook_held};
use crate::{DisabledFor, Error, EventId, NewReplay, NewWebhookMove, Webhook, WebhookId, WebhookStatus};

/// How long the secrets of before sign beside the new ones.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// A webhook that is to be changed.
#[derive(Debug, Clone)]
pub struct ToMove {
    id: WebhookId,
    owner: PrincipalId,
    reason: Option<String>,
}

impl ToMove {
    /// The webhook, if it is the caller's.
    ///
    /// # Errors
    /// [`Error::NotFound`] of what isn't there, or not for this caller.
    pub fn gather(rx: &mut Rx<'_>, caller: &Access, id: Option<&WebhookId>) -> Result<Webhook, Error> {
        find(rx, caller, Scope::WebhooksUpdate, id.ok_or(Error::NotFound)?)
    }

    /// What it comes to.
    #[must_use]
    pub fn check(draft: &Draft<NewWebhookMove>, it: Webhook, _: &mut Flaws) -> Option<Self> {
        let reason = draft.reason.as_ref()?.as_deref().map(str::to_owned);
        Some(Self { id: it.id, owner: it.owner_id, reason })
    }
}

impl Locks for ToMove {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.owner.to_string()), Key::Webhook(self.id.to_string())]
    }
}

/// A webhook whose secrets are to be replaced.
#[derive(Debug, Clone)]
pub struct ToRotate {
    /// Which one.
    pub of: ToMove,
    /// The new public key.
    pub public_key: String,
    /// The new secrets, sealed.
    pub sealed: String,
}

impl Locks for ToRotate {
    fn keys(&self) -> Vec<Key> {
        self.of.keys()
    }
}

/// A webhook that is to be told again.
#[derive(Debug, Clone)]
pub struct ToReplay {
    id: WebhookId,
    after: i64,
    until: i64,
}

impl ToReplay {
    /// The webhook, and after which position it is told again; none where there is no such place.
    ///
    /// # Errors
    /// [`Error::NotFound`] of what isn't there, or not for this caller.
    pub fn gather(
        rx: &mut Rx<'_>,
        caller: &Access,
        draft: &Draft<NewReplay>,
        id: Option<&WebhookId>,
    ) -> Result<(WebhookId, Option<i64>, i64), Error> {
        let found = find(rx, caller, Scope::WebhooksReplay, id.ok_or(Error::NotFound)?)?;
        let text = draft.after.as_deref().unwrap_or_default();
        let after = if let Some(event) = EventId::parse(text) {
            let told = rx.events_of(&[event.to_string()])?.pop();
            let of = |it: &String| found.site_ids.iter().any(|site| site.as_str() == it);
            told.filter(|it| it.site_id.as_ref().is_some_and(of)).map(|it| it.position())
        } else {
            let at = text.parse::<DateTime<Utc>>().ok().filter(|_| text.contains('T'));
            at.map(|it| rx.position_before(it)).transpose()?
        };
        Ok((found.id, after, rx.last_position()?))
    }

    /// Adds that there is no such place, if so; what it comes to.
    pub fn check(
        draft: &Draft<NewReplay>,
        (id, after, until): (WebhookId, Option<i64>, i64),
        flaws: &mut Flaws,
    ) -> Option<Self> {
        if draft.after.is_some() && after.is_none() {
            let detail = "Must be the id of an event of the webhook's sites, or an instant (RFC 3339).";
            flaws.add("/after", FlawCode::Format, detail);
        }
        Some(Self { id, after: after?, until })
    }
}

impl Locks for ToReplay {
    fn keys(&self) -> Vec<Key> {
        vec![Key::Webhook(self.id.to_string())]
    }
}

/// A webhook under its lock, as it is and as it becomes.
pub(crate) struct Change {
    before: Webhook,
    pub(crate) webhook: Webhook,
    sealed: String,
    replay_after: Option<i64>,
}

impl Change {
    /// The webhook with this id, if it is the caller's and still at `version`, where one is named.
    pub(crate) fn of(
        tx: &mut Tx<'_>,
        caller: &Access,
        scope: Scope,
        (id, version): (&WebhookId, Option<i32>),
    ) -> Result<Self, Error> {
        let (before, row) = webhook_held(tx, id)?.ok_or(Error::NotFound)?;
        if !sees(caller, &caller.scope(scope), &before) {
            return Err(Error::NotFound);
        }
        if version.is_some_and(|it| it != before.version) {
            return Err(Error::Stale);
        }
        Ok(Self { webhook: before.clone(), before, sealed: row.secrets, replay_after: row.replay_after })
    }

    /// Writes what changed, as its next version.
    pub(crate) fn record(
        mut self,
        tx: &mut Tx<'_>,
        action: TrailAction,
        reason: Option<String>,
    ) -> Result<Webhook, Error> {
        self.webhook.version += 1;
        self.webhook.updated_at = tx.now();
        store::change(tx, &self.webhook)?;
        Ok(self.note(tx, action, reason))
    }

    /// Notes what was done with it; the webhook is what it was, unless it was changed before.
    fn note(self, tx: &mut Tx<'_>, action: TrailAction, reason: Option<String>) -> Webhook {
        let Self { before, webhook, .. } = self;
        tx.record(Trail {
            action,
            subject: webhook.id.to_string(),
            site_id: webhook.site(),
            reason,
            before: Some(format!("{before:?}")),
            after: Some(format!("{webhook:?}")),
        });
        webhook
    }
}

/// Replaces the secrets; those of before sign beside them for a day.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], or that the database can't answer.
pub fn rotate(
    tx: &mut Tx<'_>,
    caller: &Access,
    it: ToRotate,
    version: Option<i32>,
) -> Result<Webhook, Error> {
    let mut change = Change::of(tx, caller, Scope::WebhooksUpdate, (&it.of.id, version))?;
    let until = tx.now() + OVERLAP;
    store::rotate(tx, &it.of.id, &it.sealed, &change.sealed, until)?;
    change.webhook.public_key = it.public_key;
    change.webhook.old_until = Some(until);
    change.record(tx, TrailAction::WebhookRotate, it.of.reason)
}

/// Leaves an event that is sent to this webhook and no other, whatever its types; whoever reads events of its sites reads it, too.
///
/// # Errors
/// [`Error::Disabled`] of a webhook that is sent nothing.
pub fn test(tx: &mut Tx<'_>, caller: &Access, it: ToMove, version: Option<i32>) -> Result<Webhook, Error> {
    let change = Change::of(tx, caller, Scope::WebhooksUpdate, (&it.id, version))?;
    if change.webhook.status == WebhookStatus::Disabled {
        return Err(Error::Disabled);
    }
    let webhook = change.note(tx, TrailAction::WebhookTest, it.reason);
    tell(tx, &webhook, EventType::WebhookTest)?;
    Ok(webhook)
}

/// Disables a webhook: what waits for it is thrown away.
///
/// # Errors
/// [`Error::Unchanged`] of one that is disabled already.
pub fn disable(tx: &mut Tx<'_>, caller: &Access, it: ToMove, version: Option<i32>) -> Result<Webhook, Error> {
    let mut change = Change::of(tx, caller, Scope::WebhooksUpdate, (&it.id, version))?;
    if change.webhook.status == WebhookStatus::Disabled {
        return Err(Error::Unchanged);
    }
    stop(&mut change.webhook, DisabledFor::Asked);
    clear(tx, &it.id)?;
    let webhook = change.record(tx, TrailAction::WebhookDisable, it.reason)?;
    tell(tx, &webhook, EventType::WebhookDisabled)?;
    Ok(webhook)
}

/// Enables a webhook: it is told of what happens from here on.
///
/// # Errors
/// [`Error::Unchanged`] of one that is active; [`Error::TooMany`] of an owner who has as many as one may.
pub fn enable(tx: &mut Tx<'_>, caller: &Access, it: ToMove, version: Option<i32>) -> Result<Webhook, Error> {
    let mut change = Change::of(tx, caller, Scope::WebhooksUpdate, (&it.id, version))?;
    if change.webhook.status == WebhookStatus::Active {
        return Err(Error::Unchanged);
    }
    if count_of(tx, &it.owner)? >= MOST {
        return Err(Error::TooMany);
    }
    clear(tx, &it.id)?;
    let webhook = &mut change.webhook;
    (webhook.status, webhook.disabled_for, webhook.failing_since) = (WebhookStatus::Active, None, None);
    let webhook = change.record(tx, TrailAction::WebhookEnable, it.reason)?;
    tell(tx, &webhook, EventType::WebhookEnabled)?;
    Ok(webhook)
}

/// Has a webhook told again of what it was told before.
///
/// # Errors
/// [`Error::Disabled`] of a webhook that is sent nothing.
pub fn replay(
    tx: &mut Tx<'_>,
    caller: &Access,
    it: &ToReplay,
    version: Option<i32>,
) -> Result<Webhook, Error> {
    let change = Change::of(tx, caller, Scope::WebhooksReplay, (&it.id, version))?;
    if change.webhook.status == WebhookStatus::Disabled {
        return Err(Error::Disabled);
    }
    // What an earlier replay hasn't come to yet is told by this one, too.
    let after = change.replay_after.map_or(it.after, |earlier| earlier.min(it.after));
    store::replay(tx, &it.id, Some((after, it.until)))?;
    Ok(change.note(tx, TrailAction::WebhookReplay, None))
}

/// Disables a webhook that can't be sent to, and tells its owner by an event; its lock is held.
pub(crate) fn give_up(tx: &mut Tx<'_>, mut it: Webhook, why: DisabledFor) -> Result<(), Error> {
    let before = it.clone();
    stop(&mut it, why);
    clear(tx, &it.id)?;
    let it = Change { before, webhook: it, sealed: String::new(), replay_after: None }.record(
        tx,
        TrailAction::WebhookDisable,
        None,
    )?;
    tell(tx, &it, EventType::WebhookDisabled)
}

fn stop(it: &mut Webhook, why: DisabledFor) {
    (it.status, it.disabled_for) = (WebhookStatus::Disabled, Some(why));
}

pub(crate) fn tell(tx: &mut Tx<'_>, it: &Webhook, topic: EventType) -> Result<(), Error> {
    let sequence = tx.next_event(&it.id)?;
    tx.emit(Event {
        topic,
        subject: it.id.to_string(),
        site_id: it.site(),
        status: it.status.to_string(),
        version: it.version,
        sequence,
    });
    Ok(())
}
