//! When no request is decided (AUT-04).

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc, Weekday};
use chrono_tz::Tz;
use serde::Deserialize;

/// A weekend of each month, from the Friday before it to the Monday after it, in the plan's zone.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintenance {
    /// Which one: that of the month's so many-th Saturday.
    pub weekend: u8,
    /// From this time on Friday
    pub from: NaiveTime,
    /// until this time on Monday.
    pub until: NaiveTime,
}

impl Maintenance {
    /// When the window ends in which `now` is; none outside.
    #[must_use]
    pub fn ends(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let day = now.with_timezone(&zone).date_naive();
        // Its Saturday is tomorrow, today, yesterday or the day before.
        let saturday = (-2..=1)
            .filter_map(|it| day.checked_add_signed(TimeDelta::days(it)))
            .find(|it| self.is_its_saturday(*it))?;
        let (from, until) =
            (saturday.pred_opt()?.and_time(self.from), (saturday + Days::new(2)).and_time(self.until));
        let at = |it: chrono::NaiveDateTime| Some(it.and_local_timezone(zone).earliest()?.to_utc());
        let (from, until) = (at(from)?, at(until)?);
        (from <= now && now < until).then_some(until)
    }

    fn is_its_saturday(&self, day: NaiveDate) -> bool {
        day.weekday() == Weekday::Sat && day.day().div_ceil(7) == u32::from(self.weekend)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_04_it_is_the_third_weekend_from_friday_evening_to_monday_morning() {
        let it = Maintenance {
            weekend: 3,
            from: NaiveTime::from_hms_opt(17, 0, 0).expect("a time"),
            until: NaiveTime::from_hms_opt(6, 0, 0).expect("a time"),
        };
        for (now, ends) in [
            // December 2026: its third Saturday is the 19th. Winter time is five hours behind.
            ("2026-12-18T21:59:59Z", None),
            ("2026-12-18T22:00:00Z", Some("2026-12-21T11:00:00Z")),
            ("2026-12-20T12:00:00Z", Some("2026-12-21T11:00:00Z")),
            ("2026-12-21T10:59:59Z", Some("2026-12-21T11:00:00Z")),
            ("2026-12-21T11:00:00Z", None),
            ("2026-12-12T12:00:00Z", None),
            ("2026-12-26T12:00:00Z", None),
            // August 2026 begins on a Saturday: the third is the 15th, and its Friday the second one.
            ("2026-08-14T21:00:00Z", Some("2026-08-17T10:00:00Z")),
            ("2026-08-21T21:00:00Z", None),
            // May 2027 begins on a Saturday, too; its first weekend's Friday is in April.
            ("2027-05-15T12:00:00Z", Some("2027-05-17T10:00:00Z")),
            ("2027-04-30T22:00:00Z", None),
        ] {
            let at = |it: &str| it.parse::<DateTime<Utc>>().expect("a time");
            assert_eq!(it.ends(at(now), chrono_tz::America::New_York), ends.map(at), "{now}");
        }
        // One whose window begins in the month before.
        let first = Maintenance { weekend: 1, ..it };
        assert!(
            first
                .ends("2027-04-30T22:00:00Z".parse().expect("a time"), chrono_tz::America::New_York)
                .is_some()
        );
    }
}
