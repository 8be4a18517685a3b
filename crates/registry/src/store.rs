//! The queries on the tables of this room that ask for what is known by its id.

use ::store::{AnyOf, Rx, Tx};
use chrono::NaiveDate;
use diesel::prelude::*;
use kernel::{DiagnosisCode, MemberId, Npi, PrincipalId, SiteId};

use crate::rows::DiagnosisRow;
use crate::schema::{
    affiliations, benefits, coverages, diagnosis_codes, grants, members, principals, products, providers,
    sites,
};
use crate::{Benefit, Coverage, Diagnosis, Error, Member, Pcp, Provider, ProviderKind, Site};

/// The site with this id, if there is one.
///
/// # Errors
/// If the database can't answer.
pub fn site(rx: &mut Rx<'_>, id: &SiteId) -> Result<Option<Site>, Error> {
    let found: Option<(SiteId, String, Npi)> =
        sites::table.find(id).select((sites::id, sites::name, sites::npi)).first(rx.db()).optional()?;
    Ok(found.map(|(id, name, npi)| Site { id, name, npi }))
}

/// Whether the human being `person` sent `created_by`'s requests, or ever had a grant for `site`, under whatever login (S-1).
///
/// # Errors
/// If the database can't answer.
pub fn has_a_hand_in(
    tx: &mut Tx<'_>,
    person: &str,
    created_by: &PrincipalId,
    site: &SiteId,
) -> Result<bool, Error> {
    let own = principals::table.filter(principals::person.eq(person));
    let sent = own.filter(principals::id.eq(created_by)).select(principals::id);
    let granted = grants::table
        .filter(grants::site_id.eq(site))
        .filter(grants::principal_id.eq_any(own.select(principals::id)))
        .select(grants::id);
    let either = diesel::dsl::exists(sent).or(diesel::dsl::exists(granted));
    Ok(diesel::select(either).get_result(tx.db()?)?)
}

/// The member with this number, if there is one; each coverage with its benefit for `service`, if the product has one.
///
/// # Errors
/// If the database can't answer.
pub fn member(rx: &mut Rx<'_>, id: &MemberId, service: &str) -> Result<Option<Member>, Error> {
    type Name = (String, String, NaiveDate, Option<Npi>);
    type Span = (NaiveDate, Option<NaiveDate>, String, String, bool);
    type Row = (Name, Option<String>, Option<String>, Option<Span>, Option<(bool, Option<i32>)>);
    let for_service = benefits::product_id.eq(coverages::product_id).and(benefits::service.eq(service));
    let found: Vec<Row> = members::table
        .left_join(providers::table)
        .left_join(sites::table)
        // Not a join within the join: SQLite would first build all of it.
        .left_join(coverages::table)
        .left_join(products::table.on(products::id.eq(coverages::product_id)))
        .left_join(benefits::table.on(for_service))
        .filter(members::id.eq(id))
        .order(coverages::first_on)
        .select((
            (members::first_name, members::last_name, members::date_of_birth, members::pcp_npi),
            providers::name.nullable(),
            sites::name.nullable(),
            (coverages::first_on, coverages::last_on, products::id, products::name, products::my_care_family)
                .nullable(),
            (benefits::covered, benefits::units_a_year).nullable(),
        ))
        .load(rx.db())?;
    let Some(((first, last, date_of_birth, npi), pcp, site, ..)) = found.first().cloned() else {
        return Ok(None);
    };
    let pcp = npi.zip(pcp).map(|(npi, name)| Pcp { npi, name, site });
    let coverage = |(.., span, benefit): Row| {
        let (first_on, last_on, product_id, product, my_care_family) = span?;
        let benefit = benefit.map(|(covered, limit)| Benefit { service: service.to_owned(), covered, limit });
        Some(Coverage { product_id, product, my_care_family, first_on, last_on, benefit })
    };
    let coverages = found.into_iter().filter_map(coverage).collect();
    Ok(Some(Member { id: id.clone(), name: format!("{first} {last}"), date_of_birth, pcp, coverages }))
}

/// What the product covers, by service.
///
/// # Errors
/// If the database can't answer.
pub fn benefits(rx: &mut Rx<'_>, product: &str) -> Result<Vec<Benefit>, Error> {
    let rows: Vec<(String, bool, Option<i32>)> = benefits::table
        .filter(benefits::product_id.eq(product))
        .order(benefits::service)
        .select((benefits::service, benefits::covered, benefits::units_a_year))
        .load(rx.db())?;
    Ok(rows.into_iter().map(|(service, covered, limit)| Benefit { service, covered, limit }).collect())
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
    Ok(found.into_iter().map(Diagnosis::from).collect())
}
