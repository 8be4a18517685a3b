use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// A bounded queue that any number of threads push to and pop from.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    ready: Condvar,
    limit: usize,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
}

impl<T> Queue<T> {
    pub(crate) fn new(limit: usize) -> Self {
        let state = State { items: VecDeque::with_capacity(limit), closed: false };
        Self { state: Mutex::new(state), ready: Condvar::new(), limit }
    }

    /// Adds `item`, or hands it back if the queue is full or closed.
    pub(crate) fn push(&self, item: T) -> Result<(), T> {
        let mut state = self.state();
        if state.closed || state.items.len() >= self.limit {
            return Err(item);
        }
        state.items.push_back(item);
        drop(state);
        self.ready.notify_one();
        Ok(())
    }

    /// Waits for an item; `None` once the queue is closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let mut state = self
            .ready
            .wait_while(self.state(), |it| it.items.is_empty() && !it.closed)
            .unwrap_or_else(PoisonError::into_inner);
        state.items.pop_front()
    }

    /// How many wait.
    pub(crate) fn len(&self) -> usize {
        self.state().items.len()
    }

    /// Takes an item if one is there.
    pub(crate) fn try_pop(&self) -> Option<T> {
        self.state().items.pop_front()
    }

    /// Refuses what comes from now on; what is queued is still served.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.ready.notify_all();
    }

    // No code that can panic runs under this lock, so a poisoned one is still whole.
    fn state(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
