//! Walks the trail's chain again and again, so that what was changed in it doesn't wait for someone to ask.

use store::{Error, Head};

use crate::State;

/// How many entries are walked at once, and how often in a run.
const PAGE: i64 = 1000;
const PAGES: usize = 200;

pub(super) async fn run(state: &State) -> Result<usize, Error> {
    let mut head = state.checkpoints.walked();
    for count in 0..PAGES {
        let from = head.clone();
        let (next, broken) = state.store.read(move |rx| rx.verify_trail(from, PAGE)).await?;
        if let Some(it) = broken {
            state.metrics.broken.inc();
            state.checkpoints.walk(Head::default());
            return Err(Error::Internal(format!("the trail is broken: entry {}: {}", it.position, it.why)));
        }
        if next.position == head.position {
            // At its end, and so from its beginning the next time.
            state.checkpoints.walk(Head::default());
            return Ok(count);
        }
        head = next;
    }
    state.checkpoints.walk(head);
    Ok(PAGES)
}
