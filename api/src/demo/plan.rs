//! The made-up plan, loaded a part at a time.

use std::sync::Arc;

use registry::Error;
use registry::demo::{Counts, Plan, counts, made};
use store::{Rx, Store, Tx};

use crate::state::State;

/// How many members the plan has where no one says otherwise.
pub const MEMBERS: u32 = 2_000;

/// As many members as one transaction adds without keeping others waiting.
const CHUNK: u32 = 1_000;

/// What came of loading the plan, and how much the database holds now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loaded {
    /// Nothing: the database holds another plan, and nothing made up is mixed into that.
    Refused,
    /// Nothing: all of it was there.
    Unchanged(Counts),
    /// More than before.
    Grown(Counts),
}

/// Adds what is missing of the made-up plan with so many members; `progress` is told how many there are, again and again.
///
/// Each step commits by itself and leaves what is there as it is, so that a run which ends early is completed by the next.
///
/// # Errors
/// If the database can't answer.
pub fn load(store: &Store, members: u32, mut progress: impl FnMut(u32)) -> Result<Loaded, Error> {
    let actor = State::system("demo");
    let today = store.read(|rx: &mut Rx<'_>| Ok::<_, Error>(rx.today())).wait()?;
    let plan = Arc::new(Plan::new(today));
    let here = Arc::clone(&plan);
    if store.read(move |rx| here.is_not_in(rx)).wait()? {
        return Ok(Loaded::Refused);
    }
    let from = store.read(counts).wait()?;
    let here = Arc::clone(&plan);
    store.write(&actor, move |tx| here.found(tx)).wait()?;
    let mut done = store.read(move |rx| made(rx, members)).wait()?;
    while done < members {
        let next = members.min(done + CHUNK);
        // They are made before the transaction begins, which others wait for.
        let chunk = plan.members(done..next);
        store.write(&actor, move |tx: &mut Tx<'_>| chunk.insert(tx)).wait()?;
        done = next;
        progress(done);
    }
    let to = store.read(counts).wait()?;
    Ok(if from == to { Loaded::Unchanged(to) } else { Loaded::Grown(to) })
}
