//! One database, two dialects: every transaction of the service begins and ends here.
//!
//! A use case is a closure. [`Store::write`] queues it, runs it inside a transaction, and answers only once that
//! transaction is on disk; [`Store::read`] does the same for closures that only look. Neither ever runs on the
//! caller's thread, so one method serves handlers (`.await`) and plain threads (`.wait()`).
//!
//! SQLite has one writing thread, which commits in groups; PostgreSQL has a pool of them. The closure can't tell the
//! difference: it sees a [`Tx`] and one `now`. Beside its own rows a write leaves, in the same transaction, its entry
//! in the trail, its events, its deadlines and the answer to a repeated key.

mod after;
mod any_of;
mod backup;
mod checkpoints;
mod crew;
mod db;
mod deadlines;
mod error;
mod examine;
mod failpoint;
mod feed;
mod gauges;
mod job;
mod jobs;
mod json_rows;
mod lag;
mod ledger;
mod link;
mod migrate;
mod notes;
mod number;
mod options;
mod queue;
mod rows;
mod seal;
mod store;
mod trail;
mod tx;
mod worker;

pub use after::After;
pub use any_of::AnyOf;
pub use backup::{Manifest, backup, note_backup, restore};
pub use db::{Db, folder};
pub use deadlines::{Basis, Deadline, DeadlineQuery, DeadlineStatus, KeptDeadline, Untold};
pub use error::Error;
pub use examine::{Finding, Level, examine};
#[cfg(feature = "failpoints")]
pub use failpoint::set as set_failpoints;
pub use feed::{EventQuery, Told};
pub use gauges::{Connections, Gauges};
pub use job::{Answer, Kept};
pub use jobs::{Backlog, Claim, Job, JobStatus, NewJob};
pub use json_rows::JsonRows;
pub use lag::Lag;
pub use ledger::{Event, Trail};
pub use migrate::migrate;
pub use notes::Note;
pub use number::{Check, Number};
pub use options::{Actor, IdempotencyKey, Options};
pub use rows::{Pending, Row};
pub use seal::{Broken, Head};
pub use store::Store;
pub use trail::{TrailEntry, TrailQuery};
pub use tx::{Key, Locks, Moment, Rx, Tx};

/// Writes one query for each backend, for what the enum can't express: many rows in one insert, upserts, locking
/// clauses, SQL of our own.
#[macro_export]
macro_rules! both {
    ($db:expr, |$it:ident| $body:expr) => {
        match $db {
            $crate::Db::Postgres($it) => $body,
            $crate::Db::Sqlite($it) => $body,
        }
    };
}
