use std::io::Read;

use chrono::NaiveDate;
use flate2::read::GzDecoder;
use kernel::DiagnosisCode;

use crate::Error;

/// A diagnosis code of ICD-10-CM, as a release has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnosis {
    /// The code.
    pub code: DiagnosisCode,
    /// What it means, in the release's words.
    pub description: String,
    /// Whether it may be billed, which headings may not (AUT-16).
    pub billable: bool,
    /// The first day of service on which it may be used.
    pub first_on: NaiveDate,
    /// The last one, if a later release ended it.
    pub last_on: Option<NaiveDate>,
}

impl Diagnosis {
    /// Whether it may be used for a service on `day`.
    #[must_use]
    pub fn holds(&self, day: NaiveDate) -> bool {
        self.first_on <= day && self.last_on.is_none_or(|last| day <= last)
    }

    /// When it may be used, in words.
    #[must_use]
    pub fn days(&self) -> String {
        days(self.first_on, self.last_on)
    }
}

/// From a first to a last day, in words; an open end has none.
#[must_use]
pub fn days(first: NaiveDate, last: Option<NaiveDate>) -> String {
    last.map_or_else(|| format!("from {first} on"), |last| format!("from {first} to {last}"))
}

/// A release of a code set: its rows, and the first day on which they hold.
pub struct Release<R> {
    /// CSV with a head of `code,billable,description`.
    pub rows: R,
    /// The first day of service on which its codes may be used.
    pub first_on: NaiveDate,
}

impl Release<GzDecoder<&'static [u8]>> {
    /// ICD-10-CM of April 2026 (NCHS), which is shipped: 98,186 codes.
    ///
    /// # Panics
    /// Never: its day is one.
    #[must_use]
    pub fn shipped() -> Self {
        let first_on = NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day");
        Self { rows: GzDecoder::new(include_bytes!("../data/icd10cm-2026-04.csv.gz")), first_on }
    }
}

impl<R: Read> Release<R> {
    /// Reads the rows one by one.
    pub(crate) fn read(self) -> impl Iterator<Item = Result<Diagnosis, Error>> {
        let first_on = self.first_on;
        csv::Reader::from_reader(self.rows).into_records().zip(2_u64..).map(move |(record, row)| {
            let wrong = |why: &str| Error::Release(row, why.to_owned());
            let record = record.map_err(|it| wrong(&it.to_string()))?;
            let [code, billable, description] = [0, 1, 2].map(|it| record.get(it).unwrap_or_default());
            Ok(Diagnosis {
                code: DiagnosisCode::parse(code).ok_or_else(|| wrong("no ICD-10-CM code"))?,
                description: description.to_owned(),
                first_on,
                last_on: None,
                billable: match billable {
                    "0" => false,
                    "1" => true,
                    _ => return Err(wrong("billable is neither 0 nor 1")),
                },
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aut_16_the_shipped_release_can_be_read_to_its_end() {
        let codes: Vec<_> = Release::shipped().read().collect::<Result<_, _>>().expect("a release");
        assert_eq!(codes.len(), 98_186);
        assert_eq!(
            codes.iter().filter(|it| !it.billable).count(),
            98_186 - codes.iter().filter(|it| it.billable).count()
        );
    }

    #[test]
    fn a_broken_release_names_its_row() {
        let first_on = NaiveDate::from_ymd_opt(2026, 4, 1).expect("a day");
        let csv = "code,billable,description\nI10,1,x\nI1,1,y\n";
        let read: Result<Vec<_>, _> = Release { rows: csv.as_bytes(), first_on }.read().collect();
        assert_eq!(read, Err(Error::Release(3, "no ICD-10-CM code".to_owned())));
    }
}
