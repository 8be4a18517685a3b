//! Forgets the answers that were kept for repeated requests, once they are older than is promised.

use chrono::TimeDelta;
use store::Error;

use crate::State;

/// For how long an answer is kept at least.
const KEPT: TimeDelta = TimeDelta::days(7);

pub(super) async fn run(state: &State) -> Result<usize, Error> {
    let before = state.clock.now() - KEPT;
    state.store.write(&State::system("purge"), move |tx| tx.forget(before)).await
}
