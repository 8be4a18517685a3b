use actix_web::web::Data;
use actix_web::{HttpRequest, get};
use chrono::NaiveDate;
use kernel::{DiagnosisCode, FlawCode};
use registry::{Access, CodeQuery, Diagnosis, Error};
use serde::Serialize;
use store::Rx;
use utoipa::ToSchema;

use crate::caller::{Anyone, Caller};
use crate::query::Parameters;
use crate::reply::Reply;
use crate::{Problem, State};

/// Diagnosis codes, the best match first.
#[derive(Serialize, ToSchema)]
struct DiagnosisCodePage {
    data: Vec<DiagnosisCodeRow>,
    /// Always null: who doesn't find it among these asks more exactly.
    #[schema(required = true, value_type = Option<String>)]
    next_cursor: (),
}

/// A diagnosis code.
#[derive(Serialize, ToSchema)]
struct DiagnosisCodeRow {
    code: DiagnosisCode,
    /// What it means, in the words of ICD-10-CM.
    description: String,
    /// Whether it may be billed, which a request takes; headings may not.
    billable: bool,
    /// The first day of service on which it may be used.
    first_on: NaiveDate,
    /// The last one; null while no later release has ended it.
    #[schema(required = true)]
    last_on: Option<NaiveDate>,
}

/// Find diagnosis codes
///
/// By the beginning of a code, with or without its dot, and by words of the description or their beginnings (AUT-16); each
/// part of `q` must be found. The very code comes first, then codes that begin with `q`, then descriptions: those with more
/// of the words whole, codes that may be billed before headings, the shorter before the longer. Only codes that may be used
/// `on` that day.
#[utoipa::path(
    tag = "finders",
    security(("bearer" = [])),
    params(
        ("q" = String, Query, description = "A code or its beginning, words or their beginnings.", min_length = 1, max_length = 100, example = "e11.4"),
        ("on" = Option<NaiveDate>, Query, description = "The day of service; today where left out."),
        ("limit" = Option<u8>, Query, description = "At most so many; 20 where left out.", minimum = 1, maximum = 50),
    ),
    responses((status = 200, description = "The codes.", body = DiagnosisCodePage))
)]
#[get("/v1/diagnosis-codes")]
pub(crate) async fn list_diagnosis_codes(
    state: Data<State>,
    caller: Caller<Anyone>,
    request: HttpRequest,
) -> Result<Reply, Problem> {
    let mut sent = Parameters::of(&request);
    let (query, on, limit) = (query(&mut sent), sent.day("on"), sent.limit(20, 50));
    let query = sent.checked(query);
    let stamp =
        |rx: &mut Rx<'_>, _: &Access, query| Ok::<_, Error>((query, registry::code_stamp(rx)?, rx.today()));
    let (query, stamp, today) = state.read(&caller, query, stamp).await?;
    let patience = caller.since.rest(state.store.limit());
    let index = state.codes.index(&state.store, stamp, patience).await?;
    let found = index.search(&query, on.unwrap_or(today), limit.into());
    let data = found.into_iter().map(DiagnosisCodeRow::from).collect();
    Ok(Reply::of(&DiagnosisCodePage { data, next_cursor: () })?)
}

/// What is looked for.
fn query(sent: &mut Parameters) -> Option<CodeQuery> {
    let short = |it: &str| CodeQuery::parse(it).filter(|_| it.chars().count() <= 100);
    sent.must("q", FlawCode::Format, "1 to 100 characters, letters or digits among them", short)
}

impl From<&Diagnosis> for DiagnosisCodeRow {
    fn from(it: &Diagnosis) -> Self {
        Self {
            code: it.code.clone(),
            description: it.description.clone(),
            billable: it.billable,
            first_on: it.first_on,
            last_on: it.last_on,
        }
    }
}
