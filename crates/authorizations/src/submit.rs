use ::store::{Basis, Deadline, Key, Trail, Tx};
use chrono::{NaiveDate, TimeDelta};
use kernel::{Period, PrincipalId, SiteId};
use registry::Principal;

use crate::check::Checked;
use crate::error::broken;
use crate::event::tell;
use crate::store::{self, has_duplicate, insert};
use crate::{
    Authorization, DecidedBy, Decider, Decision, DiagnosisLine, Error, Line, NewAuthorization, Outcome,
    Parties, PendReason, Question, RequestType, Ruling, Service, Status, Urgency,
};

/// A request without a flaw, with all that is known about it and how it is ruled on: ready to be written.
#[derive(Debug, Clone)]
pub struct Submission {
    request_type: RequestType,
    requested_service: Service,
    site_id: SiteId,
    parties: Parties,
    urgency: Urgency,
    urgency_reason: Option<String>,
    service: Period,
    remarks: Option<String>,
    diagnoses: Vec<DiagnosisLine>,
    lines: Vec<Line>,
    created_by: PrincipalId,
    /// The day for which all of it was checked.
    today: NaiveDate,
    ruling: Ruling,
    ruling_if_duplicate: Ruling,
}

impl Submission {
    /// Puts together what was sent by `caller` and what the rules proved of it on `today`, and has `decider` rule on it.
    ///
    /// # Errors
    /// If the end is before the start after all, which is a fault of the service.
    pub fn new(
        request: &NewAuthorization,
        checked: Checked,
        caller: &Principal,
        today: NaiveDate,
        decider: &dyn Decider,
    ) -> Result<Self, Error> {
        let Checked { site, parties, diagnoses, lines } = checked;
        let service = Period::new(request.start_date, request.end_date);
        let service = service.ok_or_else(|| broken("an end before its start"))?;
        let question = |duplicate| Question {
            service: request.requested_service,
            units: request.lines.iter().map(|it| it.units.get()).sum(),
            days: service.days(),
            started_days_ago: (today - service.start()).num_days(),
            duplicate,
        };
        Ok(Self {
            request_type: request.r#type,
            requested_service: request.requested_service,
            site_id: site.id,
            parties,
            urgency: request.urgency.unwrap_or(Urgency::Standard),
            urgency_reason: request.urgency_reason.as_deref().map(str::to_owned),
            service,
            remarks: request.remarks.as_deref().map(str::to_owned),
            diagnoses,
            lines,
            created_by: caller.id.clone(),
            today,
            ruling: decider.decide(question(false)),
            ruling_if_duplicate: decider.decide(question(true)),
        })
    }
}

/// Receives a request: numbers it, applies the ruling, and starts the clock of what isn't decided at once.
///
/// The member's lock is held while a possible duplicate is looked for, so that of several equal requests at once exactly
/// one is none.
///
/// # Errors
/// [`Error::DayTurned`] if midnight came since the request was checked; or if the database can't answer.
pub fn submit(tx: &mut Tx<'_>, it: Submission) -> Result<Authorization, Error> {
    let Submission { parties, service, ruling, ruling_if_duplicate, mut lines, .. } = it;
    if it.today != tx.today() {
        return Err(Error::DayTurned);
    }
    let member = &parties.member.id;
    tx.lock(&[Key::Member(member.to_string())])?;
    let (number, duplicate) =
        tx.number(has_duplicate(member, it.requested_service, &parties.refer_to.npi, service))?;
    let (ruling, now) = (if duplicate { ruling_if_duplicate } else { ruling }, tx.now());
    let (status, pend_reason) = match ruling.outcome {
        Outcome::Approved => (Status::Approved, None),
        Outcome::Medreview => (Status::Medreview, None),
        Outcome::Pend => (Status::Pend, Some(PendReason::PossibleDuplicate)),
    };
    for line in &mut lines {
        line.status = status;
        line.authorized = if status == Status::Approved { line.requested } else { 0 };
    }
    let decision = Decision { decided_by: DecidedBy::System, decided_at: now, ruling };
    let mut it = Authorization {
        number,
        version: 1,
        events: 1,
        request_type: it.request_type,
        requested_service: it.requested_service,
        site_id: it.site_id,
        parties,
        status,
        pend_reason,
        urgency: it.urgency,
        urgency_reason: it.urgency_reason,
        service,
        remarks: it.remarks,
        decision,
        duplicate_of: None,
        closing: None,
        diagnoses: it.diagnoses,
        lines,
        deadlines: Vec::new(),
        created_by: it.created_by,
        created_at: now,
        updated_at: now,
    };
    if duplicate {
        let twin = store::duplicate(tx, &it)?.filter(|(_, site)| *site == it.site_id);
        it.duplicate_of = twin.map(|(number, _)| number.to_string());
    }
    tell(tx, &it, "authorization.submitted");
    if status == Status::Approved {
        it.events = 2;
        tell(tx, &it, "authorization.decided");
    } else {
        open_clock(tx, &mut it);
    }
    insert(tx, &it)?;
    tx.record(Trail {
        action: "authorization.submit",
        subject: it.id(),
        site_id: Some(it.site_id.to_string()),
        reason: None,
        before: None,
        after: Some(it.digestible()?),
    });
    Ok(it)
}

/// FED-01, FED-02: an expedited request is decided within 72 hours of receipt, a standard one within 7 calendar days.
fn open_clock(tx: &mut Tx<'_>, it: &mut Authorization) {
    let (rule, time) = match it.urgency {
        Urgency::Expedited => ("FED-01", TimeDelta::hours(72)),
        Urgency::Standard => ("FED-02", TimeDelta::days(7)),
    };
    let due_at = it.created_at + time;
    tx.promise(Deadline { subject: it.id(), rule, basis: Basis::Calendar, due_at });
    it.deadlines.push(crate::OpenDeadline { rule: rule.to_owned(), due_at });
}
