//! What each role may do: one table, which nothing else repeats.

use kernel::Scope::{
    AppealsCreate, AppealsDecide, AppealsRead, AuditsCreate, AuditsFinalize, AuditsRead, AuditsRespond,
    AuthorizationDocumentsCreate, AuthorizationDocumentsRead, AuthorizationsApprove, AuthorizationsClose,
    AuthorizationsCreate, AuthorizationsDeny, AuthorizationsPend, AuthorizationsRead, AuthorizationsRevise,
    ClaimsCreate, ClaimsRead, CredentialingCorrectionsCreate, CredentialingCreate, CredentialingFinalize,
    CredentialingRead, CredentialingVerify, CredentialingVote, DeadlinesRead, DelegationsUpdate,
    EligibilityRead, EnrollmentCreate, EnrollmentDecide, EnrollmentRead, JobsRead, LegalHoldsCreate,
    LegalHoldsRelease, MembersSearch, NpdbRead, NpdbReport, OverpaymentsApprove, OverpaymentsCreate,
    PanelsUpdate, PcpAssignmentsUpdate, PolicyRead, ProvidersRead, RecordsPurge, ReportsCreate,
    ReportsTriage, RostersCreate, RostersRead, SiuRead, SiuUpdate, SuspensionsDecide, TrailRead, UsersGrant,
    UsersRead, WebhooksRead, WebhooksReplay, WebhooksUpdate,
};
use kernel::{Scope, codes};

codes! {
    /// What calls.
    pub enum PrincipalKind {
        /// A person at a provider's site, or one who acts for it.
        Person = "person",
        /// A person of the plan.
        Staff = "staff",
        /// A program on its own: an EHR vendor, a clearinghouse.
        System = "system",
    }
}

codes! {
    /// What a caller is to the plan; each role permits a fixed set of scopes.
    pub enum Role {
        /// Asks for authorizations for its sites.
        PortalUser = "portal_user",
        /// Grants and withdraws the roles of its sites' users (AUT-09).
        SiteAdministrator = "site_administrator",
        /// A practitioner, who sees what the plan holds of them.
        Practitioner = "practitioner",
        /// Keeps the credentialing files of a group's practitioners for them.
        CredentialingDelegate = "credentialing_delegate",
        /// Acts for a site from outside, while that is on record (ENR-10).
        BillingAgent = "billing_agent",
        /// Keeps the plan's requests in order, and enters those that come by telephone and fax.
        AuthorizationCoordinator = "authorization_coordinator",
        /// Reviews what the policy sends to review.
        MedicalReviewNurse = "medical_review_nurse",
        /// Decides what needs a physician: denials, and grants of less than was asked (FED-05).
        PhysicianReviewer = "physician_reviewer",
        /// Decides appeals.
        AppealsReviewer = "appeals_reviewer",
        /// Gathers and verifies what practitioners say of themselves.
        CredentialingSpecialist = "credentialing_specialist",
        /// Votes in the credentialing committee.
        CommitteeMember = "committee_member",
        /// Chairs it: the chief medical officer, or a designee.
        CommitteeChair = "committee_chair",
        /// Audits claims.
        AuditSpecialist = "audit_specialist",
        /// Finds overpayments, and asks for them back.
        PaymentIntegrityAnalyst = "payment_integrity_analyst",
        /// Investigates fraud, waste and abuse.
        SpecialInvestigator = "special_investigator",
        /// Looks after the sites of a territory.
        ProviderRelationsManager = "provider_relations_manager",
        /// Asks for authorizations, by program, for the sites that it acts for (ENR-10).
        EhrVendor = "ehr_vendor",
        /// Passes on the requests of the sites that it acts for (ENR-10).
        Clearinghouse = "clearinghouse",
        /// Watches over the plan's duties; reviews what was seen in emergencies.
        ComplianceOfficer = "compliance_officer",
        /// Runs the service, and sees nothing of members.
        PlatformOperator = "platform_operator",
        /// Adds the plan's people, and asks for their roles, which another administrator approves.
        PlanAdministrator = "plan_administrator",
    }
}

/// How far a role reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The sites for which it was granted.
    Sites,
    /// The whole plan.
    Plan,
    /// The cases that were assigned; what assigns them comes with the cases.
    Cases,
    /// What the plan holds of the caller.
    Own,
}

/// One row: who may have a role, how far it reaches, and what it permits.
struct Duty(Role, PrincipalKind, Reach, &'static [Scope]);

#[rustfmt::skip]
const DUTIES: &[Duty] = &[
    Duty(Role::PortalUser, PrincipalKind::Person, Reach::Sites, &[
        MembersSearch, EligibilityRead, ProvidersRead, AuthorizationsRead, AuthorizationsCreate, AuthorizationsRevise,
        AuthorizationDocumentsRead, AuthorizationDocumentsCreate, AppealsRead, AppealsCreate, EnrollmentRead, EnrollmentCreate,
        PanelsUpdate, PcpAssignmentsUpdate, RostersRead, RostersCreate, AuditsRead, AuditsRespond, ReportsCreate,
    ]),
    Duty(Role::SiteAdministrator, PrincipalKind::Person, Reach::Sites, &[
        ProvidersRead, AuthorizationsRead, AuthorizationDocumentsRead, AppealsRead, EnrollmentRead, EnrollmentCreate, PanelsUpdate,
        RostersRead, RostersCreate, ReportsCreate, UsersRead, UsersGrant, DelegationsUpdate, WebhooksRead, WebhooksUpdate,
        WebhooksReplay, TrailRead,
    ]),
    Duty(Role::Practitioner, PrincipalKind::Person, Reach::Own, &[
        ProvidersRead, EnrollmentRead, CredentialingRead, CredentialingCorrectionsCreate, ReportsCreate,
    ]),
    Duty(Role::CredentialingDelegate, PrincipalKind::Person, Reach::Sites, &[
        ProvidersRead, EnrollmentRead, EnrollmentCreate, RostersRead, RostersCreate, CredentialingRead,
        CredentialingCorrectionsCreate, ReportsCreate,
    ]),
    Duty(Role::BillingAgent, PrincipalKind::Person, Reach::Sites, &[
        MembersSearch, EligibilityRead, ProvidersRead, AuthorizationsRead, AuthorizationsCreate, AuthorizationDocumentsCreate,
        AppealsRead, AppealsCreate, AuditsRespond, ReportsCreate,
    ]),
    Duty(Role::AuthorizationCoordinator, PrincipalKind::Staff, Reach::Plan, &[
        MembersSearch, EligibilityRead, ProvidersRead, AuthorizationsRead, AuthorizationsCreate, AuthorizationsRevise,
        AuthorizationsPend, AuthorizationsClose, AuthorizationDocumentsRead, AuthorizationDocumentsCreate, AppealsRead,
        ReportsCreate, DeadlinesRead, PolicyRead,
    ]),
    Duty(Role::MedicalReviewNurse, PrincipalKind::Staff, Reach::Plan, &[
        MembersSearch, EligibilityRead, ProvidersRead, AuthorizationsRead, AuthorizationsApprove, AuthorizationsPend,
        AuthorizationDocumentsRead, AppealsRead, ReportsCreate, DeadlinesRead, PolicyRead,
    ]),
    Duty(Role::PhysicianReviewer, PrincipalKind::Staff, Reach::Plan, &[
        MembersSearch, EligibilityRead, ProvidersRead, AuthorizationsRead, AuthorizationsApprove, AuthorizationsDeny,
        AuthorizationsPend, AuthorizationsClose, AuthorizationDocumentsRead, AppealsRead, ReportsCreate, DeadlinesRead, PolicyRead,
    ]),
    Duty(Role::AppealsReviewer, PrincipalKind::Staff, Reach::Cases, &[
        MembersSearch, EligibilityRead, ProvidersRead, AuthorizationsRead, AuthorizationDocumentsRead, AppealsRead, AppealsDecide,
        ReportsCreate, PolicyRead,
    ]),
    Duty(Role::CredentialingSpecialist, PrincipalKind::Staff, Reach::Plan, &[
        ProvidersRead, EnrollmentRead, EnrollmentDecide, CredentialingRead, CredentialingCreate, CredentialingVerify, NpdbRead,
        ReportsCreate,
    ]),
    Duty(Role::CommitteeMember, PrincipalKind::Staff, Reach::Cases, &[
        ProvidersRead, CredentialingRead, CredentialingVote, NpdbRead, ReportsCreate,
    ]),
    Duty(Role::CommitteeChair, PrincipalKind::Staff, Reach::Plan, &[
        ProvidersRead, CredentialingRead, CredentialingVote, CredentialingFinalize, NpdbRead, NpdbReport, SuspensionsDecide,
        ReportsCreate,
    ]),
    Duty(Role::AuditSpecialist, PrincipalKind::Staff, Reach::Cases, &[
        ProvidersRead, AuthorizationsRead, AuthorizationDocumentsRead, ClaimsRead, ClaimsCreate, AuditsRead, AuditsCreate,
        AuditsFinalize, ReportsCreate,
    ]),
    Duty(Role::PaymentIntegrityAnalyst, PrincipalKind::Staff, Reach::Cases, &[
        ProvidersRead, AuthorizationsRead, AuthorizationDocumentsRead, ClaimsRead, AuditsRead, AuditsCreate, OverpaymentsCreate,
        OverpaymentsApprove, ReportsCreate,
    ]),
    Duty(Role::SpecialInvestigator, PrincipalKind::Staff, Reach::Cases, &[
        ProvidersRead, AuthorizationsRead, AuthorizationDocumentsRead, ClaimsRead, AuditsRead, AuditsCreate, OverpaymentsCreate,
        SiuRead, SiuUpdate, TrailRead,
    ]),
    Duty(Role::ProviderRelationsManager, PrincipalKind::Staff, Reach::Sites, &[
        ProvidersRead, EnrollmentRead, AuditsRead, ReportsCreate, UsersRead, DelegationsUpdate,
    ]),
    Duty(Role::EhrVendor, PrincipalKind::System, Reach::Sites, PROGRAM),
    Duty(Role::Clearinghouse, PrincipalKind::System, Reach::Sites, PROGRAM),
    Duty(Role::ComplianceOfficer, PrincipalKind::Staff, Reach::Plan, &[
        AppealsRead, EnrollmentRead, AuditsRead, ClaimsRead, ReportsTriage, UsersRead, UsersGrant, WebhooksRead, DeadlinesRead,
        PolicyRead, LegalHoldsCreate, LegalHoldsRelease, RecordsPurge, TrailRead,
    ]),
    Duty(Role::PlatformOperator, PrincipalKind::Staff, Reach::Plan, &[JobsRead, PolicyRead]),
    Duty(Role::PlanAdministrator, PrincipalKind::Staff, Reach::Plan, &[UsersRead, UsersGrant, DelegationsUpdate]),
];

/// What every program that calls for sites may do.
const PROGRAM: &[Scope] = &[
    MembersSearch,
    EligibilityRead,
    ProvidersRead,
    AuthorizationsRead,
    AuthorizationsCreate,
    AuthorizationsRevise,
    AuthorizationDocumentsRead,
    AuthorizationDocumentsCreate,
    AppealsRead,
    AppealsCreate,
    EnrollmentRead,
    EnrollmentCreate,
    AuditsRead,
    WebhooksRead,
    WebhooksUpdate,
    WebhooksReplay,
];

impl Role {
    fn duty(self) -> &'static Duty {
        DUTIES.iter().find(|it| it.0 == self).expect("a row for each role")
    }

    /// What whoever has this role is.
    #[must_use]
    pub fn kind(self) -> PrincipalKind {
        self.duty().1
    }

    /// How far it reaches.
    #[must_use]
    pub fn reach(self) -> Reach {
        self.duty().2
    }

    /// What it permits.
    #[must_use]
    pub fn scopes(self) -> &'static [Scope] {
        self.duty().3
    }

    /// Whether whoever has this role may have `scope`.
    #[must_use]
    pub fn permits(self, scope: Scope) -> bool {
        self.scopes().contains(&scope)
    }

    /// Whether it is one of a site's own people, which the site's administrator grants (AUT-09).
    #[must_use]
    pub fn is_of_portal(self) -> bool {
        matches!(self, Self::PortalUser | Self::SiteAdministrator | Self::CredentialingDelegate)
    }

    /// Whether it acts for a site from outside, for which there must be a delegation on record (ENR-10).
    #[must_use]
    pub fn is_agent(self) -> bool {
        matches!(self, Self::BillingAgent | Self::EhrVendor | Self::Clearinghouse)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What shows members' data, or lets it be changed.
    const OF_MEMBERS: &[Scope] = &[
        MembersSearch,
        EligibilityRead,
        AuthorizationsRead,
        AuthorizationsCreate,
        AuthorizationsApprove,
        AuthorizationsDeny,
        AuthorizationsPend,
        AuthorizationsClose,
        AuthorizationDocumentsRead,
        AppealsRead,
        ClaimsRead,
        TrailRead,
    ];

    #[test]
    fn every_role_has_one_row() {
        let rows: Vec<_> = DUTIES.iter().map(|it| it.0).collect();
        assert_eq!(rows, Role::ALL);
    }

    #[test]
    fn s_13_the_operator_has_no_phi_and_who_exports_writes_nothing() {
        let mut export = DUTIES.iter().filter(|it| it.3.contains(&Scope::TrailExport));
        assert!(export.all(|it| {
            it.3.iter().all(|it| it.as_str().ends_with(":read") || it.as_str().ends_with(":export"))
        }));
        assert!(!OF_MEMBERS.iter().any(|it| Role::PlatformOperator.permits(*it)));
        // The control: what another role has would be noticed.
        assert!(OF_MEMBERS.iter().any(|it| Role::MedicalReviewNurse.permits(*it)));
    }

    #[test]
    fn fed_05_only_a_physician_reviewer_denies() {
        let deny: Vec<_> = Role::ALL.iter().filter(|it| it.permits(AuthorizationsDeny)).collect();
        assert_eq!(deny, [&Role::PhysicianReviewer]);
    }

    #[test]
    fn s_04_s_08_no_role_has_both_hands() {
        for (one, other) in
            [(CredentialingVerify, CredentialingVote), (AuthorizationsCreate, AuthorizationsApprove)]
        {
            assert!(!Role::ALL.iter().any(|it| it.permits(one) && it.permits(other)), "{one} {other}");
        }
    }
}
