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
    let question =
        state.store.read(move |rx| authorizations::undecided(rx, &job, number)).await.map_err(plain)?;
    let ruling = match question {
        None => None,
        Some(question) => {
            let ruled = state.decisions.rule(vec![question], LIMIT).await;
            let ruled = ruled.map_err(|_| Error::Unavailable("no ruling".to_owned()))?;
            ruled.into_iter().next()
        }
    };
    let job = claim.clone();
    let decide = move |tx: &mut Tx<'_>| authorizations::decide_later(tx, &job, number, ruling);
    state.store.write(&State::system("decide"), decide).await.map_err(plain)?;
    Ok(1)
}

/// What the database said; of everything else only that the service is wrong.
fn plain(it: authorizations::Error) -> Error {
    match it {
        authorizations::Error::Store(it) => it,
        other => Error::Internal(other.to_string()),
    }
}
