//! What is done to system clients, and who is told of it.

use std::collections::BTreeSet;

use ::store::{Event, Key, Locks, Trail, Tx};
use kernel::{EventType, PrincipalId, Scope, TrailAction};

use crate::clients::source;
use crate::find_clients::{change_client, client_in};
use crate::{Access, Client, ClientError, Error, NewKeys, User, user};

/// A client whose keys are to be replaced.
#[derive(Debug, Clone)]
pub struct ToRotate {
    /// Which one.
    pub id: PrincipalId,
    /// The version that the caller read.
    pub version: i32,
    /// By these.
    pub keys: NewKeys,
}

impl Locks for ToRotate {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.id.to_string())]
    }
}

/// A client that may not call any more, or may again.
#[derive(Debug, Clone)]
pub struct ToSwitch {
    /// Which one.
    pub id: PrincipalId,
    /// Why.
    pub reason: String,
    /// The version that the caller read, if they say so.
    pub version: Option<i32>,
}

impl Locks for ToSwitch {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.id.to_string())]
    }
}

/// Replaces the keys of a client; assertions signed with those of before are refused from here on.
///
/// # Errors
/// [`ClientError::NotFound`], [`ClientError::Stale`], or [`ClientError::NotPermitted`].
pub fn rotate_keys(tx: &mut Tx<'_>, caller: &Access, it: &ToRotate) -> Result<Client, ClientError> {
    may_manage(caller)?;
    let before = client_in(tx, &it.id)?;
    if before.version != it.version {
        return Err(ClientError::Stale);
    }
    let keys = source(it.keys.jwks.as_ref(), it.keys.jwks_url.as_ref());
    let after = Client { keys, version: before.version + 1, updated_at: tx.now(), ..before.clone() };
    change_client(tx, &after)?;
    tell(tx, &after, EventType::ClientKeysReplaced)?;
    record(tx, TrailAction::ClientRotateKeys, Some(&before), &after, None);
    Ok(after)
}

/// Disables a client: it gets no tokens, and those that it has are refused from here on.
///
/// # Errors
/// [`ClientError::NotFound`], [`ClientError::Stale`], [`ClientError::Unchanged`], or [`ClientError::NotPermitted`].
pub fn disable_client(tx: &mut Tx<'_>, caller: &Access, it: &ToSwitch) -> Result<Client, ClientError> {
    switch(tx, caller, it, false, TrailAction::ClientDisable)
}

/// Enables a client: it gets tokens again, for what is delegated to it.
///
/// # Errors
/// As [`disable_client`].
pub fn enable_client(tx: &mut Tx<'_>, caller: &Access, it: &ToSwitch) -> Result<Client, ClientError> {
    switch(tx, caller, it, true, TrailAction::ClientEnable)
}

fn switch(
    tx: &mut Tx<'_>,
    caller: &Access,
    it: &ToSwitch,
    active: bool,
    action: TrailAction,
) -> Result<Client, ClientError> {
    may_manage(caller)?;
    let before = client_in(tx, &it.id)?;
    if it.version.is_some_and(|it| it != before.version) {
        return Err(ClientError::Stale);
    }
    if before.active == active {
        return Err(ClientError::Unchanged);
    }
    let after = Client { active, version: before.version + 1, updated_at: tx.now(), ..before.clone() };
    change_client(tx, &after)?;
    let as_user = user(tx.db()?, &it.id)?.ok_or(ClientError::NotFound)?;
    tell_client_switched(tx, &as_user)?;
    record(tx, action, Some(&before), &after, Some(it.reason.clone()));
    Ok(after)
}

/// Tells that a client, whose row has been written, may call or no longer: each site for which it acts, or else the plan.
///
/// # Errors
/// If the database can't answer.
pub fn tell_client_switched(tx: &mut Tx<'_>, it: &User) -> Result<(), Error> {
    let day = tx.today();
    let open = it.grants.iter().filter(|it| it.is_open(day));
    let mut sites: BTreeSet<_> = open.filter_map(|it| it.site_id.clone()).map(Some).collect();
    if sites.is_empty() {
        sites.insert(None);
    }
    let (topic, status) = if it.active {
        (EventType::ClientEnabled, "active")
    } else {
        (EventType::ClientDisabled, "disabled")
    };
    let first = tx.next_event(&it.id)?;
    for (sequence, site) in (first..).zip(sites) {
        let (subject, site_id, status) =
            (it.id.to_string(), site.map(|it| it.to_string()), status.to_owned());
        tx.emit(Event { topic, subject, site_id, status, version: it.version, sequence });
    }
    Ok(())
}

/// Tells the plan of a client.
pub(crate) fn tell(tx: &mut Tx<'_>, it: &Client, topic: EventType) -> Result<(), Error> {
    let status = if it.active { "active" } else { "disabled" };
    let (subject, sequence) = (it.id.to_string(), tx.next_event(&it.id)?);
    tx.emit(Event {
        topic,
        subject,
        site_id: None,
        status: status.to_owned(),
        version: it.version,
        sequence,
    });
    Ok(())
}

pub(crate) fn may_manage(caller: &Access) -> Result<(), ClientError> {
    let of_plan = caller.may(Scope::UsersGrant) && caller.scope(Scope::UsersGrant).sites().is_none();
    of_plan.then_some(()).ok_or(ClientError::NotPermitted)
}

pub(crate) fn record(
    tx: &mut Tx<'_>,
    action: TrailAction,
    before: Option<&Client>,
    after: &Client,
    reason: Option<String>,
) {
    tx.record(Trail {
        action,
        subject: after.id.to_string(),
        site_id: None,
        reason,
        before: before.map(Client::digestible),
        after: Some(after.digestible()),
    });
}
