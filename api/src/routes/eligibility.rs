//! Whether a member is covered, by what, and what is left of it.

use actix_web::post;
use actix_web::web::Data;
use authorizations::{Balance, Error, Service};
use chrono::{Datelike, NaiveDate};
use kernel::{FlawCode, MemberId, body};
use registry::{Access, Coverage, Member, Standing};
use serde::Serialize;
use store::Rx;
use utoipa::ToSchema;

use super::party_body::PcpBody;
use crate::body::{Body, Open};
use crate::caller::{Caller, ReadsEligibility};
use crate::reply::Reply;
use crate::{Problem, State};

body! {
    /// Whose eligibility, and when.
    pub(crate) struct EligibilityQuestion {
        /// The member's number.
        member_id: MemberId => "AUT-37",
        /// The day; today where left out.
        on: Option<NaiveDate> => "AUT-37",
    }
}

/// A member's eligibility on a day (AUT-37).
#[derive(Serialize, ToSchema)]
pub(crate) struct Eligibility {
    member: EligibleMember,
    /// The day that it is about.
    on: NaiveDate,
    /// Whether the member is covered on that day.
    eligible: bool,
    /// Where the coverage stands on that day.
    status: Standing,
    /// The coverage of that day; else the next one, or the last one before it (AUT-02).
    #[schema(required = true)]
    coverage: Option<CoverageBody>,
    /// The primary care provider.
    #[schema(required = true)]
    pcp: Option<PcpBody>,
    /// The benefit of each service; none where the member isn't covered on that day.
    benefits: Vec<BenefitBody>,
}

/// A member, as far as a look-up tells.
#[derive(Serialize, ToSchema)]
struct EligibleMember {
    id: MemberId,
    /// First and last name.
    name: String,
    /// The year of birth.
    birth_year: i32,
}

/// A span of coverage.
#[derive(Serialize, ToSchema)]
pub(super) struct CoverageBody {
    /// The product, by name.
    product: String,
    /// Whether it is My Care Family, for whose members some services are (AUT-14).
    my_care_family: bool,
    /// The first day.
    effective_date: NaiveDate,
    /// The last day; none where it is open-ended.
    #[schema(required = true)]
    termination_date: Option<NaiveDate>,
}

/// The benefit of a service, in the calendar year of the day that it is about. A request counts in the year that it starts in.
#[derive(Serialize, ToSchema)]
struct BenefitBody {
    service: Service,
    /// Whether the product covers it; what isn't covered is asked for by fax (AUT-06).
    covered: bool,
    /// Units or visits in the year; none where there is no limit.
    #[schema(required = true)]
    limit: Option<i32>,
    /// Units used, as claims say.
    used: i32,
    /// Units granted and not yet used.
    authorized: i32,
    /// Units that may still be granted; none where there is no limit. More is asked for by fax (AUT-06).
    #[schema(required = true)]
    remaining: Option<i32>,
}

/// Look up a member's eligibility
///
/// The product, the primary care provider with its site, the dates of coverage, and the benefit of each service: covered or
/// not, limit, used, granted, remaining (AUT-37). A terminated member is shown as such, with the dates (AUT-02). The benefit
/// year is the calendar year.
#[utoipa::path(
    tag = "finders",
    security(("bearer" = ["eligibility:read"])),
    params(("Emergency-Access" = Option<String>, Header, description = "The emergency access under which it is read.", pattern = "^emg_[0-9a-f]{32}$"),),
    request_body(content = EligibilityQuestion, description = "Whose, and when."),
    responses((status = 200, description = "The member's eligibility.", body = Eligibility))
)]
#[post("/v1/members/eligibility")]
pub(crate) async fn get_eligibility(
    state: Data<State>,
    caller: Caller<ReadsEligibility>,
    body: Body<EligibilityQuestion>,
) -> Result<Reply, Problem> {
    let asked = body.open().and_then(Open::whole);
    let Some(found) = state.read(&caller, asked, look_up).await? else {
        state.missed(&caller).await;
        return Err(unknown());
    };
    Ok(Reply::of(&found)?.about([&found.member.id]))
}

/// What there is to tell of a member; in an emergency, of the one that it is for.
fn look_up(
    rx: &mut Rx<'_>,
    who: &Access,
    EligibilityQuestion { member_id, on }: EligibilityQuestion,
) -> Result<Option<Eligibility>, Error> {
    if who.emergency().is_some_and(|it| it.1 != member_id) {
        return Ok(None);
    }
    let on = on.unwrap_or(rx.today());
    let Some(member) = registry::member(rx, &member_id, "")? else { return Ok(None) };
    let benefits = authorizations::benefits(rx, &member, on)?;
    Ok(Some(Eligibility::new(member, on, benefits)))
}

fn unknown() -> Problem {
    let mut flaws = kernel::Flaws::default();
    flaws.broken("AUT-37", "/member_id", FlawCode::UnknownMember, "Is not a member of the plan.");
    Problem::invalid(flaws)
}

impl Eligibility {
    fn new(it: Member, on: NaiveDate, benefits: Vec<Balance>) -> Self {
        let (status, coverage) = Standing::of(it.coverages, on);
        Self {
            on,
            eligible: status == Standing::Active,
            status,
            coverage: coverage.map(CoverageBody::from),
            member: EligibleMember { id: it.id, name: it.name, birth_year: it.date_of_birth.year() },
            pcp: it.pcp.map(|it| authorizations::PcpParty::from(it).into()),
            benefits: benefits.into_iter().map(BenefitBody::from).collect(),
        }
    }
}

impl From<Coverage> for CoverageBody {
    fn from(Coverage { product, my_care_family, first_on, last_on, .. }: Coverage) -> Self {
        Self { product, my_care_family, effective_date: first_on, termination_date: last_on }
    }
}

impl From<Balance> for BenefitBody {
    fn from(it: Balance) -> Self {
        let remaining = it.remaining();
        let Balance { service, covered, limit, used, authorized } = it;
        Self { service, covered, limit: limit.filter(|_| covered), used, authorized, remaining }
    }
}
