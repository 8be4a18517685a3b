//! Users, found: by id, by login, by what they were granted.

use ::store::{AnyOf, Db, JsonRows, Rx, Tx, both};
use diesel::dsl::exists;
use diesel::prelude::*;
use kernel::{PrincipalId, SiteId};
use serde::Deserialize;
use serde_json::Value;

use crate::rows::{DelegationRow, GrantRow, PrincipalRow};
use crate::schema::{delegations, grants, principals};
use crate::{Channel, Contact, Error, Grant, GrantId, PrincipalKind, Role, SiteScope, User};

/// Days are told within the years that are taken, since beyond them PostgreSQL writes what no one else reads.
const GRANTS: JsonRows = JsonRows {
    members: "'id', c.id, 'role', c.role, 'site_id', c.site_id, \
              'first_on', case when c.first_on < '1900-01-01' then '1900-01-01' \
              when c.first_on > '2199-12-31' then '2199-12-31' else c.first_on end, \
              'last_on', case when c.last_on < '1900-01-01' then '1900-01-01' \
              when c.last_on > '2199-12-31' then '2199-12-31' else c.last_on end, \
              'requested_by', c.requested_by, 'requested_at', c.requested_at, 'approved_by', c.approved_by, \
              'approved_at', c.approved_at, 'ended_by', c.ended_by, 'ended_at', c.ended_at, \
              'channel', (select d.channel from delegations d where d.grant_id = c.id), \
              'paper', (select d.paper from delegations d where d.grant_id = c.id)",
    table: "grants",
    filter: "c.principal_id = principals.id",
    subject: None,
    order: "c.requested_at, c.id",
};

/// The site of a grant.
const AT: &str = "grants.site_id";

/// What a list of users is narrowed to; a grant for which all of it holds is enough, ended or not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// The site that it is for.
    pub site_id: Option<SiteId>,
    /// The role.
    pub role: Option<Role>,
    /// This one, which an event names.
    pub grant_id: Option<GrantId>,
}

/// An agent, and the grant by which it is one (ENR-10).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    /// Who acts.
    pub agent_id: PrincipalId,
    /// What the agent is.
    pub agent_kind: PrincipalKind,
    /// The agent's name.
    pub agent_name: String,
    /// As what, for which site, and from when to when.
    pub grant: Grant,
}

/// The user with this id, if there is one, whoever asks; [`User::seen`] says how much of it they see.
///
/// # Errors
/// If the database can't answer.
pub fn user(db: &mut Db, id: &PrincipalId) -> Result<Option<User>, Error> {
    let found: Option<(PrincipalRow, String)> = both!(db, |db| {
        principals::table.find(id).select((principals::all_columns, GRANTS)).first(db).optional()
    })?;
    found.map(read).transpose()
}

/// The user with this login, if there is one, whoever asks.
///
/// # Errors
/// If the database can't answer.
pub fn user_of_login(db: &mut Db, login: &str) -> Result<Option<User>, Error> {
    let found: Option<(PrincipalRow, String)> = both!(db, |db| {
        let one = principals::table.filter(principals::login.eq(login));
        one.select((principals::all_columns, GRANTS)).first(db).optional()
    })?;
    found.map(read).transpose()
}

/// Who has, or had, this grant.
///
/// # Errors
/// If the database can't answer.
pub fn holder(db: &mut Db, grant: &GrantId) -> Result<Option<PrincipalId>, Error> {
    Ok(grants::table.find(grant.as_str()).select(grants::principal_id).first(db).optional()?)
}

/// A page of at most `limit` of the users whom `scope` sees (AUT-09), by id, beginning after `after`; and, if there are more,
/// where it ends.
///
/// # Errors
/// If the database can't answer.
pub fn find_users(
    rx: &mut Rx<'_>,
    scope: &SiteScope,
    filter: &UserFilter,
    after: Option<&PrincipalId>,
    limit: u16,
) -> Result<(Vec<User>, Option<PrincipalId>), Error> {
    let rows: Vec<(PrincipalRow, String)> = both!(rx.db(), |db| {
        let mut found = principals::table
            .filter(principals::id.gt(after.map_or("", PrincipalId::as_str)))
            .order(principals::id)
            .limit(i64::from(limit) + 1)
            .select((principals::all_columns, GRANTS))
            .into_boxed();
        if scope.sites().is_some() || *filter != UserFilter::default() {
            let mut having = grants::table.select(grants::principal_id).into_boxed();
            if let Some(mine) = scope.sites() {
                having = having.filter(AnyOf { column: AT, values: mine });
            }
            if let Some(site) = &filter.site_id {
                having = having.filter(grants::site_id.eq(site));
            }
            if let Some(role) = filter.role {
                having = having.filter(grants::role.eq(role));
            }
            if let Some(id) = &filter.grant_id {
                having = having.filter(grants::id.eq(id.as_str()));
            }
            found = found.filter(principals::id.eq_any(having));
        }
        found.load(db)
    })?;
    let (rows, next) = page(rows, limit, |it| it.0.id.clone());
    let users: Result<Vec<_>, _> = rows.into_iter().map(read).collect();
    Ok((users?.into_iter().filter_map(|it| it.seen(scope)).collect(), next))
}

/// A page of at most `limit` of the delegations that `scope` sees, for one site or all, by id, beginning after `after`; and, if
/// there are more, where it ends (ENR-10).
///
/// # Errors
/// If the database can't answer.
pub fn find_delegations(
    rx: &mut Rx<'_>,
    scope: &SiteScope,
    site: Option<&SiteId>,
    after: Option<&GrantId>,
    limit: u16,
) -> Result<(Vec<Delegation>, Option<GrantId>), Error> {
    type Found = (GrantRow, DelegationRow, (PrincipalId, PrincipalKind, String));
    let rows: Vec<Found> = both!(rx.db(), |db| {
        let mut found = delegations::table
            .inner_join(grants::table.inner_join(principals::table))
            .filter(delegations::grant_id.gt(after.map_or("", GrantId::as_str)))
            .order(delegations::grant_id)
            .limit(i64::from(limit) + 1)
            .select((
                grants::all_columns,
                delegations::all_columns,
                (principals::id, principals::kind, principals::name),
            ))
            .into_boxed();
        if let Some(mine) = scope.sites() {
            found = found.filter(AnyOf { column: AT, values: mine });
        }
        if let Some(site) = site {
            found = found.filter(grants::site_id.eq(site));
        }
        found.load(db)
    })?;
    let delegation = |(grant, paper, (agent_id, agent_kind, agent_name)): Found| {
        Ok::<_, Error>(Delegation { agent_id, agent_kind, agent_name, grant: grant.with(paper)? })
    };
    let rows: Vec<_> = rows.into_iter().map(delegation).collect::<Result<_, _>>()?;
    Ok(page(rows, limit, |it| it.grant.id.clone()))
}

/// Who administers `site`, or without one the plan, on the day of `tx`, by id and human being.
///
/// # Errors
/// If the database can't answer.
pub fn administrators(tx: &mut Tx<'_>, site: Option<&SiteId>) -> Result<Vec<(PrincipalId, String)>, Error> {
    let day = tx.today();
    let role = if site.is_some() { Role::SiteAdministrator } else { Role::PlanAdministrator };
    Ok(both!(tx.db()?, |db| {
        let mut found = grants::table
            .inner_join(principals::table)
            .filter(principals::active)
            .filter(grants::role.eq(role))
            .filter(grants::approved_at.is_not_null().and(grants::ended_at.is_null()))
            .filter(grants::first_on.is_null().or(grants::first_on.le(day)))
            .filter(grants::last_on.is_null().or(grants::last_on.ge(day)))
            .select((principals::id, principals::person))
            .into_boxed();
        found = match site {
            Some(site) => found.filter(grants::site_id.eq(site)),
            None => found.filter(grants::site_id.is_null()),
        };
        found.load(db)
    })?)
}

/// Whether the human being `person` acts for this site as an agent, under whatever login (ENR-10).
///
/// # Errors
/// If the database can't answer.
pub fn is_agent(tx: &mut Tx<'_>, person: &str, site: &SiteId) -> Result<bool, Error> {
    let day = tx.today();
    let roles: Vec<_> = Role::ALL.iter().copied().filter(|it| it.is_agent()).collect();
    let open = grants::table
        .inner_join(principals::table)
        .filter(principals::person.eq(person).and(grants::site_id.eq(site)))
        .filter(AnyOf { column: "grants.role", values: &roles })
        .filter(grants::ended_at.is_null().and(grants::approved_at.is_not_null()))
        .filter(grants::first_on.is_null().or(grants::first_on.le(day)))
        .filter(grants::last_on.is_null().or(grants::last_on.ge(day)))
        .select(grants::id);
    Ok(diesel::select(exists(open)).get_result(tx.db()?)?)
}

/// The first `limit` of `rows`, of which there is one more if there is a next page, and where that begins.
fn page<R, P>(mut rows: Vec<R>, limit: u16, place: impl FnOnce(&R) -> P) -> (Vec<R>, Option<P>) {
    let more = rows.len() > usize::from(limit);
    rows.truncate(limit.into());
    let next = rows.last().filter(|_| more).map(place);
    (rows, next)
}

fn read((row, grants): (PrincipalRow, String)) -> Result<User, Error> {
    let grants: Vec<Value> = serde_json::from_str(&grants).map_err(|it| broken(&it.to_string()))?;
    let contact = row.contact_name.zip(row.contact_phone).map(|(name, phone)| Contact { name, phone });
    Ok(User {
        id: row.id,
        kind: row.kind,
        login: row.login,
        person: row.person,
        name: row.name,
        contact,
        reports_to: row.reports_to,
        active: row.active,
        version: row.version,
        created_at: row.created_at.and_utc(),
        updated_at: row.updated_at.unwrap_or(row.created_at).and_utc(),
        grants: grants.iter().filter_map(grant).collect(),
    })
}

/// A grant as it was read; one that can't be keeps no one from disabling its user, or from withdrawing the others.
fn grant(it: &Value) -> Option<Grant> {
    let grant = Grant::deserialize(it);
    if let Err(why) = &grant {
        let (cause, grant) = (why.to_string(), it["id"].as_str().unwrap_or_default());
        ::log::error!(target: "lanyard::fault", cause, grant; "a grant can't be read");
    }
    grant.ok()
}

impl GrantRow {
    fn with(self, paper: DelegationRow) -> Result<Grant, Error> {
        Ok(Grant {
            id: GrantId::parse(&self.id).ok_or_else(|| broken("an id of another form"))?,
            role: self.role,
            site_id: self.site_id,
            first_on: self.first_on,
            last_on: self.last_on,
            requested_by: self.requested_by,
            requested_at: self.requested_at.and_utc(),
            approved_by: self.approved_by,
            approved_at: self.approved_at.map(|it| it.and_utc()),
            ended_by: self.ended_by,
            ended_at: self.ended_at.map(|it| it.and_utc()),
            channel: Channel::parse(&paper.channel),
            paper: Some(paper.paper),
        })
    }
}

fn broken(why: &str) -> Error {
    ::store::Error::Internal(format!("a grant can't be read: {why}")).into()
}
