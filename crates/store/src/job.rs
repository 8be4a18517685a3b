use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use kernel::{Fault, Kind};

use crate::gauges::{Counts, Turned};
use crate::{Actor, Db, Error, IdempotencyKey, Tx, failpoint, ledger};

/// A write that waits for its turn.
pub(crate) trait Job: Send {
    /// Whether the write is still wanted; from then on its caller waits to the end.
    fn claim(&self) -> bool;
    /// Runs the closure and writes what it left pending. Whether to keep what it did.
    fn run(&mut self, db: &mut Db, instant: Instant) -> Verdict;
    /// After what it did was undone: answers from the record, if its key is already there.
    fn replay(&mut self, db: &mut Db);
    /// Tells the caller: its own outcome, or why no one's counts.
    fn answer(self: Box<Self>, end: Result<(), Error>);
}

/// When a write happens, and on which day that is in the plan's zone.
pub(crate) type Instant = (chrono::DateTime<chrono::Utc>, chrono::NaiveDate);

/// What becomes of a transaction after its closure.
pub(crate) struct Verdict {
    pub(crate) keep: bool,
    pub(crate) begun: bool,
}

/// Whoever sets it first, the worker that starts the write or the caller that stops waiting, has decided.
pub(crate) type Claim = Arc<AtomicBool>;

/// An answer on its way: `.await` it in a handler, [`wait`](Self::wait) for it on a thread.
///
/// Dropping it before the work has begun cancels the work; afterwards the work goes on without an audience.
#[must_use = "the work is cancelled if no one waits for it"]
pub struct Answer<T, E> {
    pub(crate) reply: oneshot::Receiver<Result<T, E>>,
    pub(crate) claim: Claim,
    pub(crate) writes: bool,
    pub(crate) patience: Duration,
    pub(crate) counts: Arc<Counts>,
    pub(crate) limit: Duration,
}

impl<T, E: From<Error>> Answer<T, E> {
    /// The same, for a caller who has waited before: it begins within `rest`, or not at all.
    pub fn within(mut self, rest: Duration) -> Self {
        self.patience = self.patience.min(rest);
        self
    }

    /// Blocks this thread until the answer is there.
    ///
    /// # Errors
    /// Whatever the closure returned, or why its transaction didn't commit.
    ///
    /// # Panics
    /// On a thread that drives asynchronous tasks.
    pub fn wait(self) -> Result<T, E> {
        let Self { reply, claim, writes, .. } = self;
        reply.blocking_recv().unwrap_or_else(|_| Err(unheard(&claim, writes).into()))
    }
}

impl<T: Send + 'static, E: From<Error> + Send + 'static> IntoFuture for Answer<T, E> {
    type Output = Result<T, E>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(mut self) -> Self::IntoFuture {
        Box::pin(async move {
            let reply = match tokio::time::timeout(self.patience, &mut self.reply).await {
                Ok(reply) => reply,
                Err(_) if !self.claim.swap(true, Ordering::AcqRel) => {
                    self.counts.turn(Turned::Patience);
                    return Err(Error::busy().into());
                }
                Err(_) => {
                    let rest = self.limit.saturating_sub(self.patience);
                    let late = tokio::time::timeout(rest, &mut self.reply).await;
                    let slow = || Error::Unavailable("the database took too long".to_owned());
                    let late =
                        late.map_err(|_| if self.writes { unheard(&self.claim, true) } else { slow() });
                    late.map_err(E::from)?
                }
            };
            reply.unwrap_or_else(|_| Err(unheard(&self.claim, self.writes).into()))
        })
    }
}

fn gone() -> Error {
    Error::Unavailable("the store is closing".to_owned())
}

/// What becomes of something of which nothing more is heard: a write that has begun may have been committed.
fn unheard(claim: &Claim, writes: bool) -> Error {
    if writes && claim.load(Ordering::Acquire) {
        Error::OutcomeUnknown("the writer was lost".to_owned())
    } else {
        gone()
    }
}

/// What a key's first use answered, or what was kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept<T> {
    /// The answer.
    pub value: T,
    /// Whether an earlier request made it.
    pub replayed: bool,
}

/// How an answer is kept for the next use of its key.
pub(crate) struct Once<T> {
    pub(crate) key: IdempotencyKey,
    pub(crate) encode: fn(&T) -> serde_json::Result<String>,
    pub(crate) decode: fn(&str) -> serde_json::Result<T>,
}

pub(crate) struct Task<T, E, F> {
    pub(crate) actor: Actor,
    pub(crate) work: Option<F>,
    pub(crate) once: Option<Once<T>>,
    pub(crate) outcome: Option<Result<T, E>>,
    pub(crate) reply: oneshot::Sender<Result<T, E>>,
    pub(crate) claim: Claim,
}

impl<T, E, F> Task<T, E, F>
where
    E: From<Error>,
    F: FnOnce(&mut Tx<'_>) -> Result<T, E>,
{
    fn perform(&mut self, tx: &mut Tx<'_>) -> Result<T, E> {
        let work = self.work.take().ok_or_else(gone)?;
        let value = work(tx)?;
        failpoint::reached("store::rows");
        if let Some(once) = &self.once {
            let answer = (once.encode)(&value).map_err(|it| Error::unreadable("an answer", &it))?;
            tx.keep(once.key.clone(), answer);
        }
        let alone = !tx.begun();
        // With nothing before it, the last statement is the whole transaction.
        tx.seal().map_err(|it| if alone { it.at_once() } else { it })?;
        failpoint::reached("store::sealed");
        Ok(value)
    }
}

impl<T, E, F> Job for Task<T, E, F>
where
    T: Send,
    E: Fault + From<Error> + Send,
    F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send,
{
    fn claim(&self) -> bool {
        !self.reply.is_closed() && !self.claim.swap(true, Ordering::AcqRel)
    }

    fn run(&mut self, db: &mut Db, (now, day): Instant) -> Verdict {
        let actor = self.actor.clone();
        failpoint::works_for(&actor.request);
        let guard = self.once.as_ref().map(|it| it.key.guard());
        let mut tx = Tx::new(db, &actor, now, day, guard);
        if tx.begun() {
            failpoint::reached("store::begun");
        }
        let outcome = catch_unwind(AssertUnwindSafe(|| self.perform(&mut tx)))
            .unwrap_or_else(|_| Err(Error::Internal("the work panicked".to_owned()).into()));
        let verdict = Verdict { keep: outcome.is_ok(), begun: tx.begun() };
        self.outcome = Some(outcome);
        verdict
    }

    fn replay(&mut self, db: &mut Db) {
        let Some(Once { key, decode, .. }) = &self.once else { return };
        // The key's own conflict is an internal error here. Who may not ask by now gets no answer of before.
        let kind = |outcome: &Result<T, E>| outcome.as_ref().err().map(|it| it.row().kind);
        let kind = self.outcome.as_ref().and_then(kind);
        if kind == Some(Kind::Unavailable) {
            // What wasn't to be had may be the key itself.
            if let Ok(true) = ledger::in_flight(db, key) {
                self.outcome = Some(Err(Error::InFlight.into()));
            }
            return;
        }
        if !matches!(kind, Some(Kind::Internal | Kind::Conflict | Kind::Stale | Kind::Invalid)) {
            return;
        }
        let read = |answer: String| decode(&answer).map_err(|it| Error::unreadable("a kept answer", &it));
        let kept = ledger::kept(db, key).and_then(|it| it.map(read).transpose());
        // Where there is none, the closure's own error stands.
        if let Some(kept) = kept.transpose() {
            self.outcome = Some(kept.map_err(E::from));
        }
    }

    fn answer(self: Box<Self>, end: Result<(), Error>) {
        let Self { outcome, reply, .. } = *self;
        let own = || outcome.unwrap_or_else(|| Err(gone().into()));
        // A caller that went away is told nothing; what was done stays done.
        let _ = reply.send(end.map_err(E::from).and_then(|()| own()));
    }
}
