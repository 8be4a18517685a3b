//! What the tests and the documents name: the plan's core. All names are made up.

use chrono::{Months, NaiveDate, NaiveTime};
use kernel::{MemberId, Npi, Phone, PrincipalId};

use super::network::site_id;
use super::{Rows, day};
use crate::rows::{
    AffiliationRow, BenefitRow, CoverageRow, DelegationRow, GrantRow, MemberRow, OrganizationRow,
    PrincipalRow, ProductRow, ProviderRow, SiteRow,
};
use crate::{ProviderKind, Role, fold};

/// The sites: id, organization, name, NPI. The first and the third share an NPI and belong to different organizations.
pub const SITES: [(&str, &str, &str, &str); 3] = [
    (
        "site_0198c1f2a4b37c10a1b2c3d4e5f60718",
        ORGANIZATIONS[0].0,
        "Riverside Home Care, Dorchester",
        "1346218294",
    ),
    (
        "site_0198c1f2a4b37c10a1b2c3d4e5f60719",
        ORGANIZATIONS[0].0,
        "Riverside Home Care, Quincy",
        "1234567893",
    ),
    (
        "site_0198c1f2a4b37c10a1b2c3d4e5f6071a",
        ORGANIZATIONS[1].0,
        "Harbor Visiting Nurses, Boston",
        "1346218294",
    ),
];

/// The callers: id, name for `lanyard token --as`, role, contact, sites by their place; the first are [`SITES`]. A role of the
/// plan's has no sites.
#[rustfmt::skip]
pub const PRINCIPALS: [(&str, &str, Role, Option<(&str, &str)>, &[usize]); 28] = [
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60701", "single-site", Role::PortalUser, Some(INTAKE), &[0]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60702", "multi-site", Role::PortalUser, Some(INTAKE), &[0, 1]),
    ("cli_0198c1f2a4b37c10a1b2c3d4e5f60703", "ehr-vendor", Role::EhrVendor, None, &[0, 2]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60704", "nurse", Role::MedicalReviewNurse, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60705", "coordinator", Role::AuthorizationCoordinator, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60706", "other-site", Role::PortalUser, None, &[2]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60707", "physician", Role::PhysicianReviewer, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60708", "second-physician", Role::PhysicianReviewer, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60709", "agency", Role::PortalUser, Some(SCHEDULING), &[3, 4, 5, 6]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6070a", "hospital", Role::PortalUser, Some(CASES), &[19, 20, 21, 22]),
    ("cli_0198c1f2a4b37c10a1b2c3d4e5f6070b", "clearinghouse", Role::Clearinghouse, None, &CLEARED),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6070c", "site-administrator", Role::SiteAdministrator, None, &[0, 1]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6070d", "practitioner", Role::Practitioner, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6070e", "credentialing-delegate", Role::CredentialingDelegate, None, &[0]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6070f", "billing-agent", Role::BillingAgent, Some(INTAKE), &[0]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60710", "appeals-reviewer", Role::AppealsReviewer, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60711", "credentialing-specialist", Role::CredentialingSpecialist, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60712", "committee-member", Role::CommitteeMember, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60713", "committee-chair", Role::CommitteeChair, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60714", "audit-specialist", Role::AuditSpecialist, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60715", "payment-integrity", Role::PaymentIntegrityAnalyst, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60716", "investigator", Role::SpecialInvestigator, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60717", "provider-relations", Role::ProviderRelationsManager, None, &[0, 1]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60718", "compliance", Role::ComplianceOfficer, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f60719", "operator", Role::PlatformOperator, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6071a", "administrator", Role::PlanAdministrator, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6071b", "second-administrator", Role::PlanAdministrator, None, &[]),
    ("usr_0198c1f2a4b37c10a1b2c3d4e5f6071c", "second-compliance", Role::ComplianceOfficer, None, &[]),
];

const INTAKE: (&str, &str) = ("Intake desk", "+16175550100");

const SCHEDULING: (&str, &str) = ("Scheduling", "+15085550117");
const CASES: (&str, &str) = ("Case management", "+15085550142");

/// The sites whose requests come through the clearinghouse.
const CLEARED: [usize; 17] = [0, 2, 3, 4, 7, 8, 9, 11, 12, 15, 16, 19, 23, 27, 31, 34, 37];

pub(super) const ORGANIZATIONS: [(&str, &str); 2] = [
    ("org_0198c1f2a4b37c10a1b2c3d4e5f60711", "Riverside Home Care"),
    ("org_0198c1f2a4b37c10a1b2c3d4e5f60712", "Harbor Visiting Nurses"),
];

const PRODUCTS: [(&str, &str, bool); 3] =
    [("mcf", "My Care Family", true), ("hmo", "Complete HMO", false), ("aso", "ASO", false)];

/// NPI, name, kind, and who is paid instead.
pub(super) const PROVIDERS: [(&str, &str, ProviderKind, Option<&str>); 6] = [
    ("1346218294", "Riverside Home Care", ProviderKind::Organization, None),
    ("1234567893", "Riverside Home Care Quincy", ProviderKind::Organization, Some("1346218294")),
    ("1972902351", "Bay State Skilled Nursing", ProviderKind::Organization, None),
    ("1770626038", "Granite Coast Home Health", ProviderKind::Organization, None),
    ("1104816123", "Sara Okafor, MD", ProviderKind::Person, None),
    ("1407820673", "Daniel Reyes, NP", ProviderKind::Person, Some("1346218294")),
];

/// NPI, site by its place, and the days from today of the first and the last day.
const AFFILIATIONS: [(&str, usize, i32, Option<i32>); 4] = [
    ("1104816123", 0, -2_000, None),
    ("1407820673", 0, -400, Some(45)),
    ("1407820673", 1, 46, None),
    ("1770626038", 2, -900, None),
];

/// What the products cover: product, service, and units in a year; 0 where it isn't covered, none without a limit.
const BENEFITS: &[(&str, &[(&str, Option<i32>)])] = &[
    (
        "mcf",
        &[
            ("home_health_aide", None),
            ("home_health_aide_adl", None),
            ("home_infusion", None),
            ("skilled_nursing_evaluation", None),
            ("medical_social_worker", None),
            ("medication_administration_visit", None),
            ("occupational_therapy", None),
            ("physical_therapy", None),
            ("private_duty_nursing", None),
            ("skilled_nursing_care", None),
            ("speech_therapy", Some(35)),
        ],
    ),
    (
        "hmo",
        &[
            ("home_health_aide", Some(100)),
            ("home_infusion", None),
            ("skilled_nursing_evaluation", None),
            ("medical_social_worker", Some(20)),
            ("private_duty_nursing", Some(0)),
            ("skilled_nursing_care", None),
        ],
    ),
    (
        "aso",
        &[
            ("home_health_aide", Some(0)),
            ("home_infusion", None),
            ("skilled_nursing_evaluation", None),
            ("medical_social_worker", Some(0)),
            ("private_duty_nursing", Some(0)),
            ("skilled_nursing_care", Some(60)),
        ],
    ),
];

/// A span of coverage: product, and the days from today of its first and its last day.
type Span = (&'static str, i32, Option<i32>);

/// The members: number, first name, last name, years of age, spans.
pub(super) const MEMBERS: [(&str, &str, &str, u32, &[Span]); 12] = [
    ("MCF0000000042", "Alma", "Whitfield", 75, &[("mcf", -1_200, None)]),
    ("MCF0000000043", "Jorge", "Almeida", 68, &[("mcf", -700, Some(-1))]),
    ("MCF0000000044", "Ruth", "Nakamura", 81, &[("mcf", 1, None)]),
    ("MCF0000000045", "Peter", "O'Rourke", 59, &[("mcf", -300, Some(30))]),
    ("MCF0000000046", "Denise", "Baptiste", 47, &[("mcf", -500, Some(20)), ("hmo", 21, None)]),
    ("MCF0000000047", "Samuel", "Ortiz", 33, &[("mcf", -500, Some(20)), ("hmo", 22, None)]),
    ("MCF0000000048", "Grace", "Lindqvist", 90, &[]),
    ("HMO0000000051", "Thomas", "Iyer", 64, &[("hmo", -1_000, None)]),
    ("HMO0000000052", "Bridget", "Kowalski", 71, &[("hmo", -90, None)]),
    ("HMO0000000053", "Nadia", "Haddad", 8, &[("hmo", -800, None)]),
    ("ASO0000000061", "Walter", "Chen", 55, &[("aso", -400, None)]),
    ("ASO0000000062", "Inês", "Carvalho", 40, &[("aso", -40, None)]),
];

/// Adds the core.
pub(super) fn core(rows: &mut Rows, today: NaiveDate) {
    let product = |(id, name, my_care_family): (&str, &str, _)| ProductRow {
        id: id.to_owned(),
        name: name.to_owned(),
        my_care_family,
    };
    rows.products.extend(PRODUCTS.map(product));
    for (product, services) in BENEFITS {
        let benefit = |(service, limit): &(&str, Option<i32>)| BenefitRow {
            product_id: (*product).to_owned(),
            service: (*service).to_owned(),
            covered: *limit != Some(0),
            units_a_year: *limit,
        };
        rows.benefits.extend(services.iter().map(benefit));
    }
    let organization =
        |(id, name): (&str, &str)| OrganizationRow { id: id.to_owned(), name: name.to_owned() };
    rows.organizations.extend(ORGANIZATIONS.map(organization));
    for (place, (_, organization, name, number)) in SITES.into_iter().enumerate() {
        let (id, organization_id) = (site_id(place), organization.to_owned());
        rows.sites.push(SiteRow { id, organization_id, name: name.to_owned(), npi: npi(number) });
    }
    let provider = |(number, name, kind, pay_to): (_, &str, _, Option<_>)| ProviderRow {
        npi: npi(number),
        name: name.to_owned(),
        kind,
        pay_to_npi: pay_to.map(npi),
    };
    rows.providers.extend(PROVIDERS.map(provider));
    let affiliation = |(number, site, first, last): (_, _, _, Option<i32>)| AffiliationRow {
        npi: npi(number),
        site_id: site_id(site),
        first_on: day(today, first),
        last_on: last.map(|it| day(today, it)),
    };
    rows.affiliations.extend(AFFILIATIONS.map(affiliation));
    members(rows, today);
    principals(rows, today);
}

fn members(rows: &mut Rows, today: NaiveDate) {
    for (number, first, last, age, spans) in MEMBERS {
        let id = MemberId::parse(number).expect("a member number");
        let coverage = |(product, first, last): &Span| CoverageRow {
            member_id: id.clone(),
            product_id: (*product).to_owned(),
            first_on: day(today, *first),
            last_on: last.map(|it| day(today, it)),
        };
        rows.coverages.extend(spans.iter().map(coverage));
        rows.members.push(MemberRow {
            id,
            first_name: first.to_owned(),
            last_name: last.to_owned(),
            first_folded: fold(first),
            last_folded: fold(last),
            date_of_birth: today - Months::new(12 * age + 5),
            pcp_npi: Some(npi("1104816123")),
            pcp_site_id: Some(site_id(0)),
        });
    }
}

fn principals(rows: &mut Rows, today: NaiveDate) {
    let added_at = today.and_time(NaiveTime::MIN);
    for (place, (name, login, role, contact, sites)) in PRINCIPALS.into_iter().enumerate() {
        let id = PrincipalId::parse(name).expect("an id");
        let of: Vec<_> =
            if sites.is_empty() { vec![None] } else { sites.iter().copied().map(Some).collect() };
        for site in of {
            let grant =
                format!("grt_0198c1f2a4b37c10a1b2c3d4{:04x}{:04x}", place, site.map_or(0xffff, |it| it));
            if role.is_agent() {
                let paper = format!("letters/{grant}");
                rows.delegations.push(DelegationRow {
                    grant_id: grant.clone(),
                    channel: "letter".to_owned(),
                    paper,
                });
            }
            rows.grants.push(GrantRow {
                id: grant,
                principal_id: id.clone(),
                role,
                site_id: site.map(site_id),
                first_on: None,
                last_on: None,
                requested_by: "system".to_owned(),
                requested_at: added_at,
                approved_by: Some("system".to_owned()),
                approved_at: Some(added_at),
                ended_by: None,
                ended_at: None,
            });
        }
        rows.principals.push(PrincipalRow {
            kind: role.kind(),
            login: id.to_string(),
            person: id.to_string(),
            id,
            name: login.to_owned(),
            contact_name: contact.map(|it| it.0.to_owned()),
            contact_phone: contact.map(|it| Phone::parse(it.1).expect("a phone number")),
            reports_to: None,
            ceiling: None,
            active: true,
            version: 1,
            created_at: added_at,
            updated_at: None,
        });
    }
}

fn npi(text: &str) -> Npi {
    Npi::parse(text).expect("an NPI")
}
