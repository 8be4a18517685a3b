//! Lists of authorizations, by what may stand in a URL and by what may not.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use authorizations::{Error, Filter, RequestType, Status, Summary};
use chrono::NaiveDate;
use kernel::{Count, DiagnosisCode, Draft, FlawCode, MemberId, OneLine, Scope, SiteId, body, broken};
use registry::Access;
use store::{Number, Rx};
use validator::ValidationError;

use super::authorization_page::AuthorizationPage;
use crate::body::{Body, Open};
use crate::caller::{Caller, Lists};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "authorizations";

body! {
    /// What a list is narrowed to; all of it must hold.
    pub(crate) struct AuthorizationSearch where service_in_order, receipt_in_order {
        /// Only those for this member.
        member_id: Option<MemberId> => "AUT-30",
        /// Only those with this diagnosis, primary or not.
        diagnosis: Option<DiagnosisCode> => "AUT-30",
        /// Only those that this site owns, which is one of yours.
        site_id: Option<SiteId> => "AUT-30",
        /// Only those of this kind.
        r#type: Option<RequestType> => "AUT-30",
        /// Only those that stand here.
        status: Option<Status> => "AUT-30",
        /// Only those whose service ends on this day or later.
        service_from: Option<NaiveDate> => "AUT-30",
        /// Only those whose service starts on this day or earlier.
        service_to: Option<NaiveDate> => "AUT-30",
        /// Only those received on this day, in the plan's zone, or later.
        created_from: Option<NaiveDate> => "AUT-30",
        /// Only those received on this day, in the plan's zone, or earlier.
        created_to: Option<NaiveDate> => "AUT-30",
        /// At most so many; 50 where left out.
        limit: Option<Count<1, 200>> => "AUT-30",
        /// The `next_cursor` of the page before.
        cursor: Option<OneLine<1, 200>> => "AUT-30",
    }
}

fn service_in_order(it: &Draft<AuthorizationSearch>) -> Result<(), ValidationError> {
    in_order(it.service_from.flatten(), it.service_to.flatten(), "/service_to")
}

fn receipt_in_order(it: &Draft<AuthorizationSearch>) -> Result<(), ValidationError> {
    in_order(it.created_from.flatten(), it.created_to.flatten(), "/created_to")
}

/// What a span of days must be.
const BEFORE: &str = "Must not be before the day it begins at.";

fn in_order(from: Option<NaiveDate>, to: Option<NaiveDate>, at: &'static str) -> Result<(), ValidationError> {
    match from.zip(to) {
        Some((from, to)) if to < from => Err(broken("AUT-30", at, FlawCode::BeforeStart, BEFORE)),
        _ => Ok(()),
    }
}

/// List the authorizations of your sites
///
/// What your sites asked for, the newest number first, a page at a time (AUT-30); all of it for the plan's own staff. What
/// others asked for with your site as the servicing provider is found by its ID only. New ones that arrive while you page
/// change no later page. By member or diagnosis, which no URL may hold, POST /v1/authorizations/search finds them.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:read"])),
    params(
        ("site_id" = Option<SiteId>, Query, description = "Only those that this site owns, which is one of yours (AUT-09)."),
        ("type" = Option<RequestType>, Query, description = "Only those of this kind (AUT-01)."),
        ("status" = Option<Status>, Query, description = "Only those that stand here (AUT-34)."),
        ("service_from" = Option<NaiveDate>, Query, description = "Only those whose service ends on this day or later."),
        ("service_to" = Option<NaiveDate>, Query, description = "Only those whose service starts on this day or earlier."),
        ("created_from" = Option<NaiveDate>, Query, description = "Only those received on this day, in the plan's zone, or later."),
        ("created_to" = Option<NaiveDate>, Query, description = "Only those received on this day, in the plan's zone, or earlier."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
        ("Emergency-Access" = Option<String>, Header, description = "The emergency access under which it is read.", pattern = "^emg_[0-9a-f]{32}$"),
    ),
    responses((status = 200, description = "A page.", body = AuthorizationPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/authorizations")]
pub(crate) async fn list_authorizations(
    state: Data<State>,
    caller: Caller<Lists>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let mut sent = Parameters::of(&request);
    let (filter, limit) = (filter(&mut sent), sent.limit(50, 200));
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let read = |it: &str| cursors.read(it, Number::parse);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", read);
    let asked = sent.check().map(|()| (filter, after, limit));
    let (rows, next) = state.read(&caller, asked, page).await?;
    let next = next.map(|it| cursors.after(&it));
    let link = next.as_ref().map(|it| sent.next("/v1/authorizations", it));
    AuthorizationPage::reply(rows, next, link)
}

/// Search the authorizations of your sites
///
/// The same rows as the list, by member and diagnosis and every filter of it (AUT-30). The next page is the same search with
/// the `cursor` of the page before.
#[utoipa::path(
    tag = "authorizations",
    security(("bearer" = ["authorizations:read"])),
    params(("Emergency-Access" = Option<String>, Header, description = "The emergency access under which it is read.", pattern = "^emg_[0-9a-f]{32}$"),),
    request_body(content = AuthorizationSearch, description = "What to narrow it to."),
    responses((status = 200, description = "A page.", body = AuthorizationPage))
)]
#[post("/v1/authorizations/search")]
pub(crate) async fn search_authorizations(
    state: Data<State>,
    caller: Caller<Lists>,
    body: Body<AuthorizationSearch>,
) -> Result<Reply, Problem> {
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let asked = body.open().and_then(Open::whole).and_then(|it| {
        let read = |it: &str| cursors.read(it, Number::parse).ok_or_else(no_cursor);
        let after = it.cursor.as_deref().map(read).transpose()?;
        let limit = it.limit.as_ref().and_then(|it| u16::try_from(it.get()).ok()).unwrap_or(50);
        Ok((it.into(), after, limit))
    });
    let (rows, next) = state.read(&caller, asked, page).await?;
    AuthorizationPage::reply(rows, next.map(|it| cursors.after(&it)), None)
}

fn no_cursor() -> Problem {
    let mut flaws = kernel::Flaws::default();
    flaws.broken("AUT-30", "/cursor", FlawCode::Format, "Must be the next_cursor of a page.");
    Problem::invalid(flaws)
}

/// AUT-09: a page of what the caller's sites own, or one of them.
fn page(
    rx: &mut Rx<'_>,
    who: &Access,
    (filter, after, limit): (Filter, Option<Number>, u16),
) -> Result<(Vec<Summary>, Option<Number>), Error> {
    let scope = who.scope(Scope::AuthorizationsRead);
    if filter.site_id.as_ref().is_some_and(|it| !scope.sees(it)) {
        return Err(Error::SiteNotPermitted);
    }
    authorizations::list(rx, &scope, &filter, after, limit)
}

/// What the list is narrowed to.
fn filter(sent: &mut Parameters) -> Filter {
    let it = Filter {
        site_id: sent.get("site_id", FlawCode::Format, "a site's id", SiteId::parse),
        request_type: sent.one_of("type", RequestType::ALL, RequestType::as_str),
        status: sent.one_of("status", Status::ALL, Status::as_str),
        service_from: sent.day("service_from"),
        service_to: sent.day("service_to"),
        created_from: sent.day("created_from"),
        created_to: sent.day("created_to"),
        ..Filter::default()
    };
    for (from, to, name) in
        [(it.service_from, it.service_to, "service_to"), (it.created_from, it.created_to, "created_to")]
    {
        if from.zip(to).is_some_and(|(from, to)| to < from) {
            sent.wrong(name, FlawCode::BeforeStart, BEFORE);
        }
    }
    it
}

impl From<AuthorizationSearch> for Filter {
    fn from(it: AuthorizationSearch) -> Self {
        let AuthorizationSearch { member_id, diagnosis, site_id, status, .. } = it;
        let AuthorizationSearch { service_from, service_to, created_from, created_to, .. } = it;
        let request_type = it.r#type;
        Self {
            site_id,
            member_id,
            diagnosis,
            request_type,
            status,
            service_from,
            service_to,
            created_from,
            created_to,
        }
    }
}
