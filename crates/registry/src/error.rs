use chrono::NaiveDate;
use kernel::faults;

faults! {
    /// Why a fact could not be had.
    pub enum Error {
        /// A release of a code set can't be read; nothing of it was loaded.
        Release(row: u64, why: String) => Invalid, "release-unreadable", "AUT-16", "row {row} can't be read: {why}";
        /// A release has a code twice; nothing of it was loaded.
        CodeTwice(row: u64, first: u64) => Invalid, "release-code-twice", "AUT-16",
            "row {row} has the code of row {first} again";
        /// A release begins to hold no later than the last one; nothing of it was loaded.
        ReleaseTooEarly(first_on: NaiveDate, last: NaiveDate) => Conflict, "release-too-early", "AUT-16",
            "a release from {first_on} on can't be loaded: the last one loaded holds from {last} on";
        /// A release would end more codes than one does; nothing of it was loaded.
        ReleaseTooShort(ended: usize, known: usize) => Conflict, "release-too-short", "AUT-16",
            "the release would end {ended} of {known} codes, more than a twentieth: is it whole?";
    } or {
        /// The database could not answer.
        Store(::store::Error),
    }
}

impl From<diesel::result::Error> for Error {
    fn from(it: diesel::result::Error) -> Self {
        Self::Store(it.into())
    }
}
