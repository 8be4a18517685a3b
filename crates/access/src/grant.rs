use ::store::{Key, Locks, Rx, Tx};
use chrono::NaiveDate;
use kernel::{Draft, FlawCode, Flaws, PrincipalId, Read, Scope, SiteId, TrailAction, body, broken};
use registry::{Access, PrincipalKind, Reach, Role, User};
use validator::ValidationError;

use crate::Error;
use crate::change::{Change, Terms};
use crate::rules::{below_ceiling, grantable, keys, not_own, of_plan, permitted};

body! {
    /// A further role of a user.
    pub struct NewGrant where site_of_role, days_in_order {
        /// The role, which must be one for such a user.
        role: Role => "AUT-09",
        /// The site that it is for, where the role is of sites.
        site_id: Option<SiteId> => "AUT-09",
        /// Its first day; the day of its approval where left out.
        first_on: Option<NaiveDate> => "AUT-09",
        /// Its last day; until it is withdrawn where left out.
        last_on: Option<NaiveDate> => "AUT-09",
    }
}

fn site_of_role(it: &Draft<NewGrant>) -> Result<(), ValidationError> {
    fits_reach(it.role, it.site_id.as_ref().map(Option::is_some))
}

fn days_in_order(it: &Draft<NewGrant>) -> Result<(), ValidationError> {
    match it.first_on.flatten().zip(it.last_on.flatten()) {
        Some((first, last)) if last < first => {
            Err(broken("AUT-09", "/last_on", FlawCode::BeforeStart, "Must not be before the first day."))
        }
        _ => Ok(()),
    }
}

/// Whether a site is named just where the role is of sites; what can't be read isn't asked.
pub(crate) fn fits_reach(role: Option<Role>, site: Option<bool>) -> Result<(), ValidationError> {
    let of_sites = role.map(|it| it.reach() == Reach::Sites);
    match (of_sites, site) {
        (Some(true), Some(false)) => {
            Err(broken("AUT-09", "/site_id", FlawCode::Required, "Must be given: the role is of sites."))
        }
        (Some(false), Some(true)) => Err(broken(
            "AUT-09",
            "/site_id",
            FlawCode::NotApplicable,
            "Must be left out: the role is of no site.",
        )),
        _ => Ok(()),
    }
}

/// Adds that the role isn't one for users of `kind`, if so.
fn check_role(role: Option<Role>, kind: PrincipalKind, flaws: &mut Flaws) {
    if role.is_some_and(|it| it.kind() != kind) {
        let fit = Role::ALL.iter().filter(|it| it.kind() == kind && !it.is_agent());
        let fit: Vec<_> = fit.map(|it| it.as_str()).collect();
        let detail = if fit.is_empty() {
            "A program has only what a delegation gives it.".to_owned()
        } else {
            format!("Must be one of {}: the user is of the kind {kind}.", fit.join(", "))
        };
        flaws.broken("AUT-09", "/role", FlawCode::OneOf, detail);
    }
}

/// Adds that the plan has no such site, or that a last day has passed, if so.
pub(crate) fn check_terms(
    rule: &'static str,
    is_site: bool,
    last_on: Option<NaiveDate>,
    today: NaiveDate,
    flaws: &mut Flaws,
) {
    if !is_site {
        flaws.broken(rule, "/site_id", FlawCode::UnknownSite, "The plan has no such site.");
    }
    if last_on.is_some_and(|it| it < today) {
        flaws.broken(rule, "/last_on", FlawCode::Range, "Must not have passed.");
    }
}

/// Whether the site that is named, if one is, is one of the plan's.
pub(crate) fn is_site(rx: &mut Rx<'_>, site: Option<&SiteId>) -> Result<bool, Error> {
    let found = site.map(|it| registry::site(rx, it)).transpose()?;
    Ok(found.is_none_or(|it| it.is_some()))
}

/// A grant without a flaw.
#[derive(Debug, Clone)]
pub struct ToGrant {
    user: PrincipalId,
    role: Role,
    site_id: Option<SiteId>,
    first_on: Option<NaiveDate>,
    last_on: Option<NaiveDate>,
}

/// What a grant is read against.
pub struct Facts {
    user: User,
    is_site: bool,
    today: NaiveDate,
}

impl ToGrant {
    /// What a grant needs to know: the user, if the caller sees them, and whether there is such a site.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such user, or not for this caller; [`Error::RoleNotGrantable`] and
    /// [`Error::SiteNotPermitted`], so that who may not grant something learns nothing else of it.
    pub fn gather(
        rx: &mut Rx<'_>,
        caller: &Access,
        id: &PrincipalId,
        draft: &Draft<NewGrant>,
    ) -> Result<Facts, Error> {
        let scope = caller.scope(Scope::UsersGrant);
        let user = registry::user(rx.db(), id)?.and_then(|it| it.seen(&scope)).ok_or(Error::NotFound)?;
        let site = draft.site_id.as_ref().and_then(Option::as_ref);
        draft.role.map_or(Ok(()), |it| grantable(caller, it))?;
        site.map_or(Ok(()), |it| permitted(caller, it))?;
        Ok(Facts { user, is_site: is_site(rx, site)?, today: rx.today() })
    }

    /// Adds what the rules say of it; what it comes to.
    pub fn check(draft: &Draft<NewGrant>, facts: Facts, flaws: &mut Flaws) -> Option<Self> {
        check_role(draft.role, facts.user.kind, flaws);
        check_terms("AUT-09", facts.is_site, draft.last_on.flatten(), facts.today, flaws);
        let NewGrant { role, site_id, first_on, last_on } = NewGrant::whole(draft.clone())?;
        Some(Self { user: facts.user.id, role, site_id, first_on, last_on })
    }
}

impl Locks for ToGrant {
    fn keys(&self) -> Vec<Key> {
        keys([self.site_id.as_ref()], &self.user)
    }
}

/// Grants a role: a site's administrator at once, the plan's with a second person's approval (S-10).
///
/// # Errors
/// [`Error::OwnGrant`], [`Error::RoleNotGrantable`], [`Error::SiteNotPermitted`], or [`Error::GrantExists`].
pub fn grant(tx: &mut Tx<'_>, caller: &Access, it: ToGrant) -> Result<User, Error> {
    tx.lock(&it.keys())?;
    let mut change = Change::of(tx, &it.user)?;
    not_own(caller, &change.user)?;
    below_ceiling(caller, it.role, it.site_id.as_ref())?;
    let site = it.site_id.clone();
    let ToGrant { role, site_id, first_on, last_on, .. } = it;
    let terms = Terms { role, site_id, first_on, last_on, at_once: !of_plan(caller), paper: None };
    change.add(tx, terms, &caller.principal.id)?;
    let user = change.record(tx, TrailAction::UserGrant, site.as_ref(), None)?;
    user.seen(&caller.scope(Scope::UsersGrant)).ok_or(Error::NotFound)
}
