use std::sync::Arc;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, post};
use authorizations::{Error, Facts, Filter, NewAuthorization, NewClosing, Status, Submission, ToClose};
use store::{Number, Tx};

use super::authorization_body::{AuthorizationBody, View};
use super::authorization_page::AuthorizationPage;
use crate::body::{Body, Open};
use crate::caller::{Caller, Closes, Creates, Reads};
use crate::headers::{IfMatch, Once};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State, problem};

/// The list, as its cursors name it.
const LIST: &str = "authorizations";

/// Ask for an authorization
///
/// A provider asks that the plan agree, in advance, to cover one service for a member, and is answered in real time
/// (AUT-01, AUT-23). Each further discipline is a request of its own (AUT-12).
///
/// Every broken field is named at once, and nothing is changed (AUT-05). The member must be covered today and on every
/// requested day (AUT-02); the site is the caller's (AUT-09); each diagnosis code exists and is billable (AUT-16); the
/// codes are the service's (AUT-17) and have units (AUT-18); the end is not before the start (AUT-20).
///
/// The policy approves it, sends it to a clinician (`MEDREVIEW`) or pends it (`PEND`), if the member has an open
/// authorization of the same service and servicing provider whose dates overlap. It never denies. Skilled nursing care
/// takes revenue code 0551 without modifiers. A start that is long past or far ahead, a period of more than a year, and
/// more visits than are usual go to a clinician.
///
/// A system client always sends `site_id`, `requesting_provider` with its `contact`, and an `Idempotency-Key`. With a key a
/// repeated request gets the first answer, and `Idempotency-Replayed: true`; without one it may become a second request.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:create"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", min_length = 1, max_length = 255)),
    request_body(content = NewAuthorization, description = "The request."),
    responses((status = 201, description = "Received, numbered (AUT-25) and ruled on.", body = AuthorizationBody,
        headers(("Location" = String, description = "The authorization."), ("ETag" = String, description = "Its version."))))
)]
#[post("/v1/authorizations")]
pub(crate) async fn create_authorization(
    state: Data<State>,
    caller: Caller<Creates>,
    once: Once,
    body: Body<NewAuthorization>,
) -> Result<Reply, Problem> {
    let body = body.open()?;
    let key = once.key(&caller, &site_of(&caller, &body), &body)?;
    let asked = ask(&state, &caller, body).await;
    let view = View::of(&state, &caller);
    state.write(&caller, key, asked, move |tx, it| view.created(authorizations::submit(tx, it)?)).await
}

/// Reads a request against what the plan knows, so that every flaw is found at once, and has it ruled on.
async fn ask(
    state: &State,
    caller: &Caller<Creates>,
    mut body: Open<NewAuthorization>,
) -> Result<Submission, Problem> {
    let Some(draft) = body.draft.clone() else { return Err(body.refused()) };
    let principal = Arc::clone(&caller.principal);
    let facts = state.store.read(move |rx| Facts::gather(rx, &principal, &draft)).await?;
    let principal = &caller.principal;
    let checked =
        body.check(|draft, flaws| authorizations::check(draft, &facts, principal, &state.policy, flaws));
    let (request, checked) = (body.whole()?, checked.ok_or_else(|| problem::INTERNAL.problem())?);
    Ok(Submission::new(&request, checked, principal, facts.today, &*state.decider)?)
}

/// The site that a request is for, as far as that can be told before it is checked.
fn site_of(caller: &Caller<Creates>, body: &Open<NewAuthorization>) -> String {
    let named = body.draft.as_ref().and_then(|it| it.site_id.as_ref()?.as_ref());
    let only = caller.principal.sites.first().map(|it| &it.id);
    named.or(only).map(ToString::to_string).unwrap_or_default()
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
    let number = Number::parse(&id).ok_or(Error::NotFound)?;
    let (view, scope) = (View::of(&state, &caller), caller.principal.scope());
    Ok(state.store.read(move |rx| view.read(authorizations::find(rx, &scope, number)?)).await?)
}

/// List the authorizations of your sites
///
/// What your sites asked for, the newest number first, a page at a time (AUT-30); all of it for the plan's own staff. What
/// others asked for with your site as the servicing provider is found by its ID only. New ones that arrive while you page
/// change no later page.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:read"])),
    params(
        ("status" = Option<Status>, Query, description = "Only those that stand here (AUT-34)."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before."),
    ),
    responses((status = 200, description = "A page.", body = AuthorizationPage,
        headers(("Link" = Option<String>, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/authorizations")]
pub(crate) async fn list_authorizations(
    state: Data<State>,
    caller: Caller<Reads>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let sent = Parameters::of(&request)?;
    let statuses =
        || format!("one of {}", Status::ALL.iter().map(|it| it.as_str()).collect::<Vec<_>>().join(", "));
    let count = |it: &str| it.parse().ok().filter(|it| (1..=200).contains(it));
    let filter = Filter { status: sent.get("status", statuses(), Status::parse)? };
    let limit = sent.get("limit", "a number from 1 to 200", count)?;
    let after =
        sent.get("cursor", "the next_cursor of a page", |it| state.cursors.read(LIST, it, Number::parse))?;
    let (scope, limit) = (caller.principal.scope(), limit.unwrap_or(50));
    let (rows, next) =
        state.store.read(move |rx| authorizations::list(rx, &scope, filter, after, limit)).await?;
    AuthorizationPage::reply(rows, next.map(|it| state.cursors.after(LIST, &it)), filter, limit)
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
        ("If-Match" = String, Header, description = "The ETag of the authorization as you last read it.", example = "\"1.0a1b2c3d\""),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", min_length = 1, max_length = 255),
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
    body.check(|draft, flaws| NewClosing::check(draft, &state.policy, flaws));
    let asked = body.whole().map(|reason| ToClose { number, version, reason });
    let (view, principal, scopes) =
        (View::of(&state, &caller), Arc::clone(&caller.principal), caller.scopes());
    let may = move |it| scopes.contains(&it);
    let close = move |tx: &mut Tx<'_>, it| view.read(authorizations::close(tx, &principal, &it, may)?);
    state.write(&caller, key, asked, close).await
}
