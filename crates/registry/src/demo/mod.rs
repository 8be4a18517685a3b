//! A plan to try the service with: the same each time, its dates relative to the day on which each part of it is added.
//! All of it is made up.
//!
//! Its core is named by the tests and the documents. Around it a network is generated, and as many members as are asked for.

mod core;
mod dice;
mod names;
mod network;
mod people;
mod store;
#[cfg(test)]
mod tests;

pub use core::{PRINCIPALS, SITES};
pub use people::Members;
pub use store::{Counts, counts, made};

use std::collections::BTreeSet;
use std::ops::Range;

use chrono::{Days, NaiveDate};

use crate::fold;
use crate::rows::{
    AffiliationRow, BenefitRow, CoverageRow, DelegationRow, GrantRow, MemberRow, OrganizationRow,
    PrincipalRow, ProductRow, ProviderRow, ProviderWordRow, SiteRow,
};

/// How many members the core has; they are the first ones.
#[expect(clippy::cast_possible_truncation, reason = "it is twelve")]
const CORE_MEMBERS: u32 = core::MEMBERS.len() as u32;

/// The made-up plan, as on a day.
#[derive(Debug)]
pub struct Plan {
    rows: Rows,
    people: people::People,
}

/// All of the plan but the members that are made by their place.
#[derive(Debug, Clone, Default, PartialEq)]
struct Rows {
    products: Vec<ProductRow>,
    benefits: Vec<BenefitRow>,
    organizations: Vec<OrganizationRow>,
    sites: Vec<SiteRow>,
    providers: Vec<ProviderRow>,
    words: Vec<ProviderWordRow>,
    affiliations: Vec<AffiliationRow>,
    members: Vec<MemberRow>,
    coverages: Vec<CoverageRow>,
    principals: Vec<PrincipalRow>,
    grants: Vec<GrantRow>,
    delegations: Vec<DelegationRow>,
}

impl Plan {
    /// The plan as it is `today`.
    #[must_use]
    pub fn new(today: NaiveDate) -> Self {
        let mut rows = Rows::default();
        core::core(&mut rows, today);
        let pcps = network::generate(&mut rows, today);
        for provider in &rows.providers {
            let words: BTreeSet<_> = fold(&provider.name).split(' ').map(str::to_owned).collect();
            let row = |word| ProviderWordRow { word, npi: provider.npi.clone() };
            rows.words.extend(words.into_iter().map(row));
        }
        Self { rows, people: people::People::new(today, pcps) }
    }

    /// The members at these places, all of them beyond the core.
    #[must_use]
    pub fn members(&self, places: Range<u32>) -> Members {
        self.people.make(places)
    }
}

fn day(today: NaiveDate, offset: i32) -> NaiveDate {
    let days = Days::new(offset.unsigned_abs().into());
    if offset < 0 { today - days } else { today + days }
}
