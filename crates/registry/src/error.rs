use kernel::faults;

faults! {
    /// Why a fact could not be had.
    pub enum Error {
        /// A release of a code set can't be read; nothing of it was loaded.
        Release(row: u64, why: String) => Invalid, "release-unreadable", "AUT-16", "row {row} can't be read: {why}";
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
