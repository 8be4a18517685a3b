use chrono::NaiveDate;
use kernel::{MemberId, Npi, Phone, PrincipalId, Scope, SiteId, word};
use serde::Serialize;

use crate::{PrincipalKind, Reach, Role};

word! {
    /// A role that someone was granted.
    pub struct GrantId = "^grt_[0-9a-f]{32}$", "a grant's id: `grt_` and 32 hexadecimal digits",
        like "grt_0198c1f2a4b37c10a1b2c3d4e5f60731";
}

word! {
    /// An emergency access that someone opened.
    pub struct EmergencyId = "^emg_[0-9a-f]{32}$", "an emergency access's id: `emg_` and 32 hexadecimal digits",
        like "emg_0198c1f2a4b37c10a1b2c3d4e5f60741";
}

/// A person or a desk, and how to call them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The person or the desk.
    pub name: String,
    /// With the area code.
    pub phone: Phone,
}

/// A billing location with portal users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// Its NPI, which other sites may share.
    pub npi: Npi,
}

/// A role in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Granted {
    /// The role.
    pub role: Role,
    /// The site that it is for; none where it is of the plan.
    pub site: Option<Site>,
    /// Its last day, if it has one.
    pub last_on: Option<NaiveDate>,
}

/// Someone who calls, as the plan has them on record now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who it is.
    pub id: PrincipalId,
    /// What it is to the plan.
    pub kind: PrincipalKind,
    /// The human being behind it, who may have other logins.
    pub person: String,
    /// Its name.
    pub name: String,
    /// Whom to call about its requests, where a request doesn't say (AUT-11).
    pub contact: Option<Contact>,
    /// Of a system client: the scopes beyond which no role reaches.
    pub ceiling: Option<Vec<Scope>>,
    /// Its roles in force, by site.
    pub grants: Vec<Granted>,
}

impl Principal {
    /// Whether they have a role in force at all, and not only that of whoever runs the service (S-13).
    #[must_use]
    pub fn cares_for_members(&self) -> bool {
        self.grants.iter().any(|it| it.role != Role::PlatformOperator)
    }

    /// Whether a role of theirs permits `scope`, and their ceiling does.
    #[must_use]
    pub fn permits(&self, scope: Scope) -> bool {
        self.roles_for(scope).next().is_some()
    }

    /// The role in which they do what takes `scope`.
    #[must_use]
    pub fn role_for(&self, scope: Scope) -> Option<Role> {
        self.roles_for(scope).next().map(|it| it.role)
    }

    /// The sites for which they may do what takes `scope`, by id (AUT-09).
    pub fn sites(&self, scope: Scope) -> impl Iterator<Item = &Site> {
        let mut sites: Vec<_> = self.roles_for(scope).filter_map(|it| it.site.as_ref()).collect();
        sites.dedup_by_key(|it| &it.id);
        sites.into_iter()
    }

    /// The rows that they may do what takes `scope` to.
    #[must_use]
    pub fn scope(&self, scope: Scope) -> SiteScope {
        let mut plan = self.roles_for(scope).filter(|it| it.site.is_none());
        if plan.any(|it| it.role.reach() == Reach::Plan) {
            return SiteScope(Seen::Plan);
        }
        SiteScope(Seen::Sites(self.sites(scope).map(|it| it.id.clone()).collect()))
    }

    fn roles_for(&self, scope: Scope) -> impl Iterator<Item = &Granted> {
        let below = self.ceiling.as_ref().is_none_or(|it| it.contains(&scope));
        self.grants.iter().filter(move |it| below && it.role.permits(scope))
    }
}

/// The rows that a query may see, of those that sites own. Only a [`Principal`] makes one, and a query on such rows takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SiteScope(Seen);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Seen {
    Plan,
    Sites(Vec<SiteId>),
    Member(MemberId),
}

impl SiteScope {
    /// What an emergency access to the records of `member` shows: these, and nothing else.
    pub(crate) fn of_member(member: MemberId) -> Self {
        Self(Seen::Member(member))
    }

    /// What a job of the service sees: everything. Only the store makes such a claim.
    #[must_use]
    pub fn of_job(_: &store::Claim) -> Self {
        Self(Seen::Plan)
    }

    /// The sites; none for the plan, which sees all of them.
    #[must_use]
    pub fn sites(&self) -> Option<&[SiteId]> {
        match &self.0 {
            Seen::Plan => None,
            Seen::Sites(sites) => Some(sites),
            Seen::Member(_) => Some(&[]),
        }
    }

    /// In an emergency, the member whose records are seen, whoever owns them.
    #[must_use]
    pub fn member(&self) -> Option<&MemberId> {
        match &self.0 {
            Seen::Member(member) => Some(member),
            Seen::Plan | Seen::Sites(_) => None,
        }
    }

    /// Whether it sees what `site` owns.
    #[must_use]
    pub fn sees(&self, site: &SiteId) -> bool {
        self.sites().is_none_or(|it| it.contains(site))
    }
}
