use Action::{Approve, Close, Deny, Pend, Reduce, Review};
use kernel::Scope::{AuthorizationsApprove, AuthorizationsClose, AuthorizationsDeny, AuthorizationsPend};
use kernel::{Lifecycle, Scope, codes};

codes! {
    /// Where an authorization stands, and each of its lines (AUT-34).
    pub enum Status {
        /// Granted.
        Approved = "APPROVED",
        /// Waits for a clinician.
        Medreview = "MEDREVIEW",
        /// Received, without a decision; `pend_reason` says why.
        Pend = "PEND",
        /// Refused by a clinician, with a reason.
        Denied = "DENIED",
        /// At its end; nothing more happens to it.
        Closed = "CLOSED",
    }
}

codes! {
    /// Why a request pends.
    pub enum PendReason {
        /// It came in the plan's maintenance window, after which it is decided (AUT-04).
        MaintenanceWindow = "maintenance_window",
        /// It could not be decided in real time, and will be as soon as that can be had (AUT-24).
        NoAnswer = "no_answer",
        /// It looks like another open authorization of the member; a person looks at both.
        PossibleDuplicate = "possible_duplicate",
        /// A reviewer needs more information; the decision says which.
        InformationRequested = "information_requested",
    }
}

codes! {
    /// What can be done to an authorization: `close` as `POST /v1/authorizations/{id}/close`, each other one as the `outcome` of
    /// `POST /v1/authorizations/{id}/decide`.
    pub enum Action {
        /// Send it to a clinician.
        Review = "review",
        /// Grant it as asked.
        Approve = "approve",
        /// Grant less than was asked.
        Reduce = "reduce",
        /// Refuse it.
        Deny = "deny",
        /// Ask for information.
        Pend = "pend",
        /// End it.
        Close = "close",
    }
}

/// The life of an authorization (AUT-08, AUT-34, FED-05). A move absent from this table is refused, and offered to no one.
///
/// A move enters it together with the route that makes it.
#[rustfmt::skip]
pub const LIFECYCLE: Lifecycle<Status, Action, Scope> = Lifecycle(&[
    (Status::Pend,      Review,  Status::Medreview, AuthorizationsPend),
    (Status::Pend,      Approve, Status::Approved,  AuthorizationsApprove),
    (Status::Medreview, Approve, Status::Approved,  AuthorizationsApprove),
    (Status::Pend,      Reduce,  Status::Approved,  AuthorizationsDeny),
    (Status::Medreview, Reduce,  Status::Approved,  AuthorizationsDeny),
    (Status::Pend,      Deny,    Status::Denied,    AuthorizationsDeny),
    (Status::Medreview, Deny,    Status::Denied,    AuthorizationsDeny),
    (Status::Medreview, Pend,    Status::Pend,      AuthorizationsPend),
    (Status::Approved,  Close,   Status::Closed,    AuthorizationsClose),
    (Status::Medreview, Close,   Status::Closed,    AuthorizationsClose),
    (Status::Pend,      Close,   Status::Closed,    AuthorizationsClose),
]);

impl Status {
    /// Those at their end, which don't count against a new request as a possible duplicate.
    pub(crate) const ENDED: &[Self] = &[Self::Denied, Self::Closed];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_34_what_is_at_its_end_stays_there() {
        for status in Status::ALL {
            let goes_on = LIFECYCLE.actions(*status, |_| true).next().is_some();
            assert_eq!(goes_on, !Status::ENDED.contains(status), "{status}");
        }
        assert_eq!(LIFECYCLE.actions(Status::Approved, |_| false).next(), None);
    }

    #[test]
    fn fed_05_an_action_takes_one_scope_wherever_it_is_taken() {
        for (_, action, _, scope) in LIFECYCLE.0 {
            assert_eq!(LIFECYCLE.scope(*action), Some(*scope));
            let adverse = matches!(action, Reduce | Deny);
            assert_eq!(adverse, *scope == AuthorizationsDeny, "{action}");
        }
    }
}
