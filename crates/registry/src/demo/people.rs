//! The members that are made by their place, so that the first ones are the same in a plan of any size.

use std::ops::Range;

use ::store::{Key, Tx};
use chrono::{Days, Months, NaiveDate};
use kernel::{MemberId, Npi, SiteId};

use super::dice::Dice;
use super::names::{FIRST, LAST};
use super::store::first_missing;
use crate::rows::{CoverageRow, MemberRow};
use crate::{Error, fold};

/// What the dice of members are told from others' by.
const DICE: u64 = 2;

/// What is added to a member's place to make the number. The core's numbers are smaller.
const FIRST_NUMBER: u64 = 1_000;

/// The products, and how many of a hundred members have each.
const PRODUCTS: [(&str, u32); 3] = [("mcf", 50), ("hmo", 35), ("aso", 15)];

/// Ages, and how many of a hundred members are within each range.
const AGES: [(Range<u32>, u32); 4] = [(0..18, 20), (18..45, 25), (45..65, 25), (65..96, 30)];

/// A span of coverage, in whole months from today's: product, first month, and the month that follows it.
type Span = (&'static str, i32, Option<i32>);

/// What the members of a plan are made from.
#[derive(Debug)]
pub(super) struct People {
    today: NaiveDate,
    pcps: Vec<(Npi, SiteId)>,
    /// First names, as they are written and folded.
    first: Vec<(String, String)>,
    /// Last names, likewise.
    last: Vec<(String, String)>,
}

/// Members, to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct Members {
    places: Range<u32>,
    pub(super) members: Vec<(MemberRow, Vec<CoverageRow>)>,
}

impl Members {
    /// Their numbers.
    #[must_use]
    pub fn ids(&self) -> Vec<MemberId> {
        self.members.iter().map(|it| it.0.id.clone()).collect()
    }

    /// Adds those that aren't there yet; another run may have been at the same ones.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn insert(mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        lock(tx)?;
        let there = first_missing(tx.db()?, self.places.clone())? - self.places.start;
        let (members, coverages): (_, Vec<_>) = self.members.drain(there as usize..).unzip();
        tx.insert(members);
        tx.insert(coverages.concat());
        Ok(())
    }
}

/// One run at a time. The plan is no code set, but it is loaded as one is.
pub(super) fn lock(tx: &mut Tx<'_>) -> Result<(), Error> {
    Ok(tx.lock(&[Key::CodeSet("demo".to_owned())])?)
}

/// The number of the member at this place.
pub(super) fn id(place: u32) -> MemberId {
    numbered(product(&mut Dice::of(DICE, place)), place)
}

fn numbered(product: &str, place: u32) -> MemberId {
    let number = FIRST_NUMBER + u64::from(place);
    MemberId::parse(&format!("{}{number:010}", product.to_uppercase())).expect("a member number")
}

fn product(dice: &mut Dice) -> &'static str {
    share(dice, &PRODUCTS)
}

/// One of `of`, each as often as it says; together they make a hundred.
fn share<T: Clone>(dice: &mut Dice, of: &[(T, u32)]) -> T {
    let mut left = dice.throw(100);
    for (one, many) in of {
        if left < *many {
            return one.clone();
        }
        left -= many;
    }
    of[0].0.clone()
}

impl People {
    pub(super) fn new(today: NaiveDate, pcps: Vec<(Npi, SiteId)>) -> Self {
        let folded = |names: &[&str]| names.iter().map(|it| ((*it).to_owned(), fold(it))).collect();
        Self { today, pcps, first: folded(&FIRST), last: folded(&LAST) }
    }

    pub(super) fn make(&self, places: Range<u32>) -> Members {
        let members = places.clone().map(|it| self.member(it)).collect();
        Members { places, members }
    }

    fn member(&self, place: u32) -> (MemberRow, Vec<CoverageRow>) {
        let mut dice = Dice::of(DICE, place);
        let product = product(&mut dice);
        let id = numbered(product, place);
        let (spans, young) = spans(product, &mut dice);
        let ages = share(&mut dice, &AGES);
        // Whoever was covered years ago is older than that.
        let years = (ages.start + dice.throw(ages.end - ages.start)).max(if young { 0 } else { 4 });
        let born = self.today - Months::new(12 * years + dice.throw(12)) - Days::new(dice.throw(28).into());
        let coverage = |(product, first, next): Span| CoverageRow {
            member_id: id.clone(),
            product_id: product.to_owned(),
            first_on: month(self.today, first).max(born),
            last_on: next.map(|it| month(self.today, it) - Days::new(1)),
        };
        let coverages = spans.into_iter().map(coverage).collect();
        let (first_name, first_folded) = dice.pick(&self.first).clone();
        let (mut last_name, mut last_folded) = dice.pick(&self.last).clone();
        if dice.throw(25) == 0 {
            let (other, other_folded) = dice.pick(&self.last);
            last_name = format!("{last_name}-{other}");
            last_folded = format!("{last_folded} {other_folded}");
        }
        let pcp = (dice.throw(20) > 0).then(|| dice.pick(&self.pcps).clone());
        let (pcp_npi, pcp_site_id) = pcp.unzip();
        let member = MemberRow {
            id: id.clone(),
            first_name,
            last_name,
            first_folded,
            last_folded,
            date_of_birth: born,
            pcp_npi,
            pcp_site_id,
        };
        (member, coverages)
    }
}

/// The spans of a member's coverage, and whether the member may be an infant: of a hundred, eight have lost it, three will
/// have it, six have two spans and the rest have it without an end.
fn spans(product: &'static str, dice: &mut Dice) -> (Vec<Span>, bool) {
    let mut months = |least: i32, most: u32| least + dice.throw(most).cast_signed();
    match months(0, 100) {
        0..8 => {
            let end = -months(0, 24);
            (vec![(product, end - months(3, 60), Some(end))], false)
        }
        8..11 => (vec![(product, months(1, 3), None)], true),
        11..17 => {
            let gap = if months(0, 2) == 0 { 0 } else { months(1, 6) };
            // Of a change behind, the gap is over by today; one ahead comes after this month.
            let change = if months(0, 2) == 0 { -gap - months(0, 18) } else { months(1, 3) };
            let then = if months(0, 2) == 0 { product } else { other(product) };
            (vec![(product, change - months(6, 60), Some(change)), (then, change + gap, None)], false)
        }
        _ => (vec![(product, -months(0, 96), None)], true),
    }
}

/// The product that members change to.
fn other(product: &str) -> &'static str {
    if product == "hmo" { "mcf" } else { "hmo" }
}

/// The first day of the month that is so many from today's.
fn month(today: NaiveDate, from: i32) -> NaiveDate {
    let months = Months::new(from.unsigned_abs());
    let first = today - Days::new(u64::from(chrono::Datelike::day0(&today)));
    if from < 0 { first - months } else { first + months }
}
