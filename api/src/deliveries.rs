//! Events on their way to webhooks.
//!
//! Nothing is sent inside a transaction: a turn at a webhook is taken by one write, what becomes of each attempt is kept by another,
//! and between the two there is the network.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::{StreamExt, stream};
use kernel::{Clock, fresh_id};
use outbound::{Client, Failure, Seal, Secrets, Settings, signed};
use store::{Rx, Tx};
use webhooks::{DeliveryFailure, Due, Error, Outcome, Turn, WebhookId};

use crate::State;
use crate::event_body::EventBody;

/// How long an attempt may take.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How many webhooks one pass sends to at the same time.
const WEBHOOKS: usize = 32;

/// How many subjects' events are on their way to one webhook at the same time.
const SUBJECTS: usize = 8;

/// How many events a node asks for at once.
const BATCH: i64 = 64;

/// How long a turn goes on, at most; another second for each that is under way.
const TURN: TimeDelta = TimeDelta::seconds(20);

/// How many passes a node makes at the same time: what is slow in one holds up no other.
const PASSES: usize = 16;

/// What deliveries take.
pub struct Deliveries {
    /// The client that is sent with.
    pub client: Arc<Client>,
    seal: Seal,
    /// This node, as its leases name it.
    node: String,
    passes: AtomicUsize,
}

impl Deliveries {
    /// Those of a node of the service whose `secret` this is.
    #[must_use]
    pub fn new(settings: Settings, secret: &[u8], clock: &dyn Clock) -> Self {
        Self {
            client: Arc::new(Client::new(settings)),
            seal: Seal::new(secret, "webhooks"),
            node: fresh_id("node", clock.now()),
            passes: AtomicUsize::new(0),
        }
    }

    /// New secrets of a webhook: the public key, and all of it sealed.
    pub(crate) fn secrets(&self, id: &WebhookId) -> Option<(String, String)> {
        let made = Secrets::random().ok()?;
        Some((made.public(), self.seal.seal(id, &made.bytes()).ok()?))
    }

    /// The secrets of a webhook.
    pub(crate) fn open(&self, id: &str, sealed: &str) -> Option<Secrets> {
        Secrets::of_bytes(&self.seal.open(id, sealed)?)
    }
}

/// Tells of everything that is due now, but for webhooks to which another node sends: gives events their positions, sends, and keeps
/// what became of it. How many events and attempts that were; 0 once there is nothing left.
///
/// # Errors
/// If the database can't answer. What was sent by then may be sent again.
pub async fn deliver(state: &State) -> Result<usize, Error> {
    let system = State::system("deliveries");
    let work = state.store.read(webhooks::work).await?;
    if work.purge {
        state.store.write(&system, webhooks::purge).await?;
    }
    let (mut done, mut waiting) = (0, work.relay);
    while waiting {
        let placed = state.store.write(&system, webhooks::relay).await?;
        done += placed;
        waiting = placed > 0;
    }
    if !work.send && done == 0 {
        return Ok(done);
    }
    let (node, limit) = (state.deliveries.node.clone(), i64::try_from(WEBHOOKS).unwrap_or(1));
    let turns = state.store.write(&system, move |tx| webhooks::claim(tx, &node, limit)).await?;
    let mut taken = stream::iter(turns.into_iter().map(|it| take(state, it))).buffer_unordered(WEBHOOKS);
    while let Some(sent) = taken.next().await {
        done += sent?;
    }
    Ok(done)
}

/// Delivers once a second for as long as the service runs, not waiting for what is slow.
pub async fn run(state: Arc<State>) {
    loop {
        if state.deliveries.passes.load(Ordering::Relaxed) < PASSES {
            let pass = Pass::begin(&state);
            actix_web::rt::spawn(async move {
                let state = &pass.0;
                if let Err(it) = deliver(state).await {
                    ::log::warn!(target: "lanyard::fault", cause = format!("{it:?}"); "events can't be told at the moment");
                }
            });
        }
        actix_web::rt::time::sleep(Duration::from_secs(1)).await;
    }
}

/// A pass that is under way; over, too, where it panics.
struct Pass(Arc<State>);

impl Pass {
    fn begin(state: &Arc<State>) -> Self {
        state.deliveries.passes.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(state))
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.deliveries.passes.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How an attempt is counted.
fn outcome_word(it: Outcome) -> &'static str {
    match it.answer {
        _ if it.is_taken() => "ok",
        Ok(410) => "disabled",
        Ok(_) => "refused",
        Err(_) => "failed",
    }
}

/// Sends what is due to one webhook; how many attempts that were.
async fn take(state: &State, turn: Turn) -> Result<usize, Error> {
    let (mut sent, over) = (0, AtomicBool::new(false));
    while !over.load(Ordering::Relaxed) && state.clock.now() - turn.since < TURN {
        let id = turn.id.clone();
        let found = state.store.read(move |rx: &mut Rx<'_>| webhooks::due(rx, &id, BATCH)).await?;
        if found.is_empty() {
            break;
        }
        let subjects = by_subject(found).into_iter().map(|it| send_all(state, &turn, it, &over));
        let mut under_way = stream::iter(subjects).buffer_unordered(SUBJECTS);
        while let Some(count) = under_way.next().await {
            sent += count?;
        }
    }
    let finish = move |tx: &mut Tx<'_>| webhooks::finish(tx, &turn);
    state.store.write(&State::system("deliveries"), finish).await?;
    Ok(sent)
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

/// Sends the events of one subject, up to the first that isn't taken; how many attempts that were.
async fn send_all(state: &State, turn: &Turn, all: Vec<Due>, over: &AtomicBool) -> Result<usize, Error> {
    let mut sent = 0;
    for due in all {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let outcome = send(state, turn, &due).await;
        let of = turn.clone();
        let record = move |tx: &mut Tx<'_>| webhooks::record(tx, &of, &due, outcome);
        state.store.write(&State::system("deliveries"), record).await?;
        state.metrics.deliveries.with_label_values(&[outcome_word(outcome)]).inc();
        sent += 1;
        // Whoever is gone, slow or asks to be left alone is sent nothing more in this turn.
        if matches!(outcome.answer, Ok(410 | 429 | 503) | Err(DeliveryFailure::TimedOut)) {
            over.store(true, Ordering::Relaxed);
        }
        if !outcome.is_taken() && outcome.answer != Err(DeliveryFailure::NotPermitted) {
            break;
        }
    }
    Ok(sent)
}

/// Sends one event.
async fn send(state: &State, turn: &Turn, due: &Due) -> Outcome {
    let began = state.clock.now();
    let (answer, retry_after) = match attempt(state, turn, due).await {
        Ok((status, retry_after)) => (Ok(status), retry_after),
        Err(why) => (Err(why), None),
    };
    let took = (state.clock.now() - began).num_milliseconds();
    Outcome { answer, retry_after, milliseconds: i32::try_from(took).unwrap_or(i32::MAX), jitter: jitter() }
}

async fn attempt(state: &State, turn: &Turn, due: &Due) -> Result<(u16, Option<u32>), DeliveryFailure> {
    let Deliveries { client, .. } = &state.deliveries;
    let seen = |site: &String| turn.sites.iter().any(|it| it.as_str() == site);
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
    let answer = client.post(&target, &headers, body).await.map_err(told)?;
    Ok((answer.status, answer.retry_after))
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
