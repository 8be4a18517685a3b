use GrantAction::{Approve, Withdraw};
use chrono::NaiveDate;
use kernel::Scope::{DelegationsUpdate, UsersGrant};
use kernel::{Lifecycle, Scope, codes};
use registry::Grant;

use crate::Error;

codes! {
    /// Where a grant stands (AUT-09).
    pub enum GrantStatus {
        /// Asked for; a second person approves it.
        Requested = "requested",
        /// In force.
        Active = "active",
        /// Approved; its first day is to come.
        Scheduled = "scheduled",
        /// Withdrawn, or over since its last day.
        Ended = "ended",
    }
}

codes! {
    /// What can be done to a grant.
    pub enum GrantAction {
        /// Let it be in force from its first day on.
        Approve = "approve",
        /// End it.
        Withdraw = "withdraw",
    }
}

codes! {
    /// What can be done to a delegation.
    pub enum DelegationAction {
        /// Let it be in force from its first day on.
        Approve = "approve",
        /// End it.
        End = "end",
    }
}

/// The life of a grant (AUT-09). What is approved before its first day is scheduled until then; the calendar does the rest.
#[rustfmt::skip]
pub const LIFECYCLE: Lifecycle<GrantStatus, GrantAction, Scope> = Lifecycle(&[
    (GrantStatus::Requested, Approve,  GrantStatus::Active, UsersGrant),
    (GrantStatus::Requested, Withdraw, GrantStatus::Ended,  UsersGrant),
    (GrantStatus::Active,    Withdraw, GrantStatus::Ended,  UsersGrant),
    (GrantStatus::Scheduled, Withdraw, GrantStatus::Ended,  UsersGrant),
]);

/// The life of a delegation, which is an agent's grant (ENR-10).
#[rustfmt::skip]
pub const DELEGATIONS: Lifecycle<GrantStatus, DelegationAction, Scope> = Lifecycle(&[
    (GrantStatus::Requested, DelegationAction::Approve, GrantStatus::Active, DelegationsUpdate),
    (GrantStatus::Requested, DelegationAction::End,     GrantStatus::Ended,  DelegationsUpdate),
    (GrantStatus::Active,    DelegationAction::End,     GrantStatus::Ended,  DelegationsUpdate),
    (GrantStatus::Scheduled, DelegationAction::End,     GrantStatus::Ended,  DelegationsUpdate),
]);

/// Where `grant` stands on `day`.
#[must_use]
pub fn status(grant: &Grant, day: NaiveDate) -> GrantStatus {
    if !grant.is_open(day) {
        GrantStatus::Ended
    } else if grant.approved_at.is_none() {
        GrantStatus::Requested
    } else if grant.is_in_force(day) {
        GrantStatus::Active
    } else {
        GrantStatus::Scheduled
    }
}

/// Refuses `action` on `grant` where its life hasn't that move.
pub(crate) fn permits(grant: &Grant, action: GrantAction, day: NaiveDate) -> Result<(), Error> {
    let status = status(grant, day);
    if LIFECYCLE.next(status, action).is_some() {
        return Ok(());
    }
    let allowed = LIFECYCLE.actions(status, |_| true).map(GrantAction::as_str).collect();
    Err(Error::NotPermitted(status, action, allowed))
}

/// Refuses `action` on the delegation that `grant` is where its life hasn't that move.
pub(crate) fn delegation_permits(
    grant: &Grant,
    action: DelegationAction,
    day: NaiveDate,
) -> Result<(), Error> {
    let status = status(grant, day);
    if DELEGATIONS.next(status, action).is_some() {
        return Ok(());
    }
    let allowed = DELEGATIONS.actions(status, |_| true).map(DelegationAction::as_str).collect();
    Err(Error::DelegationNotPermitted(status, action, allowed))
}
