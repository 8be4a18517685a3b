//! New webhooks.

use ::store::{Key, Locks, Rx, Trail, Tx};
use kernel::{Draft, PrincipalId, Scope, SiteId, TrailAction};
use registry::Access;

use crate::store::{count_of, insert};
use crate::{Error, EventType, NewWebhook, Webhook, WebhookId, WebhookStatus};

/// How many active webhooks one owner may have.
pub(crate) const MOST: i64 = 10;

/// A webhook that is to be.
#[derive(Debug, Clone)]
pub struct ToAdd {
    id: WebhookId,
    owner: PrincipalId,
    url: String,
    description: Option<String>,
    types: Vec<EventType>,
    sites: Vec<SiteId>,
    public_key: String,
    sealed: String,
}

impl ToAdd {
    /// Who asks, and for which sites.
    ///
    /// # Errors
    /// [`Error::SiteNotPermitted`] of a site that isn't theirs.
    pub fn gather(
        _: &mut Rx<'_>,
        caller: &Access,
        draft: &Draft<NewWebhook>,
    ) -> Result<(PrincipalId, Vec<SiteId>), Error> {
        let named = draft.site_ids.iter().flatten().flatten().flatten().cloned().collect();
        Ok((caller.principal.id.clone(), sites(caller, named)?))
    }

    /// What it comes to, at `url`, which may be sent to; signed with secrets that are sealed.
    #[must_use]
    pub fn check(
        draft: &Draft<NewWebhook>,
        (owner, sites): (PrincipalId, Vec<SiteId>),
        id: WebhookId,
        url: String,
        (public_key, sealed): (String, String),
    ) -> Option<Self> {
        let mut types: Vec<_> = draft.types.as_ref()?.iter().flatten().flatten().cloned().collect();
        types.sort_unstable();
        types.dedup();
        let description = draft.description.as_ref()?.as_deref().map(str::to_owned);
        Some(Self { id, owner, url, description, types, sites, public_key, sealed })
    }

    /// Its secrets, sealed.
    #[must_use]
    pub fn sealed(&self) -> &str {
        &self.sealed
    }
}

impl Locks for ToAdd {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.owner.to_string())]
    }
}

/// The sites that a caller names, or all of theirs.
fn sites(caller: &Access, mut named: Vec<SiteId>) -> Result<Vec<SiteId>, Error> {
    let scope = caller.scope(Scope::WebhooksUpdate);
    if named.is_empty() {
        named = scope.sites().unwrap_or_default().to_vec();
    }
    named.sort_unstable();
    named.dedup();
    let permitted = !named.is_empty() && named.iter().all(|it| scope.sees(it));
    permitted.then_some(named).ok_or(Error::SiteNotPermitted)
}

/// Adds a webhook, which is told of what happens from here on.
///
/// # Errors
/// [`Error::SiteNotPermitted`]; [`Error::TooMany`] of an owner who has as many as one may.
pub fn add(tx: &mut Tx<'_>, caller: &Access, it: ToAdd) -> Result<Webhook, Error> {
    let site_ids = sites(caller, it.sites)?;
    if count_of(tx, &it.owner)? >= MOST {
        return Err(Error::TooMany);
    }
    let webhook = Webhook {
        id: it.id,
        owner_id: it.owner,
        url: it.url,
        description: it.description,
        types: it.types,
        site_ids,
        status: WebhookStatus::Active,
        disabled_for: None,
        public_key: it.public_key,
        old_until: None,
        failing_since: None,
        version: 1,
        created_at: tx.now(),
        updated_at: tx.now(),
    };
    insert(tx, &webhook, it.sealed);
    tx.record(Trail {
        action: TrailAction::WebhookAdd,
        subject: webhook.id.to_string(),
        site_id: webhook.site(),
        reason: None,
        before: None,
        after: Some(format!("{webhook:?}")),
    });
    Ok(webhook)
}
