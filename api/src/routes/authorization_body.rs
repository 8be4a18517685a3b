//! Authorizations as callers see them, written by hand, so that a new column never leaks.

use std::sync::Arc;

use authorizations::{
    Action, Authorization, DecidedBy, Error, LIFECYCLE, Outcome, PendReason, Policies, Policy, RequestType,
    Service, Setting, Status, Urgency, message,
};
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use kernel::{Scope, SiteId};
use registry::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::decision_body::{ClosingBody, DecisionBody};
use super::line_body::{DiagnosisBody, EvaluationBody, LineBody};
use super::party_body::{MemberBody, NamedBody, PartyBody};
use crate::State;
use crate::reply::Reply;

/// How a caller sees an authorization.
pub(super) struct View {
    policies: Arc<Policies>,
    /// The policy of today.
    policy: Arc<Policy>,
    zone: Tz,
}

impl View {
    pub(super) fn of(state: &State) -> Self {
        Self { policies: Arc::clone(&state.policies), policy: state.policy(), zone: state.zone }
    }

    /// What `who` sees of it.
    pub(super) fn read(&self, who: &Access, it: Authorization) -> Result<Reply, Error> {
        let (id, version, site) = (it.id(), it.version, it.site_id.clone());
        Ok(Reply::versioned(version, &AuthorizationBody::new(it, self, who))?.about([id]).owned_by(&site))
    }

    pub(super) fn created(&self, who: &Access, it: Authorization) -> Result<Reply, Error> {
        let location = format!("/v1/authorizations/{}", it.number);
        let decided = !matches!(it.decision.decided_by, DecidedBy::Nobody { .. });
        let reply = self.read(who, it)?;
        Ok(if decided { reply.created(location) } else { reply.accepted(location) })
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
    /// The ID of the first open authorization that it looked like at receipt. Of one that another site owns only the plan is
    /// told.
    #[schema(required = true, example = "26335R00001")]
    duplicate_of: Option<String>,
    /// Whether it asks for an evaluation of a member who had an earlier one (AUT-15).
    re_evaluation: bool,
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
    /// What kind of care it is (AUT-29).
    #[schema(example = "Home health")]
    level_of_care: String,
    /// The primary diagnosis first.
    diagnoses: Vec<DiagnosisBody>,
    lines: Vec<LineBody>,
    /// The visits of an evaluation, of those asked for, as the remarks say (AUT-19); none where there is none.
    #[schema(required = true)]
    evaluation: Option<EvaluationBody>,
    /// The day of receipt in the plan's zone, which the ID begins with (AUT-29).
    authorization_date: NaiveDate,
    /// The first day of service.
    service_start: NaiveDate,
    /// The last day of service.
    service_end: NaiveDate,
    /// What the requester added.
    #[schema(required = true)]
    remarks: Option<String>,
    /// The decision in force; none of what was pended at receipt and no one has decided since.
    #[schema(required = true)]
    decision: Option<DecisionBody>,
    /// How it ended; null while it has not.
    #[schema(required = true)]
    closing: Option<ClosingBody>,
    /// What happened, what to do next, and when or whom to call.
    message: String,
    plan_contact: PlanContactBody,
    /// Its documents; this version of the service takes none, so that it is always empty.
    #[schema(value_type = Vec<Object>)]
    documents: [(); 0],
    /// Its revisions; this version of the service takes none, so that it is always empty.
    #[schema(value_type = Vec<Object>)]
    revisions: [(); 0],
    /// What this caller may do to it now (AUT-08): `close` as `POST /v1/authorizations/{id}/close`, each other one as an `outcome`
    /// of `POST /v1/authorizations/{id}/decide`.
    actions: Vec<Action>,
    /// Its open deadlines.
    deadlines: Vec<DeadlineBody>,
    /// When it was received.
    created_at: DateTime<Utc>,
    /// When it last changed.
    updated_at: DateTime<Utc>,
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
    fn new(it: Authorization, View { policies, policy, zone }: &View, who: &Access) -> Self {
        // As it was on the day of receipt, whatever a later version says.
        let rules = policies.on(it.number.day).service(it.requested_service);
        let visits = it.lines.iter().map(|it| it.requested).sum::<i32>();
        let evaluation = rules.has_evaluation(it.remarks.as_deref());
        let message = message(&it, rules.notification, *zone);
        let by_person = matches!(it.decision.decided_by, DecidedBy::Staff { .. });
        let of_plan = who.scope(Scope::AuthorizationsRead).sites().is_none();
        let told = of_plan || it.duplicate_site.as_ref().is_none_or(|site| *site == it.site_id);
        let undecided = it.decision.outcome == Outcome::Pend && !by_person;
        Self {
            id: it.number.to_string(),
            r#type: it.request_type,
            requested_service: it.requested_service,
            site_id: it.site_id,
            status: it.status,
            pend_reason: it.pend_reason,
            duplicate_of: it.duplicate_of.filter(|_| told),
            urgency: it.urgency,
            urgency_reason: it.urgency_reason,
            version: it.version,
            member: it.parties.member.into(),
            refer_from: it.parties.refer_from.into(),
            refer_to: it.parties.refer_to.into(),
            pay_to: it.parties.pay_to.into(),
            setting: rules.setting,
            level_of_care: rules.level_of_care.clone(),
            re_evaluation: it.re_evaluation,
            evaluation: evaluation
                .then(|| EvaluationBody { evaluation_visits: 1, treatment_visits: visits - 1 }),
            authorization_date: it.number.day,
            diagnoses: it.diagnoses.into_iter().enumerate().map(DiagnosisBody::from).collect(),
            lines: it.lines.into_iter().map(LineBody::from).collect(),
            service_start: it.service.start(),
            service_end: it.service.end(),
            remarks: it.remarks,
            decision: (!undecided).then(|| DecisionBody::from(it.decision)),
            closing: it.closing.map(ClosingBody::from),
            message,
            plan_contact: PlanContactBody {
                fax: policy.contact.fax.to_string(),
                phone: policy.contact.phone.to_string(),
                email: policy.contact.email.clone(),
            },
            documents: [],
            revisions: [],
            actions: actions(it.status, who),
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

/// What `who` may do to one that stands here. In an emergency there is nothing to do but read.
fn actions(status: Status, who: &Access) -> Vec<Action> {
    let may = |scope| who.may(scope) && who.emergency().is_none();
    LIFECYCLE.actions(status, may).collect()
}
