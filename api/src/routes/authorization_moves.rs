//! The moves that the plan's people make.

use std::sync::Arc;

use actix_web::post;
use actix_web::web::{Data, Path};
use authorizations::{Error, NewClosing, NewDecision, ToClose, ToDecide};
use store::{Number, Tx};

use super::authorization_body::{AuthorizationBody, View};
use crate::body::{Body, Open};
use crate::caller::{Caller, Closes, Decides};
use crate::headers::{IfMatch, Once};
use crate::reply::Reply;
use crate::{Problem, State, problem};

/// Decide on an authorization
///
/// The plan's people decide what the policy left open (AUT-34). A nurse approves, asks for information (`pend`) and sends to
/// review; only a physician reviewer denies or grants less (`reduce`), with a specific reason (FED-05). `actions` of the
/// authorization lists what the caller may do to it now; the same outcome in another status is refused with 409 (AUT-08).
///
/// Without `lines` the outcome is that of all of them. With `lines`, those that aren't named are granted as asked, or with
/// `deny` denied; the outcome must be what all of it comes to. `reduce` may also grant a shorter period. `pend` and `review`
/// name neither, and leave the clock running (FED-04).
///
/// The reason's code is one of the plan's for the outcome, which GET /v1/policy lists.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:approve"]), ("bearer" = ["authorizations:deny"]), ("bearer" = ["authorizations:pend"])),
    params(
        ("id" = String, Path, description = "Its ID (AUT-25).", pattern = "^[0-9]{5}R[0-9]{5,}$", example = "26335R00001"),
        ("If-Match" = String, Header, description = "The ETag of the authorization as you last read it.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
    ),
    request_body(content = NewDecision, description = "What, and why."),
    responses((status = 200, description = "The authorization, decided.", body = AuthorizationBody,
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/authorizations/{id}/decide")]
pub(crate) async fn decide_authorization(
    state: Data<State>,
    caller: Caller<Decides>,
    id: Path<String>,
    once: Once,
    read: IfMatch,
    body: Body<NewDecision>,
) -> Result<Reply, Problem> {
    let body = body.open()?;
    let key = once.key(&caller, "", &body)?;
    let (number, version) = (Number::parse(&id).ok_or(Error::NotFound)?, read.version()?);
    let asked = ask(&state, &caller, number, version, body).await?;
    let (view, principal, may) = (View::of(&state, &caller), Arc::clone(&caller.principal), caller.may());
    let decide = move |tx: &mut Tx<'_>, it| view.read(authorizations::decide(tx, &principal, it, may)?);
    state.write(&caller, key, asked, decide).await
}

/// Reads a decision against the authorization that it is on: what it comes to, or all that is wrong with it.
async fn ask(
    state: &State,
    caller: &Caller<Decides>,
    number: Number,
    version: i32,
    mut body: Open<NewDecision>,
) -> Result<Result<ToDecide, Problem>, Problem> {
    if let Some(verdict) = body.draft.as_ref().and_then(|it| it.outcome) {
        verdict.permitted(caller.may())?;
    }
    let (scope, policy) = (caller.principal.scope(), state.policy());
    let it = state.store.read(move |rx| ToDecide::gather(rx, &scope, number)).await?;
    let checked = body.check(|draft, flaws| ToDecide::check(draft, &it, version, &policy, flaws));
    // What is wrong is told only once it is known that this isn't a repeat.
    Ok(body.whole().and_then(|_| checked.ok_or_else(|| problem::INTERNAL.problem())))
}

/// Close an authorization
///
/// The plan ends an authorization and its lines (AUT-34), for one of its reasons: `requested_by_provider`,
/// `entered_in_error`, `replaced`, `member_not_receiving_service`. What is closed stays closed.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:close"])),
    params(
        ("id" = String, Path, description = "Its ID (AUT-25).", pattern = "^[0-9]{5}R[0-9]{5,}$", example = "26335R00001"),
        ("If-Match" = String, Header, description = "The ETag of the authorization as you last read it.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
    ),
    request_body(content = NewClosing, description = "Why."),
    responses((status = 200, description = "The authorization, closed.", body = AuthorizationBody,
        headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/authorizations/{id}/close")]
pub(crate) async fn close_authorization(
    state: Data<State>,
    caller: Caller<Closes>,
    id: Path<String>,
    once: Once,
    read: IfMatch,
    body: Body<NewClosing>,
) -> Result<Reply, Problem> {
    let mut body = body.open()?;
    let key = once.key(&caller, "", &body)?;
    let (number, version) = (Number::parse(&id).ok_or(Error::NotFound)?, read.version()?);
    body.check(|draft, flaws| NewClosing::check(draft, &state.policy(), flaws));
    let asked = body.whole().map(|reason| ToClose { number, version, reason });
    let (view, principal, may) = (View::of(&state, &caller), Arc::clone(&caller.principal), caller.may());
    let close = move |tx: &mut Tx<'_>, it| view.read(authorizations::close(tx, &principal, &it, may)?);
    state.write(&caller, key, asked, close).await
}
