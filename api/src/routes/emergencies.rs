//! Emergency access: opened by whoever needs it, reviewed by compliance.

use access::{Error, NewEmergency, NewReview, ToOpen, ToReview};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, get, post};
use chrono::{DateTime, Utc};
use kernel::{FlawCode, Flaws, MemberId, PrincipalId};
use registry::{Access, Emergency, EmergencyId, EmergencyReason, EmergencyStatus, Finding};
use serde::Serialize;
use store::{Rx, Tx};
use utoipa::ToSchema;

use super::asked::Asked;
use crate::body::Body;
use crate::caller::{Caller, ListsEmergencies, OpensEmergency, ReadsEmergency, ReviewsEmergencies};
use crate::headers::Once;
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "emergency-access";

/// A page of emergency accesses, the latest first.
#[derive(Serialize, ToSchema)]
struct EmergencyPage {
    data: Vec<EmergencyBody>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// An emergency access.
#[derive(Serialize, ToSchema)]
struct EmergencyBody {
    /// Its id, to be sent as `Emergency-Access` with each read under it.
    id: EmergencyId,
    /// Who opened it.
    opened_by: PrincipalId,
    /// Whose records it opens.
    member_id: MemberId,
    status: EmergencyStatus,
    reason_code: EmergencyReason,
    /// Why, in words.
    reason: String,
    /// When it was opened.
    opened_at: DateTime<Utc>,
    /// When it ends.
    ends_at: DateTime<Utc>,
    /// What its review came to; null until then.
    #[schema(required = true)]
    review: Option<ReviewBody>,
    /// How often it was changed, from 1.
    #[schema(minimum = 1)]
    version: i32,
}

/// A review.
#[derive(Serialize, ToSchema)]
struct ReviewBody {
    /// Who reviewed it.
    reviewed_by: PrincipalId,
    /// When.
    reviewed_at: DateTime<Utc>,
    finding: Finding,
}

/// Open a member's records in an emergency
///
/// For an hour the caller reads the authorizations and the eligibility of one member, whoever owns them and whatever the caller's
/// roles, by sending the id of this answer as `Emergency-Access` (45 CFR 164.312(a)(2)(ii)). Nothing can be changed under it. It takes
/// a recent and strong login, and is for people only. Compliance is told at once and reviews it by the end of the next business day;
/// until then the same caller opens none for the same member again.
#[utoipa::path(
    tag = "access",
    security(("bearer" = [])),
    params(("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$")),
    request_body(content = NewEmergency, description = "Whose, and why."),
    responses((status = 201, description = "It is open.", body = EmergencyBody,
        headers(("Location" = String, description = "The emergency access."), ("ETag" = String, description = "Its version."))))
)]
#[post("/v1/emergency-access")]
pub(crate) async fn open_emergency_access(
    state: Data<State>,
    caller: Caller<OpensEmergency>,
    once: Once,
    body: Body<NewEmergency>,
) -> Result<Reply, Problem> {
    state.misses.pass(&caller.credential.login)?;
    let zone = state.zone;
    let check = move |draft: &_, facts, flaws: &mut Flaws| ToOpen::check(draft, facts, zone, flaws);
    let open = |tx: &mut Tx<'_>, who: &Access, it| {
        let it = access::open_emergency(tx, who, it)?;
        let location = format!("/v1/emergency-access/{}", it.id);
        Ok::<_, Error>(EmergencyBody::reply(it, tx.now())?.created(location))
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    let answer = asked.answered(ToOpen::gather, check, open).await;
    // Who guesses numbers here is stopped as anywhere (I-14).
    if answer.as_ref().is_err_and(|it| it.has(FlawCode::UnknownMember)) {
        state.missed(&caller).await;
    }
    answer
}

/// List emergency accesses
///
/// The latest first: the caller's own; for the plan's compliance officers all of them.
#[utoipa::path(
    tag = "access",
    security(("bearer" = [])),
    params(
        ("reviewed" = Option<bool>, Query, description = "`false`: only those that wait for their review."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = EmergencyPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/emergency-access")]
pub(crate) async fn list_emergency_accesses(
    state: Data<State>,
    caller: Caller<ListsEmergencies>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let (mut sent, cursors) = (Parameters::of(&request), state.cursors.of(LIST, &caller.credential.login));
    let unreviewed = sent.get("reviewed", FlawCode::OneOf, "true or false", |it| match it {
        "true" => Some(false),
        "false" => Some(true),
        _ => None,
    });
    let (limit, now) = (sent.limit(50, 200), state.clock.now());
    let read = |it: &str| cursors.read(it, EmergencyId::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", read);
    let list = move |rx: &mut Rx<'_>, who: &Access, after: Option<EmergencyId>| {
        access::list_emergencies(rx, who, unreviewed == Some(true), after.as_ref(), limit)
    };
    let (found, next) = state.read(&caller, sent.check().map(|()| after), list).await?;
    let next_cursor = next.map(|it| cursors.after(&it));
    let link = next_cursor.as_ref().map(|it| sent.next("/v1/emergency-access", it));
    let subjects: Vec<_> = found.iter().map(|it| it.id.clone()).collect();
    let data = found.into_iter().map(|it| EmergencyBody::of(it, now)).collect();
    Ok(Reply::of(&EmergencyPage { data, next_cursor })?.next(link).about(subjects))
}

/// Find an emergency access by its ID
///
/// For whoever opened it, and for the plan's compliance officers. To anyone else it isn't there.
#[utoipa::path(
    tag = "access",
    security(("bearer" = [])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^emg_[0-9a-f]{32}$", example = "emg_0198c1f2a4b37c10a1b2c3d4e5f60741"),
        ("If-None-Match" = Option<String>, Header, description = "An ETag; 304 if it is still the one in force."),
    ),
    responses(
        (status = 200, description = "The emergency access.", body = EmergencyBody, headers(("ETag" = String, description = "Its version."))),
        (status = 304, description = "It is as you have it."),
    )
)]
#[get("/v1/emergency-access/{id}")]
pub(crate) async fn get_emergency_access(
    state: Data<State>,
    caller: Caller<ReadsEmergency>,
    id: Path<String>,
) -> Result<Reply, Problem> {
    let find = |rx: &mut Rx<'_>, who: &Access, id| {
        EmergencyBody::reply(access::find_emergency(rx, who, &id)?, rx.now())
    };
    let id = EmergencyId::parse(&id).ok_or_else(|| Problem::from(Error::EmergencyNotFound));
    state.read(&caller, id, find).await
}

/// Review an emergency access
///
/// Compliance says whether it was needed, and used for what it was opened for. No one reviews their own, under whatever login.
#[utoipa::path(
    tag = "access",
    security(("bearer" = ["trail:read"])),
    params(
        ("id" = String, Path, description = "Its ID.", pattern = "^emg_[0-9a-f]{32}$", example = "emg_0198c1f2a4b37c10a1b2c3d4e5f60741"),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 visible ASCII characters; required for system clients.", pattern = "^[!-~]{1,255}$"),
    ),
    request_body(content = NewReview, description = "What it came to."),
    responses((status = 200, description = "The emergency access, reviewed.", body = EmergencyBody, headers(("ETag" = String, description = "Its version."))))
)]
#[post("/v1/emergency-access/{id}/review")]
pub(crate) async fn review_emergency_access(
    state: Data<State>,
    caller: Caller<ReviewsEmergencies>,
    id: Path<String>,
    once: Once,
    body: Body<NewReview>,
) -> Result<Reply, Problem> {
    let id = EmergencyId::parse(&id);
    let gather = move |rx: &mut Rx<'_>, who: &Access, _: &_| ToReview::gather(rx, who, id.as_ref());
    let review = |tx: &mut Tx<'_>, who: &Access, it: ToReview| {
        EmergencyBody::reply(access::review_emergency(tx, who, &it)?, tx.now())
    };
    let asked = Asked { state: &state, caller: &caller, once, body };
    asked.answered(gather, ToReview::check, review).await
}

impl EmergencyBody {
    /// The answer that shows `it` at `now`.
    fn reply(it: Emergency, now: DateTime<Utc>) -> Result<Reply, Error> {
        let (id, version) = (it.id.clone(), it.version());
        Ok(Reply::versioned(version, &Self::of(it, now))?.about([id]))
    }

    fn of(it: Emergency, now: DateTime<Utc>) -> Self {
        let review = |(reviewed_by, reviewed_at, finding)| ReviewBody { reviewed_by, reviewed_at, finding };
        Self {
            status: it.status(now),
            version: it.version(),
            id: it.id,
            opened_by: it.principal_id,
            member_id: it.member_id,
            reason_code: it.reason_code,
            reason: it.reason,
            opened_at: it.opened_at,
            ends_at: it.ends_at,
            review: it.review.map(review),
        }
    }
}
