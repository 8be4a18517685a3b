//! The threads of a store, and who looks after them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::Error;

/// How often someone looks whether a thread is stuck.
const ROUND: Duration = Duration::from_secs(1);

/// For how many rounds a thread may be at one piece of work before another is hired in its place: longer than the server may be at
/// a statement.
const OVERDUE: u32 = 6;

/// How long the end of a store waits for threads that are still at work.
const FAREWELL: Duration = Duration::from_secs(10);

type Work = dyn Fn(&Turn) + Send + Sync;

/// How far a thread is, as it shows itself.
#[derive(Default)]
pub(crate) struct Turn {
    /// Odd while it is at work.
    count: AtomicU64,
    lost: AtomicBool,
}

impl Turn {
    /// Does `work`; false if another thread was hired meanwhile, so that this one ends.
    pub(crate) fn at<T>(&self, work: impl FnOnce() -> T) -> bool {
        self.count.fetch_add(1, Ordering::Relaxed);
        let done = catch_unwind(AssertUnwindSafe(work));
        self.count.fetch_add(1, Ordering::Relaxed);
        // A panic outside a closure (in a `Drop`, a decoder) ends what the thread was at, and not the thread.
        if done.is_err() {
            log::error!(target: "lanyard::fault", cause = "a panic"; "a thread of the store lost its work");
        }
        !self.lost.load(Ordering::Relaxed)
    }
}

/// The threads that do one kind of work.
#[derive(Default)]
pub(crate) struct Crew {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Threads that are there, but for those that were given up.
    present: usize,
    lost: usize,
    closing: bool,
    watched: Vec<Watched>,
}

struct Watched {
    name: &'static str,
    turn: Arc<Turn>,
    work: Arc<Work>,
    seen: u64,
    rounds: u32,
}

impl Crew {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a thread do `work`.
    pub(crate) fn hire(
        self: &Arc<Self>,
        name: &'static str,
        work: impl Fn(&Turn) + Send + Sync + 'static,
    ) -> Result<(), Error> {
        self.start(name, Arc::new(work))
    }

    fn start(self: &Arc<Self>, name: &'static str, work: Arc<Work>) -> Result<(), Error> {
        let turn = Arc::new(Turn::default());
        let (crew, own, doing) = (Arc::clone(self), Arc::clone(&turn), Arc::clone(&work));
        self.state().present += 1;
        let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
            doing(&own);
            // Connections go before the store's end is told.
            drop(doing);
            crew.leave(&own);
        });
        if let Err(it) = thread {
            self.state().present -= 1;
            return Err(Error::Unavailable(it.to_string()));
        }
        self.state().watched.push(Watched { name, turn, work, seen: 0, rounds: 0 });
        Ok(())
    }

    fn leave(&self, turn: &Arc<Turn>) {
        let mut state = self.state();
        state.watched.retain(|it| !Arc::ptr_eq(&it.turn, turn));
        if turn.lost.load(Ordering::Relaxed) {
            state.lost -= 1;
        } else {
            state.present -= 1;
        }
        self.changed.notify_all();
    }

    /// How many threads wait for an answer that may never come.
    pub(crate) fn lost(&self) -> usize {
        self.state().lost
    }

    /// Looks after the others until the end: for each that is stuck in a call to the server, up to `most` at once, another is hired.
    ///
    /// Nothing ends a call to libpq from outside. Its own time-outs notice a link that is dead, but not a server, or a proxy, that
    /// takes what it is sent and says nothing.
    pub(crate) fn watch(self: &Arc<Self>, most: usize) -> Result<(), Error> {
        let crew = Arc::clone(self);
        let watch = move || {
            loop {
                let waited = crew.changed.wait_timeout_while(crew.state(), ROUND, |it| !it.closing);
                let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if state.closing {
                    return;
                }
                drop(state);
                crew.look(most);
            }
        };
        let thread = thread::Builder::new().name("store-watch".to_owned()).spawn(watch);
        thread.map(drop).map_err(|it| Error::Unavailable(it.to_string()))
    }

    fn look(self: &Arc<Self>, most: usize) {
        let mut state = self.state();
        let mut stuck = Vec::new();
        for it in &mut state.watched {
            let now = it.turn.count.load(Ordering::Relaxed);
            it.rounds = if now % 2 == 1 && now == it.seen { it.rounds + 1 } else { 0 };
            it.seen = now;
            if it.rounds >= OVERDUE {
                stuck.push(Arc::clone(&it.turn));
            }
        }
        stuck.truncate(most.saturating_sub(state.lost));
        for turn in stuck {
            let Some(at) = state.watched.iter().position(|it| Arc::ptr_eq(&it.turn, &turn)) else { continue };
            let Watched { name, turn, work, .. } = state.watched.swap_remove(at);
            turn.lost.store(true, Ordering::Relaxed);
            state.lost += 1;
            state.present -= 1;
            drop(state);
            log::error!(target: "lanyard::fault", cause = "no answer"; "the database left a thread waiting");
            if let Err(it) = self.start(name, work) {
                log::error!(target: "lanyard::fault", cause = format!("{it:?}"); "no thread could be started");
            }
            state = self.state();
        }
    }

    /// Waits until those that are there are gone; not for ever, since one may be stuck, and not for the thread that asks.
    pub(crate) fn dismiss(&self) {
        let mut state = self.state();
        state.closing = true;
        self.changed.notify_all();
        // A closure that holds the last handle of a store drops it on a worker.
        let own = thread::current().name().is_some_and(|it| it.starts_with("store-"));
        let waited = self.changed.wait_timeout_while(state, FAREWELL, |it| it.present > usize::from(own));
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}
