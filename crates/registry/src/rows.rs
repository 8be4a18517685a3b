//! The rows of this room's tables; `migrations/` describes each column.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use kernel::{DiagnosisCode, MemberId, Npi, Phone, PrincipalId, SiteId};
use store::rows;

use crate::schema::{
    affiliations, benefits, clients, code_releases, coverages, delegations, diagnosis_codes, grants, members,
    organizations, principals, products, provider_words, providers, sites, used_assertions,
};
use crate::{Diagnosis, PrincipalKind, ProviderKind, Role};

rows! {
    #[derive(Queryable)]
    pub(crate) struct DiagnosisRow for diagnosis_codes {
        code: DiagnosisCode,
        first_on: NaiveDate,
        last_on: Option<NaiveDate>,
        billable: bool,
        description: String,
    }
}
impl From<DiagnosisRow> for Diagnosis {
    fn from(it: DiagnosisRow) -> Self {
        let DiagnosisRow { code, first_on, last_on, billable, description } = it;
        Self { code, description, billable, first_on, last_on }
    }
}
impl From<Diagnosis> for DiagnosisRow {
    fn from(it: Diagnosis) -> Self {
        let Diagnosis { code, description, billable, first_on, last_on } = it;
        Self { code, first_on, last_on, billable, description }
    }
}
rows! {
    pub(crate) struct ProductRow for products {
        id: String,
        name: String,
        my_care_family: bool,
    }
}
rows! {
    pub(crate) struct OrganizationRow for organizations {
        id: String,
        name: String,
    }
}
rows! {
    pub(crate) struct SiteRow for sites {
        id: SiteId,
        organization_id: String,
        name: String,
        npi: Npi,
    }
}
rows! {
    pub(crate) struct ProviderRow for providers {
        npi: Npi,
        name: String,
        kind: ProviderKind,
        pay_to_npi: Option<Npi>,
    }
}
rows! {
    pub(crate) struct AffiliationRow for affiliations {
        npi: Npi,
        site_id: SiteId,
        first_on: NaiveDate,
        last_on: Option<NaiveDate>,
    }
}
rows! {
    pub(crate) struct MemberRow for members {
        id: MemberId,
        first_name: String,
        last_name: String,
        first_folded: String,
        last_folded: String,
        date_of_birth: NaiveDate,
        pcp_npi: Option<Npi>,
        pcp_site_id: Option<SiteId>,
    }
}
rows! {
    pub(crate) struct CoverageRow for coverages {
        member_id: MemberId,
        product_id: String,
        first_on: NaiveDate,
        last_on: Option<NaiveDate>,
    }
}
rows! {
    #[derive(Queryable)]
    pub(crate) struct PrincipalRow for principals {
        id: PrincipalId,
        kind: PrincipalKind,
        login: String,
        person: String,
        name: String,
        contact_name: Option<String>,
        contact_phone: Option<Phone>,
        reports_to: Option<PrincipalId>,
        ceiling: Option<String>,
        active: bool,
        version: i32,
        created_at: NaiveDateTime,
        updated_at: Option<NaiveDateTime>,
    }
}
rows! {
    #[derive(Queryable)]
    pub(crate) struct GrantRow for grants {
        id: String,
        principal_id: PrincipalId,
        role: Role,
        site_id: Option<SiteId>,
        first_on: Option<NaiveDate>,
        last_on: Option<NaiveDate>,
        requested_by: String,
        requested_at: NaiveDateTime,
        approved_by: Option<String>,
        approved_at: Option<NaiveDateTime>,
        ended_by: Option<String>,
        ended_at: Option<NaiveDateTime>,
    }
}
rows! {
    #[derive(Queryable)]
    pub(crate) struct DelegationRow for delegations {
        grant_id: String,
        channel: String,
        paper: String,
    }
}
rows! {
    pub(crate) struct ProviderWordRow for provider_words {
        word: String,
        npi: Npi,
    }
}
rows! {
    pub(crate) struct BenefitRow for benefits {
        product_id: String,
        service: String,
        covered: bool,
        units_a_year: Option<i32>,
    }
}
rows! {
    pub(crate) struct CodeReleaseRow for code_releases {
        code_set: String,
        first_on: NaiveDate,
        codes: i32,
        loaded_at: NaiveDateTime,
    }
}
rows! {
    pub(crate) struct ClientRow for clients {
        principal_id: PrincipalId,
        jwks: Option<String>,
        jwks_url: Option<String>,
    }
}
rows! {
    pub(crate) struct UsedAssertionRow for used_assertions {
        client_id: PrincipalId,
        jti: String,
        expires_at: NaiveDateTime,
    }
}
