use ::store::{Key, Locks, Number, Trail, Tx};
use kernel::{EventType, FlawCode, Flaws, OneLine, Scope, Text, TrailAction, body};
use registry::Access;

use crate::event::tell;
use crate::store::{change, find_in};
use crate::{Action, Authorization, Closing, Error, Policy, Status};

body! {
    /// Why an authorization ends.
    pub struct NewClosing {
        /// One of the plan's reasons to close.
        reason_code: OneLine<1, 64> => "AUT-34",
        /// The reason in words.
        reason: Text<1, 255> => "AUT-34",
    }
}

impl NewClosing {
    /// Adds what the policy says of the reason: its code is one of the plan's.
    pub fn check(draft: &kernel::Draft<Self>, policy: &Policy, flaws: &mut Flaws) -> Option<()> {
        let code = draft.reason_code.as_ref()?;
        if !policy.close_reasons.contains_key(&**code) {
            let codes: Vec<_> = policy.close_reasons.keys().map(String::as_str).collect();
            flaws.broken(
                "AUT-34",
                "/reason_code",
                FlawCode::OneOf,
                format!("Must be one of {}.", codes.join(", ")),
            );
            return None;
        }
        Some(())
    }
}

/// What is to be closed, and why.
#[derive(Debug, Clone)]
pub struct ToClose {
    /// Which one.
    pub number: Number,
    /// The version that the caller read.
    pub version: i32,
    /// Why.
    pub reason: NewClosing,
}

impl Locks for ToClose {
    fn keys(&self) -> Vec<Key> {
        vec![Key::Authorization(self.number.to_string())]
    }
}

/// Closes an authorization, if its lifecycle permits and no one changed it since the caller read it.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`], or [`Error::NotPermitted`] with what is permitted instead.
pub fn close(tx: &mut Tx<'_>, caller: &Access, it: &ToClose) -> Result<Authorization, Error> {
    tx.lock(&it.keys())?;
    let before = find_in(tx, &caller.scope(Scope::AuthorizationsClose), it.number)?;
    let status = before.next(Action::Close, it.version, |scope| caller.may(scope))?;
    let mut after = before.clone();
    after.version += 1;
    after.status = status;
    after.pend_reason = None;
    // What was denied stays so.
    let open = |it: &&mut crate::Line| !Status::ENDED.contains(&it.status);
    after.lines.iter_mut().filter(open).for_each(|line| line.status = status);
    after.closing = Some(Closing {
        reason_code: it.reason.reason_code.to_string(),
        reason: it.reason.reason.to_string(),
        closed_by: caller.principal.id.clone(),
        closed_at: tx.now(),
    });
    after.updated_at = tx.now();
    after.deadlines.clear();
    after.events = tx.next_event(&after.id())?;
    change(tx, &before, &after)?;
    tx.meet(&after.id())?;
    tell(tx, &after, EventType::AuthorizationClosed);
    let NewClosing { reason_code, reason } = &it.reason;
    tx.record(Trail {
        action: TrailAction::AuthorizationClose,
        subject: after.id(),
        site_id: Some(after.site_id.to_string()),
        reason: Some(format!("{}: {}", &**reason_code, &**reason)),
        before: Some(before.digestible()?),
        after: Some(after.digestible()?),
    });
    Ok(after)
}
