use actix_web::post;
use actix_web::web::Data;
use kernel::{FlawCode, MemberId};
use registry::{Access, FoundMember, MemberPlace, MemberQuery, MemberSearch, Standing};
use serde::Serialize;
use store::Rx;
use utoipa::ToSchema;

use super::eligibility::CoverageBody;
use crate::body::{Body, Open};
use crate::caller::{Caller, SearchesMembers};
use crate::cursor::Mine;
use crate::reply::Reply;
use crate::{Problem, State, problem};

/// The list, as its cursors name it.
const LIST: &str = "members";

/// A page of members.
#[derive(Serialize, ToSchema)]
struct MemberPage {
    data: Vec<MemberRow>,
    /// Send it as `cursor`, with the same search, for the next page; null on the last one. It holds member data: keep it out
    /// of logs.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A member, as a search shows them: no more than it takes to choose the right one.
#[derive(Serialize, ToSchema)]
struct MemberRow {
    id: MemberId,
    /// First and last name.
    name: String,
    /// The year of birth.
    birth_year: i32,
    /// Where the coverage stands today.
    status: Standing,
    /// Whether the coverage has ended (AUT-02); a request for such a member is refused.
    terminated: bool,
    /// Today's coverage, else the next one, else the last one; null where there is none.
    #[schema(required = true)]
    coverage: Option<CoverageBody>,
}

/// Find members
///
/// By number, by what the last name begins with, or by day of birth: one of the three is enough (AUT-10). Ordered by last
/// name, first name and number. Members whose coverage has ended are found, too, and shown as such, with its first and last
/// day (AUT-02). It is a POST so that nothing about a member is in an address.
#[utoipa::path(
    tag = "finders",
    security(("bearer" = ["members:search"])),
    request_body(content = MemberSearch, description = "Whom to look for."),
    responses((status = 200, description = "A page.", body = MemberPage))
)]
#[post("/v1/members/search")]
pub(crate) async fn search_members(
    state: Data<State>,
    caller: Caller<SearchesMembers>,
    body: Body<MemberSearch>,
) -> Result<Reply, Problem> {
    let cursors = state.cursors.of(LIST, &caller.credential.login);
    let asked = body.open().and_then(|mut body| {
        let (query, after) = (body.check(MemberSearch::query), after(&cursors, &mut body));
        let limit = body.whole()?.limit.map_or(50, |it| it.get() as usize);
        Ok((query.ok_or_else(|| problem::INTERNAL.problem())?, after, limit))
    });
    let find = |rx: &mut Rx<'_>, _: &Access, (query, after, limit): (_, Option<MemberPlace>, _)| {
        let of_one = matches!(query, MemberQuery::Number(_)) && after.is_none();
        registry::find_members(rx, &query, after.as_ref(), limit).map(|found| (of_one, found))
    };
    let (of_one, (found, next)) = state.read(&caller, asked, find).await?;
    if of_one && found.is_empty() {
        state.missed(&caller).await;
    }
    let next_cursor = next.map(|it| cursors.after(&it));
    let data: Vec<_> = found.into_iter().map(MemberRow::from).collect();
    let subjects: Vec<_> = data.iter().map(|it| it.id.clone()).collect();
    Ok(Reply::of(&MemberPage { data, next_cursor })?.about(subjects))
}

/// Where the page begins.
fn after(cursors: &Mine, body: &mut Open<MemberSearch>) -> Option<MemberPlace> {
    body.check(|draft, flaws| {
        let after = cursors.read(draft.cursor.as_ref()?.as_ref()?, MemberPlace::parse);
        if after.is_none() {
            flaws.broken("AUT-10", "/cursor", FlawCode::Format, "Must be the next_cursor of a page.");
        }
        after
    })
}

impl From<FoundMember> for MemberRow {
    fn from(it: FoundMember) -> Self {
        Self {
            id: it.id,
            name: it.name,
            birth_year: it.birth_year,
            status: it.standing,
            terminated: it.standing == Standing::Terminated,
            coverage: it.coverage.map(CoverageBody::from),
        }
    }
}
