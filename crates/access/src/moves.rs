//! The moves of a grant.

use ::store::{Key, Locks, Rx, Tx};
use kernel::{PrincipalId, Scope, SiteId, Text, TrailAction, body};
use registry::{Access, GrantId, User};

use crate::change::Change;
use crate::lifecycle::permits;
use crate::rules::{administrators_stay, below_ceiling, keys, not_own, plan_only};
use crate::{Error, GrantAction};

body! {
    /// Why something ends, or begins again.
    pub struct NewReason {
        /// In words, for the trail.
        reason: Text<1, 255> => "AUT-09",
    }
}

body! {
    /// What whoever approves has to say.
    pub struct NewApproval {
        /// In words, for the trail.
        reason: Option<Text<1, 255>> => "AUT-09",
    }
}

/// A grant that is to be approved or withdrawn.
#[derive(Debug, Clone)]
pub struct ToMove {
    user: PrincipalId,
    grant: GrantId,
    site: Option<SiteId>,
    reason: Option<String>,
}

impl ToMove {
    /// The grant with this id, if the caller may see it and it is the user's.
    ///
    /// # Errors
    /// [`Error::NotFound`] and [`Error::GrantNotFound`] of what isn't there, or not for this caller.
    pub fn gather(
        rx: &mut Rx<'_>,
        caller: &Access,
        user: &PrincipalId,
        grant: Option<&GrantId>,
    ) -> Result<Self, Error> {
        let scope = caller.scope(Scope::UsersGrant);
        let user = registry::user(rx.db(), user)?.and_then(|it| it.seen(&scope)).ok_or(Error::NotFound)?;
        let grant = user.grants.iter().find(|it| Some(&it.id) == grant).ok_or(Error::GrantNotFound)?;
        Ok(Self { user: user.id.clone(), grant: grant.id.clone(), site: grant.site_id.clone(), reason: None })
    }

    /// The same, for a reason.
    #[must_use]
    pub fn because(self, reason: Option<String>) -> Self {
        Self { reason, ..self }
    }
}

impl Locks for ToMove {
    fn keys(&self) -> Vec<Key> {
        keys([self.site.as_ref()], &self.user)
    }
}

/// Approves a grant that another person asked for (S-10).
///
/// # Errors
/// [`Error::PlanOnly`], [`Error::OwnGrant`], [`Error::NotPermitted`], or [`Error::SecondPersonRequired`] of someone who asked for it
/// under whatever login.
pub fn approve(tx: &mut Tx<'_>, caller: &Access, it: ToMove) -> Result<User, Error> {
    plan_only(caller)?;
    tx.lock(&it.keys())?;
    let mut change = Change::of(tx, &it.user)?;
    not_own(caller, &change.user)?;
    let grant = change.grant(&it.grant)?.clone();
    permits(&grant, GrantAction::Approve, tx.today())?;
    let asked = PrincipalId::parse(&grant.requested_by);
    let asked = asked.map(|it| registry::user(tx.db()?, &it)).transpose()?.flatten();
    if asked.is_some_and(|it| it.person == caller.principal.person) {
        return Err(Error::SecondPersonRequired);
    }
    change.approve(tx, &it.grant, &caller.principal.id)?;
    let user = change.record(tx, TrailAction::UserApprove, it.site.as_ref(), it.reason)?;
    user.seen(&caller.scope(Scope::UsersGrant)).ok_or(Error::NotFound)
}

/// Withdraws a grant, or what was asked for; it is in force no more at the next request (J-04).
///
/// # Errors
/// [`Error::OwnGrant`], [`Error::RoleNotGrantable`], [`Error::SiteNotPermitted`], [`Error::NotPermitted`], or
/// [`Error::LastAdministrator`].
pub fn withdraw(tx: &mut Tx<'_>, caller: &Access, it: ToMove) -> Result<User, Error> {
    tx.lock(&it.keys())?;
    let mut change = Change::of(tx, &it.user)?;
    let grant = change.grant(&it.grant)?.clone();
    not_own(caller, &change.user)?;
    below_ceiling(caller, grant.role, grant.site_id.as_ref())?;
    permits(&grant, GrantAction::Withdraw, tx.today())?;
    administrators_stay(tx, &change.user, &[&grant])?;
    change.end(tx, &it.grant, &caller.principal.id)?;
    let user = change.record(tx, TrailAction::UserWithdraw, it.site.as_ref(), it.reason)?;
    user.seen(&caller.scope(Scope::UsersGrant)).ok_or(Error::NotFound)
}
