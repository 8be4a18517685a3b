//! Who is named in an authorization, as callers see them.

use authorizations::{MemberParty, Named, Party, PcpParty};
use chrono::NaiveDate;
use kernel::{MemberId, Npi, Phone};
use serde::Serialize;
use utoipa::ToSchema;

/// The member, as on the day of receipt.
#[derive(Serialize, ToSchema)]
pub(super) struct MemberBody {
    id: MemberId,
    /// First and last name.
    name: String,
    /// The day of birth.
    date_of_birth: NaiveDate,
    /// The product that covers the start date.
    product: String,
    /// The primary care provider.
    #[schema(required = true)]
    pcp: Option<PcpBody>,
}

/// A primary care provider.
#[derive(Serialize, ToSchema)]
pub(super) struct PcpBody {
    npi: Npi,
    /// Its name.
    name: String,
    /// The name of the site where it sees the member.
    #[schema(required = true)]
    site: Option<String>,
}

/// A provider, and whom to call there.
#[derive(Serialize, ToSchema)]
pub(super) struct PartyBody {
    npi: Npi,
    /// Its name.
    name: String,
    contact: ContactBody,
}

/// A person or a desk, and how to call them.
#[derive(Serialize, ToSchema)]
pub(super) struct ContactBody {
    /// The person or the desk.
    pub(super) name: String,
    pub(super) phone: Phone,
}

/// A provider.
#[derive(Serialize, ToSchema)]
pub(super) struct NamedBody {
    npi: Npi,
    /// Its name.
    name: String,
}

impl From<MemberParty> for MemberBody {
    fn from(it: MemberParty) -> Self {
        let pcp = it.pcp.map(PcpBody::from);
        Self { id: it.id, name: it.name, date_of_birth: it.date_of_birth, product: it.product, pcp }
    }
}

impl From<PcpParty> for PcpBody {
    fn from(PcpParty { npi, name, site }: PcpParty) -> Self {
        Self { npi, name, site }
    }
}

impl From<Party> for PartyBody {
    fn from(it: Party) -> Self {
        Self {
            npi: it.npi,
            name: it.name,
            contact: ContactBody { name: it.contact_name, phone: it.contact_phone },
        }
    }
}

impl From<Named> for NamedBody {
    fn from(Named { npi, name }: Named) -> Self {
        Self { npi, name }
    }
}
