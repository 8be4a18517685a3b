//! How a store runs, and on whose behalf.

use std::sync::Arc;
use std::time::Duration;

use chrono_tz::Tz;
use kernel::{Clock, SystemClock};

/// On whose behalf something is done, as the trail names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The person or system client.
    pub id: Arc<str>,
    /// The program through which they call.
    pub client: Arc<str>,
    /// The request that it is done for.
    pub request: Arc<str>,
    /// Whether it is the service itself, which sees the rows of every site without having entered.
    pub of_service: bool,
}

/// An idempotency key, within the scope in which it is one, and a fingerprint of the request that it came with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// Subject, site, method and route.
    pub scope: String,
    /// The key, as the client chose it.
    pub key: String,
    /// A digest of the request.
    pub fingerprint: String,
}

/// How a store runs; the defaults suit two cores.
#[derive(Clone)]
pub struct Options {
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// The plan's zone, whose midnight starts a day's numbers.
    pub zone: Tz,
    /// How many connections read, and on PostgreSQL how many write; SQLite writes with one.
    pub pool: u32,
    /// The most writes in one SQLite transaction.
    pub group: usize,
    /// How many reads, and how many writes, may wait.
    pub queue: usize,
    /// How long one waits to begin.
    pub patience: Duration,
    /// How long one waits in all.
    pub limit: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            zone: chrono_tz::America::New_York,
            pool: 8,
            group: 64,
            queue: 1024,
            // A little longer than a pool waits for a connection, so that what is told is what happened.
            patience: Duration::from_millis(1250),
            // A statement takes less, or the server ends it; a server that says nothing at all is waited for no longer.
            limit: Duration::from_millis(4500),
        }
    }
}
