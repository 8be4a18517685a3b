//! What holds for every change of what someone was granted (S-10).

use std::collections::BTreeSet;

use ::store::{Key, Tx};
use kernel::{PrincipalId, Scope, SiteId};
use registry::{Access, Grant, Role, User};

use crate::Error;

/// The locks of what is granted to `user`, at the site or, without one, at the plan: what counts its administrators, then them.
pub(crate) fn keys<'a>(sites: impl IntoIterator<Item = Option<&'a SiteId>>, user: &str) -> Vec<Key> {
    let sites: BTreeSet<_> =
        sites.into_iter().map(|it| Key::Site(it.map_or("plan", SiteId::as_str).to_owned())).collect();
    sites.into_iter().chain([Key::User(user.to_owned())]).collect()
}

/// Whether the caller is one of the plan's administrators.
pub(crate) fn of_plan(caller: &Access) -> bool {
    caller.scope(Scope::UsersGrant).sites().is_none()
}

/// Refuses what only the plan's administrators do.
pub(crate) fn plan_only(caller: &Access) -> Result<(), Error> {
    if of_plan(caller) { Ok(()) } else { Err(Error::PlanOnly) }
}

/// Refuses what someone would change of their own, under whatever login.
pub(crate) fn not_own(caller: &Access, user: &User) -> Result<(), Error> {
    if caller.principal.person == user.person { Err(Error::OwnGrant) } else { Ok(()) }
}

/// Refuses whoever asked for the grant, under whatever login.
pub(crate) fn second_person(tx: &mut Tx<'_>, caller: &Access, grant: &Grant) -> Result<(), Error> {
    let asked = PrincipalId::parse(&grant.requested_by);
    let asked = asked.map(|it| registry::user(tx.db()?, &it)).transpose()?.flatten();
    let same = asked.is_some_and(|it| it.person == caller.principal.person);
    if same { Err(Error::SecondPersonRequired) } else { Ok(()) }
}

/// Refuses a role above the caller's ceiling: a site's administrator has a say in the roles of the site's own people, and no one
/// in an agent's, which a delegation gives (ENR-10).
pub(crate) fn grantable(caller: &Access, role: Role) -> Result<(), Error> {
    let below = !role.is_agent() && (of_plan(caller) || role.is_of_portal());
    if below { Ok(()) } else { Err(Error::RoleNotGrantable(role)) }
}

/// Refuses a site where the caller grants nothing.
pub(crate) fn permitted(caller: &Access, site: &SiteId) -> Result<(), Error> {
    if caller.scope(Scope::UsersGrant).sees(site) { Ok(()) } else { Err(Error::SiteNotPermitted) }
}

/// Refuses what is above the caller's ceiling, and of no site what isn't the plan's to grant.
pub(crate) fn below_ceiling(caller: &Access, role: Role, site: Option<&SiteId>) -> Result<(), Error> {
    grantable(caller, role)?;
    site.map_or_else(|| plan_only(caller), |it| permitted(caller, it))
}

/// Refuses that the last administrators go: with these grants of `user` a site would lose its only one, or the plan one of two
/// people. Their locks are held.
pub(crate) fn administrators_stay(tx: &mut Tx<'_>, user: &User, going: &[&Grant]) -> Result<(), Error> {
    let day = tx.today();
    for grant in going.iter().filter(|it| user.active && administers(it) && it.is_in_force(day)) {
        let mut others = registry::administrators(tx, grant.site_id.as_ref())?;
        others.retain(|it| it.0 != user.id);
        let people: BTreeSet<_> = others.into_iter().map(|it| it.1).collect();
        if people.len() < if grant.site_id.is_some() { 1 } else { 2 } {
            return Err(Error::LastAdministrator);
        }
    }
    Ok(())
}

/// Whether it makes someone an administrator, of whom there must be some.
pub(crate) fn administers(grant: &Grant) -> bool {
    matches!(grant.role, Role::SiteAdministrator | Role::PlanAdministrator)
}
