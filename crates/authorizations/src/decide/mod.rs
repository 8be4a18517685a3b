//! A reviewer decides (FED-05, AUT-34).

mod body;

use ::store::{Key, Locks, Number, Rx, Trail, Tx};
use chrono::Datelike;
use kernel::{Draft, EventType, Flaws, MemberId, Scope, TrailAction};
use registry::{Access, Principal, SiteScope};

pub use body::{LineVerdict, NewDecision, NewLineDecision, Verdict};

use crate::event::tell;
use crate::store::{change, find, find_in, supersede, units};
use crate::{
    Action, Authorization, Balance, DecidedBy, Decision, Error, LIFECYCLE, LineDecision, Outcome, PendReason,
    Policy, Status,
};

/// A decision without a flaw, on an authorization at one version.
#[derive(Debug, Clone)]
pub struct ToDecide {
    number: Number,
    member: MemberId,
    /// The limit of the benefit year, if there is one (AUT-06).
    limit: Option<i32>,
    version: i32,
    granted: body::Granted,
    verdict: Verdict,
    reason_code: String,
    reason: String,
}

impl Verdict {
    /// Refuses what the caller may never do, whatever the state.
    ///
    /// # Errors
    /// [`Error::ClinicianOnly`] of an adverse determination (FED-05), [`Error::NotYours`] of another one.
    pub fn permitted(self, may: impl Fn(Scope) -> bool) -> Result<(), Error> {
        let action = Action::from(self);
        match LIFECYCLE.scope(action) {
            Some(scope) if may(scope) => Ok(()),
            Some(Scope::AuthorizationsDeny) => Err(Error::ClinicianOnly(action)),
            _ => Err(Error::NotYours(action)),
        }
    }
}

impl ToDecide {
    /// What a decision needs to know: the authorization, and the limit of its benefit year, if there is one (AUT-06).
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is none, or not for this scope.
    pub fn gather(
        rx: &mut Rx<'_>,
        scope: &SiteScope,
        number: Number,
    ) -> Result<(Authorization, Option<i32>), Error> {
        let it = find(rx, scope, number)?;
        let limit = limit(rx, &it)?;
        Ok((it, limit))
    }

    /// Adds what the rules say of a decision on `it`, which the caller read at `version`; what it comes to.
    ///
    /// Of another version nothing is looked at: the refusal says that it changed.
    pub fn check(
        draft: &Draft<NewDecision>,
        (it, limit): &(Authorization, Option<i32>),
        version: i32,
        policy: &Policy,
        flaws: &mut Flaws,
    ) -> Option<Self> {
        let granted = if it.version == version {
            body::check(draft, it, policy, flaws)?
        } else {
            body::Granted { lines: it.lines.clone(), service: it.service }
        };
        Some(Self {
            number: it.number,
            member: it.parties.member.id.clone(),
            limit: *limit,
            version,
            granted,
            verdict: draft.outcome?,
            reason_code: draft.reason_code.as_ref()?.to_string(),
            reason: draft.reason.as_ref()?.to_string(),
        })
    }
}

/// The limit of the benefit year of what is asked for, if there is one (AUT-06).
pub(crate) fn limit(rx: &mut Rx<'_>, it: &Authorization) -> Result<Option<i32>, Error> {
    let member = registry::member(rx, &it.parties.member.id, it.requested_service.as_str())?;
    let coverage = member.as_ref().and_then(|member| member.coverage(it.service.start()));
    Ok(coverage.and_then(|coverage| coverage.benefit.as_ref()?.limit))
}

/// Whether less than `asked` is left by now of `limit`; the member's lock is held (AUT-06).
pub(crate) fn is_beyond(tx: &mut Tx<'_>, it: &Authorization, limit: i32, asked: i32) -> Result<bool, Error> {
    let year = it.service.start().year();
    let taken = units(tx.db()?, &it.parties.member.id, Some(it.requested_service), year)?;
    Ok(Balance::left(limit, &taken) < asked)
}

impl Locks for ToDecide {
    fn keys(&self) -> Vec<Key> {
        vec![Key::Member(self.member.to_string()), Key::Authorization(self.number.to_string())]
    }
}

/// Decides, if the lifecycle permits and no one changed it since the caller read it. A pend and a review leave the clock
/// running (FED-04); any other decision meets it. The member's lock is held while the benefit is looked at, so that none is
/// granted what a request took at the same time (AUT-06).
///
/// # Errors
/// [`Error::NotFound`], [`Error::OwnRequest`] of one in which the caller has a hand (S-1), [`Error::Stale`],
/// [`Error::NotPermitted`] with what is permitted instead, or [`Error::BeyondBenefit`].
pub fn decide(tx: &mut Tx<'_>, caller: &Access, it: ToDecide) -> Result<Authorization, Error> {
    let action = Action::from(it.verdict);
    let scope = LIFECYCLE.scope(action).ok_or(Error::NotYours(action))?;
    tx.lock(&it.keys())?;
    let before = find_in(tx, &caller.scope(scope), it.number)?;
    let Principal { id, person, .. } = &*caller.principal;
    if registry::has_a_hand_in(tx, person, &before.created_by, &before.site_id)? {
        return Err(Error::OwnRequest);
    }
    let status = before.next(action, it.version, |scope| caller.may(scope))?;
    if let Some(limit) = it.limit.filter(|_| status == Status::Approved) {
        let asked = it.granted.lines.iter().map(|it| it.authorized).sum();
        if is_beyond(tx, &before, limit, asked)? {
            return Err(Error::BeyondBenefit);
        }
    }
    let (outcome, topic) = match it.verdict {
        Verdict::Approve => (Outcome::Approved, EventType::AuthorizationDecided),
        Verdict::Reduce => (Outcome::Reduced, EventType::AuthorizationDecided),
        Verdict::Deny => (Outcome::Denied, EventType::AuthorizationDecided),
        Verdict::Pend => (Outcome::Pend, EventType::AuthorizationInformationRequested),
        Verdict::Review => (Outcome::Medreview, EventType::AuthorizationReviewRequested),
    };
    let mut after = before.clone();
    (after.lines, after.service) = (it.granted.lines, it.granted.service);
    if matches!(status, Status::Pend | Status::Medreview) {
        after.lines.iter_mut().for_each(|line| line.status = status);
    } else {
        after.deadlines.clear();
        tx.meet(&after.id())?;
    }
    after.version += 1;
    after.events = tx.next_event(&after.id())?;
    after.status = status;
    after.pend_reason = (status == Status::Pend).then_some(PendReason::InformationRequested);
    after.updated_at = tx.now();
    let line = |it: &crate::Line| LineDecision {
        line: it.number,
        status: it.status,
        authorized: it.authorized,
        code: it.code.clone(),
    };
    let lines = after.lines.iter().map(line).collect();
    let role = caller.principal.role_for(scope).ok_or(Error::NotYours(action))?;
    after.decision = Decision {
        outcome,
        reason: it.reason,
        rule: (outcome == Outcome::Denied || outcome == Outcome::Reduced).then(|| "FED-05".to_owned()),
        decided_by: DecidedBy::Staff { id: id.clone(), role, lines },
        decided_at: tx.now(),
        reason_code: it.reason_code,
    };
    change(tx, &before, &after)?;
    supersede(tx, &before)?;
    tell(tx, &after, topic);
    tx.record(Trail {
        action: TrailAction::AuthorizationDecide,
        subject: after.id(),
        site_id: Some(after.site_id.to_string()),
        reason: Some(format!("{}: {}: {}", it.verdict, after.decision.reason_code, after.decision.reason)),
        before: Some(before.digestible()?),
        after: Some(after.digestible()?),
    });
    Ok(after)
}
