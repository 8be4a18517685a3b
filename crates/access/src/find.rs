use ::store::Rx;
use kernel::{PrincipalId, Scope, SiteId};
use registry::{Access, Delegation, GrantId, User, UserFilter};

use crate::Error;

/// The user with this id, as far as the caller sees them (AUT-09).
///
/// # Errors
/// [`Error::NotFound`] if there is none, or not for this caller.
pub fn find(rx: &mut Rx<'_>, caller: &Access, id: &PrincipalId) -> Result<User, Error> {
    let user = registry::user(rx.db(), id)?;
    user.and_then(|it| it.seen(&caller.scope(Scope::UsersRead))).ok_or(Error::NotFound)
}

/// A page of the users whom the caller sees (AUT-09), by id; and, if there are more, where it ends.
///
/// # Errors
/// [`Error::SiteNotPermitted`] of a site that isn't the caller's.
pub fn list(
    rx: &mut Rx<'_>,
    caller: &Access,
    filter: &UserFilter,
    after: Option<&PrincipalId>,
    limit: u16,
) -> Result<(Vec<User>, Option<PrincipalId>), Error> {
    let scope = caller.scope(Scope::UsersRead);
    if filter.site_id.as_ref().is_some_and(|it| !scope.sees(it)) {
        return Err(Error::SiteNotPermitted);
    }
    Ok(registry::find_users(rx, &scope, filter, after, limit)?)
}

/// A page of the delegations that the caller sees (ENR-10), by id; and, if there are more, where it ends.
///
/// # Errors
/// [`Error::SiteNotPermitted`] of a site that isn't the caller's.
pub fn list_delegations(
    rx: &mut Rx<'_>,
    caller: &Access,
    site: Option<&SiteId>,
    after: Option<&GrantId>,
    limit: u16,
) -> Result<(Vec<Delegation>, Option<GrantId>), Error> {
    let scope = caller.scope(Scope::UsersRead);
    if site.is_some_and(|it| !scope.sees(it)) {
        return Err(Error::SiteNotPermitted);
    }
    Ok(registry::find_delegations(rx, &scope, site, after, limit)?)
}
