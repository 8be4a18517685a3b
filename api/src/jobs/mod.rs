//! What the service does on its own: a table of kinds, each a function that does one job, and the loop that runs what is due.
//!
//! Any node may do any job. A claim is a compare-and-set with a lease, so that one node does one of a kind at a time, and another
//! takes over what a dead one held.

mod deadlines;
mod decide;
mod purge;
mod seal;
mod verify;

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt::time::sleep;
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::FutureExt;
use kernel::{Fault, fresh_id};
use store::{Claim, Error};

pub use seal::{Checkpoint, Checkpoints};

use crate::State;

type Run = for<'a> fn(&'a State, &'a Claim) -> Pin<Box<dyn Future<Output = Result<usize, Error>> + 'a>>;

/// A kind of job: its name, how often it comes back if it does, and what it does: how much that was.
struct Kind(&'static str, Option<TimeDelta>, Run);

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind(authorizations::DECIDE, None,                          |state, claim| Box::pin(decide::run(state, claim))),
    Kind("deadlines",            Some(TimeDelta::minutes(1)),   |state, _|     Box::pin(deadlines::run(state))),
    Kind("seal",                 Some(TimeDelta::seconds(10)),  |state, _|     Box::pin(seal::run(state))),
    Kind("verify",               Some(TimeDelta::hours(1)),     |state, _|     Box::pin(verify::run(state))),
    Kind("purge",                Some(TimeDelta::hours(1)),     |state, _|     Box::pin(purge::run(state))),
];

/// How often it is looked whether those that come back are there.
const KEEP: TimeDelta = TimeDelta::minutes(1);

/// For how long a node has a job; then another may take it.
const LEASE: TimeDelta = TimeDelta::minutes(5);

/// How often it is looked whether something is due.
const ROUND: Duration = Duration::from_secs(1);

/// How long after a failure a job comes back, for each time that it failed, and at most.
const BACKOFF: TimeDelta = TimeDelta::minutes(1);
const LONGEST: i32 = 15;

/// Does the jobs of a node.
pub struct Jobs {
    state: Arc<State>,
    node: String,
    /// When it was last seen to that those that come back are there.
    kept: Mutex<Option<DateTime<Utc>>>,
}

impl Jobs {
    /// Of a node that has just started.
    #[must_use]
    pub fn new(state: Arc<State>) -> Self {
        let node = fresh_id("node", state.clock.now());
        Self { state, node, kept: Mutex::default() }
    }

    /// Does all that is due by now, until nothing is left; how many jobs.
    ///
    /// # Errors
    /// If the database can't answer.
    pub async fn run(&self) -> Result<usize, Error> {
        self.keep().await?;
        let mut count = 0;
        while let done @ 1.. = self.round().await? {
            count += done;
        }
        Ok(count)
    }

    /// Sees to it, now and then, that those that come back are there, and none further off than it comes back: a clock that was ahead
    /// for a while would have put them there.
    async fn keep(&self) -> Result<(), Error> {
        let (now, kept) = (self.state.clock.now(), *self.kept.lock().unwrap_or_else(PoisonError::into_inner));
        if kept.is_some_and(|it| (it..it + KEEP).contains(&now)) {
            return Ok(());
        }
        let every = KINDS.iter().filter_map(|it| Some((it.0, it.1?))).collect();
        self.state.store.keep_jobs(every).await?;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }

    /// Does one job of each kind that is due, so that none waits for all of another.
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method itself is for one lifetime")]
    async fn round(&self) -> Result<usize, Error> {
        let due = self.state.store.read(|rx| rx.backlog()).await?;
        let mut count = 0;
        for kind in KINDS.iter().filter(|kind| due.iter().any(|it| it.kind == kind.0)) {
            if let Some(claim) = self.state.store.claim(kind.0, &self.node, LEASE).await? {
                self.one(kind, &claim).await?;
                count += 1;
            }
        }
        Ok(count)
    }

    async fn one(&self, Kind(name, every, run): &Kind, claim: &Claim) -> Result<(), Error> {
        let state = &self.state;
        let (now, done) = (state.clock.now(), AssertUnwindSafe(run(state, claim)).catch_unwind().await);
        let done = done.unwrap_or_else(|_| Err(Error::Internal("the job panicked".to_owned())));
        let (next, failure) = match (done, every) {
            // It went with its effect.
            (Ok(_), None) => return Ok(()),
            (Ok(_), Some(every)) => (now + *every, None),
            (Err(it), _) => {
                state.metrics.jobs_failed.with_label_values(&[*name]).inc();
                let (job, cause) = (&*claim.id, format!("{it:?}"));
                ::log::error!(target: "lanyard::fault", cause, job, kind = *name; "a job failed");
                (now + BACKOFF * claim.attempts.min(LONGEST), Some(it.row().slug))
            }
        };
        let claim = claim.clone();
        let back = state.store.write(&State::system("job"), move |tx| tx.repeat(&claim, next, failure));
        back.await
    }

    /// Does what is due for as long as the service runs.
    pub async fn work(&self) {
        loop {
            if let Err(it) = self.run().await {
                let cause = format!("{it:?}");
                ::log::warn!(target: "lanyard::fault", cause; "the jobs can't be done at the moment");
                // What became of a claim may not be known; else no one would do these until its lease is over.
                self.release().await;
            }
            sleep(ROUND).await;
        }
    }

    /// Gives back what this node has, for the others.
    pub async fn release(&self) {
        // Otherwise its lease runs out.
        let _ = self.state.store.release(&self.node).await;
    }
}
