use Status::{Approved, Closed, Denied, Medreview, Pend};
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
        /// It looks like another open authorization of the member; a person looks at both.
        PossibleDuplicate = "possible_duplicate",
    }
}

codes! {
    /// What can be done to an authorization, each as `POST /v1/authorizations/{id}/<action>`.
    pub enum Action {
        /// End it.
        Close = "close",
    }
}

/// The life of an authorization (AUT-08, AUT-34). A move absent from this table is refused, and offered to no one.
///
/// A move enters it together with the route that makes it.
#[rustfmt::skip]
pub const LIFECYCLE: Lifecycle<Status, Action, Scope> = Lifecycle(&[
    (Approved,  Action::Close, Closed, Scope::AuthorizationsClose),
    (Medreview, Action::Close, Closed, Scope::AuthorizationsClose),
    (Pend,      Action::Close, Closed, Scope::AuthorizationsClose),
]);

impl Status {
    /// Those at their end, which don't count against a new request as a possible duplicate.
    pub(crate) const ENDED: &[Self] = &[Denied, Closed];
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
        assert_eq!(LIFECYCLE.actions(Approved, |_| false).next(), None);
    }
}
