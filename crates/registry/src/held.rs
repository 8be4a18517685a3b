//! What someone may see who doesn't call: the owner of what the service does on its own.

use std::collections::BTreeMap;

use ::store::{AnyOf, Db, Tx};
use chrono::NaiveDate;
use diesel::prelude::*;
use kernel::{Npi, PrincipalId, Scope, SiteId};

use crate::schema::{grants, principals, sites};
use crate::{Error, Granted, Principal, PrincipalKind, Role, Site, SiteScope};

/// The rows that `id` may do what takes `scope` to, today; none of someone who is disabled, or unknown.
///
/// # Errors
/// If the database can't answer.
pub fn scope_of(tx: &mut Tx<'_>, id: &PrincipalId, scope: Scope) -> Result<SiteScope, Error> {
    let day = tx.today();
    let found = in_force(tx.db()?, day, std::slice::from_ref(id))?.remove(id);
    Ok(found.unwrap_or_else(|| principal(id.clone())).scope(scope))
}

/// The sites for which each of `ids` may do what takes `scope` on `day`, by id; no one is among them who has none.
///
/// # Errors
/// If the database can't answer.
pub fn sites_of(
    db: &mut Db,
    day: NaiveDate,
    ids: &[PrincipalId],
    scope: Scope,
) -> Result<BTreeMap<PrincipalId, Vec<SiteId>>, Error> {
    let sites = |it: &Principal| it.sites(scope).map(|it| it.id.clone()).collect::<Vec<_>>();
    let found = in_force(db, day, ids)?.into_iter().map(|(id, it)| (id, sites(&it)));
    Ok(found.filter(|it| !it.1.is_empty()).collect())
}

/// Who has a grant for one of these sites that permits `scope`, in force or not.
///
/// # Errors
/// If the database can't answer.
pub fn granted_at(db: &mut Db, at: &[SiteId], scope: Scope) -> Result<Vec<PrincipalId>, Error> {
    let roles: Vec<_> = Role::ALL.iter().copied().filter(|it| it.permits(scope)).collect();
    let found = grants::table
        .filter(AnyOf { column: "grants.site_id", values: at })
        .filter(AnyOf { column: "grants.role", values: &roles })
        .filter(grants::ended_at.is_null());
    Ok(found.select(grants::principal_id).distinct().load(db)?)
}

/// Those of `ids` who may call and have a role in force on `day`.
fn in_force(
    db: &mut Db,
    day: NaiveDate,
    ids: &[PrincipalId],
) -> Result<BTreeMap<PrincipalId, Principal>, Error> {
    type Row = (PrincipalId, Role, Option<(SiteId, String, Npi)>, Option<String>, PrincipalKind);
    let found: Vec<Row> = grants::table
        .inner_join(principals::table.on(principals::id.eq(grants::principal_id)))
        .left_join(sites::table.on(sites::id.nullable().eq(grants::site_id)))
        .filter(AnyOf { column: "grants.principal_id", values: ids })
        .filter(principals::active)
        .filter(grants::approved_at.is_not_null().and(grants::ended_at.is_null()))
        .filter(grants::first_on.is_null().or(grants::first_on.le(day)))
        .filter(grants::last_on.is_null().or(grants::last_on.ge(day)))
        .order((grants::principal_id, grants::site_id, grants::role))
        .select((
            grants::principal_id,
            grants::role,
            (sites::id, sites::name, sites::npi).nullable(),
            principals::ceiling,
            principals::kind,
        ))
        .load(db)?;
    let mut all = BTreeMap::<_, Principal>::new();
    for (id, role, site, ceiling, kind) in found {
        let it = all.entry(id.clone()).or_insert_with(|| principal(id));
        it.kind = kind;
        it.ceiling = ceiling.map(|it| it.split(' ').filter_map(Scope::parse).collect());
        it.grants.push(Granted { role, site: site.map(|(id, name, npi)| Site { id, name, npi }) });
    }
    Ok(all)
}

/// Someone, as far as it is known what they may see: nothing so far.
fn principal(id: PrincipalId) -> Principal {
    Principal {
        id,
        kind: PrincipalKind::Person,
        person: String::new(),
        name: String::new(),
        contact: None,
        ceiling: None,
        grants: Vec::new(),
    }
}
