//! Events on their way to webhooks.
//!
//! Nothing is sent inside a transaction: a turn at a webhook is taken by one write, what becomes of each attempt is kept by another,
//! and between the two there is the network.

mod turn;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use actix_web::rt::time::{sleep, timeout};
use futures_util::future::join;
use futures_util::{StreamExt, stream};
use kernel::{Clock, fresh_id};
use outbound::{Client, Seal, Secrets, Settings};
use store::Actor;
use webhooks::{Error, WebhookId};

use self::turn::{Sent, take};
use crate::State;

/// How long an attempt may take.
pub const PATIENCE: Duration = Duration::from_secs(15);

/// How many webhooks one pass sends to at the same time.
const WEBHOOKS: usize = 32;

/// How many passes a node makes at the same time: what is slow in one holds up no other.
const PASSES: usize = 16;

/// How often it is looked whether something is to be done.
const ROUND: Duration = Duration::from_secs(1);

/// How long a node that stops waits for what is under way: an attempt, and what becomes of it.
const FAREWELL: Duration = Duration::from_secs(16);

/// How the attempts are counted, by how they ended.
pub(crate) const OUTCOMES: &[&str] = &["ok", "refused", "failed", "disabled"];

/// What deliveries take.
pub struct Deliveries {
    /// The client that is sent with.
    pub client: Arc<Client>,
    seal: Seal,
    /// This node, as its leases name it.
    node: String,
    passes: AtomicUsize,
    stops: AtomicBool,
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
            stops: AtomicBool::new(false),
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
    Ok(relay(state).await? + pass(state).await?)
}

fn system() -> Actor {
    State::system("deliveries")
}

/// Gives events their positions until none waits for one; how many.
async fn relay(state: &State) -> Result<usize, Error> {
    let work = state.store.read(webhooks::work).await?;
    if work.purge {
        state.store.write(&system(), webhooks::purge).await?;
    }
    let (mut done, mut waiting) = (0, work.relay);
    while waiting {
        let placed = state.store.write(&system(), webhooks::relay).await?;
        done += placed;
        waiting = placed > 0;
    }
    Ok(done)
}

/// Takes turns at webhooks and sends what is due to each; how many attempts that were. Each turn goes to its end, whatever becomes of
/// another.
async fn pass(state: &State) -> Result<usize, Error> {
    if !state.store.read(webhooks::work).await?.send {
        return Ok(0);
    }
    let (node, limit) = (state.deliveries.node.clone(), i64::try_from(WEBHOOKS).unwrap_or(1));
    let turns = state.store.write(&system(), move |tx| webhooks::claim(tx, &node, limit)).await?;
    let mut taken = stream::iter(turns.into_iter().map(|it| take(state, it))).buffer_unordered(WEBHOOKS);
    let mut all = Sent::default();
    while let Some(it) = taken.next().await {
        all.add(it);
    }
    all.failed.map_or(Ok(all.attempts), Err)
}

/// Delivers for as long as the service runs, not waiting for what is slow.
pub async fn run(state: Arc<State>) {
    join(place(&state), send_on(&state)).await;
}

/// Gives events their positions, whoever is slow to be told of them; what has them is sent at once.
async fn place(state: &Arc<State>) {
    loop {
        match relay(state).await {
            Ok(0) => {}
            Ok(_) => begin(state),
            Err(it) => report(&it),
        }
        sleep(ROUND).await;
    }
}

async fn send_on(state: &Arc<State>) {
    loop {
        begin(state);
        sleep(ROUND).await;
    }
}

/// Begins a pass, if there may be one more.
fn begin(state: &Arc<State>) {
    let Deliveries { passes, stops, .. } = &state.deliveries;
    if passes.load(Ordering::Relaxed) >= PASSES || stops.load(Ordering::Relaxed) {
        return;
    }
    let under_way = Pass::begin(state);
    actix_web::rt::spawn(async move {
        if let Err(it) = pass(&under_way.0).await {
            report(&it);
        }
    });
}

fn report(it: &Error) {
    ::log::warn!(target: "lanyard::fault", cause = format!("{it:?}"); "events can't be told at the moment");
}

/// Begins nothing more, waits for what is under way, though not for ever, and leaves all webhooks to other nodes.
pub async fn stop(state: &State) {
    let Deliveries { passes, stops, .. } = &state.deliveries;
    stops.store(true, Ordering::Relaxed);
    let ended = async {
        while passes.load(Ordering::Relaxed) > 0 {
            sleep(Duration::from_millis(20)).await;
        }
    };
    let in_time = timeout(FAREWELL, ended).await;
    if in_time.is_err()
        && let Err(it) = release(state).await
    {
        report(&it);
    }
}

/// Leaves to other nodes what this one holds: what comes of its attempts under way is late.
///
/// # Errors
/// If the database can't answer.
pub async fn release(state: &State) -> Result<usize, Error> {
    let node = state.deliveries.node.clone();
    state.store.write(&system(), move |tx| webhooks::release(tx, &node)).await
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
