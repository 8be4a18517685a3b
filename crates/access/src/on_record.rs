//! A delegation that is on record: found, approved, ended (ENR-10).

use ::store::{Key, Locks, Rx, Tx};
use kernel::{PrincipalId, Scope, SiteId, TrailAction};
use registry::{Access, Delegation, GrantId, User};

use crate::change::Change;
use crate::delegate::permitted;
use crate::error::broken;
use crate::lifecycle::delegation_permits;
use crate::rules::{keys, not_own, plan_only, second_person};
use crate::{DelegationAction, Error};

/// The delegation with this id, if the caller sees it.
///
/// # Errors
/// [`Error::DelegationNotFound`] if there is none, or not for this caller.
pub fn find_delegation(rx: &mut Rx<'_>, caller: &Access, id: &GrantId) -> Result<Delegation, Error> {
    seen(rx, caller, Scope::UsersRead, id)
}

fn seen(rx: &mut Rx<'_>, caller: &Access, scope: Scope, id: &GrantId) -> Result<Delegation, Error> {
    let holder = registry::holder(rx.db(), id)?;
    let user = holder.map(|it| registry::user(rx.db(), &it)).transpose()?.flatten();
    let user = user.ok_or(Error::DelegationNotFound)?;
    let scope = caller.scope(scope);
    if !user.grants.iter().any(|it| it.id == *id && it.channel.is_some() && it.is_seen(&scope)) {
        return Err(Error::DelegationNotFound);
    }
    delegation(user, id)
}

/// A delegation that is to be approved, or to end.
#[derive(Debug, Clone)]
pub struct ToSettle {
    id: GrantId,
    agent: PrincipalId,
    site: SiteId,
    reason: Option<String>,
    version: Option<i32>,
}

impl ToSettle {
    /// The delegation with this id, if the caller may change it.
    ///
    /// # Errors
    /// [`Error::DelegationNotFound`] if there is none, or not for this caller.
    pub fn gather(rx: &mut Rx<'_>, caller: &Access, id: Option<&GrantId>) -> Result<Self, Error> {
        let id = id.ok_or(Error::DelegationNotFound)?;
        let found = seen(rx, caller, Scope::DelegationsUpdate, id)?;
        let site = found.grant.site_id.ok_or(Error::DelegationNotFound)?;
        Ok(Self { id: found.grant.id, agent: found.agent_id, site, reason: None, version: None })
    }

    /// The same, for a reason.
    #[must_use]
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }

    /// The same, only of this version if one is named.
    #[must_use]
    pub fn at(self, version: Option<i32>) -> Self {
        Self { version, ..self }
    }

    /// Does `change` to the delegation under its locks, where its life has that `action`.
    fn settle(
        self,
        tx: &mut Tx<'_>,
        caller: &Access,
        action: DelegationAction,
        work: impl FnOnce(&mut Change, &mut Tx<'_>, &GrantId) -> Result<TrailAction, Error>,
    ) -> Result<Delegation, Error> {
        permitted(caller, &self.site)?;
        tx.lock(&self.keys())?;
        let mut change = Change::of(tx, &self.agent)?;
        not_own(caller, &change.user)?;
        let grant = change.grant(&self.id)?;
        if self.version.is_some_and(|it| it != grant.version()) {
            return Err(Error::DelegationStale);
        }
        delegation_permits(grant, action, tx.today())?;
        let told = work(&mut change, tx, &self.id)?;
        let user = change.record(tx, told, Some(&self.site), self.reason)?;
        delegation(user, &self.id)
    }
}

impl Locks for ToSettle {
    fn keys(&self) -> Vec<Key> {
        keys([Some(&self.site)], &self.agent)
    }
}

/// Approves a delegation that another of the plan's administrators entered (S-10).
///
/// # Errors
/// [`Error::PlanOnly`], [`Error::OwnGrant`], [`Error::DelegationStale`], [`Error::DelegationNotPermitted`], or
/// [`Error::SecondPersonRequired`] of someone who entered it under whatever login.
pub fn approve_delegation(tx: &mut Tx<'_>, caller: &Access, it: ToSettle) -> Result<Delegation, Error> {
    plan_only(caller)?;
    it.settle(tx, caller, DelegationAction::Approve, |change, tx, id| {
        let grant = change.grant(id)?.clone();
        second_person(tx, caller, &grant)?;
        change.approve(tx, id, &caller.principal.id)?;
        Ok(TrailAction::DelegationApprove)
    })
}

/// Ends a delegation, from the next request on (J-04).
///
/// # Errors
/// [`Error::SiteNotPermitted`], [`Error::OwnGrant`], [`Error::DelegationStale`], or [`Error::DelegationNotPermitted`] if it is over.
pub fn end_delegation(tx: &mut Tx<'_>, caller: &Access, it: ToSettle) -> Result<Delegation, Error> {
    it.settle(tx, caller, DelegationAction::End, |change, tx, id| {
        change.end(tx, id, &caller.principal.id)?;
        Ok(TrailAction::DelegationEnd)
    })
}

pub(crate) fn delegation(user: User, id: &GrantId) -> Result<Delegation, Error> {
    let grant = user.grants.into_iter().find(|it| it.id == *id);
    let grant = grant.ok_or_else(|| broken("a delegation without its grant"))?;
    Ok(Delegation { agent_id: user.id, agent_kind: user.kind, agent_name: user.name, grant })
}
