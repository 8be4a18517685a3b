//! Forgets the answers that were kept for repeated requests, once they are older than is promised.

use chrono::TimeDelta;
use store::Error;

use crate::State;

/// For how long an answer is kept at least.
const KEPT: TimeDelta = TimeDelta::days(7);

/// The most that are forgotten in one transaction.
const BATCH: i64 = 1000;

pub(super) async fn run(state: &State) -> Result<usize, Error> {
    let before = state.clock.now() - KEPT;
    let mut count = 0;
    loop {
        let gone = state.store.write(&State::system("purge"), move |tx| tx.forget(before, BATCH)).await?;
        count += gone;
        if i64::try_from(gone).unwrap_or(BATCH) < BATCH {
            return Ok(count);
        }
    }
}
