//! What is done to users and their grants.

use access::{Error, NewApproval, NewGrant, NewReason, ToGrant, ToMove, ToSwitch};
use actix_web::post;
use actix_web::web::{Data, Path};
use kernel::Draft;
use registry::{Access, GrantId, User};
use store::{Rx, Tx};

use super::asked::Asked;
use super::user_body::UserBody;
use super::users::user_id;
use crate::body::Body;
use crate::caller::{Caller, GrantsRoles};
use crate::headers::{IfMatch, Once};
use crate::reply::Reply;
use crate::{Problem, State};

/// Grant a role
///
/// A site's administrator grants the roles of the site's own people, in force at once; the plan's administrators ask for any role
/// but an agent's, and a second person approves it (AUT-09). No one grants to themselves. An agent's role comes with a delegation
/// on record, POST /v1/delegations (ENR-10).
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "The user's ID.", pattern = "^(usr|cli)_[0-9a-f]{32}$", example = "usr_0198c1f2a4b37c10a1b2c3d4e5f60701"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
    ),
    request_body(content = NewGrant, description = "The role."),
    responses((status = 201, description = "The user, with the grant, which is the last of `grants`.", body = UserBody,
        headers(("Location" = String, description = "The user: a grant has no address of its own."), ("ETag" = String, description = "The user's version."))))
)]
#[post("/v1/users/{id}/grants")]
pub(crate) async fn grant_role(
    state: Data<State>,
    caller: Caller<GrantsRoles>,
    id: Path<String>,
    once: Once,
    body: Body<NewGrant>,
) -> Result<Reply, Problem> {
    let gather =
        move |rx: &mut Rx<'_>, who: &Access, draft: &_| ToGrant::gather(rx, who, &user_id(&id)?, draft);
    let grant =
        |tx: &mut Tx<'_>, who: &Access, it| UserBody::created(access::grant(tx, who, it)?, who, tx.today());
    let asked = Asked { state: &state, caller: &caller, once, body };
    asked.answered(gather, ToGrant::check, grant).await
}

/// Approve a grant
///
/// The plan's administrators approve what another person asked for: not the one who asked, nor the one whom it is for, under
/// whatever login (AUT-09). It is in force at the next request, or from its first day.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "The user's ID.", pattern = "^(usr|cli)_[0-9a-f]{32}$", example = "usr_0198c1f2a4b37c10a1b2c3d4e5f60701"),
        ("grant_id" = String, Path, description = "The grant's ID.", pattern = "^grt_[0-9a-f]{32}$", example = "grt_0198c1f2a4b37c10a1b2c3d4e5f60731"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the user as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewApproval, description = "Nothing, or why."),
    responses((status = 200, description = "The user, with the grant.", body = UserBody,
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/users/{id}/grants/{grant_id}/approve")]
pub(crate) async fn approve_grant(
    state: Data<State>,
    caller: Caller<GrantsRoles>,
    path: Path<(String, String)>,
    read: IfMatch,
    once: Once,
    body: Body<NewApproval>,
) -> Result<Reply, Problem> {
    let gather = move |rx: &mut Rx<'_>, who: &Access, _: &Draft<NewApproval>| to_move(rx, who, &path);
    let check = |draft: &Draft<NewApproval>, it: ToMove, _: &mut _| {
        Some(it.because(draft.reason.as_ref()?.as_ref().map(|it| it.to_string())))
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    let approve =
        |tx: &mut Tx<'_>, who: &Access, it: ToMove, at| shown(access::approve(tx, who, it.at(at))?, who, tx);
    asked.answered_at(read, gather, check, approve).await
}

/// Withdraw a grant
///
/// It is in force no more at the next request, and stays on record; what was only asked for ends, too (AUT-09). A site's last
/// administrator stays, and so do two of the plan's. An agent's role ends with its delegation.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "The user's ID.", pattern = "^(usr|cli)_[0-9a-f]{32}$", example = "usr_0198c1f2a4b37c10a1b2c3d4e5f60701"),
        ("grant_id" = String, Path, description = "The grant's ID.", pattern = "^grt_[0-9a-f]{32}$", example = "grt_0198c1f2a4b37c10a1b2c3d4e5f60731"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the user as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewReason, description = "Why."),
    responses((status = 200, description = "The user, with the grant.", body = UserBody,
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/users/{id}/grants/{grant_id}/withdraw")]
pub(crate) async fn withdraw_grant(
    state: Data<State>,
    caller: Caller<GrantsRoles>,
    path: Path<(String, String)>,
    read: IfMatch,
    once: Once,
    body: Body<NewReason>,
) -> Result<Reply, Problem> {
    let gather = move |rx: &mut Rx<'_>, who: &Access, _: &Draft<NewReason>| to_move(rx, who, &path);
    let check = |draft: &Draft<NewReason>, it: ToMove, _: &mut _| Some(it.because(Some(reason(draft)?)));
    let asked = Asked { state: &state, caller: &caller, once, body };
    let withdraw =
        |tx: &mut Tx<'_>, who: &Access, it: ToMove, at| shown(access::withdraw(tx, who, it.at(at))?, who, tx);
    asked.answered_at(read, gather, check, withdraw).await
}

fn to_move(rx: &mut Rx<'_>, who: &Access, (user, grant): &(String, String)) -> Result<ToMove, Error> {
    ToMove::gather(rx, who, &user_id(user)?, GrantId::parse(grant).as_ref())
}

fn shown(it: User, who: &Access, tx: &Tx<'_>) -> Result<Reply, Error> {
    UserBody::reply(it, who, tx.today())
}

/// Why something is done, if it can be read.
pub(super) fn reason(draft: &Draft<NewReason>) -> Option<String> {
    draft.reason.as_ref().map(|it| it.to_string())
}

/// Disable a user
///
/// The user may call no more, from the next request on, whatever their roles, which stay on record (AUT-09). Only the plan's
/// administrators do it; a site's last administrator stays, and so do two of the plan's.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "The user's ID.", pattern = "^(usr|cli)_[0-9a-f]{32}$", example = "usr_0198c1f2a4b37c10a1b2c3d4e5f60701"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the user as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewReason, description = "Why."),
    responses((status = 200, description = "The user, disabled.", body = UserBody,
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/users/{id}/disable")]
pub(crate) async fn disable_user(
    state: Data<State>,
    caller: Caller<GrantsRoles>,
    id: Path<String>,
    read: IfMatch,
    once: Once,
    body: Body<NewReason>,
) -> Result<Reply, Problem> {
    let gather =
        move |rx: &mut Rx<'_>, who: &Access, _: &Draft<NewReason>| ToSwitch::gather(rx, who, &user_id(&id)?);
    let check = |draft: &Draft<NewReason>, it: ToSwitch, _: &mut _| Some(it.because(reason(draft)?));
    let asked = Asked { state: &state, caller: &caller, once, body };
    let disable = |tx: &mut Tx<'_>, who: &Access, it: ToSwitch, at| {
        shown(access::disable(tx, who, it.at(at))?, who, tx)
    };
    asked.answered_at(read, gather, check, disable).await
}

/// Enable a user
///
/// The user may call again, with the roles that are in force (AUT-09). Only the plan's administrators do it.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:grant"])),
    params(
        ("id" = String, Path, description = "The user's ID.", pattern = "^(usr|cli)_[0-9a-f]{32}$", example = "usr_0198c1f2a4b37c10a1b2c3d4e5f60701"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the user as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewReason, description = "Why."),
    responses((status = 200, description = "The user, enabled.", body = UserBody,
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/users/{id}/enable")]
pub(crate) async fn enable_user(
    state: Data<State>,
    caller: Caller<GrantsRoles>,
    id: Path<String>,
    read: IfMatch,
    once: Once,
    body: Body<NewReason>,
) -> Result<Reply, Problem> {
    let gather =
        move |rx: &mut Rx<'_>, who: &Access, _: &Draft<NewReason>| ToSwitch::gather(rx, who, &user_id(&id)?);
    let check = |draft: &Draft<NewReason>, it: ToSwitch, _: &mut _| Some(it.because(reason(draft)?));
    let asked = Asked { state: &state, caller: &caller, once, body };
    let enable =
        |tx: &mut Tx<'_>, who: &Access, it: ToSwitch, at| shown(access::enable(tx, who, it.at(at))?, who, tx);
    asked.answered_at(read, gather, check, enable).await
}
