//! Users, added and changed; nothing of them is ever deleted.

use ::store::Tx;
use diesel::prelude::*;

use crate::rows::{DelegationRow, GrantRow, PrincipalRow};
use crate::schema::{grants, principals};
use crate::{Error, Grant, User};

/// Adds `user`, with its grants.
pub fn insert_user(tx: &mut Tx<'_>, user: &User) {
    tx.insert(vec![PrincipalRow {
        id: user.id.clone(),
        kind: user.kind,
        login: user.login.clone(),
        person: user.person.clone(),
        name: user.name.clone(),
        contact_name: user.contact.as_ref().map(|it| it.name.clone()),
        contact_phone: user.contact.as_ref().map(|it| it.phone.clone()),
        reports_to: user.reports_to.clone(),
        ceiling: None,
        active: user.active,
        version: user.version,
        created_at: user.created_at.naive_utc(),
        updated_at: None,
    }]);
    user.grants.iter().for_each(|grant| insert_grant(tx, user, grant));
}

/// Adds `grant` to those of `user`; of an agent's, with how it was put on record (ENR-10).
pub fn insert_grant(tx: &mut Tx<'_>, user: &User, grant: &Grant) {
    tx.insert(vec![GrantRow {
        id: grant.id.to_string(),
        principal_id: user.id.clone(),
        role: grant.role,
        site_id: grant.site_id.clone(),
        first_on: grant.first_on,
        last_on: grant.last_on,
        requested_by: grant.requested_by.clone(),
        requested_at: grant.requested_at.naive_utc(),
        approved_by: grant.approved_by.clone(),
        approved_at: grant.approved_at.map(|it| it.naive_utc()),
        ended_by: grant.ended_by.clone(),
        ended_at: grant.ended_at.map(|it| it.naive_utc()),
    }]);
    if let Some((channel, paper)) = grant.channel.zip(grant.paper.clone()) {
        let (grant_id, channel) = (grant.id.to_string(), channel.to_string());
        tx.insert(vec![DelegationRow { grant_id, channel, paper }]);
    }
}

/// Writes that `grant` was approved, or has ended.
///
/// # Errors
/// If the database can't answer.
pub fn change_grant(tx: &mut Tx<'_>, grant: &Grant) -> Result<(), Error> {
    diesel::update(grants::table.find(grant.id.as_str()))
        .set((
            grants::approved_by.eq(&grant.approved_by),
            grants::approved_at.eq(grant.approved_at.map(|it| it.naive_utc())),
            grants::ended_by.eq(&grant.ended_by),
            grants::ended_at.eq(grant.ended_at.map(|it| it.naive_utc())),
        ))
        .execute(tx.db()?)?;
    Ok(())
}

/// Writes whether `user` is active and its version, over the version that it was read at; whether it still was at that one.
///
/// # Errors
/// If the database can't answer.
pub fn change_user(tx: &mut Tx<'_>, user: &User, read_at: i32) -> Result<bool, Error> {
    let changed = diesel::update(principals::table.find(&user.id).filter(principals::version.eq(read_at)))
        .set((
            principals::active.eq(user.active),
            principals::version.eq(user.version),
            principals::updated_at.eq(user.updated_at.naive_utc()),
        ))
        .execute(tx.db()?)?;
    Ok(changed == 1)
}
