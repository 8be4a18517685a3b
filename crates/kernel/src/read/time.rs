//! Days and instants, of the years 1900 to 2199 and of one form each.
//!
//! What is beyond them is a slip of whoever typed it, and each database has an own idea of it.

use super::support::string;
use crate::{At, FlawCode, Flaws, Json, Read};
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};

/// The pattern of a day; `format` says the rest of it.
const DAY: &str = "^(19|2[01])[0-9]{2}-[0-9]{2}-[0-9]{2}$";

/// The pattern of an instant.
const INSTANT: &str = r"^(19|2[01])[0-9]{2}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$";

/// A day of the calendar, `YYYY-MM-DD` and no other way.
impl Read for NaiveDate {
    type Draft = Self;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self> {
        let day = day(string(json, at, flaws)?);
        if day.is_none() {
            flaws.add(at, FlawCode::Format, "Must be a date of the years 1900 to 2199, as YYYY-MM-DD.");
        }
        day
    }
    fn whole(draft: Self) -> Option<Self> {
        Some(draft)
    }
    fn schema() -> RefOr<Schema> {
        described(KnownFormat::Date, DAY)
    }
}

/// An instant, as RFC 3339 has it and no other way.
impl Read for DateTime<Utc> {
    type Draft = Self;
    fn read(json: &Json<'_>, at: At<'_>, flaws: &mut Flaws) -> Option<Self> {
        let instant = instant(string(json, at, flaws)?);
        if instant.is_none() {
            flaws.add(
                at,
                FlawCode::Format,
                "Must be an instant of the years 1900 to 2199, as 2026-12-01T15:00:00Z.",
            );
        }
        instant
    }
    fn whole(draft: Self) -> Option<Self> {
        Some(draft)
    }
    fn schema() -> RefOr<Schema> {
        described(KnownFormat::DateTime, INSTANT)
    }
}

fn described(format: KnownFormat, pattern: &str) -> RefOr<Schema> {
    let text = ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern));
    text.format(Some(SchemaFormat::KnownFormat(format))).into()
}

/// Reads a day as `YYYY-MM-DD`, strictly; chrono's own parser takes signs and single digits too.
#[must_use]
pub fn day(text: &str) -> Option<NaiveDate> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
        return None;
    };
    let year = number(&[y1, y2, y3, y4]).filter(|it| (1900..2200).contains(it))?;
    NaiveDate::from_ymd_opt(year.cast_signed(), number(&[m1, m2])?, number(&[d1, d2])?)
}

/// Reads an instant as `YYYY-MM-DDTHH:MM:SS`, at most six digits of a second, and `Z` or an offset; strictly, since chrono's
/// own parser takes years of six digits, spaces and leap seconds too.
#[must_use]
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    let (day_of, rest) = text.split_at_checked(10)?;
    let (time, rest) = rest.split_at_checked(9)?;
    let [b'T', h1, h2, b':', m1, m2, b':', s1, s2] = *time.as_bytes() else {
        return None;
    };
    let local = day(day_of)?.and_hms_opt(number(&[h1, h2])?, number(&[m1, m2])?, number(&[s1, s2])?)?;
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_at(rest.find(|it: char| !it.is_ascii_digit())?),
        None => ("0", rest),
    };
    let micros = fraction.len().try_into().ok().and_then(|it| 6_u32.checked_sub(it)).filter(|it| *it < 6)?;
    let micros = number(fraction.as_bytes())? * 10_u32.pow(micros);
    let at = local.and_utc() + TimeDelta::microseconds(micros.into());
    Some(at - offset(zone)?)
}

/// How far east of UTC a zone is.
fn offset(zone: &str) -> Option<TimeDelta> {
    let (sign, h1, h2, m1, m2) = match *zone.as_bytes() {
        [b'Z'] => return Some(TimeDelta::zero()),
        [b'+', h1, h2, b':', m1, m2] => (1, h1, h2, m1, m2),
        [b'-', h1, h2, b':', m1, m2] => (-1, h1, h2, m1, m2),
        _ => return None,
    };
    let hours = number(&[h1, h2]).filter(|it| *it < 24)?;
    let minutes = number(&[m1, m2]).filter(|it| *it < 60)?;
    Some(TimeDelta::minutes(sign * i64::from(hours * 60 + minutes)))
}

/// The number of these digits, of which there are few.
fn number(digits: &[u8]) -> Option<u32> {
    let digit = |sum, it: &u8| it.is_ascii_digit().then(|| sum * 10 + u32::from(it - b'0'));
    digits.iter().try_fold(0, digit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex::Regex;

    #[test]
    fn a_day_is_of_these_years_and_of_one_form() {
        for text in ["1900-01-01", "2199-12-31", "2024-02-29"] {
            assert_eq!(day(text).map(|it| it.to_string()).as_deref(), Some(text));
        }
        for text in [
            "0000-01-01",
            "0001-01-01",
            "1899-12-31",
            "2200-01-01",
            "9999-12-31",
            "+2026-01-01",
            "-001-01-01",
            "2026-1-01",
            "2026-02-29",
            "2026-12-01 ",
            "2026\u{2212}12-1",
            "\u{0662}026-12-1",
        ] {
            assert_eq!(day(text), None, "{text}");
        }
    }

    #[test]
    fn an_instant_is_of_these_years_and_of_one_form() {
        let pattern = Regex::new(INSTANT).expect("a pattern");
        for (text, utc) in [
            ("1900-01-01T00:00:00Z", "1900-01-01T00:00:00+00:00"),
            ("2199-12-31T23:59:59.999999Z", "2199-12-31T23:59:59.999999+00:00"),
            ("2026-12-01T15:00:00.5Z", "2026-12-01T15:00:00.500+00:00"),
            ("2026-12-01T15:00:00-05:30", "2026-12-01T20:30:00+00:00"),
            ("2026-12-01T15:00:00.000001+23:59", "2026-11-30T15:01:00.000001+00:00"),
            ("2199-12-31T23:59:59-23:59", "2200-01-01T23:58:59+00:00"),
        ] {
            assert_eq!(instant(text).map(|it| it.to_rfc3339()).as_deref(), Some(utc), "{text}");
            assert!(pattern.is_match(text), "{text}");
        }
        for text in [
            "",
            "Z",
            "2026-12-01",
            "2026-12-01T15:00Z",
            "2026-12-01T15:00:00",
            "2026-12-01 15:00:00Z",
            "2026-11-01 00:00:00 UTC",
            "2026-12-01T15:00:60Z",
            "2026-12-01T24:00:00Z",
            "2026-12-01t15:00:00z",
            "2026-12-01T15:00:00.Z",
            "2026-12-01T15:00:00.1234567Z",
            "2026-12-01T15:00:00.12345678901234567890Z",
            "2026-12-01T15:00:00+24:00",
            "2026-12-01T15:00:00+05:60",
            "2026-12-01T15:00:00+0500",
            "2026-12-01T15:00:00\u{2212}05:00",
            "2026-12-01T15:00:00ZZ",
            "-0001-01-01T00:00:00Z",
            "+10000-01-01T00:00:00Z",
            "-262143-01-01T00:00:00Z",
            "+262142-12-31T23:59:59Z",
            "1899-12-31T23:59:59Z",
            "2200-01-01T00:00:00Z",
            "2026-12-0\u{661}T15:00:00Z",
            " 2026-12-01T15:00:00Z",
        ] {
            assert_eq!(instant(text), None, "{text}");
            assert!(!pattern.is_match(text), "{text}");
        }
    }
}
