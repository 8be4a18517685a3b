use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{get, post};
use authorizations::{Error, Facts, NewAuthorization, Question, Submission};
use kernel::Scope;
use registry::Access;
use store::{Number, Rx, Tx};

use super::authorization_body::{AuthorizationBody, View};
use crate::body::{Body, Open};
use crate::caller::{Caller, Creates, Reads};
use crate::headers::Once;
use crate::reply::Reply;
use crate::{Problem, State, problem};

/// Ask for an authorization
///
/// A provider asks that the plan agree, in advance, to cover one service for a member, and is answered in real time
/// (AUT-01, AUT-23). Each further discipline is a request of its own: codes of two in one request are refused (AUT-12).
///
/// Every broken field is named at once, and nothing is changed (AUT-05). The member must be covered today and on every
/// requested day (AUT-02), by My Care Family where the service is for its members only (AUT-14); the site is the caller's
/// (AUT-09); each diagnosis code exists and is billable (AUT-16); the codes are the service's (AUT-17), which GET
/// /v1/services lists, and have units (AUT-18); the end is not before the start (AUT-20). What goes beyond the member's
/// benefit of the calendar year of the start date is a request by fax, whose number the refusal names (AUT-06).
///
/// A skilled nursing evaluation is a notification of exactly one visit, approved at once; one more of the same member is a
/// re-evaluation, and marked so (AUT-15). For occupational or physical therapy with an evaluation the units include 1 visit
/// for it and the remarks say "1 visit for Evaluation"; the answer shows it apart (AUT-19).
///
/// The policy approves a request, sends it to a clinician (`MEDREVIEW`) or pends it (`PEND`), if the member has an open
/// authorization of the same service and servicing provider whose dates overlap. It never denies. A start that is long past
/// or far ahead, a period of more than a year, and more units than are usual go to a clinician; so does every request for
/// home infusion and private duty nursing.
///
/// Where no ruling can be had in time, and in the plan's maintenance window, the request is received all the same: 202, `PEND`
/// without a decision, and the message says when to look (AUT-04, AUT-24). Its clock runs meanwhile (FED-04).
///
/// A system client always sends `site_id`, `requesting_provider` with its `contact`, and an `Idempotency-Key`. With a key a
/// repeated request gets the first answer, and `Idempotency-Replayed: true`; without one it may become a second request.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:create"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$")),
    request_body(content = NewAuthorization, description = "The request."),
    responses((status = 201, description = "Received, numbered (AUT-25) and ruled on.", body = AuthorizationBody,
        headers(("Location" = String, description = "The authorization."), ("ETag" = String, description = "Its version."))),
        (status = 202, description = "Received and numbered, and decided later (AUT-04, AUT-24); `message` says when to look.", body = AuthorizationBody,
        headers(("Location" = String, description = "The authorization."), ("ETag" = String, description = "Its version."))))
)]
#[post("/v1/authorizations")]
pub(crate) async fn create_authorization(
    state: Data<State>,
    caller: Caller<Creates>,
    once: Once,
    body: Body<NewAuthorization>,
) -> Result<Reply, Problem> {
    let told = state.misses.instead(&caller.credential.login);
    let (key, asked) = match body.open() {
        Ok(body) => (once.key(&caller, site_of(&body), &body), ask(&state, &caller, body).await),
        Err(problem) => (Ok(None), Err(problem)),
    };
    let view = View::of(&state);
    let submit =
        move |tx: &mut Tx<'_>, who: &Access, it| view.created(who, authorizations::submit(tx, who, it)?);
    state.write(&caller, key, asked, submit).await.map_err(told)
}

/// Reads a request against what the plan knows, so that every flaw is found at once, and has it ruled on.
async fn ask(
    state: &State,
    caller: &Caller<Creates>,
    mut body: Open<NewAuthorization>,
) -> Result<Submission, Problem> {
    let Some(draft) = body.draft.clone() else { return Err(body.refused()) };
    let policies = Arc::clone(&state.policies);
    let gather = move |rx: &mut Rx<'_>, who: &Access, draft| {
        Ok::<_, Error>((Facts::gather(rx, who, &draft, &policies)?, Arc::clone(&who.principal)))
    };
    let (facts, principal) = state.read(caller, Ok(draft), gather).await?;
    if facts.member.is_none() && body.draft.as_ref().is_some_and(|it| it.member_id.is_some()) {
        state.missed(caller).await;
    }
    let policy = state.policies.on(facts.today);
    let checked = body.check(|draft, flaws| authorizations::check(draft, &facts, &principal, policy, flaws));
    let (request, checked) = (body.whole()?, checked.ok_or_else(|| problem::INTERNAL.problem())?);
    let question = Question::of(&request, &checked, facts.today)?;
    let ruled = state.decisions.real_time(question, policy, state.clock.now(), state.zone).await;
    Ok(Submission::new(&request, checked, &principal, facts.today, policy, ruled)?)
}

/// The site that a request names.
fn site_of(body: &Open<NewAuthorization>) -> &str {
    let named = body.draft.as_ref().and_then(|it| it.site_id.as_ref()?.as_deref());
    named.unwrap_or_default()
}

/// Find an authorization by its ID
///
/// Everything about one authorization (AUT-29, AUT-30), for the site that owns it, the sites of its servicing provider,
/// and the plan. To anyone else it isn't there.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:read"])),
    params(
        ("id" = String, Path, description = "Its ID (AUT-25).", pattern = "^[0-9]{5}R[0-9]{5,}$", example = "26335R00001"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force."),
        ("Emergency-Access" = Option<String>, Header, description = "The emergency access under which it is read.", pattern = "^emg_[0-9a-f]{32}$"),
    ),
    responses(
        (status = 200, description = "The authorization.", body = AuthorizationBody,
            headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is as you have it."),
    )
)]
#[get("/v1/authorizations/{id}")]
pub(crate) async fn get_authorization(
    state: Data<State>,
    caller: Caller<Reads>,
    id: Path<String>,
) -> Result<Reply, Problem> {
    let view = View::of(&state);
    let find = move |rx: &mut Rx<'_>, who: &Access, number| {
        view.read(who, authorizations::find(rx, &who.scope(Scope::AuthorizationsRead), number)?)
    };
    state.read(&caller, number(&id), find).await
}

/// The number that a path names; one of another form is of nothing.
pub(super) fn number(id: &str) -> Result<Number, Problem> {
    Number::parse(id).ok_or_else(|| Error::NotFound.into())
}
