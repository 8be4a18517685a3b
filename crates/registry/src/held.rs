//! What someone may see who doesn't call: the owner of what the service does on its own.

use ::store::Tx;
use diesel::prelude::*;
use kernel::{Npi, PrincipalId, Scope, SiteId};

use crate::schema::{grants, principals, sites};
use crate::{Error, Granted, Principal, PrincipalKind, Role, Site, SiteScope};

/// The rows that `id` may do what takes `scope` to, today; none of someone who is disabled, or unknown.
///
/// # Errors
/// If the database can't answer.
pub fn scope_of(tx: &mut Tx<'_>, id: &PrincipalId, scope: Scope) -> Result<SiteScope, Error> {
    type Row = (Role, Option<(SiteId, String, Npi)>, Option<String>, PrincipalKind);
    let day = tx.today();
    let found: Vec<Row> = grants::table
        .inner_join(principals::table.on(principals::id.eq(grants::principal_id)))
        .left_join(sites::table.on(sites::id.nullable().eq(grants::site_id)))
        .filter(grants::principal_id.eq(id).and(principals::active))
        .filter(grants::approved_at.is_not_null().and(grants::ended_at.is_null()))
        .filter(grants::first_on.is_null().or(grants::first_on.le(day)))
        .filter(grants::last_on.is_null().or(grants::last_on.ge(day)))
        .order((grants::site_id, grants::role))
        .select((
            grants::role,
            (sites::id, sites::name, sites::npi).nullable(),
            principals::ceiling,
            principals::kind,
        ))
        .load(tx.db()?)?;
    let ceiling = found.first().and_then(|it| it.2.clone());
    let principal = Principal {
        id: id.clone(),
        kind: found.first().map_or(PrincipalKind::Person, |it| it.3),
        person: String::new(),
        name: String::new(),
        contact: None,
        ceiling: ceiling.map(|it| it.split(' ').filter_map(Scope::parse).collect()),
        grants: found.into_iter().map(granted).collect(),
    };
    Ok(principal.scope(scope))
}

fn granted(
    (role, site, ..): (Role, Option<(SiteId, String, Npi)>, Option<String>, PrincipalKind),
) -> Granted {
    Granted { role, site: site.map(|(id, name, npi)| Site { id, name, npi }), last_on: None }
}
