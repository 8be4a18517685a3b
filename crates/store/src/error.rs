use diesel::r2d2::PoolError;
use diesel::result::{DatabaseErrorKind, Error as Diesel};
use kernel::faults;

faults! {
    /// Why the database didn't do what was asked.
    pub enum Error {
        /// Nothing is wrong with the request: the queue is full, or the connection, a lock or the disk failed.
        Unavailable(why: String) => Unavailable, "database-unavailable", "",
            "The database can't answer at the moment, and nothing was changed. Send the request again.";
        /// The connection failed while the transaction was being committed.
        OutcomeUnknown(why: String) => Unavailable, "outcome-unknown", "",
            "The database stopped answering at the very end, so that it isn't known whether this was done. Read before \
             you send it again, or send it again with the same Idempotency-Key.";
        /// The disk has no room for what was sent.
        StorageFull(why: String) => Unavailable, "storage-full", "",
            "There is no room left to keep what was sent, and nothing was changed. What is there can still be read.";
        /// The request with this key is still being answered, elsewhere.
        InFlight => Conflict, "idempotency-in-flight", "",
            "A request with this Idempotency-Key is still being answered. Send it again in a moment to get that answer.";
        /// The idempotency key was used before, for another request.
        KeyReused => Invalid, "idempotency-key-reused", "",
            "This Idempotency-Key came with another request before. Use a new key for a new request.";
        /// A constraint that no rule foresaw, a panic, a row that doesn't decode.
        Internal(why: String) => Internal, "internal", "",
            "The service failed. Nothing was changed; the request id names the entry in our log.";
    }
}

/// What the databases say when the fault is theirs and diesel has no kind for it. SQLite never translates it; of
/// PostgreSQL, `Target::check` asks for English.
const PASSING: &[&str] = &[
    "deadlock detected",
    "canceling statement due to",
    "terminating connection",
    "the database system is",
    "database is locked",
    "disk I/O error",
    "cannot start a transaction within a transaction",
    "no such savepoint",
];

/// The same, where there is no room.
const FULL: &[&str] = &["No space left on device", "database or disk is full"];

impl Error {
    /// A text that isn't what it should be. serde's own words may quote it, and it may be PHI.
    pub(crate) fn unreadable(what: &str, why: &serde_json::Error) -> Self {
        let (line, column, kind) = (why.line(), why.column(), why.classify());
        Self::Internal(format!(
            "{what} can't be read as JSON: {kind:?} error at line {line}, column {column}"
        ))
    }

    /// What went wrong in the words of what it went wrong in, for whoever runs the service.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Internal(why)
            | Self::Unavailable(why)
            | Self::OutcomeUnknown(why)
            | Self::StorageFull(why) => why,
            it @ (Self::InFlight | Self::KeyReused) => it.to_string(),
        }
    }

    /// The same, of a statement that is a transaction by itself: the connection may have failed after its commit.
    pub(crate) fn at_once(self) -> Self {
        match self {
            Self::Unavailable(why) | Self::StorageFull(why) => Self::OutcomeUnknown(why),
            other => other,
        }
    }

    /// The same, of COMMIT itself, whatever it says: a server that fails while it commits may have done so already. SQLite, which has
    /// no room, has not.
    pub(crate) fn at_commit(self, sqlite: bool) -> Self {
        match self {
            Self::StorageFull(why) if sqlite => Self::StorageFull(why),
            Self::Unavailable(why) | Self::StorageFull(why) | Self::Internal(why) => {
                Self::OutcomeUnknown(why)
            }
            other => other,
        }
    }

    pub(crate) fn busy() -> Self {
        Self::Unavailable("too many requests are waiting for the database".to_owned())
    }
}

impl From<Diesel> for Error {
    fn from(it: Diesel) -> Self {
        let text = it.to_string();
        if FULL.iter().any(|known| text.contains(known)) {
            return Self::StorageFull(text);
        }
        let passing = match &it {
            Diesel::DatabaseError(kind, _) => {
                matches!(
                    kind,
                    DatabaseErrorKind::ClosedConnection
                        | DatabaseErrorKind::UnableToSendCommand
                        | DatabaseErrorKind::SerializationFailure
                        // A server that has become a standby.
                        | DatabaseErrorKind::ReadOnlyTransaction
                ) || PASSING.iter().any(|known| text.contains(known))
            }
            Diesel::BrokenTransactionManager
            | Diesel::AlreadyInTransaction
            | Diesel::NotInTransaction
            | Diesel::RollbackErrorOnCommit { .. } => true,
            _ => false,
        };
        if passing { Self::Unavailable(text) } else { Self::Internal(text) }
    }
}

impl From<diesel::ConnectionError> for Error {
    fn from(it: diesel::ConnectionError) -> Self {
        Self::Unavailable(it.to_string())
    }
}

impl From<PoolError> for Error {
    fn from(it: PoolError) -> Self {
        Self::Unavailable(it.to_string())
    }
}
