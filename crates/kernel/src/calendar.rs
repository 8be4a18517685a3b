//! The days on which offices work, by which some deadlines are counted.

use chrono::{Datelike, Days, NaiveDate, Weekday};

/// The federal holidays (5 U.S.C. 6103) and what Massachusetts adds to them (M.G.L. c. 4, § 7, cl. 18): name, first year, rule. The
/// rest of the state's list are federal ones; the two that only Suffolk County's offices keep are none here.
const HOLIDAYS: &[(&str, i32, Rule)] = &[
    ("New Year's Day", 1871, Rule::On(1, 1)),
    ("Martin Luther King Jr. Day", 1986, Rule::Nth(3, Weekday::Mon, 1)),
    ("Washington's Birthday", 1971, Rule::Nth(3, Weekday::Mon, 2)),
    ("Patriots' Day", 1969, Rule::Nth(3, Weekday::Mon, 4)),
    ("Memorial Day", 1971, Rule::Last(Weekday::Mon, 5)),
    ("Juneteenth", 2021, Rule::On(6, 19)),
    ("Independence Day", 1871, Rule::On(7, 4)),
    ("Labor Day", 1894, Rule::Nth(1, Weekday::Mon, 9)),
    ("Columbus Day", 1971, Rule::Nth(2, Weekday::Mon, 10)),
    ("Veterans Day", 1978, Rule::On(11, 11)),
    ("Thanksgiving Day", 1942, Rule::Nth(4, Weekday::Thu, 11)),
    ("Christmas Day", 1871, Rule::On(12, 25)),
];

/// On which day of a year.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// A day of a month, which is kept on the Friday before where it is a Saturday, and on the Monday after where it is a Sunday.
    On(u32, u32),
    /// One of a weekday's days of a month, counted from its first.
    Nth(u8, Weekday, u32),
    /// The last of them.
    Last(Weekday, u32),
}

impl Rule {
    /// The day on which it is kept.
    fn kept_in(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::On(month, day) => {
                let day = NaiveDate::from_ymd_opt(year, month, day)?;
                match day.weekday() {
                    Weekday::Sat => day.pred_opt(),
                    Weekday::Sun => day.succ_opt(),
                    _ => Some(day),
                }
            }
            Self::Nth(n, weekday, month) => NaiveDate::from_weekday_of_month_opt(year, month, weekday, n),
            Self::Last(weekday, month) => {
                [5, 4].iter().find_map(|it| NaiveDate::from_weekday_of_month_opt(year, month, weekday, *it))
            }
        }
    }
}

/// The days on which the plan's offices work: neither weekends nor holidays of the nation or of Massachusetts.
#[derive(Debug, Clone, Copy)]
pub struct Calendar;

impl Calendar {
    /// The holiday that is kept on `day`.
    #[must_use]
    pub fn holiday(day: NaiveDate) -> Option<&'static str> {
        // A New Year's Day that is a Saturday is kept in the old year.
        let kept = |since: i32, rule: Rule, year: i32| since <= year && rule.kept_in(year) == Some(day);
        let found = HOLIDAYS.iter().find(|it| (0..2).any(|more| kept(it.1, it.2, day.year() + more)));
        found.map(|it| it.0)
    }

    /// Whether offices work on `day`.
    #[must_use]
    pub fn is_business_day(day: NaiveDate) -> bool {
        !matches!(day.weekday(), Weekday::Sat | Weekday::Sun) && Self::holiday(day).is_none()
    }

    /// The `n`th business day after `day`, whichever day that is; `day` itself where `n` is 0.
    #[must_use]
    pub fn add_business_days(day: NaiveDate, n: u32) -> NaiveDate {
        (0..n).fold(day, |day, _| {
            let mut after = (1..).map_while(|it| day.checked_add_days(Days::new(it)));
            after.find(|it| Self::is_business_day(*it)).unwrap_or(day)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the Office of Personnel Management lists them, and the Secretary of the Commonwealth.
    const KEPT: [(i32, &[(u32, u32)]); 3] = [
        (
            2025,
            &[
                (1, 1),
                (1, 20),
                (2, 17),
                (4, 21),
                (5, 26),
                (6, 19),
                (7, 4),
                (9, 1),
                (10, 13),
                (11, 11),
                (11, 27),
                (12, 25),
            ],
        ),
        // Independence Day is a Saturday.
        (
            2026,
            &[
                (1, 1),
                (1, 19),
                (2, 16),
                (4, 20),
                (5, 25),
                (6, 19),
                (7, 3),
                (9, 7),
                (10, 12),
                (11, 11),
                (11, 26),
                (12, 25),
            ],
        ),
        // Juneteenth and Christmas are Saturdays, Independence Day is a Sunday, and so is the next New Year's Day a Saturday.
        (
            2027,
            &[
                (1, 1),
                (1, 18),
                (2, 15),
                (4, 19),
                (5, 31),
                (6, 18),
                (7, 5),
                (9, 6),
                (10, 11),
                (11, 11),
                (11, 25),
                (12, 24),
                (12, 31),
            ],
        ),
    ];

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a day")
    }

    #[test]
    fn the_holidays_of_three_years_are_those_that_are_published() {
        for (year, kept) in KEPT {
            let first = NaiveDate::from_ymd_opt(year, 1, 1).expect("a day");
            let all = first.iter_days().take_while(|it| it.year() == year);
            let found: Vec<_> =
                all.filter(|it| Calendar::holiday(*it).is_some()).map(|it| (it.month(), it.day())).collect();
            assert_eq!(found, kept, "{year}");
        }
        for (at, name) in [
            ("2026-04-20", Some("Patriots' Day")),
            ("2026-07-03", Some("Independence Day")),
            ("2026-07-04", None),
            ("2027-12-31", Some("New Year's Day")),
            ("2028-01-01", None),
            // Before it was one.
            ("2020-06-19", None),
            ("2021-06-18", Some("Juneteenth")),
            // Suffolk County's own.
            ("2026-03-17", None),
        ] {
            assert_eq!(Calendar::holiday(day(at)), name, "{at}");
        }
    }

    #[test]
    fn business_days_are_counted_over_weekends_and_holidays() {
        for (from, n, to) in [
            ("2026-12-01", 0, "2026-12-01"),
            ("2026-12-01", 1, "2026-12-02"),
            // Over a weekend, from a Friday, a Saturday and a Sunday.
            ("2026-12-04", 1, "2026-12-07"),
            ("2026-12-05", 1, "2026-12-07"),
            ("2026-12-06", 1, "2026-12-07"),
            ("2026-12-05", 0, "2026-12-05"),
            // Thanksgiving; the day after is none of these holidays.
            ("2026-11-25", 1, "2026-11-27"),
            ("2026-11-25", 2, "2026-11-30"),
            // Independence Day on the Friday before.
            ("2026-07-02", 1, "2026-07-06"),
            // Patriots' Day.
            ("2027-04-16", 1, "2027-04-20"),
            // Christmas on a Friday, and the old year's last day.
            ("2027-12-23", 1, "2027-12-27"),
            ("2027-12-30", 1, "2028-01-03"),
            // Memorial Day, Juneteenth and Independence Day are three of what would be 45 weekdays.
            ("2026-05-20", 42, "2026-07-22"),
        ] {
            assert_eq!(Calendar::add_business_days(day(from), n), day(to), "{from} + {n}");
        }
        // Of 2026's 261 weekdays all but twelve.
        let all = day("2026-01-01").iter_days().take(365);
        assert_eq!(all.filter(|it| Calendar::is_business_day(*it)).count(), 249);
        assert_eq!(Calendar::add_business_days(NaiveDate::MAX, 3), NaiveDate::MAX);
    }
}
