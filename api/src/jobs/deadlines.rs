//! Tells of deadlines that run out within a day, and of those that have.

use store::Error;

use crate::State;

/// The most that are looked up at once.
const BATCH: i64 = 200;

pub(super) async fn run(state: &State) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        let untold = state.store.read(|rx| rx.untold(BATCH)).await?;
        if untold.is_empty() {
            return Ok(count);
        }
        for it in untold {
            let told = state.store.write(&State::system("deadlines"), move |tx| tx.tell_of(&it)).await?;
            count += usize::from(told);
        }
    }
}
