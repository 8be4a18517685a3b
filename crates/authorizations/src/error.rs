use kernel::faults;

use crate::{Action, Status};

faults! {
    /// Why an authorization could not be asked for, read or changed.
    pub enum Error {
        /// There is none with this ID, or not for this caller, who can't tell the two apart.
        NotFound => NotFound, "authorization-not-found", "AUT-30",
            "There is no such authorization.";
        /// The caller named a site that isn't granted to it.
        SiteNotPermitted => Forbidden, "site-not-permitted", "AUT-09",
            "The site named in site_id is not one of yours. GET /v1/me lists those that are.";
        /// The lifecycle has no such move.
        NotPermitted(status: Status, action: Action; allowed) => Conflict, "authorization-action-not-permitted", "AUT-08",
            "An authorization that is {status} does not permit {action}.";
        /// What was checked holds for the day that has just ended.
        DayTurned => Unavailable, "day-turned", "AUT-02",
            "The plan's day began anew while the request was read, and nothing was changed. Send the request again.";
        /// Another request took what this one was checked against.
        Overtaken => Conflict, "request-overtaken", "",
            "Another request for this member came in between, and nothing was changed. Send the request again.";
        /// A decision would grant what isn't left.
        BeyondBenefit => Conflict, "beyond-benefit", "AUT-06",
            "What would be granted is more than what is left of the member's benefit: a physician reviewer may grant less.";
        /// An adverse determination is a clinician's.
        ClinicianOnly(action: Action) => Forbidden, "clinician-only", "FED-05",
            "To {action} is an adverse determination, which only a physician reviewer makes.";
        /// No one decides on a request that they sent, or on one of a site for which they ever had a role, under whatever login
        /// (separation of duties, S-1).
        OwnRequest => Forbidden, "own-request", "",
            "You sent this request, or had a role at its site: someone else decides on it.";
        /// The move takes a scope that the caller doesn't have.
        NotYours(action: Action) => Forbidden, "action-not-yours", "AUT-08",
            "To {action} takes a scope that your token or your role does not have. `actions` lists what you may do.";
        /// Someone changed it since the caller read it.
        Stale => Stale, "authorization-changed", "AUT-08",
            "The authorization changed since you read it. Read it again, and send the ETag of that answer in If-Match.";
    } or {
        /// The database could not answer.
        Store(::store::Error),
        /// A fact could not be had.
        Registry(registry::Error),
    }
}

impl From<diesel::result::Error> for Error {
    fn from(it: diesel::result::Error) -> Self {
        Self::Store(it.into())
    }
}

/// What can't be: rows and rules that contradict each other.
pub(crate) fn broken(what: &str) -> Error {
    Error::Store(::store::Error::Internal(what.to_owned()))
}
