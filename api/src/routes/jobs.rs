//! What the service does on its own, for operators.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::{DateTime, Utc};
use kernel::FlawCode;
use serde::Serialize;
use store::{Error, Job, JobStatus, Rx};
use utoipa::ToSchema;

use crate::caller::{Caller, ReadsJobs};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The list, as its cursors name it.
const LIST: &str = "jobs";

/// A page of jobs, the oldest first.
#[derive(Serialize, ToSchema)]
struct JobPage {
    data: Vec<JobRow>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A job. For what it is isn't shown: it may name an authorization.
#[derive(Serialize, ToSchema)]
struct JobRow {
    #[schema(example = "job_0198c1f2a4b37c10a1b2c3d4e5f60718", pattern = "^job_[0-9a-f]{32}$")]
    id: String,
    /// What is to be done: `decide`, `deadlines`, `seal`, `purge` …
    #[schema(example = "decide")]
    kind: String,
    status: JobStatus,
    /// Since when it is there.
    created_at: DateTime<Utc>,
    /// It is not done before.
    run_at: DateTime<Utc>,
    /// How often it was begun since it was last finished.
    attempts: i32,
    /// Why it failed the last time: the name of a problem.
    #[schema(required = true)]
    failure: Option<String>,
    /// When it was last finished, if it is one that comes back.
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
    /// Which node does it.
    #[schema(required = true)]
    claimed_by: Option<String>,
    /// Until when no other node takes it.
    #[schema(required = true)]
    claimed_until: Option<DateTime<Utc>>,
}

/// See the service's jobs
///
/// What the service does on its own: decisions that could not be made in real time (AUT-24), and what comes back again and again. A
/// decision is gone from here once it is made.
#[utoipa::path(
    tag = "operators",
    security(("bearer" = ["jobs:read"])),
    params(
        ("kind" = Option<String>, Query, description = "Only those of this kind.", pattern = "^[a-z]{1,32}$"),
        ("limit" = Option<u8>, Query, description = "At most so many; 50 where left out.", minimum = 1, maximum = 200),
        ("cursor" = Option<String>, Query, description = "The `next_cursor` of the page before.", min_length = 1, max_length = 200),
    ),
    responses((status = 200, description = "A page.", body = JobPage,
        headers(("Link" = String, description = "The next page, as `rel=\"next\"`."))))
)]
#[get("/v1/jobs")]
pub(crate) async fn list_jobs(
    state: Data<State>,
    caller: Caller<ReadsJobs>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let mut sent = Parameters::of(&request);
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let word = |it: &str| {
        let plain = it.bytes().all(|it| it.is_ascii_lowercase());
        (plain && (1..=32).contains(&it.len())).then(|| it.to_owned())
    };
    let kind = sent.get("kind", FlawCode::Format, "the kind of a job", word);
    let after = sent.get("cursor", FlawCode::Format, "the next_cursor of a page", |it| {
        cursors.read(it, |place| Some(place.to_owned()))
    });
    let limit = usize::from(sent.limit(50, 200));
    let asked = sent.check().map(|()| (kind, after));
    let page = move |rx: &mut Rx<'_>, _: &_, (kind, after): (Option<String>, Option<String>)| {
        let most = i64::try_from(limit).unwrap_or(200) + 1;
        Ok::<_, Error>((rx.jobs(kind.as_deref(), after.as_deref(), most)?, rx.now()))
    };
    let (mut jobs, now) = state.read(&caller, asked, page).await?;
    let more = jobs.len() > limit;
    jobs.truncate(limit);
    let next_cursor = jobs.last().filter(|_| more).map(|it| cursors.after(&it.id));
    let link = next_cursor.as_ref().map(|it| sent.next("/v1/jobs", it));
    let data = jobs.into_iter().map(|it| JobRow::new(it, now)).collect();
    Ok(Reply::of(&JobPage { data, next_cursor })?.next(link))
}

impl JobRow {
    fn new(it: Job, now: DateTime<Utc>) -> Self {
        let status = it.status(now);
        let held = status == JobStatus::Running;
        Self {
            status,
            id: it.id,
            kind: it.kind,
            created_at: it.created_at.and_utc(),
            run_at: it.run_at.and_utc(),
            attempts: it.attempts,
            failure: it.failure,
            finished_at: it.finished_at.map(|it| it.and_utc()),
            claimed_by: it.claimed_by.filter(|_| held),
            claimed_until: it.claimed_until.filter(|_| held).map(|it| it.and_utc()),
        }
    }
}
