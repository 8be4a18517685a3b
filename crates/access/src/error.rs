use kernel::faults;
use registry::Role;

use crate::{DelegationAction, GrantAction, GrantStatus};

faults! {
    /// Why a user could not be read or changed.
    pub enum Error {
        /// There is none with this ID, or not for this caller, who can't tell the two apart.
        NotFound => NotFound, "user-not-found", "AUT-09", "There is no such user.";
        /// The user has no grant with this ID, or none that this caller sees, who can't tell the two apart.
        GrantNotFound => NotFound, "grant-not-found", "AUT-09", "The user has no such grant.";
        /// There is none with this ID, or not for this caller, who can't tell the two apart.
        DelegationNotFound => NotFound, "delegation-not-found", "ENR-10", "There is no such delegation.";
        /// The caller named a site that isn't granted to it.
        SiteNotPermitted => Forbidden, "site-not-permitted", "AUT-09",
            "The site named in site_id is not one of yours. GET /v1/me lists those that are.";
        /// A site's administrator grants and withdraws the roles of the site's own people and no others; an agent's role comes with
        /// a delegation on record and ends with it.
        RoleNotGrantable(role: Role) => Forbidden, "role-not-grantable", "AUT-09",
            "You neither grant nor withdraw the role {role}.";
        /// The plan makes its own people users, says who is one person under several logins, approves, disables and enables.
        PlanOnly => Forbidden, "plan-only", "AUT-09", "Only the plan's own administrators do this.";
        /// No one changes what they were granted themselves, under whatever login (S-10).
        OwnGrant => Forbidden, "own-grant", "", "This is about your own access: someone else decides on it.";
        /// A role that two people grant is approved by another person than the one who asked for it, under whatever login (S-10).
        SecondPersonRequired => Forbidden, "second-person-required", "",
            "You asked for this: another person approves it.";
        /// What was delegated to someone isn't passed on.
        AgentsDontDelegate => Forbidden, "agents-do-not-delegate", "ENR-10",
            "You are on record as an agent yourself, and don't name others.";
        /// The user has this role there already, or it is asked for.
        GrantExists => Conflict, "grant-exists", "AUT-09",
            "They have this role there already, or it waits to be approved.";
        /// The login is taken. A person who has it gets a further grant by the same request with `site_id` and `role`.
        UserExists => Conflict, "user-exists", "AUT-09", "There is a user with this login already.";
        /// The grant's life has no such move.
        NotPermitted(status: GrantStatus, action: GrantAction; allowed) => Conflict, "grant-action-not-permitted", "AUT-09",
            "A grant that is {status} does not permit {action}.";
        /// The delegation's life has no such move.
        DelegationNotPermitted(status: GrantStatus, action: DelegationAction; allowed) => Conflict, "delegation-action-not-permitted", "ENR-10",
            "A delegation that is {status} does not permit {action}.";
        /// Someone changed it since the caller read it.
        DelegationStale => Stale, "delegation-changed", "ENR-10",
            "The delegation changed since you read it. Read it again, and send the ETag of that answer in If-Match.";
        /// Someone changed the user, or what they are granted, since the caller read it.
        Stale => Stale, "user-stale", "AUT-09",
            "The user changed since you read it. Read it again, and send the ETag of that answer in If-Match.";
        /// A site is never without an administrator, and the plan never with fewer than two (S-10).
        LastAdministrator => Conflict, "last-administrator", "AUT-09",
            "The site would be without an administrator, or the plan with fewer than two. Grant the role to someone else first.";
        /// The user is disabled already, or enabled.
        Unchanged => Conflict, "user-unchanged", "AUT-09", "The user is so already.";
        /// Someone else changed the user between the reading of the request and its writing.
        Changed => Conflict, "user-changed", "AUT-09",
            "The user was changed meanwhile, and nothing was done. Send the request again.";
        /// There is none with this ID, or not for this caller, who can't tell the two apart.
        EmergencyNotFound => NotFound, "emergency-access-not-found", "", "There is no such emergency access.";
        /// A program has no emergencies, nor has whoever runs the service (S-13), or has no role at all.
        NoEmergencies => Forbidden, "no-emergencies", "",
            "An emergency access is for people with a role at a site or at the plan, but for those who run the service.";
        /// None is renewed without a second person: the caller's last one for this member waits for its review, or was found not to be
        /// justified.
        EmergencyUnreviewed => Conflict, "emergency-access-unreviewed", "",
            "Your last emergency access to this member's records waits for its review, or was not justified.";
        /// Someone else looks at what one saw in an emergency, under whatever login (S-12).
        OwnEmergency => Forbidden, "own-emergency", "", "You opened this emergency access: someone else reviews it.";
        /// Only the plan's compliance officers review emergency accesses.
        NotAReviewer => Forbidden, "not-a-reviewer", "", "The plan's compliance officers review emergency accesses.";
        /// It was reviewed before.
        EmergencyReviewed => Conflict, "emergency-access-reviewed", "", "This emergency access was reviewed already.";
    } or {
        /// The database could not answer.
        Store(::store::Error),
        /// A fact could not be had.
        Registry(registry::Error),
    }
}

/// What can't be: rows and rules that contradict each other.
pub(crate) fn broken(what: &str) -> Error {
    Error::Store(::store::Error::Internal(what.to_owned()))
}
