//! The organizations, sites and providers that are generated around the plan's core.

use chrono::NaiveDate;
use kernel::{Npi, SiteId};

use super::core::{ORGANIZATIONS as CORE_ORGANIZATIONS, PROVIDERS as CORE_PROVIDERS, SITES};
use super::dice::Dice;
use super::names::{FIRST, LAST, ORGANIZATIONS};
use super::{Rows, day};
use crate::ProviderKind;
use crate::rows::{AffiliationRow, OrganizationRow, ProviderRow, SiteRow};

/// How many providers the plan has.
const PROVIDERS: usize = 300;

/// What the dice of practitioners are told from others' by.
const DICE: u64 = 1;

/// An id as the core's are, which sorts after them.
fn id(prefix: &str, place: usize) -> String {
    format!("{prefix}_0198c1f2a4b37c10a1b2c3d4e5f6{:04x}", 0x1000 + place)
}

/// The id of the site at this place among all; the first are [`SITES`].
pub(super) fn site_id(place: usize) -> SiteId {
    let id = SITES.get(place).map_or_else(|| id("site", place), |it| it.0.to_owned());
    SiteId::parse(&id).expect("a site's id")
}

/// The NPI at this place. It begins with 2, which no real one does so far.
fn npi(place: usize) -> Npi {
    let digits = 204_815_329 + 271_829 * place;
    (0..10).find_map(|check| Npi::parse(&format!("{digits}{check}"))).expect("one check digit is right")
}

/// A site, and who practises there.
struct Place {
    site: SiteId,
    /// Where those who move go, or are as well: the organization's next site.
    next: SiteId,
    /// Who is paid: the organization's first site.
    payee: Npi,
    titles: &'static [&'static str],
    primary_care: bool,
}

/// Adds what is generated; who sees members as a primary care provider, and where.
pub(super) fn generate(rows: &mut Rows, today: NaiveDate) -> Vec<(Npi, SiteId)> {
    let places = organizations(rows);
    let mut pcps = Vec::new();
    for place in 0..PROVIDERS - CORE_PROVIDERS.len() - places.len() {
        let at = &places[place % places.len()];
        let npi = npi(places.len() + place);
        let mut dice = Dice::of(DICE, u32::try_from(place).unwrap_or_default());
        let (first, last, title) = (dice.pick(&FIRST), dice.pick(&LAST), dice.pick(at.titles));
        rows.providers.push(ProviderRow {
            npi: npi.clone(),
            name: format!("{first} {last}, {title}"),
            kind: ProviderKind::Person,
            pay_to_npi: Some(at.payee.clone()),
        });
        for affiliation in affiliations(&npi, at, place, &mut dice, today) {
            if at.primary_care && affiliation.first_on <= today && affiliation.last_on.is_none() {
                pcps.push((npi.clone(), affiliation.site_id.clone()));
            }
            rows.affiliations.push(affiliation);
        }
    }
    pcps
}

fn organizations(rows: &mut Rows) -> Vec<Place> {
    let mut places = Vec::new();
    for (number, (name, towns, titles, primary_care)) in ORGANIZATIONS.into_iter().enumerate() {
        let organization_id = id("org", CORE_ORGANIZATIONS.len() + number);
        rows.organizations.push(OrganizationRow { id: organization_id.clone(), name: name.to_owned() });
        let first = places.len();
        for (at, town) in towns.iter().enumerate() {
            let (site, own) = (site_id(SITES.len() + first + at), npi(first + at));
            let next = site_id(SITES.len() + first + (at + 1) % towns.len());
            let payee = npi(first);
            rows.sites.push(SiteRow {
                id: site.clone(),
                organization_id: organization_id.clone(),
                name: format!("{name}, {town}"),
                npi: own.clone(),
            });
            rows.providers.push(ProviderRow {
                npi: own,
                name: if at == 0 { name.to_owned() } else { format!("{name} {town}") },
                kind: ProviderKind::Organization,
                pay_to_npi: (at > 0).then(|| payee.clone()),
            });
            places.push(Place { site, next, payee, titles, primary_care });
        }
    }
    places
}

/// Where a practitioner practises: of ten one has moved, one is about to, one is about to come, one has left, and two are
/// at two sites.
fn affiliations(
    npi: &Npi,
    at: &Place,
    place: usize,
    dice: &mut Dice,
    today: NaiveDate,
) -> Vec<AffiliationRow> {
    let mut days = |least: i32, most: u32| least + dice.throw(most).cast_signed();
    let (came, change) = (-days(500, 3_000), days(10, 80));
    let spans: &[(&SiteId, i32, Option<i32>)] = match place % 10 {
        0 => &[(&at.site, came, Some(-change)), (&at.next, 1 - change, None)],
        1 => &[(&at.site, came, Some(change)), (&at.next, change + 1, None)],
        2 => &[(&at.site, change, None)],
        3 => &[(&at.site, came, Some(-change))],
        4 | 5 => &[(&at.site, came, None), (&at.next, came + change, None)],
        _ => &[(&at.site, came, None)],
    };
    let row = |(site, first, last): &(&SiteId, i32, Option<i32>)| AffiliationRow {
        npi: npi.clone(),
        site_id: (*site).clone(),
        first_on: day(today, *first),
        last_on: last.map(|it| day(today, it)),
    };
    spans.iter().map(row).collect()
}
