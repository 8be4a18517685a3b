//! A reviewer decides (FED-05, AUT-34).

mod body;

use ::store::{Key, Number, Trail, Tx};
use kernel::{Draft, Flaws, Scope};
use registry::Principal;

pub use body::{LineVerdict, NewDecision, NewLineDecision, Verdict};

use crate::event::tell;
use crate::store::{change, find_in, supersede};
use crate::{
    Action, Authorization, DecidedBy, Decision, Error, LIFECYCLE, LineDecision, Outcome, PendReason, Policy,
    Status,
};

/// A decision without a flaw, on an authorization at one version.
#[derive(Debug, Clone)]
pub struct ToDecide {
    number: Number,
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
    /// Adds what the rules say of a decision on `it`, which the caller read at `version`; what it comes to.
    ///
    /// Of another version nothing is looked at: the refusal says that it changed.
    pub fn check(
        draft: &Draft<NewDecision>,
        it: &Authorization,
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
            version,
            granted,
            verdict: draft.outcome?,
            reason_code: draft.reason_code.as_ref()?.to_string(),
            reason: draft.reason.as_ref()?.to_string(),
        })
    }
}

/// Decides, if the lifecycle permits and no one changed it since the caller read it. A pend and a review leave the clock
/// running (FED-04); any other decision meets it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], or [`Error::NotPermitted`] with what is permitted instead.
pub fn decide(
    tx: &mut Tx<'_>,
    caller: &Principal,
    it: ToDecide,
    may: impl Fn(Scope) -> bool,
) -> Result<Authorization, Error> {
    let action = Action::from(it.verdict);
    tx.lock(&[Key::Authorization(it.number.to_string())])?;
    let before = find_in(tx, &caller.scope(), it.number)?;
    if before.version != it.version {
        return Err(Error::Stale);
    }
    let Some(status) = LIFECYCLE.next(before.status, action) else {
        let allowed = LIFECYCLE.actions(before.status, may).map(Action::as_str).collect();
        return Err(Error::NotPermitted(before.status, action, allowed));
    };
    let (outcome, topic) = match it.verdict {
        Verdict::Approve => (Outcome::Approved, "authorization.decided"),
        Verdict::Reduce => (Outcome::Reduced, "authorization.decided"),
        Verdict::Deny => (Outcome::Denied, "authorization.decided"),
        Verdict::Pend => (Outcome::Pend, "authorization.information_requested"),
        Verdict::Review => (Outcome::Medreview, "authorization.review_requested"),
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
    after.events += 1;
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
    after.decision = Decision {
        outcome,
        reason: it.reason,
        rule: (outcome == Outcome::Denied || outcome == Outcome::Reduced).then(|| "FED-05".to_owned()),
        decided_by: DecidedBy::Staff { id: caller.id.clone(), role: caller.role, lines },
        decided_at: tx.now(),
        reason_code: it.reason_code,
    };
    supersede(tx, &before)?;
    change(tx, &before, &after)?;
    tell(tx, &after, topic);
    tx.record(Trail {
        action: "authorization.decide",
        subject: after.id(),
        site_id: Some(after.site_id.to_string()),
        reason: Some(format!("{}: {}: {}", it.verdict, after.decision.reason_code, after.decision.reason)),
        before: Some(before.digestible()?),
        after: Some(after.digestible()?),
    });
    Ok(after)
}
