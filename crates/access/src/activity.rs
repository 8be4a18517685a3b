use ::store::{Key, Locks, Rx, Tx};
use kernel::{PrincipalId, SiteId, TrailAction};
use registry::{Access, User};

use crate::change::Change;
use crate::rules::{administers, administrators_stay, keys, not_own, plan_only};
use crate::{Error, find};

/// A user who is to be disabled or enabled.
#[derive(Debug, Clone)]
pub struct ToSwitch {
    user: PrincipalId,
    /// Where they are an administrator, or are to be; none stands for the plan.
    administers: Vec<Option<SiteId>>,
    reason: String,
}

impl ToSwitch {
    /// The user, if the caller sees them; why is said by [`ToSwitch::because`].
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, or not for this caller.
    pub fn gather(rx: &mut Rx<'_>, caller: &Access, id: &PrincipalId) -> Result<Self, Error> {
        let user = find(rx, caller, id)?;
        Ok(Self { user: user.id.clone(), administers: administered(&user), reason: String::new() })
    }

    /// The same, for a reason.
    #[must_use]
    pub fn because(self, reason: String) -> Self {
        Self { reason, ..self }
    }
}

impl Locks for ToSwitch {
    fn keys(&self) -> Vec<Key> {
        keys(self.administers.iter().map(Option::as_ref), &self.user)
    }
}

fn administered(user: &User) -> Vec<Option<SiteId>> {
    let open = user.grants.iter().filter(|it| administers(it) && it.ended_at.is_none());
    open.map(|it| it.site_id.clone()).collect()
}

/// Has the user call no more, from the next request on (J-04); what they were granted stays on record.
///
/// # Errors
/// [`Error::PlanOnly`], [`Error::OwnGrant`], [`Error::Unchanged`], [`Error::LastAdministrator`], or [`Error::Changed`] if they have
/// become the administrator of a further site since.
pub fn disable(tx: &mut Tx<'_>, caller: &Access, it: ToSwitch) -> Result<User, Error> {
    switch(tx, caller, it, false, TrailAction::UserDisable)
}

/// Has the user call again.
///
/// # Errors
/// [`Error::PlanOnly`], [`Error::OwnGrant`], [`Error::Unchanged`] or [`Error::Changed`].
pub fn enable(tx: &mut Tx<'_>, caller: &Access, it: ToSwitch) -> Result<User, Error> {
    switch(tx, caller, it, true, TrailAction::UserEnable)
}

fn switch(
    tx: &mut Tx<'_>,
    caller: &Access,
    it: ToSwitch,
    active: bool,
    action: TrailAction,
) -> Result<User, Error> {
    plan_only(caller)?;
    tx.lock(&it.keys())?;
    let mut change = Change::of(tx, &it.user)?;
    not_own(caller, &change.user)?;
    if change.user.active == active {
        return Err(Error::Unchanged);
    }
    if administered(&change.user).iter().any(|site| !it.administers.contains(site)) {
        return Err(Error::Changed);
    }
    if !active {
        let going: Vec<_> = change.user.grants.iter().collect();
        administrators_stay(tx, &change.user, &going)?;
    }
    change.switch(tx, active);
    change.record(tx, action, None, Some(it.reason))
}
