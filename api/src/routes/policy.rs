//! The policy that rules, for the plan's people.

use std::collections::BTreeMap;

use actix_web::get;
use actix_web::web::Data;
use authorizations::{Outcome, Policies, Policy, Row, Verdict};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;

use crate::caller::{Caller, ReadsPolicy};
use crate::reply::Reply;
use crate::{Problem, State};

/// The policy in force (FED-05: it neither denies nor grants less than was asked).
#[derive(Serialize, ToSchema)]
pub(crate) struct PolicyBody {
    /// Its name in every decision that it makes.
    version: String,
    /// The first day of receipt on which it rules.
    in_force_from: NaiveDate,
    /// Every version that there is, the earliest in force first.
    versions: Vec<PolicyVersion>,
    /// The table: the first row whose conditions all hold decides.
    rows: Vec<PolicyRow>,
    /// Groups of diagnoses, each the beginnings of their codes.
    diagnosis_groups: BTreeMap<String, Vec<String>>,
    /// Why the plan's people decide as they do: for each outcome the codes that they may give, and what each means.
    decide_reasons: BTreeMap<Verdict, BTreeMap<String, String>>,
    /// Why a request may be closed: each code, and what it means.
    close_reasons: BTreeMap<String, String>,
}

/// A version of the policy.
#[derive(Serialize, ToSchema)]
struct PolicyVersion {
    /// Its name.
    version: String,
    /// The first day of receipt on which it rules.
    in_force_from: NaiveDate,
}

/// A row of the policy's table.
#[derive(Serialize, ToSchema)]
struct PolicyRow {
    /// Its name in every decision that it makes.
    #[schema(example = "snc-usual")]
    id: String,
    /// Its conditions, a sentence each; none where it always holds.
    conditions: Vec<String>,
    outcome: Outcome,
    /// Why, in a word that a program can compare.
    reason_code: String,
    /// Why, in a sentence.
    reason: String,
    /// The rule that it rests on, if one does: an ID of `docs/rules.md`.
    #[schema(required = true)]
    rule: Option<String>,
}

/// See the policy
///
/// What the plan decides by: the table of the policy in force, and the reasons that its people give. For the plan's staff.
#[utoipa::path(tag = "policy", security(("bearer" = ["policy:read"])), responses((status = 200, description = "The policy in force.", body = PolicyBody)))]
#[get("/v1/policy")]
pub(crate) async fn get_policy(state: Data<State>, caller: Caller<ReadsPolicy>) -> Result<Reply, Problem> {
    state.admit(&caller, Ok(())).await?;
    Ok(Reply::of(&PolicyBody::new(&state.policy(), &state.policies))?)
}

impl PolicyBody {
    fn new(it: &Policy, all: &Policies) -> Self {
        let version =
            |it: &Policy| PolicyVersion { version: it.version.clone(), in_force_from: it.in_force_from };
        Self {
            version: it.version.clone(),
            in_force_from: it.in_force_from,
            versions: all.iter().map(|it| version(it)).collect(),
            rows: it.rows.iter().map(|row| PolicyRow::new(row, it)).collect(),
            diagnosis_groups: it.diagnosis_groups.clone(),
            decide_reasons: it.decide_reasons.clone(),
            close_reasons: it.close_reasons.clone(),
        }
    }
}

impl PolicyRow {
    fn new(it: &Row, policy: &Policy) -> Self {
        Self {
            id: it.id.clone(),
            conditions: it.conditions(policy),
            outcome: it.outcome,
            reason_code: it.reason_code.clone(),
            reason: it.reason.clone(),
            rule: it.rule.clone(),
        }
    }
}
