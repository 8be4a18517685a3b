//! A webhook told of other things, or elsewhere.

use ::store::{Key, Locks, Rx, Tx};
use kernel::{Draft, EventType, PrincipalId, Scope, SiteId, TrailAction};
use registry::Access;

use crate::change::{Change, tell};
use crate::create::{sites, words};
use crate::find::find;
use crate::store::redirect;
use crate::{Error, Webhook, WebhookChange, WebhookId};

/// A webhook that is to be told of other things, or elsewhere.
#[derive(Debug, Clone)]
pub struct ToChange {
    id: WebhookId,
    owner: PrincipalId,
    url: Option<String>,
    #[expect(clippy::option_option, reason = "it is left alone, taken away, or another one")]
    description: Option<Option<String>>,
    types: Option<Vec<String>>,
    sites: Asked,
}

/// What is said of its sites: nothing; else which, or all of the owner's.
type Asked = Option<Option<Vec<SiteId>>>;

impl ToChange {
    /// The webhook, if the caller may have it told of the sites that they name.
    ///
    /// # Errors
    /// [`Error::NotFound`] of what isn't there, or not for this caller; [`Error::SiteNotPermitted`].
    pub fn gather(
        rx: &mut Rx<'_>,
        caller: &Access,
        draft: &Draft<WebhookChange>,
        id: Option<&WebhookId>,
    ) -> Result<Webhook, Error> {
        let found = find(rx, caller, Scope::WebhooksUpdate, id.ok_or(Error::NotFound)?)?;
        settled(caller, &found, &asked(draft))?;
        Ok(found)
    }

    /// What it comes to; where it is sent elsewhere, to `url`, which may be sent to.
    #[must_use]
    pub fn check(draft: &Draft<WebhookChange>, it: Webhook, url: Option<String>) -> Option<Self> {
        let types = draft.types.as_ref()?.as_ref();
        let types = types.map(|it| words(it.iter().flatten().flatten()));
        let description = draft.description.as_ref()?.as_ref();
        let description = description.map(|it| it.as_deref().map(str::to_owned));
        Some(Self { id: it.id, owner: it.owner_id, url, description, types, sites: asked(draft) })
    }
}

fn asked(draft: &Draft<WebhookChange>) -> Asked {
    let named = |it: &Vec<Option<SiteId>>| it.iter().flatten().cloned().collect();
    draft.site_ids.as_ref()?.as_ref().map(|it| it.as_ref().map(named))
}

/// The sites that it will be told of, and whether these are all of its owner's. Which these will be is for no one else to say: whoever
/// administers those of today may not do so tomorrow.
fn settled(caller: &Access, it: &Webhook, asked: &Asked) -> Result<(bool, Vec<SiteId>), Error> {
    let all = asked.as_ref().map_or(it.all_sites, Option::is_none);
    if all && it.owner_id != caller.principal.id {
        return Err(Error::SiteNotPermitted);
    }
    Ok(match asked {
        None => (all, it.site_ids.clone()),
        Some(named) => (all, sites(caller, named.as_deref())?),
    })
}

impl Locks for ToChange {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.owner.to_string()), Key::Webhook(self.id.to_string())]
    }
}

/// Has a webhook told of other things, or elsewhere. What waits for it is sent to where it is then, in its order; of a site that it isn't
/// told of any more nothing is.
///
/// # Errors
/// [`Error::Stale`] where it isn't at `version` any more; [`Error::SiteNotPermitted`].
pub fn change(tx: &mut Tx<'_>, caller: &Access, it: ToChange, version: i32) -> Result<Webhook, Error> {
    let mut change = Change::of(tx, caller, Scope::WebhooksUpdate, (&it.id, Some(version)))?;
    let webhook = &mut change.webhook;
    (webhook.all_sites, webhook.site_ids) = settled(caller, webhook, &it.sites)?;
    let moved = it.url.as_ref().is_some_and(|it| *it != webhook.url);
    if moved {
        webhook.failing_since = None;
    }
    webhook.url = it.url.unwrap_or_else(|| webhook.url.clone());
    webhook.description = it.description.unwrap_or_else(|| webhook.description.clone());
    webhook.types = it.types.unwrap_or_else(|| webhook.types.clone());
    redirect(tx, webhook, moved)?;
    let webhook = change.record(tx, TrailAction::WebhookChange, None)?;
    tell(tx, &webhook, EventType::WebhookChanged)?;
    Ok(webhook)
}
