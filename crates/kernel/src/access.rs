use crate::codes;

codes! {
    /// What a caller may do, as a token and a role name it; `<resource>:<action>`, no wildcards.
    pub enum Scope {
        /// Look members up.
        MembersSearch = "members:search",
        /// See a member's coverage and benefits.
        EligibilityRead = "eligibility:read",
        /// Look providers up.
        ProvidersRead = "providers:read",
        /// See authorizations.
        AuthorizationsRead = "authorizations:read",
        /// Ask for one.
        AuthorizationsCreate = "authorizations:create",
        /// Grant one as asked.
        AuthorizationsApprove = "authorizations:approve",
        /// Deny one, or grant less than was asked.
        AuthorizationsDeny = "authorizations:deny",
        /// Pend one for information, or send it to review.
        AuthorizationsPend = "authorizations:pend",
        /// Close one.
        AuthorizationsClose = "authorizations:close",
        /// See the policy that rules.
        PolicyRead = "policy:read",
    }
}
