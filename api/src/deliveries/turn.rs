//! One turn at a webhook.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use kernel::SiteId;
use outbound::{Failure, Head, signed};
use store::{Rx, Tx};
use webhooks::{DeliveryFailure, Due, Error, Kept, Outcome, Turn};

use super::{Deliveries, system};
use crate::State;
use crate::event_body::EventBody;

/// How many subjects' events are on their way to one webhook at the same time.
const SUBJECTS: usize = 8;

/// How many events a node asks for at once.
const BATCH: i64 = 64;

/// How long a turn goes on, at most: nothing is begun afterwards.
const TURN: TimeDelta = TimeDelta::seconds(20);

/// What was sent, and what went wrong first with keeping it.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) attempts: usize,
    pub(super) failed: Option<Error>,
}

impl Sent {
    pub(super) fn add(&mut self, it: Self) {
        self.attempts += it.attempts;
        self.failed = self.failed.take().or(it.failed);
    }
}

/// How an attempt is counted.
fn outcome_word(it: Outcome, kept: Option<Kept>) -> &'static str {
    match it.answer {
        _ if kept == Some(Kept::GivenUp) => "disabled",
        _ if it.is_taken() => "ok",
        Ok(_) => "refused",
        Err(_) => "failed",
    }
}

/// A turn under way.
struct UnderWay<'a> {
    state: &'a State,
    turn: Turn,
    over: AtomicBool,
}

impl UnderWay<'_> {
    /// Whether nothing more is begun in it.
    fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
            || self.state.deliveries.stops.load(Ordering::Relaxed)
            || self.state.clock.now() - self.turn.since >= TURN
    }

    fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Sends what is due to one webhook.
pub(super) async fn take(state: &State, turn: Turn) -> Sent {
    let it = UnderWay { state, turn, over: AtomicBool::new(false) };
    let mut all = Sent::default();
    while !it.is_over() && all.failed.is_none() {
        match batch(&it).await {
            Ok(Some(sent)) => all.add(sent),
            Ok(None) => break,
            Err(why) => all.failed = Some(why),
        }
    }
    // Even where something went wrong: others needn't wait for the lease to run out.
    let finish = move |tx: &mut Tx<'_>| webhooks::finish(tx, &it.turn);
    let failed = state.store.write(&system(), finish).await.err();
    all.add(Sent { attempts: 0, failed });
    all
}

/// Sends some of what is due in a turn; none where nothing is.
async fn batch(it: &UnderWay<'_>) -> Result<Option<Sent>, Error> {
    let id = it.turn.id.clone();
    let found = it.state.store.read(move |rx: &mut Rx<'_>| webhooks::due(rx, &id, BATCH)).await?;
    if found.is_empty() {
        return Ok(None);
    }
    let subjects = by_subject(found).into_iter().map(|all| send_all(it, all));
    let mut under_way = stream::iter(subjects).buffer_unordered(SUBJECTS);
    let mut sent = Sent::default();
    while let Some(it) = under_way.next().await {
        sent.add(it);
    }
    Ok(Some(sent))
}

/// The same, the events of each subject together and in their order.
fn by_subject(found: Vec<Due>) -> Vec<Vec<Due>> {
    let mut subjects: Vec<Vec<Due>> = Vec::new();
    for it in found {
        match subjects.iter_mut().find(|all| all[0].event.subject == it.event.subject) {
            Some(all) => all.push(it),
            None => subjects.push(vec![it]),
        }
    }
    subjects
}

/// Sends the events of one subject, up to the first that isn't taken.
async fn send_all(it: &UnderWay<'_>, all: Vec<Due>) -> Sent {
    let mut sent = Sent::default();
    for due in all {
        match one(it, due).await {
            Ok(Some(taken)) => {
                sent.attempts += 1;
                if !taken {
                    break;
                }
            }
            Ok(None) => break,
            Err(why) => {
                it.end();
                sent.failed = Some(why);
                break;
            }
        }
    }
    sent
}

/// Sends one event and keeps what became of it: whether the next one of its subject may follow; none where the turn is over.
async fn one(it: &UnderWay<'_>, due: Due) -> Result<Option<bool>, Error> {
    if it.is_over() {
        return Ok(None);
    }
    let (state, turn) = (it.state, it.turn.clone());
    let look = move |tx: &mut Tx<'_>| webhooks::permitted(tx, &turn);
    let Some(sites) = state.store.write(&system(), look).await? else {
        it.end();
        return Ok(None);
    };
    let outcome = send(state, &it.turn, &sites, &due).await;
    let turn = it.turn.clone();
    let record = move |tx: &mut Tx<'_>| webhooks::record(tx, &turn, &due, outcome);
    let kept = state.store.write(&system(), record).await;
    let word = outcome_word(outcome, kept.as_ref().ok().copied());
    state.metrics.deliveries.with_label_values(&[word]).inc();
    // Whoever is gone, can't be reached, or asks to be left alone is sent nothing more in this turn.
    let skipped = outcome.answer == Err(DeliveryFailure::NotPermitted);
    let left_alone = matches!(outcome.answer, Ok(410 | 429 | 503) | Err(_)) && !skipped;
    if left_alone || kept? != Kept::Yes {
        it.end();
    }
    Ok(Some(outcome.is_taken() || skipped))
}

/// Sends one event.
async fn send(state: &State, turn: &Turn, sites: &[SiteId], due: &Due) -> Outcome {
    let began = state.clock.now();
    let (answer, retry_after) = match attempt(state, turn, sites, due).await {
        Ok(it) => (Ok(it.status), it.retry_after),
        Err(why) => (Err(why), None),
    };
    // The clock may have been set back meanwhile.
    let took = (state.clock.now() - began).num_milliseconds().max(0);
    Outcome { answer, retry_after, milliseconds: i32::try_from(took).unwrap_or(i32::MAX), jitter: jitter() }
}

async fn attempt(state: &State, turn: &Turn, sites: &[SiteId], due: &Due) -> Result<Head, DeliveryFailure> {
    let Deliveries { client, .. } = &state.deliveries;
    let seen = |site: &String| sites.iter().any(|it| it.as_str() == site);
    if !due.event.site_id.as_ref().is_some_and(seen) {
        return Err(DeliveryFailure::NotPermitted);
    }
    // What may be sent to may have changed since it was named.
    let target = client.target(&turn.url).map_err(|_| DeliveryFailure::AddressRefused)?;
    let secrets: Vec<_> = turn.sealed.iter().filter_map(|it| state.deliveries.open(&turn.id, it)).collect();
    if secrets.is_empty() {
        return Err(DeliveryFailure::SecretsLost);
    }
    let body = serde_json::to_string(&EventBody::from(due.event.clone()));
    let body = body.map_err(|_| DeliveryFailure::Broken)?;
    let headers = signed(&secrets, &due.event.id, state.clock.now().timestamp(), &body);
    client.post(&target, &headers, body).await.map_err(told)
}

fn told(it: Failure) -> DeliveryFailure {
    match it {
        Failure::AddressRefused => DeliveryFailure::AddressRefused,
        Failure::NameUnknown => DeliveryFailure::NameUnknown,
        Failure::Unreachable => DeliveryFailure::Unreachable,
        Failure::Tls => DeliveryFailure::Tls,
        Failure::TimedOut => DeliveryFailure::TimedOut,
        Failure::Broken => DeliveryFailure::Broken,
    }
}

/// At most a fifth either way, so that what failed together isn't tried again together.
fn jitter() -> i32 {
    let random = getrandom::u32().unwrap_or_default() % 401;
    i32::try_from(random).unwrap_or_default() - 200
}
