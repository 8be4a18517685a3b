use access::{Error, NewUser, ToCreate};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, post};
use kernel::{FlawCode, PrincipalId, SiteId};
use registry::{Access, GrantId, Role, UserFilter};
use store::{Rx, Tx};

use super::asked::Asked;
use super::user_body::{UserBody, UserPage};
use crate::body::Body;
use crate::caller::{Caller, GrantsRoles, ListsUsers, ReadsUsers};
use crate::headers::Once;
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "users";

/// List the users
///
/// By id, a page at a time: all of them for the plan's administrators and compliance; for a site's administrator or provider
/// relations those who have, or had, a role at its sites, with no more of their roles than those (AUT-09).
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:read"])),
    params(
        ("site_id" = Option<SiteId>, Query, description = "Only those with a role at this site, ended or not, which is one of yours (AUT-09)."),
        ("role" = Option<Role>, Query, description = "Only those with this role, ended or not; with `site_id`, there."),
        ("grant_id" = Option<GrantId>, Query, description = "Only whoever has this grant, ended or not, which an event names."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = UserPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/users")]
pub(crate) async fn list_users(
    state: Data<State>,
    caller: Caller<ListsUsers>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let (mut sent, cursors) = (Parameters::of(&request), state.cursors.of(LIST, &caller.credential.login));
    let (filter, limit) = (filter(&mut sent), sent.limit(50, 200));
    let read = |it: &str| cursors.read(it, PrincipalId::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", read);
    let asked = sent.check().map(|()| (filter, after, limit));
    let (data, next) = state.read(&caller, asked, page).await?;
    let next_cursor = next.map(|it| cursors.after(&it));
    let link = next_cursor.as_ref().map(|it| sent.next("/v1/users", it));
    Ok(Reply::of(&UserPage { data, next_cursor })?.next(link))
}

fn filter(sent: &mut Parameters) -> UserFilter {
    UserFilter {
        site_id: sent.get("site_id", FlawCode::Format, "a site's id", SiteId::parse),
        role: sent.one_of("role", Role::ALL, Role::as_str),
        grant_id: sent.get("grant_id", FlawCode::Format, "a grant's id", GrantId::parse),
    }
}

fn page(
    rx: &mut Rx<'_>,
    who: &Access,
    (filter, after, limit): (UserFilter, Option<PrincipalId>, u16),
) -> Result<(Vec<UserBody>, Option<PrincipalId>), Error> {
    let (users, next) = access::list(rx, who, &filter, after.as_ref(), limit)?;
    let day = rx.today();
    Ok((users.into_iter().map(|it| UserBody::of(it, who, day)).collect(), next))
}

/// Find a user by ID
///
/// With what they were granted, as far as the caller sees it: a site's administrator sees who has, or had, a role at its sites,
/// and those roles (AUT-09). To anyone else the user isn't there.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:read"])),
    params(
        ("id" = String, Path, description = "The user's ID.", pattern = "^(usr|cli)_[0-9a-f]{32}$", example = "usr_0198c1f2a4b37c10a1b2c3d4e5f60701"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force."),
    ),
    responses(
        (status = 200, description = "The user.", body = UserBody,
            headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is as you have it."),
    )
)]
#[get("/v1/users/{id}")]
pub(crate) async fn get_user(
    state: Data<State>,
    caller: Caller<ReadsUsers>,
    id: Path<String>,
) -> Result<Reply, Problem> {
    let find =
        |rx: &mut Rx<'_>, who: &Access, id| UserBody::reply(access::find(rx, who, &id)?, who, rx.today());
    state.read(&caller, user_id(&id).map_err(Problem::from), find).await
}

/// The user that a path names; one of another form is none.
pub(super) fn user_id(id: &str) -> Result<PrincipalId, Error> {
    PrincipalId::parse(id).ok_or(Error::NotFound)
}

/// Add a user with a first role
///
/// A site's administrator adds its people with their first role, which is in force at once; the plan adds its own, with or without
/// one, which a second person approves (AUT-09). A role is one of the site's own people (`portal_user`, `site_administrator`,
/// `credentialing_delegate`) for a site's administrator, and any but an agent's for the plan's.
///
/// Where a person has the login already, only the role is added, and nothing else of them changes: sites of two organizations share
/// a person.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:grant"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$")),
    request_body(content = NewUser, description = "Who, and as what."),
    responses((status = 201, description = "The user, or the further role of one who was there.", body = UserBody,
        headers(("Location" = String, description = "The user."), ("ETag" = String, description = "Its version."))))
)]
#[post("/v1/users")]
pub(crate) async fn create_user(
    state: Data<State>,
    caller: Caller<GrantsRoles>,
    once: Once,
    body: Body<NewUser>,
) -> Result<Reply, Problem> {
    let create =
        |tx: &mut Tx<'_>, who: &Access, it| UserBody::created(access::create(tx, who, it)?, who, tx.today());
    let asked = Asked { state: &state, caller: &caller, once, body };
    asked.answered(ToCreate::gather, ToCreate::check, create).await
}
