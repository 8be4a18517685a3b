//! The deadlines of all domains, for the plan's people.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::{DateTime, Utc};
use kernel::{FlawCode, Scope, SiteId};
use registry::Access;
use serde::Serialize;
use store::{Basis, DeadlineQuery, DeadlineStatus, Error, KeptDeadline, Rx};
use utoipa::ToSchema;

use crate::caller::{Caller, ReadsDeadlines};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "deadlines";

/// A page of deadlines, the soonest first.
#[derive(Serialize, ToSchema)]
struct DeadlinePage {
    data: Vec<DeadlineRow>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A promise to do something by a time. It is counted once, when it is opened, and never again.
#[derive(Serialize, ToSchema)]
struct DeadlineRow {
    #[schema(example = "ddl_0198c1f2a4b37c10a1b2c3d4e5f60719", pattern = "^ddl_[0-9a-f]{32}$")]
    id: String,
    /// What must be done: the ID of an authorization to be decided, of an emergency access to be reviewed.
    #[schema(example = "26335R00001")]
    subject: String,
    /// The site that owns the subject, if one does.
    #[schema(required = true, value_type = Option<SiteId>)]
    site_id: Option<String>,
    /// The rule that sets the time: an ID of `docs/rules.md`.
    #[schema(example = "FED-02")]
    rule: String,
    basis: Basis,
    status: DeadlineStatus,
    /// Since when it runs.
    opened_at: DateTime<Utc>,
    /// When it runs out.
    due_at: DateTime<Utc>,
    /// When it was met, in time or late.
    #[schema(required = true)]
    met_at: Option<DateTime<Utc>>,
}

/// See deadlines
///
/// What the plan has promised to do by when, the soonest first: decisions (FED-01, FED-02), reviews of emergency accesses. The clock
/// of a decision runs on while a request pends (FED-04). A day before one runs out there is an event `deadline.due`, and once it
/// has, `deadline.missed`.
#[utoipa::path(
    tag = "deadlines",
    security(("bearer" = ["deadlines:read"])),
    params(
        ("status" = Option<DeadlineStatus>, Query, description = "Only those that stand here."),
        ("rule" = Option<String>, Query, description = "Only those that this rule sets.", pattern = "^[A-Z]{1,3}-[0-9]{1,2}$"),
        ("subject" = Option<String>, Query, description = "Only those of this subject.", pattern = "^([0-9]{5}R[0-9]{5,}|[a-z]{2,4}_[0-9a-f]{32})$", max_length = 64),
        ("due_before" = Option<DateTime<Utc>>, Query, description = "Only those that run out before this moment."),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = DeadlinePage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/deadlines")]
pub(crate) async fn list_deadlines(
    state: Data<State>,
    caller: Caller<ReadsDeadlines>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let mut sent = Parameters::of(&request);
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let query = query(&mut sent, |it| cursors.read(it, place));
    let limit = usize::from(sent.limit(50, 200));
    let page = move |rx: &mut Rx<'_>, who: &Access, query: DeadlineQuery| {
        let scope = who.scope(Scope::DeadlinesRead);
        let sites = scope.sites().map(|it| it.iter().map(ToString::to_string).collect());
        let query = DeadlineQuery { sites, ..query };
        let most = i64::try_from(limit).unwrap_or(200) + 1;
        Ok::<_, Error>((rx.deadlines(&query, most)?, rx.now()))
    };
    let (mut found, now) = state.read(&caller, sent.check().map(|()| query), page).await?;
    let more = found.len() > limit;
    found.truncate(limit);
    let next =
        found.last().filter(|_| more).map(|it| format!("{} {}", it.due_at.and_utc().to_rfc3339(), it.id));
    let next_cursor = next.map(|it| cursors.after(&it));
    let link = next_cursor.as_ref().map(|it| sent.next("/v1/deadlines", it));
    let about: Vec<_> = found.iter().map(|it| it.subject.clone()).collect();
    let data = found.into_iter().map(|it| DeadlineRow::new(it, now)).collect();
    Ok(Reply::of(&DeadlinePage { data, next_cursor })?.next(link).about(about))
}

fn query(sent: &mut Parameters, read: impl FnOnce(&str) -> Option<(DateTime<Utc>, String)>) -> DeadlineQuery {
    let rule = |it: &str| {
        let (letters, digits) = it.split_once('-')?;
        let right = (1..=3).contains(&letters.len())
            && letters.bytes().all(|it| it.is_ascii_uppercase())
            && (1..=2).contains(&digits.len())
            && digits.bytes().all(|it| it.is_ascii_digit());
        right.then(|| it.to_owned())
    };
    let id = |it: &str| crate::trail::is_ours(it).then(|| it.to_owned());
    DeadlineQuery {
        status: sent.one_of("status", DeadlineStatus::ALL, DeadlineStatus::as_str),
        rule: sent.get("rule", FlawCode::Format, "the ID of a rule, as FED-02", rule),
        subject: sent.get("subject", FlawCode::Format, "the id of what must be done", id),
        due_before: sent.instant("due_before"),
        sites: None,
        after: sent.get("cursor", FlawCode::Format, "the next_cursor of a page", read),
    }
}

/// Where a page begins, as a cursor holds it.
fn place(text: &str) -> Option<(DateTime<Utc>, String)> {
    let (at, id) = text.split_once(' ')?;
    Some((at.parse().ok()?, id.to_owned()))
}

impl DeadlineRow {
    fn new(it: KeptDeadline, now: DateTime<Utc>) -> Self {
        Self {
            status: it.status(now),
            id: it.id,
            subject: it.subject,
            site_id: it.site_id,
            rule: it.rule,
            basis: it.basis,
            opened_at: it.opened_at.and_utc(),
            due_at: it.due_at.and_utc(),
            met_at: it.met_at.map(|it| it.and_utc()),
        }
    }
}
