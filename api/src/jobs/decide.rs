//! Decides what could not be decided in real time (AUT-04, AUT-24).

use std::time::Duration;

use store::{Claim, Error, Number, Tx};

use crate::State;

/// How long a decider may take where no one waits for it.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) async fn run(state: &State, claim: &Claim) -> Result<usize, Error> {
    let number = Number::parse(&claim.subject);
    let number = number.ok_or_else(|| Error::Internal("a job for no authorization".to_owned()))?;
    let job = claim.clone();
    let found =
        state.store.read(move |rx| authorizations::undecided(rx, &job, number)).await.map_err(plain)?;
    let (job, system) = (claim.clone(), State::system("decide"));
    let now = state.clock.now();
    if let Some(ends) = state.decisions.window(&state.policy(), now, state.zone) {
        // What came before the window, and wasn't decided by then, waits for its end as well.
        state.store.write(&system, move |tx| tx.repeat(&job, ends, None)).await?;
        return Ok(0);
    }
    let ruled = match found {
        None => None,
        Some(it) => {
            let ruled = state.decisions.rule(vec![it.question.clone()], LIMIT).await;
            let ruled = ruled.map_err(|_| Error::Unavailable("no ruling".to_owned()))?;
            ruled.into_iter().next().map(|ruling| (it, ruling))
        }
    };
    let decide = move |tx: &mut Tx<'_>| authorizations::decide_later(tx, &job, number, ruled);
    state.store.write(&system, decide).await.map_err(plain)?;
    Ok(1)
}

/// What the database said; of everything else only that the service is wrong.
fn plain(it: authorizations::Error) -> Error {
    match it {
        authorizations::Error::Store(it) => it,
        other => Error::Internal(other.to_string()),
    }
}
