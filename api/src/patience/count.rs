//! How many connections there are, and what became of others: for whoever shows metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// With what a client was too slow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Late {
    /// The handshake of TLS.
    Handshake,
    /// The head of a request.
    Head,
    /// The next request, on a connection that was kept.
    Idle,
    /// The body of a request.
    Body,
    /// Reading an answer.
    Reading,
    /// Closing its side of the connection.
    Closing,
}

impl Late {
    /// Every one, with its name.
    pub const ALL: [(Self, &str); 6] = [
        (Self::Handshake, "handshake"),
        (Self::Head, "head"),
        (Self::Idle, "idle"),
        (Self::Body, "body"),
        (Self::Reading, "reading"),
        (Self::Closing, "closing"),
    ];
}

/// What was counted since the start.
#[derive(Debug, Default)]
pub struct Count {
    open: AtomicU64,
    refused_address: AtomicU64,
    refused_all: AtomicU64,
    late: [AtomicU64; Late::ALL.len()],
}

impl Count {
    /// How many connections are open now.
    #[must_use]
    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    /// How many were refused because their address had as many as one may have (`limits.per_address`).
    #[must_use]
    pub fn refused_of_address(&self) -> u64 {
        self.refused_address.load(Ordering::Relaxed)
    }

    /// How many were refused because there were as many as there may be (`limits.connections`).
    #[must_use]
    pub fn refused_in_all(&self) -> u64 {
        self.refused_all.load(Ordering::Relaxed)
    }

    /// How many were closed because their client was late with this.
    #[must_use]
    pub fn late(&self, with: Late) -> u64 {
        self.late[with as usize].load(Ordering::Relaxed)
    }

    pub(super) fn was_late(&self, with: Late) {
        self.late[with as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn came(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn went(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, of_address: bool) {
        let it = if of_address { &self.refused_address } else { &self.refused_all };
        it.fetch_add(1, Ordering::Relaxed);
    }
}
