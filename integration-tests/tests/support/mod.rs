//! A service of its own for each test, in this process, on a database of its own.

mod database;
mod file;
mod publisher;
mod receiver;
mod service;

pub(crate) use database::{Database, Kind, fill, run_folder};
pub(crate) use file::{root, same_as_file};
pub(crate) use publisher::Publisher;
pub(crate) use receiver::{Answers, Names, Received, Receiver, ca};
pub(crate) use service::{
    Answer, ISSUER, LIMITS, Options, PUBLIC_URL, Service, example, issuer, key_folder, signing_key, start,
};

/// When the tests begin: ten in the morning in the plan's zone.
pub(crate) const NOW: &str = "2026-12-01T15:00:00Z";

/// Runs each body as two tests, one on each database.
#[macro_export]
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($service:ident) $body:block)+) => { $(
        $(#[$doc])*
        mod $name {
            use super::*;

            async fn body($service: $crate::support::Service) $body

            #[test]
            fn sqlite() {
                $crate::support::start($crate::support::Kind::Sqlite, body);
            }

            #[test]
            fn postgres() {
                $crate::support::start($crate::support::Kind::Postgres, body);
            }
        }
    )+ };
}
