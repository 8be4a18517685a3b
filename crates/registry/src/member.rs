use chrono::NaiveDate;
use kernel::{MemberId, Npi, Period, codes};

use crate::diagnosis::holds;

/// Someone whom the plan covers, or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The member's number.
    pub id: MemberId,
    /// First and last name.
    pub name: String,
    /// The day of birth.
    pub date_of_birth: NaiveDate,
    /// The primary care provider, if one is chosen.
    pub pcp: Option<Pcp>,
    /// Every span of coverage, the earliest first.
    pub coverages: Vec<Coverage>,
}

/// A member's primary care provider, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pcp {
    /// The provider.
    pub npi: Npi,
    /// Its name.
    pub name: String,
    /// The name of the site where it sees the member.
    pub site: Option<String>,
}

/// Days on which a member is covered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Coverage {
    /// The product that covers them.
    pub product_id: String,
    /// Its name.
    pub product: String,
    /// Whether it is My Care Family, the product for MassHealth (AUT-14).
    pub my_care_family: bool,
    /// The first day (the effective date).
    pub first_on: NaiveDate,
    /// The last day (the termination date); open-ended coverage has none.
    pub last_on: Option<NaiveDate>,
    /// What the product covers of the service that was asked about.
    pub benefit: Option<Benefit>,
}

/// What a product covers of a service (AUT-37).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Benefit {
    /// The service, as `requested_service` names it.
    pub service: String,
    /// Whether it is covered at all.
    pub covered: bool,
    /// Units or visits in a calendar year; none where there is no limit.
    pub limit: Option<i32>,
}

codes! {
    /// Where a member's coverage stands on a day.
    pub enum Standing {
        /// The member is covered.
        Active = "active",
        /// The member was covered, and is no more (AUT-02).
        Terminated = "terminated",
        /// The coverage has not begun.
        Future = "future",
        /// There is no coverage on record.
        Never = "none",
    }
}

impl Standing {
    /// Where `spans` stand on `day`, and the one that says so: that of the day, else the next, else the last before it.
    #[must_use]
    pub fn of(spans: Vec<Coverage>, day: NaiveDate) -> (Self, Option<Coverage>) {
        let place = |it: &Coverage| match it.last_on {
            _ if it.holds(day) => (0, 0),
            Some(last) if last < day => (2, (day - last).num_days()),
            _ => (1, (it.first_on - day).num_days()),
        };
        let span = spans.into_iter().min_by_key(place);
        let standing = match span.as_ref().map(place) {
            Some((0, _)) => Self::Active,
            Some((1, _)) => Self::Future,
            Some(_) => Self::Terminated,
            None => Self::Never,
        };
        (standing, span)
    }
}

/// Why a member has no active eligibility on the requested dates (AUT-02).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ineligible {
    /// Not covered today; the last coverage ended on this day.
    Terminated(NaiveDate),
    /// Not covered today; coverage begins on this day.
    Future(NaiveDate),
    /// Never covered.
    Never,
    /// Covered today, but not on this day, the first one of the period without coverage.
    Uncovered(NaiveDate),
}

impl Coverage {
    fn holds(&self, day: NaiveDate) -> bool {
        holds(self.first_on, self.last_on, day)
    }
}

impl Member {
    /// The coverage of `day`.
    #[must_use]
    pub fn coverage(&self, day: NaiveDate) -> Option<&Coverage> {
        self.coverages.iter().find(|it| it.holds(day))
    }

    /// Whether the member is covered today and on every day of `period` (AUT-02); only today where there is no period.
    ///
    /// # Errors
    /// Which of the days isn't covered, and why.
    pub fn eligible(&self, today: NaiveDate, period: Option<Period>) -> Result<(), Ineligible> {
        if self.coverage(today).is_none() {
            let next = self.coverages.iter().map(|it| it.first_on).find(|first| *first > today);
            let last = self.coverages.iter().filter_map(|it| it.last_on).filter(|last| *last < today).max();
            return Err(match (last, next) {
                (_, Some(first)) => Ineligible::Future(first),
                (Some(last), None) => Ineligible::Terminated(last),
                (None, None) => Ineligible::Never,
            });
        }
        let Some(period) = period else { return Ok(()) };
        let mut day = period.start();
        // One span after another, never day by day: a period may be centuries long.
        while day <= period.end() {
            match self.coverage(day).map(|it| it.last_on) {
                None => return Err(Ineligible::Uncovered(day)),
                Some(None) => break,
                Some(Some(last)) => day = last.succ_opt().unwrap_or(NaiveDate::MAX),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    fn member(spans: &[(&str, &str)]) -> Member {
        let coverage = |(first, last): &(&str, &str)| Coverage {
            product_id: "mcf".to_owned(),
            product: "My Care Family".to_owned(),
            my_care_family: true,
            first_on: day(first),
            last_on: (!last.is_empty()).then(|| day(last)),
            benefit: None,
        };
        Member {
            id: MemberId::parse("MCF0000000042").expect("an id"),
            name: "A B".to_owned(),
            date_of_birth: day("1951-04-02"),
            pcp: None,
            coverages: spans.iter().map(coverage).collect(),
        }
    }

    type Spans<'a> = &'a [(&'a str, &'a str)];

    #[test]
    fn aut_02_eligibility_is_active_today_and_on_every_day() {
        use Ineligible::{Future, Never, Terminated, Uncovered};
        let today = day("2026-12-01");
        let open: Spans = &[("2026-01-01", "")];
        let year: Spans = &[("2026-01-01", "2026-12-31")];
        let joined: Spans = &[("2026-01-01", "2026-12-31"), ("2027-01-01", "")];
        let gap: Spans = &[("2026-01-01", "2026-12-31"), ("2027-01-02", "")];
        for (spans, start, end, expected) in [
            (open, "2026-12-01", "2999-12-31", Ok(())),
            (open, "2026-01-01", "2026-12-31", Ok(())),
            (open, "2025-12-31", "2026-12-31", Err(Uncovered(day("2025-12-31")))),
            (year, "2026-12-01", "2026-12-31", Ok(())),
            (year, "2026-12-01", "2027-01-01", Err(Uncovered(day("2027-01-01")))),
            (joined, "2026-12-01", "2027-06-30", Ok(())),
            (gap, "2026-12-01", "2027-06-30", Err(Uncovered(day("2027-01-01")))),
            (&[("2026-01-01", "2026-12-01")], "2026-12-01", "2026-12-01", Ok(())),
            (&[("2026-01-01", "2026-11-30")], "2026-12-01", "2026-12-01", Err(Terminated(day("2026-11-30")))),
            (&[("2026-12-02", "")], "2026-12-02", "2026-12-31", Err(Future(day("2026-12-02")))),
            (
                &[("2020-01-01", "2020-12-31"), ("2026-12-02", "")],
                "2026-12-02",
                "2026-12-31",
                Err(Future(day("2026-12-02"))),
            ),
            (&[], "2026-12-01", "2026-12-31", Err(Never)),
        ] {
            let period = Period::new(day(start), day(end));
            assert_eq!(member(spans).eligible(today, period), expected, "{spans:?} {start} {end}");
        }
    }
}
