//! New webhooks.

use std::collections::BTreeSet;

use ::store::{Key, Locks, Rx, Trail, Tx};
use kernel::{Draft, EventType, PrincipalId, Scope, SiteId, TrailAction};
use registry::Access;

use crate::store::{count_of, insert};
use crate::{Error, NewWebhook, Webhook, WebhookId, WebhookStatus};

/// How many active webhooks one owner may have.
pub(crate) const MOST: i64 = 10;

/// A webhook that is to be.
#[derive(Debug, Clone)]
pub struct ToAdd {
    id: WebhookId,
    owner: PrincipalId,
    url: String,
    description: Option<String>,
    types: Vec<String>,
    /// None for all of the owner's.
    sites: Option<Vec<SiteId>>,
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
    ) -> Result<(PrincipalId, Option<Vec<SiteId>>), Error> {
        let named = draft.site_ids.iter().flatten().next().map(|it| it.iter().flatten().cloned().collect());
        sites(caller, named.as_deref())?;
        Ok((caller.principal.id.clone(), named))
    }

    /// What it comes to, at `url`, which may be sent to; signed with secrets that are sealed.
    #[must_use]
    pub fn check(
        draft: &Draft<NewWebhook>,
        (owner, sites): (PrincipalId, Option<Vec<SiteId>>),
        id: WebhookId,
        url: String,
        (public_key, sealed): (String, String),
    ) -> Option<Self> {
        let types = words(draft.types.as_ref()?.iter().flatten().flatten());
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

/// Types of events as they are kept: each once.
pub(crate) fn words<'a>(all: impl Iterator<Item = &'a EventType>) -> Vec<String> {
    all.map(ToString::to_string).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The sites that a caller names, each once; all of theirs, as of now, where they name none.
pub(crate) fn sites(caller: &Access, named: Option<&[SiteId]>) -> Result<Vec<SiteId>, Error> {
    let scope = caller.scope(Scope::WebhooksUpdate);
    let sites = named.or(scope.sites()).unwrap_or_default();
    let permitted = !sites.is_empty() && sites.iter().all(|it| scope.sees(it));
    let sites: BTreeSet<_> = sites.iter().cloned().collect();
    permitted.then(|| sites.into_iter().collect()).ok_or(Error::SiteNotPermitted)
}

/// Adds a webhook, which is told of what happens from here on.
///
/// # Errors
/// [`Error::SiteNotPermitted`]; [`Error::TooMany`] of an owner who has as many as one may.
pub fn add(tx: &mut Tx<'_>, caller: &Access, it: ToAdd) -> Result<Webhook, Error> {
    let site_ids = sites(caller, it.sites.as_deref())?;
    if count_of(tx, &it.owner)? >= MOST {
        return Err(Error::TooMany);
    }
    let webhook = Webhook {
        id: it.id,
        owner_id: it.owner,
        url: it.url,
        description: it.description,
        types: it.types,
        all_sites: it.sites.is_none(),
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
