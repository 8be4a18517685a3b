use chrono::NaiveDate;

/// A first and a last day, both of them in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Period {
    start: NaiveDate,
    end: NaiveDate,
}

impl Period {
    /// The period from `start` to `end`; none where the end is before the start (AUT-20).
    #[must_use]
    pub fn new(start: NaiveDate, end: NaiveDate) -> Option<Self> {
        (start <= end).then_some(Self { start, end })
    }

    /// Its first day.
    #[must_use]
    pub const fn start(self) -> NaiveDate {
        self.start
    }

    /// Its last day.
    #[must_use]
    pub const fn end(self) -> NaiveDate {
        self.end
    }

    /// How many days it has, at least 1.
    #[must_use]
    pub fn days(self) -> i64 {
        (self.end - self.start).num_days() + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().expect("a date")
    }

    #[test]
    fn aut_20_an_end_is_not_before_its_start() {
        for (start, end, days) in [
            ("2026-12-01", "2026-12-01", Some(1)),
            ("2026-12-01", "2026-11-30", None),
            ("2026-12-01", "2027-01-29", Some(60)),
            ("2028-02-28", "2028-03-01", Some(3)),
        ] {
            assert_eq!(Period::new(day(start), day(end)).map(Period::days), days, "{start} {end}");
        }
    }
}
