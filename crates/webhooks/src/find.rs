//! Webhooks and events, found by those who may see them.

use ::store::{EventQuery, Rx, Told};
use kernel::{EventType, PrincipalId, Scope, SiteId};
use registry::{Access, PrincipalKind, SiteScope};

use crate::attempts::attempts_of;
use crate::store::{Whose, webhook, webhooks_of};
use crate::{Attempt, AttemptId, Error, Webhook, WebhookId};

/// The webhook with this id, if the caller may do to it what takes `scope`.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or not for this caller.
pub fn find(rx: &mut Rx<'_>, caller: &Access, scope: Scope, id: &WebhookId) -> Result<Webhook, Error> {
    let day = rx.today();
    let found = webhook(rx.db(), day, id)?.map(|it| it.0);
    found.filter(|it| sees(caller, &caller.scope(scope), it)).ok_or(Error::NotFound)
}

/// Whether a webhook is the caller's: a program's own, an administrator's if all of its sites are theirs; anyone's for who sees the
/// whole plan.
pub(crate) fn sees(caller: &Access, scope: &SiteScope, it: &Webhook) -> bool {
    match scope.sites() {
        None => true,
        Some(_) if is_program(caller) || is_programs(&it.owner_id) => it.owner_id == caller.principal.id,
        Some(sites) => !it.site_ids.is_empty() && it.site_ids.iter().all(|it| sites.contains(it)),
    }
}

fn is_program(caller: &Access) -> bool {
    caller.principal.kind == PrincipalKind::System
}

fn is_programs(owner: &PrincipalId) -> bool {
    owner.starts_with("cli_")
}

/// A page of at most `limit` of the webhooks that the caller sees, by id; and, if there are more, where it ends.
///
/// # Errors
/// If the database can't answer.
pub fn list(
    rx: &mut Rx<'_>,
    caller: &Access,
    after: Option<&WebhookId>,
    limit: u16,
) -> Result<(Vec<Webhook>, Option<WebhookId>), Error> {
    let scope = caller.scope(Scope::WebhooksRead);
    let whose = match scope.sites() {
        None => Whose::Anyones,
        Some(_) if is_program(caller) => Whose::Own(&caller.principal.id),
        Some(sites) => Whose::OfSites(sites),
    };
    let mut found = webhooks_of(rx, &whose, after, i64::from(limit) + 1)?;
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let next = found.last().filter(|_| more).map(|it| it.id.clone());
    Ok((found, next))
}

/// A page of at most `limit` attempts to send to the webhook with this id, the latest first; and, if there are more, where it ends.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or not for this caller.
pub fn attempts(
    rx: &mut Rx<'_>,
    caller: &Access,
    id: &WebhookId,
    after: Option<&AttemptId>,
    limit: u16,
) -> Result<(Vec<Attempt>, Option<AttemptId>), Error> {
    find(rx, caller, Scope::WebhooksRead, id)?;
    let mut found = attempts_of(rx, id, after, i64::from(limit) + 1)?;
    let more = found.len() > usize::from(limit);
    found.truncate(limit.into());
    let next = found.last().filter(|_| more).map(|it| it.id.clone());
    Ok((found, next))
}

/// At most `limit` of the events that the caller sees, after a position and of one type or any; and the position from which to go on,
/// which is the last there is where there are no more.
///
/// # Errors
/// If the database can't answer.
pub fn events(
    rx: &mut Rx<'_>,
    caller: &Access,
    after: i64,
    topic: Option<EventType>,
    limit: u16,
) -> Result<(Vec<Told>, i64), Error> {
    // What is told from here on comes after it, so that no one who goes on from there misses any.
    let until = rx.last_position()?;
    let scope = caller.scope(Scope::WebhooksRead);
    let query = EventQuery {
        sites: scope.sites().map(texts),
        topics: topic.iter().map(ToString::to_string).collect(),
        after,
        until,
    };
    let found = rx.events(&query, limit.into())?;
    let full = found.len() >= usize::from(limit);
    let next = found.last().filter(|_| full).map_or(until.max(after), Told::position);
    Ok((found, next))
}

pub(crate) fn texts(sites: &[SiteId]) -> Vec<String> {
    sites.iter().map(ToString::to_string).collect()
}
