//! System clients: the programs that call on their own. What one may do for which site comes by a delegation on record (ENR-10).

use ::store::{Key, Locks, Trail, Tx};
use chrono::{DateTime, Utc};
use kernel::{
    Draft, FlawCode, List, Object, OneLine, Phone, PrincipalId, Scope, Text, TrailAction, body, broken,
    faults, fresh_id,
};
use validator::ValidationError;

use crate::find_clients::{change_client, client_in, row_of};
use crate::rows::PrincipalRow;
use crate::{Access, Contact, PrincipalKind};

body! {
    /// A program that calls on its own, and the keys by which it proves who it is (SMART Backend Services): `jwks` or `jwks_url`,
    /// one of the two.
    pub struct NewClient where keys_of_client {
        /// Its name, as people will read it.
        name: OneLine<1, 100> => "",
        /// The scopes beyond which no role of its reaches.
        scopes: List<Scope, 1, 64> => "",
        /// Whom to call about its requests.
        contact: Option<ClientContact> => "",
        /// Its public keys: a JWK set (RFC 7517) with keys of RSA (RS384, 2048 bits or more) or P-384 (ES384), each with a `kid`.
        jwks: Option<Object<16384>> => "",
        /// Where it publishes such a set, by https.
        jwks_url: Option<OneLine<1, 2000>> => "",
    }
}

body! {
    /// Whom to call about a client's requests.
    pub struct ClientContact {
        /// The person or the desk.
        name: OneLine<1, 100> => "",
        /// With the area code.
        phone: Phone => "",
    }
}

body! {
    /// The keys that take the place of a client's: `jwks` or `jwks_url`, one of the two.
    pub struct NewKeys where keys_alone {
        /// Its public keys: a JWK set (RFC 7517) with keys of RSA (RS384, 2048 bits or more) or P-384 (ES384), each with a `kid`.
        jwks: Option<Object<16384>> => "",
        /// Where it publishes such a set, by https.
        jwks_url: Option<OneLine<1, 2000>> => "",
    }
}

body! {
    /// Why a client may not call any more.
    pub struct Disabling {
        /// The reason in words.
        reason: Text<1, 255> => "",
    }
}

faults! {
    /// Why a system client could not be read or changed.
    pub enum ClientError {
        /// There is none with this id.
        NotFound => NotFound, "client-not-found", "", "There is no such client.";
        /// Someone changed it since the caller read it.
        Stale => Stale, "client-changed", "",
            "The client changed since you read it. Read it again, and send the ETag of that answer in If-Match.";
        /// Clients are the whole plan's.
        NotPermitted => Forbidden, "not-permitted", "",
            "This operation takes a role that reaches the whole plan. GET /v1/me lists yours.";
    } or {
        /// The database could not answer.
        Store(::store::Error),
        /// A fact could not be had.
        Registry(crate::Error),
    }
}

impl From<diesel::result::Error> for ClientError {
    fn from(it: diesel::result::Error) -> Self {
        Self::Store(it.into())
    }
}

/// Where the keys of a client are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientKeySource {
    /// Here: a JWK set.
    Set(String),
    /// At this address.
    Url(String),
}

/// A system client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// Its id, and the `sub` of its tokens.
    pub id: PrincipalId,
    /// Its name.
    pub name: String,
    /// Whom to call about its requests.
    pub contact: Option<Contact>,
    /// The scopes beyond which no role of its reaches, if there is such a bound.
    pub ceiling: Option<Vec<Scope>>,
    /// Where its keys are; without any it gets no tokens.
    pub keys: Option<ClientKeySource>,
    /// Whether it may call.
    pub active: bool,
    /// How often it was changed, from 1.
    pub version: i32,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

impl Client {
    /// All of it, for the digests in the trail.
    fn digestible(&self) -> String {
        format!("{self:?}")
    }
}

/// A client to be registered.
#[derive(Debug, Clone)]
pub struct ToAdd(pub NewClient);

impl Locks for ToAdd {
    fn keys(&self) -> Vec<Key> {
        Vec::new()
    }
}

/// A client whose keys are to be replaced.
#[derive(Debug, Clone)]
pub struct ToRotate {
    /// Which one.
    pub id: PrincipalId,
    /// The version that the caller read.
    pub version: i32,
    /// By these.
    pub keys: NewKeys,
}

impl Locks for ToRotate {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.id.to_string())]
    }
}

/// A client that may not call any more.
#[derive(Debug, Clone)]
pub struct ToDisable {
    /// Which one.
    pub id: PrincipalId,
    /// Why.
    pub why: Disabling,
}

impl Locks for ToDisable {
    fn keys(&self) -> Vec<Key> {
        vec![Key::User(self.id.to_string())]
    }
}

/// Registers a client, which may do nothing before a site delegates something to it.
///
/// # Errors
/// [`ClientError::NotPermitted`], or that the database can't answer.
pub fn add_client(tx: &mut Tx<'_>, caller: &Access, ToAdd(it): ToAdd) -> Result<Client, ClientError> {
    may_manage(caller)?;
    let id = fresh_id("cli", tx.now());
    let id = PrincipalId::parse(&id).ok_or_else(|| ::store::Error::Internal(format!("no id: {id}")))?;
    let mut scopes = it.scopes.to_vec();
    scopes.sort_unstable();
    scopes.dedup();
    let client = Client {
        id,
        name: it.name.to_string(),
        contact: it.contact.map(|it| Contact { name: it.name.to_string(), phone: it.phone }),
        ceiling: Some(scopes),
        keys: source(it.jwks.as_ref(), it.jwks_url.as_ref()),
        active: true,
        version: 1,
        created_at: tx.now(),
    };
    let ceiling: Vec<_> = client.ceiling.iter().flatten().map(|it| it.as_str()).collect();
    tx.insert(vec![PrincipalRow {
        id: client.id.clone(),
        kind: PrincipalKind::System,
        login: client.id.to_string(),
        person: client.id.to_string(),
        name: client.name.clone(),
        contact_name: client.contact.as_ref().map(|it| it.name.clone()),
        contact_phone: client.contact.as_ref().map(|it| it.phone.clone()),
        reports_to: None,
        ceiling: Some(ceiling.join(" ")),
        active: true,
        version: client.version,
        created_at: tx.now().naive_utc(),
    }]);
    tx.insert(vec![row_of(&client)]);
    record(tx, TrailAction::ClientAdd, None, &client, None);
    Ok(client)
}

/// Replaces the keys of a client; assertions signed with those of before are refused from here on.
///
/// # Errors
/// [`ClientError::NotFound`], [`ClientError::Stale`], or [`ClientError::NotPermitted`].
pub fn rotate_keys(tx: &mut Tx<'_>, caller: &Access, it: &ToRotate) -> Result<Client, ClientError> {
    may_manage(caller)?;
    let before = client_in(tx, &it.id)?;
    if before.version != it.version {
        return Err(ClientError::Stale);
    }
    let keys = source(it.keys.jwks.as_ref(), it.keys.jwks_url.as_ref());
    let after = Client { keys, version: before.version + 1, ..before.clone() };
    change_client(tx, &after)?;
    record(tx, TrailAction::ClientRotateKeys, Some(&before), &after, None);
    Ok(after)
}

/// Disables a client: it gets no tokens, and those that it has are refused from here on. Once more changes nothing.
///
/// # Errors
/// [`ClientError::NotFound`], or [`ClientError::NotPermitted`].
pub fn disable_client(tx: &mut Tx<'_>, caller: &Access, it: &ToDisable) -> Result<Client, ClientError> {
    may_manage(caller)?;
    let before = client_in(tx, &it.id)?;
    if !before.active {
        record(tx, TrailAction::ClientDisable, Some(&before), &before, Some(it.why.reason.to_string()));
        return Ok(before);
    }
    let after = Client { active: false, version: before.version + 1, ..before.clone() };
    change_client(tx, &after)?;
    record(tx, TrailAction::ClientDisable, Some(&before), &after, Some(it.why.reason.to_string()));
    Ok(after)
}

fn may_manage(caller: &Access) -> Result<(), ClientError> {
    let of_plan = caller.may(Scope::UsersGrant) && caller.scope(Scope::UsersGrant).sites().is_none();
    of_plan.then_some(()).ok_or(ClientError::NotPermitted)
}

fn record(
    tx: &mut Tx<'_>,
    action: TrailAction,
    before: Option<&Client>,
    after: &Client,
    reason: Option<String>,
) {
    tx.record(Trail {
        action,
        subject: after.id.to_string(),
        site_id: None,
        reason,
        before: before.map(Client::digestible),
        after: Some(after.digestible()),
    });
}

fn source(jwks: Option<&Object<16384>>, url: Option<&OneLine<1, 2000>>) -> Option<ClientKeySource> {
    let url = || url.map(|it| ClientKeySource::Url(it.to_string()));
    jwks.map(|it| ClientKeySource::Set(it.to_string())).or_else(url)
}

/// The keys of a body, as far as they are known: the set, and its address.
type Sent<'a> = (&'a Option<Option<Object<16384>>>, &'a Option<Option<OneLine<1, 2000>>>);

fn keys_of_client(it: &Draft<NewClient>) -> Result<(), ValidationError> {
    one_of((&it.jwks, &it.jwks_url))
}

fn keys_alone(it: &Draft<NewKeys>) -> Result<(), ValidationError> {
    one_of((&it.jwks, &it.jwks_url))
}

fn one_of(sent: Sent<'_>) -> Result<(), ValidationError> {
    match sent {
        (Some(None), Some(None)) => {
            Err(broken("", "/jwks", FlawCode::Required, "Must be given, or jwks_url."))
        }
        (Some(Some(_)), Some(Some(_))) => {
            Err(broken("", "/jwks_url", FlawCode::NotApplicable, "Must be left out where jwks is given."))
        }
        _ => Ok(()),
    }
}
