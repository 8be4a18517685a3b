use ::store::{Basis, Deadline, Key, Trail, Tx};
use chrono::{NaiveDate, TimeDelta};
use kernel::{Period, PrincipalId, SiteId};
use registry::{Principal, Provider};

use crate::check::allowed;
use crate::error::broken;
use crate::event::tell;
use crate::request::NewContact;
use crate::store::{self, has_duplicate, insert};
use crate::{
    Authorization, DecidedBy, Decider, Decision, DiagnosisLine, Error, Facts, Line, MemberParty, Named,
    NewAuthorization, Outcome, Parties, Party, PcpParty, PendReason, Policy, Question, RequestType, Ruling,
    Service, Status, Urgency,
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
    /// Puts together what [`check`](crate::check) found nothing wrong with, and has `decider` rule on it.
    ///
    /// # Errors
    /// If a fact is missing after all, which is a fault of the service.
    pub fn new(
        request: &NewAuthorization,
        facts: Facts,
        caller: &Principal,
        policy: &Policy,
        decider: &dyn Decider,
    ) -> Result<Self, Error> {
        let missing = || broken("a request was found whole and isn't");
        let described = |code: &_| {
            let known = facts.diagnosis(code).ok_or_else(missing)?;
            Ok(DiagnosisLine { code: known.code.clone(), description: known.description.clone() })
        };
        let diagnoses = request.diagnoses.iter().map(described).collect::<Result<_, Error>>()?;
        let Facts { today, site, member, requesting, servicing, .. } = facts;
        let (site, member, servicing) =
            (site.ok_or_else(missing)?, member.ok_or_else(missing)?, servicing.ok_or_else(missing)?);
        let product = member.coverage(request.start_date).ok_or_else(missing)?.product.clone();
        let contact = request.requesting_provider.as_ref().and_then(|it| it.contact.as_ref());
        let (contact_name, contact_phone) = match (contact, &caller.contact) {
            (Some(it), _) => (it.name.to_string(), it.phone.clone()),
            (None, Some(it)) => (it.name.clone(), it.phone.clone()),
            (None, None) => return Err(missing()),
        };
        let from = requesting.map_or((site.npi, site.name), |it| (it.npi, it.name));
        let parties = Parties {
            member: MemberParty {
                id: member.id,
                name: member.name,
                date_of_birth: member.date_of_birth,
                product,
                pcp: member.pcp.map(PcpParty::from),
            },
            refer_from: Party { npi: from.0, name: from.1, contact_name, contact_phone },
            pay_to: Named { npi: servicing.pay_to.0.clone(), name: servicing.pay_to.1.clone() },
            refer_to: refer_to(servicing, &request.servicing_provider.contact),
        };
        let service = Period::new(request.start_date, request.end_date).ok_or_else(missing)?;
        let question = |duplicate| Question {
            service: request.requested_service,
            units: request.lines.iter().map(|it| it.units.get()).sum(),
            days: service.days(),
            started_days_ago: (today - service.start()).num_days(),
            duplicate,
        };
        let line = |(it, number): (&crate::NewLine, i32)| {
            let description = allowed(request, it, policy).ok_or_else(missing)?.description.clone();
            let modifiers: Vec<_> =
                it.modifiers.iter().flat_map(|it| it.iter()).map(kernel::Modifier::as_str).collect();
            Ok(Line {
                number,
                status: Status::Pend,
                code_type: it.code_type,
                code: it.code.to_string(),
                modifiers: modifiers.join(" "),
                description,
                requested: it.units.get().cast_signed(),
                authorized: 0,
                used: 0,
            })
        };
        Ok(Self {
            request_type: request.r#type,
            requested_service: request.requested_service,
            site_id: site.id,
            urgency: request.urgency.unwrap_or(Urgency::Standard),
            urgency_reason: request.urgency_reason.as_deref().map(str::to_owned),
            remarks: request.remarks.as_deref().map(str::to_owned),
            diagnoses,
            lines: request.lines.iter().zip(1..).map(line).collect::<Result<_, Error>>()?,
            created_by: caller.id.clone(),
            today,
            ruling: decider.decide(question(false)),
            ruling_if_duplicate: decider.decide(question(true)),
            parties,
            service,
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
    tell(tx, &it, "authorization.submitted", 1);
    if status == Status::Approved {
        it.events = 2;
        tell(tx, &it, "authorization.decided", 2);
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

fn refer_to(it: Provider, contact: &NewContact) -> Party {
    let (contact_name, contact_phone) = (contact.name.to_string(), contact.phone.clone());
    Party { npi: it.npi, name: it.name, contact_name, contact_phone }
}
