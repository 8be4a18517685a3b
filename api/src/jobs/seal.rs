//! Links the trail into its chain, and signs where it ends, in a file that is no part of the database.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use actix_web::rt::task::spawn_blocking;
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use store::{Error, Head};

use crate::State;
use crate::keys::Own;

/// The most that are linked in one transaction.
const BATCH: i64 = 1000;

/// How long after a checkpoint the next one comes at the earliest.
const BETWEEN: TimeDelta = TimeDelta::minutes(1);

pub(super) async fn run(state: &State) -> Result<usize, Error> {
    let mut count = 0;
    loop {
        let (linked, head) = state.store.write(&State::system("seal"), |tx| tx.link_trail(BATCH)).await?;
        count += linked;
        if i64::try_from(linked).unwrap_or(BATCH) < BATCH {
            state.checkpoints.sign(&head, &state.own, state.clock.now()).await?;
            return Ok(count);
        }
    }
}

/// Where the trail ended, signed by the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Where the chain ended.
    pub position: i64,
    /// The digest of all up to there, in hex.
    pub chain: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Which of the service's keys signed it.
    pub kid: String,
    /// Ed25519 over all the rest, as base64url.
    pub signature: String,
}

impl Checkpoint {
    /// Signs where the chain ends.
    #[must_use]
    pub fn sign(head: &Head, own: &Own, at: DateTime<Utc>) -> Self {
        let (kid, signature) = own.sign(said(head.position, &head.chain, at).as_bytes());
        Self { position: head.position, chain: head.chain.clone(), at, kid, signature }
    }

    /// Whether one of these keys signed it.
    #[must_use]
    pub fn is_of(&self, own: &Own) -> bool {
        own.signed(&self.kid, said(self.position, &self.chain, self.at).as_bytes(), &self.signature)
    }
}

fn said(position: i64, chain: &str, at: DateTime<Utc>) -> String {
    format!("lanyard trail checkpoint 1\n{position}\n{chain}\n{}", at.timestamp_micros())
}

/// The file of checkpoints, one a line; each node has its own.
#[derive(Debug, Default)]
pub struct Checkpoints {
    file: Option<PathBuf>,
    last: Mutex<Option<(DateTime<Utc>, i64)>>,
    /// Up to where the chain was walked.
    walked: Mutex<Head>,
}

impl Checkpoints {
    /// Kept in `file`; nowhere without one.
    #[must_use]
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, last: Mutex::default(), walked: Mutex::default() }
    }

    /// Up to where the chain was walked.
    pub(super) fn walked(&self) -> Head {
        self.walked.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// That it was walked up to here.
    pub(super) fn walk(&self, to: Head) {
        *self.walked.lock().unwrap_or_else(PoisonError::into_inner) = to;
    }

    /// Adds one, if the chain has grown and the last one is old enough.
    async fn sign(&self, head: &Head, own: &Own, now: DateTime<Utc>) -> Result<(), Error> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|it| head.position < it.1) {
            return Err(Error::Internal("the trail is broken: its end was cut".to_owned()));
        }
        if head.position == 0
            || last.is_some_and(|(at, position)| position == head.position || now - at < BETWEEN)
        {
            return Ok(());
        }
        let line = serde_json::to_string(&Checkpoint::sign(head, own, now));
        let line = line.map_err(|it| Error::Internal(it.to_string()))?;
        let written = spawn_blocking(move || append(&file, &line)).await;
        written
            .map_err(std::io::Error::from)
            .flatten()
            .map_err(|it| Error::Unavailable(format!("trail.checkpoints: {it}")))?;
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, head.position));
        Ok(())
    }
}

fn append(file: &Path, line: &str) -> std::io::Result<()> {
    let mut text = String::new();
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(file)?;
    file.read_to_string(&mut text)?;
    if !text.is_empty() && !text.ends_with('\n') {
        // What a writer that died has left would be taken for the beginning of this line.
        file.set_len(u64::try_from(text.rfind('\n').map_or(0, |it| it + 1)).unwrap_or(0))?;
    }
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}
