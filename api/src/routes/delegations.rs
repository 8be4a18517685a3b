use access::{Error, NewApproval, NewDelegation, NewReason, ToDelegate, ToSettle};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, post};
use kernel::{Draft, FlawCode, SiteId};
use registry::{Access, Delegation, GrantId};
use store::{Rx, Tx};

use super::asked::Asked;
use super::user_body::{DelegationBody, DelegationPage};
use super::user_moves::reason;
use crate::body::Body;
use crate::caller::{Caller, ListsUsers, ReadsUsers, RecordsDelegations};
use crate::headers::{IfMatch, Once};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "delegations";

/// List who acts for your sites
///
/// Agents on record, now or before, by the delegation's id, a page at a time (ENR-10): all of them for the plan's administrators and
/// compliance, those of its sites for a site's administrator and provider relations.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:read"])),
    params(
        ("site_id" = Option<SiteId>, Query, description = "Only those who act for this site, which is one of yours (AUT-09)."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = DelegationPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/delegations")]
pub(crate) async fn list_delegations(
    state: Data<State>,
    caller: Caller<ListsUsers>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let (mut sent, cursors) = (Parameters::of(&request), state.cursors.of(LIST, &caller.credential.login));
    let site = sent.get("site_id", FlawCode::Format, "a site's id", SiteId::parse);
    let limit = sent.limit(50, 200);
    let read = |it: &str| cursors.read(it, GrantId::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", read);
    let asked = sent.check().map(|()| (site, after, limit));
    let (data, next) = state.read(&caller, asked, page).await?;
    let next_cursor = next.map(|it| cursors.after(&it));
    let link = next_cursor.as_ref().map(|it| sent.next("/v1/delegations", it));
    Ok(Reply::of(&DelegationPage { data, next_cursor })?.next(link))
}

fn page(
    rx: &mut Rx<'_>,
    who: &Access,
    (site, after, limit): (Option<SiteId>, Option<GrantId>, u16),
) -> Result<(Vec<DelegationBody>, Option<GrantId>), Error> {
    let (found, next) = access::list_delegations(rx, who, site.as_ref(), after.as_ref(), limit)?;
    let day = rx.today();
    Ok((found.into_iter().map(|it| DelegationBody::of(it, day)).collect(), next))
}

/// Put an agent on record
///
/// Who acts for a site from outside of it, from when to when, and in writing (ENR-10): a site's administrator says so for its own
/// sites, here (`portal`); the plan's people enter what came by `form` or by `letter`, and where the paper is kept. What one of the
/// plan's administrators enters, another approves by POST /v1/delegations/{id}/approve. By word of mouth no one is put on record. An agent without a delegation in force is refused, and an agent names no others.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["delegations:update"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$")),
    request_body(content = NewDelegation, description = "Who, for which site, from when to when."),
    responses((status = 201, description = "On record; `requested`, where another person approves it.", body = DelegationBody,
        headers(("Location" = String, description = "The delegation."), ("ETag" = String, description = "Its version."))))
)]
#[post("/v1/delegations")]
pub(crate) async fn record_delegation(
    state: Data<State>,
    caller: Caller<RecordsDelegations>,
    once: Once,
    body: Body<NewDelegation>,
) -> Result<Reply, Problem> {
    let request = caller.actor().request.to_string();
    let gather = move |rx: &mut Rx<'_>, who: &Access, draft: &_| ToDelegate::gather(rx, who, draft, request);
    let record = |tx: &mut Tx<'_>, who: &Access, it| recorded(access::record_delegation(tx, who, it)?, tx);
    let asked = Asked { state: &state, caller: &caller, once, body };
    asked.answered(gather, ToDelegate::check, record).await
}

fn recorded(it: Delegation, tx: &Tx<'_>) -> Result<Reply, Error> {
    let location = format!("/v1/delegations/{}", it.grant.id);
    Ok(DelegationBody::reply(it, tx.today())?.created(location))
}

/// Find a delegation by its ID
///
/// For those who see the site's users (ENR-10). To anyone else it isn't there.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["users:read"])),
    params(
        ("id" = String, Path, description = "The delegation's ID.", pattern = "^grt_[0-9a-f]{32}$", example = "grt_0198c1f2a4b37c10a1b2c3d4e5f60731"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force."),
    ),
    responses(
        (status = 200, description = "The delegation.", body = DelegationBody,
            headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is as you have it."),
    )
)]
#[get("/v1/delegations/{id}")]
pub(crate) async fn get_delegation(
    state: Data<State>,
    caller: Caller<ReadsUsers>,
    id: Path<String>,
) -> Result<Reply, Problem> {
    let find = |rx: &mut Rx<'_>, who: &Access, id| {
        DelegationBody::reply(access::find_delegation(rx, who, &id)?, rx.today())
    };
    let id = GrantId::parse(&id).ok_or_else(|| Problem::from(Error::DelegationNotFound));
    state.read(&caller, id, find).await
}

/// Approve a delegation
///
/// The plan's administrators approve what another of them entered from paper: not the one who entered it, nor the agent, under
/// whatever login. It is in force at the next request, or from its first day (ENR-10).
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["delegations:update"])),
    params(
        ("id" = String, Path, description = "The delegation's ID.", pattern = "^grt_[0-9a-f]{32}$", example = "grt_0198c1f2a4b37c10a1b2c3d4e5f60731"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the delegation as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewApproval, description = "Nothing, or why."),
    responses((status = 200, description = "Approved.", body = DelegationBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/delegations/{id}/approve")]
pub(crate) async fn approve_delegation(
    state: Data<State>,
    caller: Caller<RecordsDelegations>,
    id: Path<String>,
    read: IfMatch,
    once: Once,
    body: Body<NewApproval>,
) -> Result<Reply, Problem> {
    let id = GrantId::parse(&id);
    let gather =
        move |rx: &mut Rx<'_>, who: &Access, _: &Draft<NewApproval>| ToSettle::gather(rx, who, id.as_ref());
    let check = |draft: &Draft<NewApproval>, it: ToSettle, _: &mut _| {
        Some(it.because(draft.reason.as_ref()?.as_ref().map(|it| it.to_string())))
    };
    let approve = |tx: &mut Tx<'_>, who: &Access, it: ToSettle, at| {
        DelegationBody::reply(access::approve_delegation(tx, who, it.at(at))?, tx.today())
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    asked.answered_at(read, gather, check, approve).await
}

/// End a delegation
///
/// From the next request on the agent acts for the site no more (ENR-10). A site's administrator and provider relations end those of
/// their sites, the plan's administrators any. One that waits to be approved ends, too.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["delegations:update"])),
    params(
        ("id" = String, Path, description = "The delegation's ID.", pattern = "^grt_[0-9a-f]{32}$", example = "grt_0198c1f2a4b37c10a1b2c3d4e5f60731"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
        ("If-Match" = Option<String>, Header, description = "The ETag of the delegation as you last read it; where it is left out, whatever is there is changed.", pattern = "^\"[0-9]{1,9}[.][0-9A-Fa-f]{8}\"$", example = "\"1.0a1b2c3d\""),
    ),
    request_body(content = NewReason, description = "Why."),
    responses((status = 200, description = "Ended.", body = DelegationBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/delegations/{id}/end")]
pub(crate) async fn end_delegation(
    state: Data<State>,
    caller: Caller<RecordsDelegations>,
    id: Path<String>,
    read: IfMatch,
    once: Once,
    body: Body<NewReason>,
) -> Result<Reply, Problem> {
    let id = GrantId::parse(&id);
    let gather =
        move |rx: &mut Rx<'_>, who: &Access, _: &Draft<NewReason>| ToSettle::gather(rx, who, id.as_ref());
    let check = |draft: &Draft<NewReason>, it: ToSettle, _: &mut _| Some(it.because(Some(reason(draft)?)));
    let end = |tx: &mut Tx<'_>, who: &Access, it: ToSettle, at| {
        DelegationBody::reply(access::end_delegation(tx, who, it.at(at))?, tx.today())
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    asked.answered_at(read, gather, check, end).await
}
