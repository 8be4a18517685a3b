//! What the store counts as it goes, for those who watch the service: numbers only.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use diesel::r2d2::{ManageConnection, Pool, event};

use crate::notes::Notes;
use crate::queue::Queue;
use crate::worker::{Jobs, Look, Shop};

/// Why something didn't get to the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turned {
    /// The queue of reads was full.
    Reads,
    /// The queue of writes was full.
    Writes,
    /// It waited too long for its turn.
    Patience,
    /// There was no connection to be had.
    Connection,
}

/// What is counted; it only ever grows.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    turned: [AtomicU64; 4],
    /// How often a connection was waited for, and for how long in all.
    waits: AtomicU64,
    waited_micros: AtomicU64,
    commits: AtomicU64,
    committed: AtomicU64,
    commit_micros: AtomicU64,
}

impl Counts {
    pub(crate) fn turn(&self, why: Turned) {
        self.turned[why as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// A group of so many writes took so long, from its first to its end.
    pub(crate) fn group(&self, writes: usize, took: TimeDelta) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        self.committed.fetch_add(writes as u64, Ordering::Relaxed);
        let micros = took.num_microseconds().unwrap_or_default().max(0).cast_unsigned();
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// Has a pool tell of those who wait for its connections.
#[derive(Debug)]
pub(crate) struct Told(pub(crate) Arc<Counts>);

impl event::HandleEvent for Told {
    fn handle_checkout(&self, event: event::CheckoutEvent) {
        // Less is no waiting, only the pool's own work.
        if event.duration() >= Duration::from_millis(1) {
            self.0.waits.fetch_add(1, Ordering::Relaxed);
            let micros = event.duration().as_micros().try_into().unwrap_or(u64::MAX);
            self.0.waited_micros.fetch_add(micros, Ordering::Relaxed);
        }
    }

    fn handle_timeout(&self, _: event::TimeoutEvent) {
        self.0.turn(Turned::Connection);
    }
}

/// The connections of a pool.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Connections {
    /// At work.
    pub in_use: u32,
    /// Open, and waiting for work.
    pub idle: u32,
}

impl Connections {
    pub(crate) fn of<M: ManageConnection>(pool: &Pool<M>) -> Self {
        let state = pool.state();
        Self {
            in_use: state.connections.saturating_sub(state.idle_connections),
            idle: state.idle_connections,
        }
    }
}

/// How the store is at this moment, and what it counted since it was opened.
#[derive(Debug, Clone, Default)]
pub struct Gauges {
    /// Those that read.
    pub readers: Connections,
    /// Those that write.
    pub writers: Connections,
    /// Reads that wait for their turn.
    pub reads: usize,
    /// Writes that do.
    pub writes: usize,
    /// Entries of the trail that aren't written yet.
    pub notes: usize,
    /// Whether the trail can't be told what is seen.
    pub blind: bool,
    /// What didn't get to the database, by why.
    pub refused: [(&'static str, u64); 4],
    /// How often a connection was waited for.
    pub waits: u64,
    /// For how long, in all.
    pub waited: Duration,
    /// Transactions in which SQLite's writer committed a group; none on PostgreSQL.
    pub commits: u64,
    /// The writes in them.
    pub committed: u64,
    /// How long they took, in all.
    pub commit_time: Duration,
}

impl Gauges {
    pub(crate) fn of(shop: &Shop, jobs: &Jobs, looks: &Queue<Look>, notes: &Notes) -> Self {
        let counts = &shop.counts;
        let of = |it: &AtomicU64| it.load(Ordering::Relaxed);
        let turned = |why: Turned| of(&counts.turned[why as usize]);
        Self {
            readers: Connections::of(&shop.readers),
            writers: Connections::of(&shop.writers),
            reads: looks.len(),
            writes: jobs.len(),
            notes: notes.len(),
            blind: notes.is_stuck(),
            refused: [
                ("reads_full", turned(Turned::Reads)),
                ("writes_full", turned(Turned::Writes)),
                ("waited_too_long", turned(Turned::Patience)),
                ("no_connection", turned(Turned::Connection)),
            ],
            waits: of(&counts.waits),
            waited: Duration::from_micros(of(&counts.waited_micros)),
            commits: of(&counts.commits),
            committed: of(&counts.committed),
            commit_time: Duration::from_micros(of(&counts.commit_micros)),
        }
    }
}
