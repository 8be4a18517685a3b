//! The services, and their codes: what a form needs.

use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use authorizations::{AllowedCode, Policy, Service, ServicePolicy, Setting};
use chrono::NaiveDate;
use kernel::{CodeType, FlawCode, Modifier, ProcedureCode};
use registry::{Procedure, Topic, fold, procedures};
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::{Anyone, Caller};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// The services that may be asked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Services {
    data: Vec<ServiceBody>,
    /// The version of the policy in force.
    policy_version: String,
}

/// A service, and what a request for it must have.
#[derive(Serialize, ToSchema)]
struct ServiceBody {
    service: Service,
    /// How people call it.
    title: String,
    /// What kind of care it is (AUT-29).
    level_of_care: String,
    setting: Setting,
    /// Whether it is for My Care Family members only (AUT-14).
    my_care_family_only: bool,
    /// Whether it is a notification, of which each visit is a new one (AUT-15).
    notification: bool,
    /// How many units a request has, no more and no fewer; none where that is open.
    #[schema(required = true)]
    exact_units: Option<u32>,
    /// The words in the remarks by which one of the visits is the evaluation (AUT-19).
    #[schema(required = true)]
    evaluation_remark: Option<String>,
    /// The codes that it takes today (AUT-17).
    codes: Vec<ServiceCode>,
}

/// A code that a service takes, or which codes.
#[derive(Serialize, ToSchema)]
struct ServiceCode {
    code_type: CodeType,
    /// The code; any one of the topic, or of the set, where null.
    #[schema(required = true)]
    code: Option<ProcedureCode>,
    /// What the code must be for; GET /v1/procedure-codes lists such.
    #[schema(required = true)]
    topic: Option<Topic>,
    /// Its modifiers, exactly these; any where the code is null.
    modifiers: Vec<Modifier>,
    /// A service that the member must have as well, for overlapping dates.
    #[schema(required = true)]
    alongside: Option<Service>,
    /// What the code means, in the plan's words.
    #[schema(required = true)]
    description: Option<String>,
}

/// Codes of procedures.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProcedureCodes {
    data: Vec<ProcedureBody>,
    /// Always null: without `limit` all of them come.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A code of a procedure.
#[derive(Serialize, ToSchema)]
struct ProcedureBody {
    code_type: CodeType,
    code: ProcedureCode,
    /// What it means, in the plan's words.
    description: String,
    topic: Topic,
    /// The first day of service on which it may be used.
    first_on: NaiveDate,
    /// The last one, if it was ended.
    #[schema(required = true)]
    last_on: Option<NaiveDate>,
}

/// List the services
///
/// Every service that may be asked for (AUT-13), whose members may have it (AUT-14), and the codes that it takes (AUT-17):
/// what a form needs.
#[utoipa::path(tag = "finders", security(("bearer" = [])), responses((status = 200, description = "The services.", body = Services)))]
#[get("/v1/services")]
pub(crate) async fn list_services(state: Data<State>, caller: Caller<Anyone>) -> Result<Reply, Problem> {
    state.admit(&caller, Ok(())).await?;
    let (policy, today) = (state.policy(), state.today());
    let data = Service::ALL.iter().map(|it| ServiceBody::new(*it, policy.service(*it), today)).collect();
    Ok(Reply::of(&Services { data, policy_version: policy.version.clone() })?)
}

/// Find procedure codes
///
/// HCPCS level II codes of home health and home infusion, and revenue codes, by the beginning of the code or by words of the
/// description; of one service, those that it takes (AUT-17). CPT codes are known by their form only, and not listed.
#[utoipa::path(
    tag = "finders",
    security(("bearer" = [])),
    params(
        ("q" = Option<String>, Query, description = "The beginning of a code, or words of its description; all where left out.", min_length = 1, max_length = 100),
        ("service" = Option<Service>, Query, description = "Only those that this service takes."),
        ("on" = Option<NaiveDate>, Query, description = "Only those valid on this day; today where left out."),
        ("limit" = Option<u16>, Query, description = "At most so many; 500 where left out, which is all of them.", minimum = 1, maximum = 500),
    ),
    responses((status = 200, description = "The codes, by set and code.", body = ProcedureCodes))
)]
#[get("/v1/procedure-codes")]
pub(crate) async fn list_procedure_codes(
    state: Data<State>,
    caller: Caller<Anyone>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let found = found(&mut Parameters::of(&request), &state.policy(), state.today());
    let found = state.admit(&caller, found).await?;
    let data = found.into_iter().cloned().map(ProcedureBody::from).collect();
    Ok(Reply::of(&ProcedureCodes { data, next_cursor: None })?)
}

/// The codes that are looked for.
fn found(
    sent: &mut Parameters,
    policy: &Policy,
    today: NaiveDate,
) -> Result<Vec<&'static Procedure>, Problem> {
    let short = |it: &str| (1..=100).contains(&it.chars().count()).then(|| it.to_owned());
    let q = sent.get("q", FlawCode::Length, "1 to 100 characters", short);
    let service = sent.one_of("service", Service::ALL, Service::as_str);
    let (on, limit) = (sent.day("on").unwrap_or(today), sent.limit(500, 500));
    sent.check()?;
    let all: Vec<_> = match service {
        Some(it) => policy.service(it).procedures(on).collect(),
        None => procedures().iter().filter(|it| it.holds(on)).collect(),
    };
    let found = all.into_iter().filter(|it| q.as_ref().is_none_or(|q| is_found(it, q)));
    Ok(found.take(limit.into()).collect())
}

/// Whether the code begins like this, or each word of it begins a word of the description.
fn is_found(it: &Procedure, q: &str) -> bool {
    let (words, q) = (fold(&it.description), fold(q));
    let word = |q: &str| words.split(' ').any(|it| it.starts_with(q));
    let code = it.code.to_lowercase();
    // A revenue code is often written without its leading zero.
    let begins = code.starts_with(&q) || code.strip_prefix('0').is_some_and(|it| it.starts_with(&q));
    !q.is_empty() && (begins || q.split(' ').all(word))
}

impl ServiceBody {
    fn new(service: Service, it: &ServicePolicy, today: NaiveDate) -> Self {
        Self {
            service,
            title: it.title.clone(),
            level_of_care: it.level_of_care.clone(),
            setting: it.setting,
            my_care_family_only: it.my_care_family_only,
            notification: it.notification,
            exact_units: it.exact_units,
            evaluation_remark: it.evaluation_remark.clone(),
            codes: it.codes.iter().map(|it| ServiceCode::new(it, today)).collect(),
        }
    }
}

impl ServiceCode {
    fn new(it: &AllowedCode, today: NaiveDate) -> Self {
        let known = |known: &&Procedure| {
            known.code_type == it.code_type && Some(&known.code) == it.code.as_ref() && known.holds(today)
        };
        Self {
            code_type: it.code_type,
            code: it.code.clone(),
            topic: it.topic,
            modifiers: it.modifiers.clone(),
            alongside: it.alongside,
            description: procedures().iter().find(known).map(|it| it.description.clone()),
        }
    }
}

impl From<Procedure> for ProcedureBody {
    fn from(it: Procedure) -> Self {
        let Procedure { code_type, code, topic, first_on, last_on, description } = it;
        Self { code_type, code, description, topic, first_on, last_on }
    }
}
