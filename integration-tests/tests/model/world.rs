//! What the plan has, written down a second time: the demo's rows that the model relies on, and some of the test's own.

use chrono::{Days, NaiveDate};
use serde_json::Value;

use super::ruling::Policy;
use crate::support::{Service, root};

/// The sites: id and NPI.
pub(super) const SITES: [(&str, &str); 3] = [
    ("site_0198c1f2a4b37c10a1b2c3d4e5f60718", "1346218294"),
    ("site_0198c1f2a4b37c10a1b2c3d4e5f60719", "1234567893"),
    ("site_0198c1f2a4b37c10a1b2c3d4e5f6071a", "1346218294"),
];

/// Who asks: name, sites by their place, whether it is a system client, whether its profile has a contact.
pub(super) const CALLERS: [(&str, &[usize], bool, bool); 4] = [
    ("single-site", &[0], false, true),
    ("multi-site", &[0, 1], false, true),
    ("ehr-vendor", &[0, 2], true, false),
    ("other-site", &[2], false, false),
];

/// NPI, and who is paid.
pub(super) const PROVIDERS: [(&str, &str); 6] = [
    ("1346218294", "1346218294"),
    ("1234567893", "1346218294"),
    ("1972902351", "1972902351"),
    ("1770626038", "1770626038"),
    ("1104816123", "1104816123"),
    ("1407820673", "1346218294"),
];

/// NPI, site by its place, and the first and last day, counted from [`BEGINNING`].
pub(super) const AFFILIATIONS: [(&str, usize, i64, i64); 4] = [
    ("1104816123", 0, -2_000, EVER),
    ("1407820673", 0, -400, 45),
    ("1407820673", 1, 46, EVER),
    ("1770626038", 2, -900, EVER),
];

/// Product, its name, whether it is My Care Family, and the units in a year of what has a limit; 0 is not covered.
pub(super) const PRODUCTS: [Product; 3] = [
    ("mcf", "My Care Family", true, &[("speech_therapy", 35)]),
    (
        "hmo",
        "Complete HMO",
        false,
        &[("home_health_aide", 100), ("medical_social_worker", 20), ("private_duty_nursing", 0)],
    ),
    (
        "aso",
        "ASO",
        false,
        &[
            ("home_health_aide", 0),
            ("medical_social_worker", 0),
            ("private_duty_nursing", 0),
            ("skilled_nursing_care", 60),
        ],
    ),
];

/// Product, and the first and the last day of coverage, counted from [`BEGINNING`].
pub(super) type Span = (&'static str, i64, i64);

/// A row of [`PRODUCTS`].
pub(super) type Product = (&'static str, &'static str, bool, &'static [(&'static str, i64)]);

/// The members: number, birth, coverage. Some have a birthday within the period that requests are made for.
pub(super) const MEMBERS: [(&str, &str, &[Span]); 16] = [
    ("MCF0000000042", "1951-07-01", &[("mcf", -1_200, EVER)]),
    ("MCF0000000043", "1958-07-01", &[("mcf", -700, -1)]),
    ("MCF0000000044", "1945-07-01", &[("mcf", 1, EVER)]),
    ("MCF0000000045", "1951-12-20", &[("mcf", -300, 30)]),
    ("MCF0000000046", "1979-07-01", &[("mcf", -500, 20), ("hmo", 21, EVER)]),
    ("MCF0000000047", "2008-12-11", &[("mcf", -500, 20), ("hmo", 22, EVER)]),
    ("MCF0000000048", "1936-07-01", &[]),
    ("HMO0000000051", "1952-01-10", &[("hmo", -1_000, EVER)]),
    ("HMO0000000052", "1955-07-01", &[("hmo", -90, EVER)]),
    ("HMO0000000053", "2009-01-15", &[("hmo", -800, EVER)]),
    ("ASO0000000061", "1971-07-01", &[("aso", -400, EVER)]),
    ("ASO0000000062", "1986-07-01", &[("aso", -40, EVER)]),
    ("ZZZ0000000001", "1985-03-03", &[("mcf", -900, EVER)]),
    ("ZZZ0000000002", "1952-01-20", &[("mcf", -900, EVER)]),
    ("ZZZ0000000004", "1960-05-05", &[("hmo", -700, -1)]),
    ("ZZZ0000000003", "2009-01-20", &[("mcf", -900, EVER)]),
];

/// Diagnosis codes that may be billed, and their first and last day.
pub(super) const DIAGNOSES: [(&str, &str, &str); 18] = [
    ("I10", APRIL, ""),
    ("E11.9", APRIL, ""),
    ("QA0.0101", APRIL, ""),
    ("J44.9", APRIL, "2026-12-20"),
    ("U07.1", "2026-12-15", ""),
    ("L89.90", APRIL, ""),
    ("L97.909", APRIL, ""),
    ("L98.3", APRIL, ""),
    ("L98.499", APRIL, ""),
    ("L98.8", APRIL, ""),
    ("T81.31XA", APRIL, ""),
    ("T81.49XA", APRIL, ""),
    ("T81.89XA", APRIL, ""),
    ("I60.9", APRIL, ""),
    ("I63.9", APRIL, ""),
    ("I65.9", APRIL, ""),
    ("I67.9", APRIL, ""),
    ("I69.30", APRIL, ""),
];

/// Codes that are there, and may not be billed.
pub(super) const HEADINGS: [&str; 5] = ["E11", "L89", "L98.4", "I63", "T81.3"];

/// The staff: name, id, role, and what they may do.
pub(super) const STAFF: [(&str, &str, &str, &[&str]); 3] = [
    ("nurse", "usr_0198c1f2a4b37c10a1b2c3d4e5f60704", "medical_review_nurse", &["approve", "pend"]),
    ("coordinator", "usr_0198c1f2a4b37c10a1b2c3d4e5f60705", "authorization_coordinator", &["pend", "close"]),
    (
        "physician",
        "usr_0198c1f2a4b37c10a1b2c3d4e5f60707",
        "physician_reviewer",
        &["approve", "deny", "pend", "close"],
    ),
];

/// The day on which the demo's plan was loaded.
const BEGINNING: &str = "2026-12-01";
/// The first day of the release of ICD-10-CM that is loaded.
pub(super) const APRIL: &str = "2026-04-01";
const EVER: i64 = 3_000_000;

/// The plan, and what it has agreed to so far.
pub(super) struct Plan {
    pub(super) policy: Policy,
    /// Code set, code, and topic.
    pub(super) procedures: Vec<(String, String, String)>,
    /// When it is.
    pub(super) now: chrono::NaiveDateTime,
    /// The authorizations, as the service last showed them to the plan's people.
    pub(super) kept: Vec<Value>,
}

impl Plan {
    pub(super) fn new(policy: &str) -> Self {
        let path = root().join("crates/registry/data/procedure-codes.csv");
        let text = std::fs::read_to_string(path).expect("the codes");
        let code = |line: &str| {
            let mut cells = line.split(',').map(str::to_owned);
            Some((cells.next()?, cells.next()?, cells.next()?))
        };
        Self {
            policy: Policy::new(policy),
            procedures: text.lines().skip(1).filter_map(code).collect(),
            now: at(crate::support::NOW),
            kept: Vec::new(),
        }
    }

    /// Today in the plan's zone, which is five hours behind all December.
    pub(super) fn today(&self) -> NaiveDate {
        (self.now - chrono::TimeDelta::hours(5)).date()
    }

    /// What is open of a member's, that is neither denied nor closed.
    pub(super) fn open<'a>(&'a self, member: &'a str, service: &'a str) -> impl Iterator<Item = &'a Value> {
        self.kept.iter().filter(move |it| {
            it["member"]["id"] == member
                && it["requested_service"] == service
                && it["status"] != "DENIED"
                && it["status"] != "CLOSED"
        })
    }

    /// AUT-37: the units that are left of a member's benefit in the year of `start`; none where it has no limit.
    pub(super) fn left(&self, member: &str, service: &str, start: NaiveDate) -> Option<i64> {
        let (_, _, _, limits) = product(member, start)?;
        let limit = limits.iter().find(|it| it.0 == service)?.1;
        let year = &start.to_string()[..4];
        let counts = |it: &&Value| {
            let text = |name: &str| it[name].as_str().unwrap_or_default();
            it["member"]["id"] == member
                && it["requested_service"] == service
                && text("service_start").starts_with(year)
        };
        let lines = self.kept.iter().filter(counts).flat_map(|it| it["lines"].as_array().expect("lines"));
        let granted =
            lines.filter(|it| it["status"] == "APPROVED").map(|it| it["units"]["authorized"].as_i64());
        Some(limit - granted.map(|it| it.expect("units")).sum::<i64>())
    }
}

/// Puts what the demo's plan lacks into a service's database.
pub(super) fn prepare(service: &Service) {
    let members = MEMBERS.iter().map(|(id, born, spans)| {
        if !id.starts_with("ZZZ") {
            return format!("update members set date_of_birth = '{born}' where id = '{id}';");
        }
        let (product, first, last) = spans[0];
        let first = offset(first);
        let last = if last == EVER { "null".to_owned() } else { format!("'{}'", offset(last)) };
        format!(
            "insert into members (id, first_name, last_name, date_of_birth) values ('{id}', 'Zoe', 'Zander', '{born}');
             insert into coverages (member_id, product_id, first_on, last_on) values ('{id}', '{product}', '{first}', {last});"
        )
    });
    let diagnoses = DIAGNOSES.iter().map(|(code, first, last)| {
        let last = if last.is_empty() { "null".to_owned() } else { format!("'{last}'") };
        format!("update diagnosis_codes set first_on = '{first}', last_on = {last} where code = '{code}';")
    });
    service.execute(&members.chain(diagnoses).collect::<String>());
}

/// The day so many days from [`BEGINNING`].
pub(super) fn offset(days: i64) -> NaiveDate {
    day(BEGINNING) + chrono::TimeDelta::days(days)
}

pub(super) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

pub(super) fn at(text: &str) -> chrono::NaiveDateTime {
    chrono::NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%SZ").expect("a time")
}

/// The span that covers a member on a day.
pub(super) fn span(member: &str, on: NaiveDate) -> Option<Span> {
    let spans = MEMBERS.iter().find(|it| it.0 == member)?.2;
    spans.iter().copied().find(|(_, first, last)| offset(*first) <= on && on <= offset(*last))
}

/// The product that a member has on a day.
pub(super) fn product(member: &str, on: NaiveDate) -> Option<Product> {
    let (id, ..) = span(member, on)?;
    PRODUCTS.into_iter().find(|it| it.0 == id)
}

/// AUT-14: whether a member is of My Care Family for all of the days that are covered at all.
pub(super) fn always_my_care_family(member: &str, start: NaiveDate, end: Option<NaiveDate>) -> bool {
    let end = end.filter(|it| start <= *it).unwrap_or(start);
    let spans = MEMBERS.iter().find(|it| it.0 == member).map_or(&[][..], |it| it.2);
    spans.iter().all(|(id, first, last)| *id == "mcf" || end < offset(*first) || offset(*last) < start)
}

/// The first day from `start` to `end` on which a member isn't covered.
pub(super) fn first_uncovered(member: &str, start: NaiveDate, end: NaiveDate) -> Option<NaiveDate> {
    let mut on = start;
    while on <= end {
        match span(member, on) {
            None => return Some(on),
            Some((_, _, last)) => on = offset(last) + Days::new(1),
        }
    }
    None
}
