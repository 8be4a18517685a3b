//! What `GET /metrics` tells those who watch the service: numbers by operation, never by caller, path or id.
//!
//! What happens is counted where it happens, in [`Metrics`]; what merely is, is looked up when someone asks
//! ([`scrape`](mod@scrape)). A family is one row of the table below, its comment the help that is served with it.

mod scrape;
mod scrapers;
mod watched;

use std::path::PathBuf;
use std::sync::Mutex;

use chrono::{DateTime, Utc};
use prometheus::core::Collector;
use prometheus::{Counter, Gauge, GaugeVec, HistogramOpts, HistogramVec};
use prometheus::{IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::deliveries;

pub use scrapers::{Allowed, Network, Scrapers};
pub(crate) use watched::Watched;

/// The upper bounds, in seconds, between which the durations of requests are told apart.
const BUCKETS: &[f64] =
    &[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The kinds of jobs that may fail.
const JOBS: &[&str] = &[authorizations::DECIDE, "deadlines", "seal", "verify", "purge"];

macro_rules! families {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ident = $name:literal $([$($label:literal),+])?;)+) => {
        /// What is counted and measured.
        pub struct Metrics {
            registry: Registry,
            /// Who may read it.
            pub scrapers: Scrapers,
            /// Where SQLite's database is; none on PostgreSQL.
            storage: Option<PathBuf>,
            /// One at a time brings the counters of others up to date.
            turn: Mutex<()>,
            $($(#[doc = $doc])+ pub $field: $kind,)+
        }

        /// Each family: its name, its type, and what it tells.
        const FAMILIES: &[(&str, &str, &str)] = &[$(($name, <$kind as Family>::TYPE, concat!($($doc),+))),+];

        impl Metrics {
            /// All of them, at nothing yet. `url` is the database's.
            ///
            /// # Panics
            /// Never: each name is there once, and has the form that a name has.
            #[must_use]
            pub fn new(scrapers: Scrapers, url: &str, now: DateTime<Utc>) -> Self {
                let registry = Registry::new();
                $(
                    let $field = <$kind as Family>::made($name, concat!($($doc),+).trim_ascii(), &[$($($label),+)?]);
                    registry.register(Box::new(Clone::clone(&$field))).expect("a family of its own");
                )+
                let storage = store::folder(url);
                let it = Self { registry, scrapers, storage, turn: Mutex::default(), $($field),+ };
                it.begin_at_nothing();
                it.started.set(scrape::seconds(now));
                it.build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
                it
            }
        }
    };
}

families! {
    /// The build that serves; always 1.
    build: IntGaugeVec = "lanyard_build_info"["version"];
    /// When the process began, in seconds since 1970.
    started: Gauge = "process_start_time_seconds";
    /// The memory that the process holds, in bytes.
    resident: IntGauge = "process_resident_memory_bytes";
    /// The files and sockets that the process has open.
    descriptors: IntGauge = "process_open_fds";
    /// The most that it may have open.
    most_descriptors: IntGauge = "process_max_fds";

    /// Requests answered, by operation of the contract and class of status.
    requests: IntCounterVec = "lanyard_requests_total"["operation", "status"];
    /// How long requests took, by operation, from the head's arrival to the answer.
    durations: HistogramVec = "lanyard_request_duration_seconds"["operation"];
    /// Requests that are being answered.
    in_flight: IntGauge = "lanyard_requests_in_flight";
    /// Problems answered, by the slug of their type.
    problems: IntCounterVec = "lanyard_problems_total"["problem"];
    /// Answers of before, given to a repeated Idempotency-Key.
    replays: IntCounter = "lanyard_idempotency_replays_total";

    /// Whether the database answered when it was asked for these numbers: 1 or 0.
    up: IntGauge = "lanyard_database_up";
    /// Connections to the database, by what they are for and whether they are at work.
    links: IntGaugeVec = "lanyard_database_connections"["role", "state"];
    /// Threads that wait for an answer of the database that may never come; others work in their place.
    stuck: IntGauge = "lanyard_database_stuck_threads";
    /// How often a connection was waited for.
    waits: IntCounter = "lanyard_database_connection_waits_total";
    /// For how long connections were waited for, in all, in seconds.
    waited: Counter = "lanyard_database_connection_wait_seconds_total";
    /// What waits for its turn at the database: reads, writes, entries of the trail.
    waiting: IntGaugeVec = "lanyard_database_waiting"["what"];
    /// What was refused before it got to the database, by why.
    refused: IntCounterVec = "lanyard_database_refused_total"["why"];
    /// Transactions of SQLite's writer, each a group of writes.
    commits: IntCounter = "lanyard_commits_total";
    /// The writes in them.
    committed: IntCounter = "lanyard_committed_writes_total";
    /// How long they took, in all, in seconds.
    commit_time: Counter = "lanyard_commit_seconds_total";
    /// What is free where SQLite's database is, in bytes; not there on PostgreSQL.
    free: IntGaugeVec = "lanyard_storage_free_bytes"["of"];

    /// Whether the trail can't be told what is seen, so that no member's data is shown: 1 or 0.
    blind: IntGauge = "lanyard_trail_blind";
    /// The age, in seconds, of the oldest entry of the trail that isn't sealed.
    unsealed: Gauge = "lanyard_trail_unsealed_seconds";
    /// Checks of the sealed trail that found it broken.
    broken: IntCounter = "lanyard_trail_verification_failures_total";
    /// Events that no one was told of yet; 10,000 means that or more.
    unsent: IntGauge = "lanyard_outbox_unsent";
    /// The age, in seconds, of the oldest of them; 0 where there is none.
    oldest_unsent: Gauge = "lanyard_outbox_oldest_seconds";
    /// Deadlines that are past and not met; 10,000 means that or more.
    overdue: IntGauge = "lanyard_deadlines_overdue";
    /// When the last backup was made, in seconds since 1970; 0 if there is none.
    backup: Gauge = "lanyard_backup_timestamp_seconds";
    /// When the certificate of the service's own TLS expires, in seconds since 1970; 0 where a proxy ends TLS.
    certificate: Gauge = "lanyard_certificate_expiry_timestamp_seconds";

    /// Jobs whose time has come.
    jobs_due: IntGaugeVec = "lanyard_jobs_due"["kind"];
    /// Runs of jobs that failed.
    jobs_failed: IntCounterVec = "lanyard_jobs_failed_total"["kind"];
    /// For how long, in seconds, the oldest job waits whose time has come.
    jobs_oldest: GaugeVec = "lanyard_job_oldest_seconds"["kind"];
    /// Attempts to deliver an event to an endpoint, by how they ended.
    deliveries: IntCounterVec = "lanyard_deliveries_total"["outcome"];
    /// Deliveries that wait to be sent and could be; 10,000 means that or more.
    deliveries_due: IntGauge = "lanyard_deliveries_due";
    /// Connections of callers, by what they do.
    connections: IntGaugeVec = "lanyard_connections"["state"];
    /// Connections of callers that the service closed, by why.
    connections_closed: IntCounterVec = "lanyard_connections_closed_total"["why"];
}

impl Metrics {
    /// Has each value of a label there from the start: of a counter that isn't there before the first time no alarm sees the first time.
    fn begin_at_nothing(&self) {
        for it in deliveries::OUTCOMES {
            self.deliveries.with_label_values(&[it]);
        }
        for it in JOBS {
            self.jobs_failed.with_label_values(&[it]);
        }
    }
}

/// A kind of family, and how one is made.
trait Family: Collector + Clone + Sized + 'static {
    const TYPE: &'static str;

    fn made(name: &str, help: &str, labels: &[&str]) -> Self;
}

macro_rules! kinds {
    ($($kind:ident, $type:literal, |$options:ident, $labels:pat_param| $made:expr;)+) => { $(
        impl Family for $kind {
            const TYPE: &'static str = $type;

            fn made(name: &str, help: &str, $labels: &[&str]) -> Self {
                let $options = Opts::new(name, help);
                $made.expect("a name")
            }
        }
    )+ };
}

kinds! {
    IntCounter, "counter", |it, _| Self::with_opts(it);
    Counter, "counter", |it, _| Self::with_opts(it);
    IntGauge, "gauge", |it, _| Self::with_opts(it);
    Gauge, "gauge", |it, _| Self::with_opts(it);
    IntCounterVec, "counter", |it, labels| Self::new(it, labels);
    IntGaugeVec, "gauge", |it, labels| Self::new(it, labels);
    GaugeVec, "gauge", |it, labels| Self::new(it, labels);
    HistogramVec, "histogram", |it, labels| Self::new(HistogramOpts::from(it).buckets(BUCKETS.to_vec()), labels);
}
