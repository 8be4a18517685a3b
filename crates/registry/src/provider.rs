use kernel::{Npi, codes};

codes! {
    /// What a provider is.
    pub enum ProviderKind {
        /// A practitioner.
        Person = "person",
        /// A facility, an agency, a group.
        Organization = "organization",
    }
}

/// Someone who renders services, or asks for them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// Its NPI.
    pub npi: Npi,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: ProviderKind,
    /// Who is paid for its services, with the name: itself, if no other is on record.
    pub pay_to: (Npi, String),
}
