//! Every query on the tables of this room.

use ::store::{AnyOf, Db, Key, Rx, Tx, rows};
use chrono::NaiveDate;
use diesel::prelude::*;
use kernel::{DiagnosisCode, MemberId, Npi, Phone, PrincipalId, SiteId};

use crate::schema::{
    affiliations, coverages, diagnosis_codes, members, organizations, principals, products, providers,
    site_grants, sites,
};
use crate::{
    Contact, Coverage, Diagnosis, Error, Member, Pcp, Principal, Provider, ProviderKind, Release, Role, Site,
};

/// The caller with this id, if there is one and it is active, with the sites granted to it by id.
///
/// # Errors
/// If the database can't answer.
pub fn principal(rx: &mut Rx<'_>, id: &PrincipalId) -> Result<Option<Principal>, Error> {
    type Row = (Role, String, Option<String>, Option<Phone>);
    let found: Vec<(Row, Option<(SiteId, String, Npi)>)> = principals::table
        .left_join(site_grants::table)
        .left_join(sites::table.on(sites::id.eq(site_grants::site_id)))
        .filter(principals::id.eq(id).and(principals::active))
        .order(site_grants::site_id)
        .select((
            (principals::role, principals::name, principals::contact_name, principals::contact_phone),
            (sites::id, sites::name, sites::npi).nullable(),
        ))
        .load(rx.db())?;
    let Some(((role, name, contact_name, contact_phone), _)) = found.first().cloned() else {
        return Ok(None);
    };
    let contact = contact_name.zip(contact_phone).map(|(name, phone)| Contact { name, phone });
    let sites = found
        .into_iter()
        .filter_map(|(_, site)| site)
        .map(|(id, name, npi)| Site { id, name, npi })
        .collect();
    Ok(Some(Principal { id: id.clone(), role, name, contact, sites }))
}

/// The member with this number, if there is one.
///
/// # Errors
/// If the database can't answer.
pub fn member(rx: &mut Rx<'_>, id: &MemberId) -> Result<Option<Member>, Error> {
    type Name = (String, String, NaiveDate, Option<Npi>);
    type Span = (NaiveDate, Option<NaiveDate>, String);
    let found: Vec<(Name, Option<String>, Option<String>, Option<Span>)> = members::table
        .left_join(providers::table)
        .left_join(sites::table)
        // Not a join within the join: SQLite would first build all of it.
        .left_join(coverages::table)
        .left_join(products::table.on(products::id.eq(coverages::product_id)))
        .filter(members::id.eq(id))
        .order(coverages::first_on)
        .select((
            (members::first_name, members::last_name, members::date_of_birth, members::pcp_npi),
            providers::name.nullable(),
            sites::name.nullable(),
            (coverages::first_on, coverages::last_on, products::name).nullable(),
        ))
        .load(rx.db())?;
    let Some(((first, last, date_of_birth, npi), pcp, site, _)) = found.first().cloned() else {
        return Ok(None);
    };
    let pcp = npi.zip(pcp).map(|(npi, name)| Pcp { npi, name, site });
    let coverage = |(first_on, last_on, product)| Coverage { product, first_on, last_on };
    let coverages = found.into_iter().filter_map(|row| row.3).map(coverage).collect();
    Ok(Some(Member { id: id.clone(), name: format!("{first} {last}"), date_of_birth, pcp, coverages }))
}

/// The providers with these NPIs, as far as there are such.
///
/// # Errors
/// If the database can't answer.
pub fn providers(rx: &mut Rx<'_>, npis: &[&Npi]) -> Result<Vec<Provider>, Error> {
    let payee = diesel::alias!(providers as payee);
    let found: Vec<(Npi, String, ProviderKind, Option<(Npi, String)>)> = providers::table
        .left_join(payee.on(payee.field(providers::npi).nullable().eq(providers::pay_to_npi)))
        .filter(AnyOf { column: "providers.npi", values: npis })
        .select((
            providers::npi,
            providers::name,
            providers::kind,
            payee.fields((providers::npi, providers::name)).nullable(),
        ))
        .load(rx.db())?;
    let provider = |(npi, name, kind, payee): (Npi, String, _, Option<_>)| {
        let pay_to = payee.unwrap_or_else(|| (npi.clone(), name.clone()));
        Provider { npi, name, kind, pay_to }
    };
    Ok(found.into_iter().map(provider).collect())
}

/// Whether the provider practises at the site on `day`.
///
/// # Errors
/// If the database can't answer.
pub fn is_affiliated(rx: &mut Rx<'_>, npi: &Npi, site: &SiteId, day: NaiveDate) -> Result<bool, Error> {
    let then = affiliations::table
        .filter(affiliations::npi.eq(npi).and(affiliations::site_id.eq(site)))
        .filter(affiliations::first_on.le(day))
        .filter(affiliations::last_on.is_null().or(affiliations::last_on.ge(day)));
    Ok(diesel::select(diesel::dsl::exists(then)).get_result(rx.db())?)
}

/// What is known of these codes, whenever it holds (AUT-16), the latest last.
///
/// # Errors
/// If the database can't answer.
pub fn diagnoses(rx: &mut Rx<'_>, codes: &[&DiagnosisCode]) -> Result<Vec<Diagnosis>, Error> {
    let found: Vec<DiagnosisRow> = diagnosis_codes::table
        .filter(AnyOf { column: "diagnosis_codes.code", values: codes })
        .order((diagnosis_codes::code, diagnosis_codes::first_on))
        .load(rx.db())?;
    let diagnosis = |DiagnosisRow { code, first_on, last_on, billable, description }| Diagnosis {
        code,
        description,
        billable,
        first_on,
        last_on,
    };
    Ok(found.into_iter().map(diagnosis).collect())
}

fn any_diagnosis_code(db: &mut Db) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(diagnosis_codes::table.select(diagnosis_codes::code)))
        .get_result(db)?)
}

/// Whether anyone is on record who could call.
///
/// # Errors
/// If the database can't answer.
pub fn has_principals(rx: &mut Rx<'_>) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(principals::table.select(principals::id))).get_result(rx.db())?)
}

/// Loads a release of the diagnosis codes into a database that has none, all of it or nothing; how many codes it has.
///
/// # Errors
/// [`Error::Release`] names the row that can't be read.
pub fn load_diagnosis_codes<R: std::io::Read>(tx: &mut Tx<'_>, release: Release<R>) -> Result<usize, Error> {
    /// As many rows as one statement takes well within its time.
    const CHUNK: usize = 10_000;
    // Two nodes may be started at once.
    tx.lock(&[Key::CodeSet("icd-10-cm".to_owned())])?;
    if any_diagnosis_code(tx.db()?)? {
        return Ok(0);
    }
    let (mut rows, mut count) = (Vec::with_capacity(CHUNK), 0);
    for it in release.read() {
        let Diagnosis { code, description, billable, first_on, last_on } = it?;
        rows.push(DiagnosisRow { code, first_on, last_on, billable, description });
        count += 1;
        if rows.len() == CHUNK {
            tx.insert(std::mem::take(&mut rows));
            tx.db()?;
        }
    }
    tx.insert(rows);
    Ok(count)
}

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
    pub(crate) struct PrincipalRow for principals {
        id: PrincipalId,
        role: Role,
        name: String,
        contact_name: Option<String>,
        contact_phone: Option<Phone>,
        active: bool,
    }
}
rows! {
    pub(crate) struct GrantRow for site_grants {
        principal_id: PrincipalId,
        site_id: SiteId,
    }
}
