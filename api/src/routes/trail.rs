//! The trail: who did what, and who saw what.

use actix_web::web::Data;
use actix_web::{HttpRequest, get, post};
use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Count, FlawCode, MemberId, OneLine, PrincipalId, Scope, body};
use registry::Access;
use serde::Serialize;
use store::{Error, Rx, TrailEntry, TrailQuery};
use utoipa::ToSchema;

use crate::body::{Body, Open};
use crate::caller::{Caller, ReadsTrail};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "trail";

/// How much of the time is looked at, at most and where nothing is said.
const SPAN: TimeDelta = TimeDelta::days(31);

body! {
    /// Whose data, and when.
    pub(crate) struct TrailSearch {
        /// The member whose eligibility was looked up, or who was found.
        member_id: MemberId => "",
        /// At most so many; 50 where left out.
        limit: Option<Count<1, 200>> => "",
        /// The `next_cursor` of the page before.
        cursor: Option<OneLine<1, 200>> => "",
    }
}

/// A page of the trail, the latest first.
#[derive(Serialize, ToSchema)]
struct TrailPage {
    data: Vec<TrailRow>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// An entry of the trail.
#[derive(Serialize, ToSchema)]
struct TrailRow {
    /// Its id, which sorts by time.
    id: String,
    /// When it happened.
    at: DateTime<Utc>,
    /// Who: the id of a caller; `system`, `anonymous`, or `unknown` of a token whose holder isn't on record.
    actor: String,
    /// The program by which.
    client_id: String,
    /// The request's id, as in `X-Request-Id`.
    request_id: String,
    /// What was done (`authorization.decide`; the book lists all, under access), or the id of the operation that only read or was refused (`get_authorization`).
    action: String,
    /// To what, or of what; null where there is no one thing.
    #[schema(required = true)]
    subject: Option<String>,
    /// The ids of what a list showed.
    subjects: Vec<String>,
    /// The site that owns the subject, where that is known.
    #[schema(required = true)]
    site_id: Option<String>,
    /// `done` of what was done; `read`; else the slug of the problem with which it was refused (`/problems`).
    outcome: String,
    /// Why, where it was said.
    #[schema(required = true)]
    reason: Option<String>,
    /// The emergency access under which it was read.
    #[schema(required = true)]
    emergency_access: Option<String>,
}

/// What is asked of the trail, before it is known who asks.
struct Asked {
    subject: Option<String>,
    actor: Option<PrincipalId>,
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    after: Option<(DateTime<Utc>, String)>,
    limit: usize,
}

/// See who did what
///
/// Who did, saw or was refused what, by `subject` or by `actor`, the latest first; without either, what the caller did. Of at most 31
/// days, which are the last ones where nothing else is said. Everyone sees what they did themselves; a site's administrator what was done with what the site owns;
/// the plan's compliance officers all of it. A member's number stands in no address: POST /v1/trail/search takes it.
#[utoipa::path(
    tag = "access",
    security(("bearer" = [])),
    params(
        ("subject" = Option<String>, Query, description = "The id of what it was done to: an authorization's, a user's, any but a member's.", pattern = "^([0-9]{5}R[0-9]{5,}|[a-z]{2,4}_[0-9a-f]{32})$", max_length = 64),
        ("actor" = Option<PrincipalId>, Query, description = "The id of who did it."),
        ("from" = Option<DateTime<Utc>>, Query, description = "From this moment on."),
        ("to" = Option<DateTime<Utc>>, Query, description = "Before this moment."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = TrailPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/trail")]
pub(crate) async fn list_trail(
    state: Data<State>,
    caller: Caller<ReadsTrail>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let mut sent = Parameters::of(&request);
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let asked = asked(&mut sent, state.clock.now(), |it| cursors.read(it, place));
    let (rows, next) = state.read(&caller, sent.check().map(|()| asked), page).await?;
    let next = next.map(|it| cursors.after(&it));
    let link = next.as_ref().map(|it| sent.next("/v1/trail", it));
    Ok(TrailPage::reply(rows, next)?.next(link))
}

/// See who saw a member's data
///
/// The same entries, of the searches that found a member and the eligibility that was looked up. What was done with the member's
/// authorizations is found by their IDs.
#[utoipa::path(
    tag = "access",
    security(("bearer" = [])),
    request_body(content = TrailSearch, description = "Whose."),
    responses((status = 200, description = "A page.", body = TrailPage))
)]
#[post("/v1/trail/search")]
pub(crate) async fn search_trail(
    state: Data<State>,
    caller: Caller<ReadsTrail>,
    body: Body<TrailSearch>,
) -> Result<Reply, Problem> {
    let (cursors, now) = (state.cursors.of(LIST, &caller.credential.login), state.clock.now());
    let asked = body.open().and_then(|mut body| {
        let after = body.check(|draft, flaws| {
            let after = cursors.read(draft.cursor.as_ref()?.as_ref()?, place);
            if after.is_none() {
                flaws.broken("", "/cursor", FlawCode::Format, "Must be the next_cursor of a page.");
            }
            after
        });
        let it = Open::whole(body)?;
        let limit = it.limit.map_or(50, |it| it.get() as usize);
        let subject = Some(it.member_id.to_string());
        Ok(Asked { subject, actor: None, from: now - SPAN, to: now + TimeDelta::seconds(1), after, limit })
    });
    let (rows, next) = state.read(&caller, asked, page).await?;
    TrailPage::reply(rows, next.map(|it| cursors.after(&it)))
}

/// Where a page begins, as a cursor holds it.
fn place(text: &str) -> Option<(DateTime<Utc>, String)> {
    let (at, id) = text.split_once(' ')?;
    Some((at.parse().ok()?, id.to_owned()))
}

fn asked(
    sent: &mut Parameters,
    now: DateTime<Utc>,
    read: impl FnOnce(&str) -> Option<(DateTime<Utc>, String)>,
) -> Asked {
    let id = |it: &str| crate::trail::is_ours(it).then(|| it.to_owned());
    let subject = sent.get("subject", FlawCode::Format, "the id of an authorization, a user, a site …", id);
    let actor = sent.get("actor", FlawCode::Format, "the id of a user or a client", PrincipalId::parse);
    let moment = |it: &str| it.parse().ok();
    let to = sent.get("to", FlawCode::Format, "a moment, as 2026-12-01T15:00:00Z", moment);
    let to = to.unwrap_or(now + TimeDelta::seconds(1));
    let from = sent.get("from", FlawCode::Format, "a moment, as 2026-12-01T15:00:00Z", moment);
    let from = from.unwrap_or(to - SPAN);
    if to < from || to - from > SPAN {
        sent.wrong("to", FlawCode::Range, "Must be at most 31 days after from.");
    }
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", read);
    Asked { subject, actor, from, to, after, limit: sent.limit(50, 200).into() }
}

/// A page of what `who` may see: all of it, what was done with their sites' things, or what they did themselves.
fn page(rx: &mut Rx<'_>, who: &Access, it: Asked) -> Result<(Vec<TrailEntry>, Option<String>), Error> {
    let scope = who.scope(Scope::TrailRead);
    // Where neither is said it is about oneself.
    let actor = it.actor.or_else(|| it.subject.is_none().then(|| who.principal.id.clone()));
    let own = actor.as_ref() == Some(&who.principal.id);
    let sites = match scope.sites() {
        _ if own => None,
        sites => sites.map(|it| it.iter().map(ToString::to_string).collect()),
    };
    let actor = actor.as_ref().map(ToString::to_string);
    let Asked { subject, from, to, after, limit, .. } = it;
    let query = TrailQuery { subject, actor, sites, from, to, after };
    let mut rows = rx.trail(&query, limit + 1)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|it| format!("{} {}", it.at.to_rfc3339(), it.id));
    Ok((rows, next))
}

impl TrailPage {
    fn reply(rows: Vec<TrailEntry>, next_cursor: Option<String>) -> Result<Reply, Problem> {
        Ok(Reply::of(&Self { data: rows.into_iter().map(TrailRow::from).collect(), next_cursor })?)
    }
}

impl From<TrailEntry> for TrailRow {
    fn from(it: TrailEntry) -> Self {
        Self {
            id: it.id,
            at: it.at,
            actor: it.actor,
            client_id: it.client,
            request_id: it.request,
            action: it.action,
            subject: Some(it.subject).filter(|it| !it.is_empty()),
            subjects: it.subjects,
            site_id: it.site_id,
            outcome: it.outcome.unwrap_or_else(|| "done".to_owned()),
            reason: it.reason,
            emergency_access: it.emergency,
        }
    }
}
