//! The moves that the plan's people make.

use actix_web::post;
use actix_web::web::{Data, Path};
use authorizations::{Error, NewClosing, NewDecision, ToClose, ToDecide};
use registry::Access;
use store::{Number, Rx, Tx};

use super::authorization_body::{AuthorizationBody, View};
use super::authorizations::number;
use crate::body::{Body, Open};
use crate::caller::{Caller, Closes, Decides, Permission};
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
    let view = View::of(&state);
    let (key, asked) = match body.open() {
        Ok(body) => (once.key(&caller, "", &body), ask(&state, &caller, at(&id, read), body).await),
        Err(problem) => (Ok(None), Err(problem)),
    };
    let decide =
        move |tx: &mut Tx<'_>, who: &Access, it| view.read(who, authorizations::decide(tx, who, it)?);
    state.write(&caller, key, asked, decide).await
}

/// Which one, and the version that the caller read.
fn at(id: &str, read: IfMatch) -> Result<(Number, i32), Problem> {
    Ok((number(id)?, read.version()?))
}

/// Reads a decision against the authorization that it is on: what it comes to, or all that is wrong with it.
async fn ask(
    state: &State,
    caller: &Caller<Decides>,
    at: Result<(Number, i32), Problem>,
    mut body: Open<NewDecision>,
) -> Result<ToDecide, Problem> {
    let (policy, verdict) = (state.policy(), body.draft.as_ref().and_then(|it| it.outcome));
    let gather = move |rx: &mut Rx<'_>, who: &Access, (number, version)| {
        if let Some(verdict) = verdict {
            verdict.permitted(|scope| who.may(scope))?;
        }
        // Whoever may decide at all sees what they decide on.
        let scope = Decides::PERMIT.needs.scopes.iter().find(|it| who.may(**it));
        let scope = who.scope(*scope.ok_or(Error::NotFound)?);
        Ok::<_, Error>((ToDecide::gather(rx, &scope, number)?, version))
    };
    let (it, version) = state.read(caller, at, gather).await?;
    let checked = body.check(|draft, flaws| ToDecide::check(draft, &it, version, &policy, flaws));
    body.whole().and_then(|_| checked.ok_or_else(|| problem::INTERNAL.problem()))
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
    let (view, policy) = (View::of(&state), state.policy());
    let (key, asked) = match body.open() {
        Ok(mut body) => {
            let key = once.key(&caller, "", &body);
            body.check(|draft, flaws| NewClosing::check(draft, &policy, flaws));
            let to_close = |(number, version)| Ok(ToClose { number, version, reason: body.whole()? });
            (key, at(&id, read).and_then(to_close))
        }
        Err(problem) => (Ok(None), Err(problem)),
    };
    let close = move |tx: &mut Tx<'_>, who: &Access, it| view.read(who, authorizations::close(tx, who, &it)?);
    state.write(&caller, key, asked, close).await
}
