//! Authorizations as callers see them, written by hand, so that a new column never leaks.

use std::sync::Arc;

use authorizations::{
    Action, Authorization, DecidedBy, Decision, Error, LIFECYCLE, Outcome, PendReason, Policy, RequestType,
    Service, Setting, Status, Urgency, message,
};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{CodeType, DiagnosisCode, Scope, SiteId};
use serde::Serialize;
use utoipa::ToSchema;

use super::party_body::{MemberBody, NamedBody, PartyBody};
use crate::State;
use crate::caller::Caller;
use crate::reply::Reply;

/// How a caller sees an authorization.
pub(super) struct View {
    policy: Arc<Policy>,
    scopes: Arc<[Scope]>,
}

impl View {
    pub(super) fn of<P>(state: &State, caller: &Caller<P>) -> Self {
        Self { policy: Arc::clone(&state.policy), scopes: caller.scopes() }
    }

    pub(super) fn read(&self, it: Authorization) -> Result<Reply, Error> {
        Ok(Reply::versioned(it.version, &AuthorizationBody::new(it, self))?)
    }

    pub(super) fn created(&self, it: Authorization) -> Result<Reply, Error> {
        let location = format!("/v1/authorizations/{}", it.number);
        Ok(self.read(it)?.created(location))
    }
}

/// An authorization: what was asked, and what became of it (AUT-23, AUT-29).
#[derive(Serialize, ToSchema)]
pub(super) struct AuthorizationBody {
    /// Its ID: two digits of the year, three of the day in it, `R`, and the place within the day (AUT-25).
    #[schema(example = "26335R00001", pattern = "^[0-9]{5}R[0-9]{5,}$")]
    id: String,
    r#type: RequestType,
    requested_service: Service,
    /// The site that owns it.
    site_id: SiteId,
    status: Status,
    /// Why it pends, if it does.
    #[schema(required = true)]
    pend_reason: Option<PendReason>,
    /// The ID of the authorization that it looks like, if it pends for that and the same site owns the other.
    #[schema(required = true, example = "26335R00001")]
    duplicate_of: Option<String>,
    urgency: Urgency,
    /// Why a standard answer would be too late.
    #[schema(required = true)]
    urgency_reason: Option<String>,
    /// How often it has changed, from 1.
    version: i32,
    member: MemberBody,
    /// Who asks.
    refer_from: PartyBody,
    /// Who will render the service.
    refer_to: PartyBody,
    /// Who is paid for it.
    pay_to: NamedBody,
    /// Where the service is rendered.
    setting: Setting,
    /// The primary diagnosis first.
    diagnoses: Vec<DiagnosisBody>,
    lines: Vec<LineBody>,
    /// The first day of service.
    service_start: NaiveDate,
    /// The last day of service.
    service_end: NaiveDate,
    /// What the requester added.
    #[schema(required = true)]
    remarks: Option<String>,
    /// The decision in force; none while it pends.
    #[schema(required = true)]
    decision: Option<DecisionBody>,
    /// How it ended; null while it has not.
    #[schema(required = true)]
    closing: Option<ClosingBody>,
    /// What happened, what to do next, and when or whom to call.
    message: String,
    plan_contact: PlanContactBody,
    /// Its documents; this version of the service takes none, so that it is always empty.
    #[schema(value_type = Vec<String>, max_items = 0)]
    documents: [(); 0],
    /// Its revisions; this version of the service takes none, so that it is always empty.
    #[schema(value_type = Vec<String>, max_items = 0)]
    revisions: [(); 0],
    /// What this caller may do to it now; each is `POST /v1/authorizations/{id}/<action>`.
    actions: Vec<Action>,
    /// Its open deadlines.
    deadlines: Vec<DeadlineBody>,
    /// When it was received.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
}

/// A diagnosis.
#[derive(Serialize, ToSchema)]
struct DiagnosisBody {
    code: DiagnosisCode,
    /// What it means, in the words of ICD-10-CM.
    description: String,
    /// Whether it is the primary one, which is the first.
    primary: bool,
}

/// A procedure.
#[derive(Serialize, ToSchema)]
struct LineBody {
    /// Its number, from 1.
    number: i32,
    status: Status,
    code_type: CodeType,
    /// The procedure's code.
    code: String,
    /// What qualifies it.
    modifiers: Vec<String>,
    /// What the code means, in the plan's words.
    description: String,
    units: UnitsBody,
}

/// Units or visits of a line.
#[derive(Serialize, ToSchema)]
struct UnitsBody {
    /// Asked for.
    requested: i32,
    /// Granted.
    authorized: i32,
    /// Used so far, as claims say.
    used: i32,
    /// Granted, not yet used, and still to be had: 0 once the line is closed.
    remaining: i32,
}

/// A decision, and what it rests on.
#[derive(Serialize, ToSchema)]
struct DecisionBody {
    outcome: Outcome,
    /// Why, in a word that a program can compare.
    reason_code: String,
    /// Why, in a sentence.
    reason: String,
    /// The rule that it rests on, if one does: an ID of `docs/rules.md`.
    #[schema(required = true)]
    rule: Option<String>,
    /// The version of the policy that made it.
    policy_version: String,
    /// The row of the policy that made it.
    policy_row: String,
    decided_by: DecidedByBody,
    /// Whether a person looked at it.
    human_reviewed: bool,
    /// When it was made.
    decided_at: DateTime<Utc>,
}

/// Who decided.
#[derive(Serialize, ToSchema)]
struct DecidedByBody {
    kind: DecidedBy,
}

/// Whom to call at the plan.
#[derive(Serialize, ToSchema)]
struct PlanContactBody {
    /// Provider Service (E.164).
    phone: String,
    /// Portal help.
    email: String,
    /// Where documents are faxed to, with the ID on the cover sheet (E.164).
    fax: String,
}

/// How an authorization ended.
#[derive(Serialize, ToSchema)]
struct ClosingBody {
    /// One of the plan's reasons.
    #[schema(example = "entered_in_error")]
    reason_code: String,
    /// The reason in words.
    reason: String,
    /// When.
    closed_at: DateTime<Utc>,
}

/// A promise that is still to be kept.
#[derive(Serialize, ToSchema)]
struct DeadlineBody {
    /// The rule that sets it.
    #[schema(example = "FED-02")]
    rule: String,
    /// When it runs out.
    due_at: DateTime<Utc>,
}

impl AuthorizationBody {
    fn new(it: Authorization, View { policy, scopes }: &View) -> Self {
        Self {
            id: it.number.to_string(),
            r#type: it.request_type,
            requested_service: it.requested_service,
            site_id: it.site_id,
            status: it.status,
            pend_reason: it.pend_reason,
            duplicate_of: it.duplicate_of,
            urgency: it.urgency,
            urgency_reason: it.urgency_reason,
            version: it.version,
            member: it.parties.member.into(),
            refer_from: it.parties.refer_from.into(),
            refer_to: it.parties.refer_to.into(),
            pay_to: it.parties.pay_to.into(),
            setting: it.request_type.setting(),
            diagnoses: it.diagnoses.into_iter().enumerate().map(DiagnosisBody::from).collect(),
            lines: it.lines.into_iter().map(LineBody::from).collect(),
            service_start: it.service.start(),
            service_end: it.service.end(),
            remarks: it.remarks,
            decision: Some(it.decision)
                .filter(|it| it.ruling.outcome != Outcome::Pend)
                .map(DecisionBody::from),
            closing: it.closing.map(|it| ClosingBody {
                reason_code: it.reason_code,
                reason: it.reason,
                closed_at: it.closed_at,
            }),
            message: message(it.status, it.pend_reason),
            plan_contact: PlanContactBody {
                fax: policy.contact.fax.clone(),
                phone: policy.contact.phone.clone(),
                email: policy.contact.email.clone(),
            },
            documents: [],
            revisions: [],
            actions: LIFECYCLE.actions(it.status, |scope| scopes.contains(&scope)).collect(),
            deadlines: it
                .deadlines
                .into_iter()
                .map(|it| DeadlineBody { rule: it.rule, due_at: it.due_at })
                .collect(),
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

impl From<(usize, authorizations::DiagnosisLine)> for DiagnosisBody {
    fn from((place, it): (usize, authorizations::DiagnosisLine)) -> Self {
        Self { code: it.code, description: it.description, primary: place == 0 }
    }
}

impl From<authorizations::Line> for LineBody {
    fn from(it: authorizations::Line) -> Self {
        let authorizations::Line { requested, authorized, used, .. } = it;
        let remaining = if it.status == Status::Approved { authorized - used } else { 0 };
        Self {
            number: it.number,
            status: it.status,
            code_type: it.code_type,
            code: it.code,
            modifiers: it.modifiers.split_whitespace().map(str::to_owned).collect(),
            description: it.description,
            units: UnitsBody { requested, authorized, used, remaining },
        }
    }
}

impl From<Decision> for DecisionBody {
    fn from(Decision { decided_by, decided_at, ruling }: Decision) -> Self {
        Self {
            outcome: ruling.outcome,
            reason_code: ruling.reason_code,
            reason: ruling.reason,
            rule: ruling.rule,
            policy_version: ruling.policy_version,
            policy_row: ruling.policy_row,
            decided_by: DecidedByBody { kind: decided_by },
            human_reviewed: decided_by != DecidedBy::System,
            decided_at,
        }
    }
}
