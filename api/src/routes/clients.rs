//! System clients: registered by the plan's administrators.

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, post, put};
use kernel::{FlawCode, Flaws, Object, OneLine, PrincipalId, Read, Scope};
use registry::{
    Access, Client, ClientError, Disabling, Enabling, NewClient, NewKeys, ToAdd, ToRotate, ToSwitch,
};
use store::{IdempotencyKey, Rx, Tx};

use super::client_body::{ClientBody, ClientPage};
use crate::body::Body;
use crate::caller::{Caller, ListsClients, ManagesClients, ReadsClients};
use crate::headers::{IfMatch, Once};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State, keys};

/// The list, as its cursors name it.
const LIST: &str = "clients";

/// Register a system client
///
/// A program that calls on its own, by tokens that it gets from POST /v1/oauth/token. It may do nothing before a site delegates
/// something to it (ENR-10), and never more than `scopes`.
#[utoipa::path(
    tag = "callers",
    security(("bearer" = ["users:grant"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$")),
    request_body(content = NewClient, description = "The client."),
    responses((status = 201, description = "The client.", body = ClientBody, headers(
        ("ETag" = String, description = "Its version."), ("Location" = String, description = "Where it is."))))
)]
#[post("/v1/clients")]
pub(crate) async fn create_client(
    state: Data<State>,
    caller: Caller<ManagesClients>,
    once: Once,
    body: Body<NewClient>,
) -> Result<Reply, Problem> {
    let (key, asked) = match body.open() {
        Ok(mut body) => {
            let key = once.key(&caller, "", &body);
            body.check(|it, flaws| {
                look(&state, it.jwks.iter().flatten().next(), it.jwks_url.iter().flatten().next(), flaws);
                Some(())
            });
            (key, body.whole().map(ToAdd))
        }
        Err(problem) => (Ok(None), Err(problem)),
    };
    let add = |tx: &mut Tx<'_>, who: &Access, it| {
        let it = registry::add_client(tx, who, it)?;
        let location = format!("/v1/clients/{}", it.id);
        Ok::<_, ClientError>(reply(it)?.created(location))
    };
    state.write(&caller, key, asked, add).await
}

/// List the system clients
///
/// Those that are registered, disabled ones too, in the order in which they were.
#[utoipa::path(
    tag = "callers",
    security(("bearer" = ["users:read"])),
    params(
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = ClientPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/clients")]
pub(crate) async fn list_clients(
    state: Data<State>,
    caller: Caller<ListsClients>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let mut sent = Parameters::of(&request);
    let limit = sent.limit(50, 200);
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let place = |it: &str| cursors.read(it, PrincipalId::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", place);
    let find = move |rx: &mut Rx<'_>, who: &Access, after: Option<PrincipalId>| {
        may_read(who)?;
        registry::find_clients(rx, after.as_ref(), limit.into())
    };
    let (found, next) = state.read(&caller, sent.check().map(|()| after), find).await?;
    let next_cursor = next.map(|it| cursors.after(&it));
    let page = ClientPage { data: found.into_iter().map(ClientBody::from).collect(), next_cursor };
    Ok(Reply::of(&page)?.next(page.next_cursor.as_ref().map(|it| sent.next("/v1/clients", it))))
}

/// See a system client
///
/// With its public keys, or where it publishes them.
#[utoipa::path(
    tag = "callers",
    security(("bearer" = ["users:read"])),
    params(
        ("id" = String, Path, description = "Its id.", pattern = "^cli_[0-9a-f]{32}$", example = "cli_0198c1f2a4b37c10a1b2c3d4e5f60703"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force."),
    ),
    responses(
        (status = 200, description = "The client.", body = ClientBody, headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is as you have it."),
    )
)]
#[get("/v1/clients/{id}")]
pub(crate) async fn get_client(
    state: Data<State>,
    caller: Caller<ReadsClients>,
    id: Path<String>,
) -> Result<Reply, Problem> {
    let get = |rx: &mut Rx<'_>, who: &Access, id: PrincipalId| {
        may_read(who)?;
        Ok::<_, ClientError>(reply(registry::client(rx, &id)?)?)
    };
    state.read(&caller, named(&id), get).await
}

/// Replace a system client's keys
///
/// What it asserts by the keys of before is refused from here on. To change keys without a gap, send a set of both, and later one of
/// the new key alone.
#[utoipa::path(
    tag = "callers",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "Its id.", pattern = "^cli_[0-9a-f]{32}$", example = "cli_0198c1f2a4b37c10a1b2c3d4e5f60703"),
        ("If-Match" = String, Header, description = "The ETag of the client as you last read it.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewKeys, description = "The keys."),
    responses((status = 200, description = "The client.", body = ClientBody, headers(("ETag" = String, description = "Its version."))))
)]
#[put("/v1/clients/{id}/keys")]
pub(crate) async fn replace_client_keys(
    state: Data<State>,
    caller: Caller<ManagesClients>,
    id: Path<String>,
    read: IfMatch,
    body: Body<NewKeys>,
) -> Result<Reply, Problem> {
    let asked = body.open().and_then(|mut body| {
        body.check(|it, flaws| {
            look(&state, it.jwks.iter().flatten().next(), it.jwks_url.iter().flatten().next(), flaws);
            Some(())
        });
        Ok(ToRotate { id: named(&id)?, version: read.version()?, keys: body.whole()? })
    });
    let rotate = |tx: &mut Tx<'_>, who: &Access, it| {
        Ok::<_, ClientError>(reply(registry::rotate_keys(tx, who, &it)?)?)
    };
    state.write(&caller, Ok(None), asked, rotate).await
}

/// Disable a system client
///
/// It gets no more tokens, and those that it has are refused from here on. The sites for which it acts are told.
#[utoipa::path(
    tag = "callers",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "Its id.", pattern = "^cli_[0-9a-f]{32}$", example = "cli_0198c1f2a4b37c10a1b2c3d4e5f60703"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the client as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = Disabling, description = "Why."),
    responses((status = 200, description = "The client.", body = ClientBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/clients/{id}/disable")]
pub(crate) async fn disable_client(
    state: Data<State>,
    caller: Caller<ManagesClients>,
    id: Path<String>,
    read: IfMatch,
    once: Once,
    body: Body<Disabling>,
) -> Result<Reply, Problem> {
    let (key, asked) = switched(&caller, &id, read, once, body, |it| it.reason.to_string());
    let disable = |tx: &mut Tx<'_>, who: &Access, it| {
        Ok::<_, ClientError>(reply(registry::disable_client(tx, who, &it)?)?)
    };
    state.write(&caller, key, asked, disable).await
}

/// Enable a system client
///
/// It gets tokens again, for what is delegated to it. The sites for which it acts are told.
#[utoipa::path(
    tag = "callers",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "Its id.", pattern = "^cli_[0-9a-f]{32}$", example = "cli_0198c1f2a4b37c10a1b2c3d4e5f60703"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the client as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = Enabling, description = "Why."),
    responses((status = 200, description = "The client.", body = ClientBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/clients/{id}/enable")]
pub(crate) async fn enable_client(
    state: Data<State>,
    caller: Caller<ManagesClients>,
    id: Path<String>,
    read: IfMatch,
    once: Once,
    body: Body<Enabling>,
) -> Result<Reply, Problem> {
    let (key, asked) = switched(&caller, &id, read, once, body, |it| it.reason.to_string());
    let enable = |tx: &mut Tx<'_>, who: &Access, it| {
        Ok::<_, ClientError>(reply(registry::enable_client(tx, who, &it)?)?)
    };
    state.write(&caller, key, asked, enable).await
}

/// A client that is to be switched, and the key by which a repeated request is known.
fn switched<T: Read>(
    caller: &Caller<ManagesClients>,
    id: &str,
    read: IfMatch,
    once: Once,
    body: Body<T>,
    reason: impl FnOnce(T) -> String,
) -> (Result<Option<IdempotencyKey>, Problem>, Result<ToSwitch, Problem>) {
    match body.open() {
        Ok(body) => {
            let key = once.key(caller, "", &body);
            let to = |id| Ok(ToSwitch { id, version: read.if_sent()?, reason: reason(body.whole()?) });
            (key, named(id).and_then(to))
        }
        Err(problem) => (Ok(None), Err(problem)),
    }
}

fn reply(it: Client) -> Result<Reply, store::Error> {
    Reply::versioned(it.version, &ClientBody::from(it))
}

/// The client that a path names.
fn named(id: &str) -> Result<PrincipalId, Problem> {
    Ok(PrincipalId::parse(id).ok_or(ClientError::NotFound)?)
}

/// Clients are seen by whoever sees the users of the whole plan.
fn may_read(who: &Access) -> Result<(), ClientError> {
    who.scope(Scope::UsersRead).sites().is_none().then_some(()).ok_or(ClientError::NotPermitted)
}

/// Adds what is wrong with keys by the standards that describe them.
fn look(state: &State, jwks: Option<&Object<16384>>, url: Option<&OneLine<1, 2000>>, flaws: &mut Flaws) {
    if jwks.is_some_and(|it| keys::check(it).is_err()) {
        let right = "Must be a JWK set of public keys, of RSA (2048 to 4096 bits) or P-384, each with a `kid` of its own.";
        flaws.add("/jwks", FlawCode::Format, right);
    }
    if let Some(Err(why)) = url.map(|it| state.client_keys.takes(it)) {
        flaws.add("/jwks_url", FlawCode::Format, why);
    }
}
