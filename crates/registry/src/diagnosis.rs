use chrono::NaiveDate;
use kernel::DiagnosisCode;

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
        holds(self.first_on, self.last_on, day)
    }

    /// When it may be used, in words.
    #[must_use]
    pub fn days(&self) -> String {
        days(self.first_on, self.last_on)
    }
}

/// Whether `day` is within a first and a last day; an open end has none.
pub(crate) fn holds(first: NaiveDate, last: Option<NaiveDate>, day: NaiveDate) -> bool {
    first <= day && last.is_none_or(|last| day <= last)
}

/// From a first to a last day, in words; an open end has none.
#[must_use]
pub fn days(first: NaiveDate, last: Option<NaiveDate>) -> String {
    last.map_or_else(|| format!("from {first} on"), |last| format!("from {first} to {last}"))
}
