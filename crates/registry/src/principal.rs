use kernel::{Npi, Phone, PrincipalId, Scope, SiteId, codes};

codes! {
    /// What calls.
    pub enum PrincipalKind {
        /// A person at a provider's site.
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
        /// Asks for authorizations, by program, for the sites that it is granted.
        EhrVendor = "ehr_vendor",
        /// Keeps the plan's requests in order.
        AuthorizationCoordinator = "authorization_coordinator",
        /// Reviews what the policy sends to review.
        MedicalReviewNurse = "medical_review_nurse",
        /// Decides what needs a physician: denials, and grants of less than was asked (FED-05).
        PhysicianReviewer = "physician_reviewer",
    }
}

impl Role {
    /// What whoever has this role is.
    #[must_use]
    pub const fn kind(self) -> PrincipalKind {
        match self {
            Self::PortalUser => PrincipalKind::Person,
            Self::EhrVendor => PrincipalKind::System,
            Self::AuthorizationCoordinator | Self::MedicalReviewNurse | Self::PhysicianReviewer => {
                PrincipalKind::Staff
            }
        }
    }

    /// Whether whoever has this role may have `scope`.
    #[must_use]
    pub fn permits(self, scope: Scope) -> bool {
        use Scope::{
            AuthorizationsApprove, AuthorizationsClose, AuthorizationsCreate, AuthorizationsDeny,
            AuthorizationsPend, AuthorizationsRead, EligibilityRead, MembersSearch, PolicyRead,
            ProvidersRead,
        };
        if matches!(scope, MembersSearch | EligibilityRead | ProvidersRead | AuthorizationsRead) {
            return true;
        }
        match self {
            Self::PortalUser | Self::EhrVendor => scope == AuthorizationsCreate,
            Self::AuthorizationCoordinator => {
                matches!(scope, AuthorizationsPend | AuthorizationsClose | PolicyRead)
            }
            Self::MedicalReviewNurse => {
                matches!(scope, AuthorizationsApprove | AuthorizationsPend | PolicyRead)
            }
            Self::PhysicianReviewer => matches!(
                scope,
                AuthorizationsApprove
                    | AuthorizationsDeny
                    | AuthorizationsPend
                    | AuthorizationsClose
                    | PolicyRead
            ),
        }
    }
}

/// A person or a desk, and how to call them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The person or the desk.
    pub name: String,
    /// With the area code.
    pub phone: Phone,
}

/// A billing location with portal users.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    /// Its id.
    pub id: SiteId,
    /// Its name.
    pub name: String,
    /// Its NPI, which other sites may share.
    pub npi: Npi,
}

/// Someone who calls, as the plan has them on record now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Who it is; a token's `sub`.
    pub id: PrincipalId,
    /// What it is to the plan.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Whom to call about its requests, where a request doesn't say (AUT-11).
    pub contact: Option<Contact>,
    /// The sites granted to it, by id (AUT-09).
    pub sites: Vec<Site>,
}

impl Principal {
    /// The rows that it may see.
    #[must_use]
    pub fn scope(&self) -> SiteScope {
        SiteScope(match self.role.kind() {
            PrincipalKind::Staff => None,
            PrincipalKind::Person | PrincipalKind::System => {
                Some(self.sites.iter().map(|it| it.id.clone()).collect())
            }
        })
    }
}

/// The sites whose rows a query may see. Only a [`Principal`] makes one, and a query on rows that a site owns takes one.
#[derive(Debug, Clone)]
pub struct SiteScope(Option<Vec<SiteId>>);

impl SiteScope {
    /// The sites; none for the plan, which sees all of them.
    #[must_use]
    pub fn sites(&self) -> Option<&[SiteId]> {
        self.0.as_deref()
    }
}
