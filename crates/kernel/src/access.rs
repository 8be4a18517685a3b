use crate::codes;

codes! {
    /// What a caller may do, as a token and a role name it; `<resource>:<action>`, no wildcards. The list is closed, and longer
    /// than what this version does.
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
        /// Ask for more of one that was granted.
        AuthorizationsRevise = "authorizations:revise",
        /// Grant one as asked.
        AuthorizationsApprove = "authorizations:approve",
        /// Deny one, or grant less than was asked.
        AuthorizationsDeny = "authorizations:deny",
        /// Pend one for information, or send it to review.
        AuthorizationsPend = "authorizations:pend",
        /// Close one.
        AuthorizationsClose = "authorizations:close",
        /// See the documents of authorizations.
        AuthorizationDocumentsRead = "authorization-documents:read",
        /// Add a document to one.
        AuthorizationDocumentsCreate = "authorization-documents:create",
        /// See appeals.
        AppealsRead = "appeals:read",
        /// Appeal.
        AppealsCreate = "appeals:create",
        /// Decide an appeal.
        AppealsDecide = "appeals:decide",
        /// See requests of providers to join, to change and to leave.
        EnrollmentRead = "enrollment:read",
        /// Send one.
        EnrollmentCreate = "enrollment:create",
        /// Decide on one.
        EnrollmentDecide = "enrollment:decide",
        /// Open and close panels.
        PanelsUpdate = "panels:update",
        /// Change a member's primary care provider.
        PcpAssignmentsUpdate = "pcp-assignments:update",
        /// See rosters.
        RostersRead = "rosters:read",
        /// Send one.
        RostersCreate = "rosters:create",
        /// See credentialing files.
        CredentialingRead = "credentialing:read",
        /// Begin one.
        CredentialingCreate = "credentialing:create",
        /// Verify what it says at its source.
        CredentialingVerify = "credentialing:verify",
        /// Vote in the committee.
        CredentialingVote = "credentialing:vote",
        /// Close the committee's decision.
        CredentialingFinalize = "credentialing:finalize",
        /// Ask that one's own file be corrected.
        CredentialingCorrectionsCreate = "credentialing-corrections:create",
        /// See reports of the National Practitioner Data Bank.
        NpdbRead = "npdb:read",
        /// Report to it.
        NpdbReport = "npdb:report",
        /// Suspend a practitioner for a time.
        SuspensionsDecide = "suspensions:decide",
        /// See claims.
        ClaimsRead = "claims:read",
        /// Send claims for an audit.
        ClaimsCreate = "claims:create",
        /// See audits.
        AuditsRead = "audits:read",
        /// Begin one.
        AuditsCreate = "audits:create",
        /// Answer one.
        AuditsRespond = "audits:respond",
        /// Close one with its findings.
        AuditsFinalize = "audits:finalize",
        /// Ask for an overpayment back.
        OverpaymentsCreate = "overpayments:create",
        /// Approve that it be taken from a later payment.
        OverpaymentsApprove = "overpayments:approve",
        /// See cases of special investigations.
        SiuRead = "siu:read",
        /// Work on them.
        SiuUpdate = "siu:update",
        /// Report a suspicion.
        ReportsCreate = "reports:create",
        /// Sort reports.
        ReportsTriage = "reports:triage",
        /// See users, and what each was granted.
        UsersRead = "users:read",
        /// Grant roles, and withdraw them.
        UsersGrant = "users:grant",
        /// Record who may act for whom (ENR-10).
        DelegationsUpdate = "delegations:update",
        /// See webhooks.
        WebhooksRead = "webhooks:read",
        /// Add and change them.
        WebhooksUpdate = "webhooks:update",
        /// Have events sent again.
        WebhooksReplay = "webhooks:replay",
        /// See deadlines.
        DeadlinesRead = "deadlines:read",
        /// See the service's jobs.
        JobsRead = "jobs:read",
        /// See the policy that rules.
        PolicyRead = "policy:read",
        /// Place a legal hold.
        LegalHoldsCreate = "legal-holds:create",
        /// Release one.
        LegalHoldsRelease = "legal-holds:release",
        /// Purge what no longer has to be kept.
        RecordsPurge = "records:purge",
        /// See who did what, and who saw what.
        TrailRead = "trail:read",
        /// Take it out of the service.
        TrailExport = "trail:export",
    }
}
