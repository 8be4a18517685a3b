//! The real binary, killed, starved, cut off and filled up under load, and then audited against what it had acknowledged.
//!
//! A [`node::Node`] is a process of the service; a [`load::Load`] is clients that remember every answer; an [`audit`] compares
//! what they remember with what the database holds, and each case shows that it would find what it looks for.
//! In CI each case is short; `make torture` runs the numbers of the specification and prints what it measured.
#![expect(clippy::disallowed_methods, reason = "the form of a run comes from its environment")]

mod audit;
mod clocks;
mod full;
mod kills;
mod ledger;
mod link;
mod links;
mod load;
mod node;
mod nodes;
mod outages;
mod outcome;
mod points;
mod postgres;
mod pressure;
mod stops;
mod syncs;
mod upgrades;

use std::time::Duration;

use crate::support::{Database, Kind};

/// A number of the specification, and the one that CI has time for.
fn form(full: usize, short: usize) -> usize {
    if is_full() { full } else { short }
}

fn is_full() -> bool {
    variable("LANYARD_TEST_TORTURE").is_some_and(|it| it == "full")
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A line of the table that `make torture` prints.
fn report(case: &str, kind: Kind, target: &str, measured: &str) {
    eprintln!("| {case} | {kind:?} | {target} | {measured} |");
}

/// Runs `body` on a database of this kind, if there is one.
fn on<F: Future<Output = ()>>(kind: Kind, body: impl FnOnce(Database) -> F) {
    match Database::new(kind) {
        Some(database) => drive(body(database)),
        None => eprintln!("left out: there is no PostgreSQL"),
    }
}

fn drive(body: impl Future<Output = ()>) {
    actix_web::rt::System::new().block_on(body);
}

/// Waits; only where a process outside is what is waited for.
async fn pause(milliseconds: u64) {
    actix_web::rt::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Runs a body as two tests, one on each database.
macro_rules! both_kinds {
    ($($(#[$doc:meta])* $name:ident = $body:ident;)+) => { $(
        $(#[$doc])*
        mod $name {
            use crate::support::Kind;

            #[test]
            fn sqlite() {
                super::super::on(Kind::Sqlite, |database| super::$body(Kind::Sqlite, database));
            }

            #[test]
            fn postgres() {
                super::super::on(Kind::Postgres, |database| super::$body(Kind::Postgres, database));
            }
        }
    )+ };
}
use both_kinds;
