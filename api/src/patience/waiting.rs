//! How waiting is measured: by the machine's timers, which tell no time of day.

use std::future::Future;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::Context;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Since when a request waits for the database: all of its waits together are one.
#[derive(Default)]
pub(crate) struct Since(OnceLock<Instant>);

impl Since {
    /// What is left of `patience` since this was first asked; a moment, at least.
    pub(crate) fn rest(&self, patience: Duration) -> Duration {
        let waited = self.0.get_or_init(Instant::now).elapsed();
        patience.saturating_sub(waited).max(Duration::from_millis(50))
    }
}

/// When so much time will have passed.
pub(crate) fn within(time: Duration) -> Instant {
    Instant::now() + time
}

/// The time that a peer may still have us wait: waiting spends it, bytes earn it.
pub(super) struct Credit {
    left: Duration,
    most: Duration,
    rate: u32,
    since: Option<Instant>,
}

impl Credit {
    /// A full one, of which so many bytes earn a second.
    pub(super) fn new(most: Duration, rate: u32) -> Self {
        Self { left: most, most, rate, since: None }
    }

    /// Whether someone waits at the moment.
    pub(super) fn is_spent(&self) -> bool {
        self.since.is_some()
    }

    /// When it ends, if nothing moves from now on.
    pub(super) fn end(&mut self) -> Instant {
        *self.since.get_or_insert_with(|| within(Duration::ZERO)) + self.left
    }

    /// Books what moved, and tells whether that was waited for.
    pub(super) fn book(&mut self, bytes: usize) -> bool {
        let waited = self.since.take();
        if let Some(since) = waited {
            self.left = self.left.saturating_sub(since.elapsed());
        }
        let earned = Duration::from_micros(bytes as u64 * 1_000_000 / u64::from(self.rate));
        self.left = self.most.min(self.left + earned);
        waited.is_some()
    }
}

/// A timer that is set anew only once it rings, so that to move a deadline back costs nothing.
#[derive(Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Whether the deadline has passed; if not, the task is woken when it does.
    pub(super) fn passed(&mut self, deadline: Instant, cx: &mut Context<'_>) -> bool {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if deadline < sleep.deadline() {
            sleep.as_mut().reset(deadline);
        }
        while sleep.as_mut().poll(cx).is_ready() {
            if sleep.deadline() >= deadline {
                return true;
            }
            sleep.as_mut().reset(deadline);
        }
        false
    }
}
