use ::store::{Basis, Deadline, Key, Locks, Trail, Tx};
use chrono::{Datelike, NaiveDate, TimeDelta};
use kernel::{EventType, Period, PrincipalId, Scope, SiteId, TrailAction};
use registry::{Access, Principal};

use crate::check::Checked;
use crate::error::broken;
use crate::event::tell;
use crate::store::{self, has_duplicate, has_earlier, insert};
use crate::undecided::{Ruled, leave};
use crate::{
    Authorization, Balance, Decision, DiagnosisLine, Error, Line, NewAuthorization, Outcome, Parties,
    PendReason, Policy, Question, RequestType, Service, Status, Urgency,
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
    /// The limit of the benefit year, if there is one (AUT-06).
    limit: Option<i32>,
    /// Whether each is a new one, of which none is a duplicate (AUT-15).
    notification: bool,
    ruled: Ruled,
}

impl Submission {
    /// Puts together what was sent by `caller`, what the rules of `policy` proved of it on `today`, and how it is `ruled` on.
    ///
    /// # Errors
    /// If the end is before the start after all, which is a fault of the service.
    pub fn new(
        request: &NewAuthorization,
        checked: Checked,
        caller: &Principal,
        today: NaiveDate,
        policy: &Policy,
        ruled: Ruled,
    ) -> Result<Self, Error> {
        let service = period(request)?;
        let Checked { site, parties, limit, diagnoses, lines, .. } = checked;
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
            limit,
            notification: policy.service(request.requested_service).notification,
            ruled,
        })
    }
}

impl Question {
    /// What a ruling on a request depends on, as the rules proved it on `today`, as long as it looks like no other.
    ///
    /// # Errors
    /// If the end is before the start after all, which is a fault of the service.
    pub fn of(request: &NewAuthorization, checked: &Checked, today: NaiveDate) -> Result<Self, Error> {
        let service = period(request)?;
        Ok(Self {
            received_on: today,
            service: request.requested_service,
            product: checked.product.clone(),
            age: checked.age,
            diagnoses: checked.diagnoses.iter().map(|it| it.code.clone()).collect(),
            units: request.lines.iter().map(|it| it.units.get()).sum(),
            days: service.days(),
            started_days_ago: (today - service.start()).num_days(),
            duplicate: false,
        })
    }
}

fn period(request: &NewAuthorization) -> Result<Period, Error> {
    Period::new(request.start_date, request.end_date).ok_or_else(|| broken("an end before its start"))
}

impl Locks for Submission {
    fn keys(&self) -> Vec<Key> {
        vec![Key::Member(self.parties.member.id.to_string())]
    }
}

/// Receives a request: numbers it, applies the ruling, and starts the clock of what isn't decided at once.
///
/// The member's lock is held while a possible duplicate, an earlier evaluation and the benefit are looked at, so that of
/// several equal requests at once exactly one is the first, and none is granted what another has taken.
///
/// # Errors
/// [`Error::SiteNotPermitted`] if the caller may no longer ask for the site, [`Error::DayTurned`] if midnight came since the
/// request was checked, [`Error::Overtaken`] if another request took the
/// benefit; or if the database can't answer.
pub fn submit(tx: &mut Tx<'_>, caller: &Access, it: Submission) -> Result<Authorization, Error> {
    tx.lock(&it.keys())?;
    if !caller.scope(Scope::AuthorizationsCreate).sees(&it.site_id) {
        return Err(Error::SiteNotPermitted);
    }
    let Submission { parties, service, ruled, mut lines, .. } = it;
    if it.today != tx.today() {
        return Err(Error::DayTurned);
    }
    let member = &parties.member.id;
    if let Some(limit) = it.limit {
        let taken = store::units(tx.db()?, member, Some(it.requested_service), service.start().year())?;
        let asked = lines.iter().map(|it| it.requested).sum::<i32>();
        if Balance::left(limit, &taken) < asked {
            return Err(Error::Overtaken);
        }
    }
    // Of a notification there is no duplicate, but an evaluation may be a second one (AUT-15).
    let (number, found) = if it.notification {
        tx.number(has_earlier(member, it.requested_service))?
    } else {
        tx.number(has_duplicate(member, it.requested_service, &parties.refer_to.npi, service))?
    };
    let (duplicate, re_evaluation) = (found && !it.notification, found && it.notification);
    let now = tx.now();
    let (decision, waits) = match ruled {
        Ruled::Now(rulings) => (Decision::of(if duplicate { rulings.1 } else { rulings.0 }, now), None),
        Ruled::Later { why, not_before, question } => {
            let question = Question { duplicate, ..*question };
            (Decision::pending(why, question, now), Some((why, not_before)))
        }
    };
    let (status, pend_reason) = match (decision.outcome, waits) {
        (_, Some((why, _))) => (Status::Pend, Some(why)),
        (Outcome::Approved, _) => (Status::Approved, None),
        (Outcome::Medreview, _) => (Status::Medreview, None),
        (Outcome::Pend, _) => (Status::Pend, Some(PendReason::PossibleDuplicate)),
        (Outcome::Denied | Outcome::Reduced, _) => return Err(broken("a policy that denies")),
    };
    for line in &mut lines {
        line.status = status;
        line.authorized = if status == Status::Approved { line.requested } else { 0 };
    }
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
        duplicate_site: None,
        re_evaluation,
        closing: None,
        diagnoses: it.diagnoses,
        lines,
        deadlines: Vec::new(),
        created_by: it.created_by,
        created_at: now,
        updated_at: now,
    };
    if duplicate {
        let twin = store::duplicate(tx, &it)?.map(|(number, site)| (number.to_string(), site));
        (it.duplicate_of, it.duplicate_site) = twin.unzip();
    }
    tell(tx, &it, EventType::AuthorizationSubmitted);
    if status == Status::Approved {
        it.events = 2;
        tell(tx, &it, EventType::AuthorizationDecided);
    } else {
        open_clock(tx, &mut it);
    }
    if let Some((_, not_before)) = waits {
        leave(tx, &it, not_before)?;
    }
    insert(tx, &it)?;
    tx.record(Trail {
        action: TrailAction::AuthorizationSubmit,
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
    let site_id = Some(it.site_id.to_string());
    tx.promise(Deadline { subject: it.id(), site_id, rule, basis: Basis::Calendar, due_at });
    it.deadlines.push(crate::OpenDeadline { rule: rule.to_owned(), due_at });
}
