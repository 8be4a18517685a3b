//! The queries on system clients, and on what they asserted.

use ::store::{Db, Rx, Tx};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::prelude::*;
use kernel::{Phone, PrincipalId, Scope};

use crate::rows::{ClientRow, UsedAssertionRow};
use crate::schema::{clients, principals, used_assertions};
use crate::{Client, ClientError, ClientKeySource, Contact, PrincipalKind};

type Row = (
    (PrincipalId, String, Option<String>, Option<Phone>, Option<String>),
    (bool, i32, NaiveDateTime, Option<NaiveDateTime>),
    Option<(Option<String>, Option<String>)>,
);

/// What is selected of a client, as [`Row`] has it.
macro_rules! columns {
    () => {
        (
            (
                principals::id,
                principals::name,
                principals::contact_name,
                principals::contact_phone,
                principals::ceiling,
            ),
            (principals::active, principals::version, principals::created_at, principals::updated_at),
            (clients::jwks, clients::jwks_url).nullable(),
        )
    };
}

fn read((of_principal, (active, version, created_at, updated_at), keys): Row) -> Client {
    let (id, name, contact_name, contact_phone, ceiling) = of_principal;
    let contact = contact_name.zip(contact_phone).map(|(name, phone)| Contact { name, phone });
    let ceiling = ceiling.map(|it| it.split(' ').filter_map(Scope::parse).collect());
    let keys = keys.and_then(|(set, url)| source(set, url));
    let (created_at, updated_at) = (created_at.and_utc(), updated_at.unwrap_or(created_at).and_utc());
    Client { id, name, contact, ceiling, keys, active, version, created_at, updated_at }
}

fn source(set: Option<String>, url: Option<String>) -> Option<ClientKeySource> {
    set.map(ClientKeySource::Set).or(url.map(ClientKeySource::Url))
}

/// The client with this id.
///
/// # Errors
/// [`ClientError::NotFound`], or that the database can't answer.
pub fn client(rx: &mut Rx<'_>, id: &PrincipalId) -> Result<Client, ClientError> {
    let found: Option<Row> = principals::table
        .left_join(clients::table)
        .filter(principals::id.eq(id).and(principals::kind.eq(PrincipalKind::System)))
        .select(columns!())
        .first(rx.db())
        .optional()?;
    found.map(read).ok_or(ClientError::NotFound)
}

/// The same, in a write.
pub(crate) fn client_in(tx: &mut Tx<'_>, id: &PrincipalId) -> Result<Client, ClientError> {
    let found: Option<Row> = principals::table
        .left_join(clients::table)
        .filter(principals::id.eq(id).and(principals::kind.eq(PrincipalKind::System)))
        .select(columns!())
        .first(tx.db()?)
        .optional()?;
    found.map(read).ok_or(ClientError::NotFound)
}

/// A page of at most `limit` clients, by id; and, if there are more, where it ends.
///
/// # Errors
/// If the database can't answer.
pub fn find_clients(
    rx: &mut Rx<'_>,
    after: Option<&PrincipalId>,
    limit: usize,
) -> Result<(Vec<Client>, Option<PrincipalId>), ClientError> {
    // The ids of people come after those of clients, and end the list.
    let after = after.map_or("cli_", PrincipalId::as_str);
    let mut rows: Vec<Row> = principals::table
        .left_join(clients::table)
        .filter(principals::id.gt(after).and(principals::id.lt("cli`")))
        .filter(principals::kind.eq(PrincipalKind::System))
        .order(principals::id)
        .limit(i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1))
        .select(columns!())
        .load(rx.db())?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let found: Vec<_> = rows.into_iter().map(read).collect();
    let next = found.last().filter(|_| more).map(|it| it.id.clone());
    Ok((found, next))
}

/// Where the keys are by which the client proves who it is, if it may at all.
///
/// # Errors
/// If the database can't answer.
pub fn client_keys(rx: &mut Rx<'_>, id: &PrincipalId) -> Result<Option<ClientKeySource>, ClientError> {
    keys(rx.db(), id)
}

/// The same, as a write finds it, under the client's lock.
///
/// # Errors
/// If the database can't answer.
pub fn keys_of(tx: &mut Tx<'_>, id: &PrincipalId) -> Result<Option<ClientKeySource>, ClientError> {
    keys(tx.db()?, id)
}

fn keys(db: &mut Db, id: &PrincipalId) -> Result<Option<ClientKeySource>, ClientError> {
    let found: Option<(Option<String>, Option<String>)> = clients::table
        .inner_join(principals::table)
        .filter(clients::principal_id.eq(id))
        .filter(principals::kind.eq(PrincipalKind::System).and(principals::active))
        .select((clients::jwks, clients::jwks_url))
        .first(db)
        .optional()?;
    Ok(found.and_then(|(set, url)| source(set, url)))
}

/// Takes what `client` asserted under the name `jti`, whose lock is held; whether it wasn't taken before (J-02).
///
/// # Errors
/// If the database can't answer.
pub fn take_assertion(
    tx: &mut Tx<'_>,
    client: &PrincipalId,
    jti: &str,
    expires_at: DateTime<Utc>,
) -> Result<bool, ClientError> {
    // Another node's clock may be behind, and still take it.
    let over = (tx.now() - TimeDelta::minutes(5)).naive_utc();
    let expired = used_assertions::table
        .filter(used_assertions::client_id.eq(client).and(used_assertions::expires_at.lt(over)));
    diesel::delete(expired).execute(tx.db()?)?;
    let same = used_assertions::table.find((client, jti)).select(used_assertions::jti);
    let used: bool = diesel::select(diesel::dsl::exists(same)).get_result(tx.db()?)?;
    // What waited for its turn until it had expired isn't good any more.
    if used || expires_at <= tx.now() {
        return Ok(false);
    }
    let (client_id, jti) = (client.clone(), jti.to_owned());
    tx.insert(vec![UsedAssertionRow { client_id, jti, expires_at: expires_at.naive_utc() }]);
    Ok(true)
}

/// Writes what changed of a client.
pub(crate) fn change_client(tx: &mut Tx<'_>, it: &Client) -> Result<(), ClientError> {
    let row = principals::table.find(&it.id);
    let updated_at = principals::updated_at.eq(it.updated_at.naive_utc());
    let set = (principals::active.eq(it.active), principals::version.eq(it.version), updated_at);
    diesel::update(row).set(set).execute(tx.db()?)?;
    diesel::delete(clients::table.find(&it.id)).execute(tx.db()?)?;
    tx.insert(vec![row_of(it)]);
    Ok(())
}

pub(crate) fn row_of(it: &Client) -> ClientRow {
    let (jwks, jwks_url) = match it.keys.clone() {
        Some(ClientKeySource::Set(set)) => (Some(set), None),
        Some(ClientKeySource::Url(url)) => (None, Some(url)),
        None => (None, None),
    };
    ClientRow { principal_id: it.id.clone(), jwks, jwks_url }
}
