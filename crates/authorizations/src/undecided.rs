//! What could not be decided in real time (AUT-04, AUT-24): received all the same, and decided by a job.

use ::store::{Claim, Key, NewJob, Number, Rx, Trail, Tx};
use chrono::{DateTime, Datelike, Utc};
use kernel::{EventType, MemberId, TrailAction};
use registry::SiteScope;

use crate::decide::{is_beyond, limit};
use crate::error::broken;
use crate::event::tell;
use crate::store::{change, find, find_in};
use crate::{
    Action, Authorization, DecidedBy, Decision, Error, LIFECYCLE, Outcome, PendReason, Policy, Question,
    Ruling, Status, Urgency,
};

/// The kind of the job that decides what could not be decided in real time.
pub const DECIDE: &str = "decide";

/// How a request is ruled on.
#[derive(Debug, Clone)]
pub enum Ruled {
    /// In real time: if it looks like no other, and if it does.
    Now(Box<(Ruling, Ruling)>),
    /// Not yet.
    Later {
        /// Why.
        why: PendReason,
        /// When it is decided at the earliest.
        not_before: DateTime<Utc>,
        /// What is to be decided, as long as it looks like no other.
        question: Box<Question>,
    },
}

impl Ruled {
    /// By `policy`, which is never asked in vain.
    #[must_use]
    pub fn by(policy: &Policy, question: Question) -> Self {
        let twin = Question { duplicate: true, ..question.clone() };
        Self::Now(Box::new((policy.rule(question), policy.rule(twin))))
    }
}

impl Decision {
    /// What stands in the place of a decision that is still to be made, and all that it will be made from.
    pub(crate) fn pending(why: PendReason, inputs: Question, now: DateTime<Utc>) -> Self {
        Self {
            outcome: Outcome::Pend,
            reason_code: why.to_string(),
            reason: "No decision yet.".to_owned(),
            rule: Some(if why == PendReason::MaintenanceWindow { "AUT-04" } else { "AUT-24" }.to_owned()),
            decided_by: DecidedBy::Nobody { inputs },
            decided_at: now,
        }
    }
}

/// Leaves the job that decides: expedited ones first, each in the order of receipt (AUT-04).
pub(crate) fn leave(tx: &mut Tx<'_>, it: &Authorization, run_at: DateTime<Utc>) -> Result<(), Error> {
    let Number { day, seq } = it.number;
    let priority = match it.urgency {
        Urgency::Expedited => 0,
        Urgency::Standard => 1,
    };
    // Days have far fewer.
    let rank = i64::from(day.num_days_from_ce()) * 1_000_000_000 + seq;
    Ok(tx.enqueue(NewJob { kind: DECIDE, subject: it.id(), priority, rank, run_at })?)
}

/// What a job is to decide.
#[derive(Debug, Clone)]
pub struct Undecided {
    /// What is to be ruled on.
    pub question: Question,
    member: MemberId,
    /// The limit of the benefit year, if there is one (AUT-06).
    limit: Option<i32>,
}

/// What the job is to decide; nothing where a person came first.
///
/// # Errors
/// If the database can't answer.
pub fn undecided(rx: &mut Rx<'_>, job: &Claim, number: Number) -> Result<Option<Undecided>, Error> {
    let it = match find(rx, &SiteScope::of_job(job), number) {
        Ok(it) => it,
        Err(Error::NotFound) => return Ok(None),
        Err(it) => return Err(it),
    };
    let (limit, member) = (limit(rx, &it)?, it.parties.member.id.clone());
    Ok(question(it).map(|question| Undecided { question, member, limit }))
}

fn question(it: Authorization) -> Option<Question> {
    match (it.status, it.decision.decided_by) {
        (Status::Pend, DecidedBy::Nobody { inputs }) => Some(inputs),
        _ => None,
    }
}

/// Decides, once: the job ends with it. Where a person came first, only the job ends. What no longer fits into the member's benefit,
/// since others took it meanwhile, goes to a clinician (AUT-06).
///
/// # Errors
/// If the job is another node's by now, the ruling is on something else, or the database can't answer.
pub fn decide_later(
    tx: &mut Tx<'_>,
    job: &Claim,
    number: Number,
    ruled: Option<(Undecided, Ruling)>,
) -> Result<(), Error> {
    let Some((Undecided { member, limit, .. }, ruling)) = ruled else { return Ok(tx.finish(job)?) };
    tx.lock(&[Key::Member(member.to_string()), Key::Authorization(number.to_string())])?;
    tx.finish(job)?;
    let before = find_in(tx, &SiteScope::of_job(job), number)?;
    match question(before.clone()) {
        None => return Ok(()),
        Some(it) if it != ruling.inputs => return Err(broken("a ruling on something else")),
        Some(_) => {}
    }
    let asked = before.lines.iter().map(|it| it.requested).sum();
    let approved = ruling.outcome == Outcome::Approved;
    let beyond = match limit.filter(|_| approved) {
        Some(limit) => is_beyond(tx, &before, limit, asked)?,
        None => false,
    };
    let (action, topic) = match ruling.outcome {
        Outcome::Approved if !beyond => (Some(Action::Approve), EventType::AuthorizationDecided),
        Outcome::Approved | Outcome::Medreview => {
            (Some(Action::Review), EventType::AuthorizationReviewRequested)
        }
        // It looks like another one, and stays where it is: a person looks at both.
        _ => (None, EventType::AuthorizationReviewRequested),
    };
    let mut after = before.clone();
    after.version += 1;
    after.updated_at = tx.now();
    if !beyond {
        after.decision = Decision::of(ruling, tx.now());
    }
    match action.and_then(|it| LIFECYCLE.next(Status::Pend, it)) {
        Some(status) => {
            (after.status, after.pend_reason) = (status, None);
            for line in &mut after.lines {
                line.status = status;
                line.authorized = if status == Status::Approved { line.requested } else { 0 };
            }
        }
        None => after.pend_reason = Some(PendReason::PossibleDuplicate),
    }
    if after.status == Status::Approved {
        after.deadlines.clear();
        tx.meet(&after.id())?;
    }
    after.events = tx.next_event(&after.id())?;
    change(tx, &before, &after)?;
    tell(tx, &after, topic);
    tx.record(Trail {
        action: TrailAction::AuthorizationDecide,
        subject: after.id(),
        site_id: Some(after.site_id.to_string()),
        reason: Some(if beyond {
            "Less is left of the member's benefit than was asked for.".to_owned()
        } else {
            format!("{}: {}", after.decision.reason_code, after.decision.reason)
        }),
        before: Some(before.digestible()?),
        after: Some(after.digestible()?),
    });
    Ok(())
}
