//! Tells of deadlines that run out within a day, and of those that have.

use store::Error;

use crate::State;

/// The most that are looked up at once.
const BATCH: i64 = 200;

pub(super) async fn run(state: &State) -> Result<usize, Error> {
    let (mut count, mut failed) = (0, None);
    loop {
        let untold = state.store.read(|rx| rx.untold(BATCH)).await?;
        let before = count;
        for it in untold {
            // One that someone else holds doesn't hold up the others.
            match state.store.write(&State::system("deadlines"), move |tx| tx.tell_of(&it)).await {
                Ok(told) => count += usize::from(told),
                Err(it) => failed = Some(it),
            }
        }
        if count == before {
            return failed.map_or(Ok(count), Err);
        }
    }
}
