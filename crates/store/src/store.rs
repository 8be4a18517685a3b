use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use kernel::{Fault, Kind};
use serde::{Serialize, de::DeserializeOwned};
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use crate::checkpoints::Checkpoints;
use crate::crew::Crew;
use crate::db::{Role, Target};
use crate::gauges::{Counts, Gauges, Turned};
use crate::job::{Once, Task};
use crate::ledger::TrailRow;
use crate::link::{Epoch, Links};
use crate::notes::{self, Note, Notes};
use crate::queue::Queue;
use crate::worker::{Jobs, Look, Shop};
use crate::{Actor, Answer, Db, Error, IdempotencyKey, Kept, Moment, Options, Rx, Tx, ledger};

/// The database of the service.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    jobs: Arc<Jobs>,
    looks: Arc<Queue<Look>>,
    notes: Arc<Notes>,
    shop: Arc<Shop>,
    checkpoints: Option<Arc<Checkpoints>>,
    patience: Duration,
    limit: Duration,
    /// Who writes the trail.
    scribe: Arc<Crew>,
    workers: Arc<Crew>,
}

impl Store {
    /// Opens the database at `url`, run by `options`; see [`migrate`](crate::migrate) for its schema.
    ///
    /// # Errors
    /// Why the database can't be reached, in its own words; or that its schema isn't this build's.
    pub fn open(url: &str, options: Options) -> Result<Self, Error> {
        let Options { clock, zone, pool, group, queue, patience, limit } = options;
        let target = Target::parse(url)?;
        target.check()?;
        let (sqlite, counts) = (target.is_sqlite(), Arc::new(Counts::default()));
        let (epoch, checkpoints) = (Arc::new(Epoch::default()), Checkpoints::of(&target).map(Arc::new));
        let links = |role, size| {
            let (clock, epoch) = (Arc::clone(&clock), Arc::clone(&epoch));
            Links { target: target.clone(), role, clock, epoch }.pool(size, &counts)
        };
        let writers = if sqlite { 1 } else { pool };
        let shop = Arc::new(Shop {
            readers: links(Role::Reader, pool),
            writers: links(Role::Writer, writers),
            clock: Arc::clone(&clock),
            zone,
            counts: Arc::clone(&counts),
            opened: Mutex::new(None),
            checkpoints: checkpoints.clone(),
        });
        let (jobs, looks) = (Arc::new(Jobs::new(queue)), Arc::new(Queue::new(queue)));
        let notes = Arc::new(Notes::new(Arc::clone(&shop.clock)));
        let (queue, own) = (Arc::clone(&jobs), Arc::clone(&notes));
        let (scribe, workers) = (Arc::new(Crew::default()), Arc::new(Crew::default()));
        scribe.hire("store-trail", move |_| own.run(|rows, again| note(&queue, rows, again, limit)))?;
        for _ in 0..writers {
            let (shop, jobs) = (Arc::clone(&shop), Arc::clone(&jobs));
            workers.hire("store-writer", move |turn| {
                if sqlite { shop.write_groups(&jobs, group, turn) } else { shop.write(&jobs, turn) }
            })?;
        }
        for _ in 0..pool {
            let (shop, looks) = (Arc::clone(&shop), Arc::clone(&looks));
            workers.hire("store-reader", move |turn| shop.read(&looks, turn))?;
        }
        if let Some(it) = checkpoints.clone() {
            workers.hire("store-checkpoint", move |_| it.run())?;
        } else {
            workers.watch(usize::try_from(pool).unwrap_or(usize::MAX))?;
        }
        Ok(Self(Arc::new(Inner { jobs, looks, notes, shop, checkpoints, patience, limit, scribe, workers })))
    }

    /// Runs `work` for the service itself on a connection that can't write, outside any transaction.
    pub fn read<T, E, F>(&self, work: F) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Fault + From<Error> + Send + 'static,
        F: FnOnce(&mut Rx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.look(true, |db, moment| work(&mut Rx { db, moment }))
    }

    /// Has `find` say for whom it is, before anything else is asked on a connection that can't write; then runs `work` for them.
    pub fn enter<W, T, E>(
        &self,
        find: impl FnOnce(&mut Db, Moment) -> Result<W, E> + Send + 'static,
        work: impl FnOnce(&mut Rx<'_>, W) -> Result<T, E> + Send + 'static,
    ) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Fault + From<Error> + Send + 'static,
    {
        self.look(false, |db, moment| {
            let who = find(db, moment)?;
            work(&mut Rx { db, moment }, who)
        })
    }

    fn look<T, E, F>(&self, of_service: bool, work: F) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Fault + From<Error> + Send + 'static,
        F: FnOnce(&mut Db, Moment) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = self.answer(false);
        let claim = Arc::clone(&answer.claim);
        let work = move |found: Result<(&mut Db, Moment), Error>| {
            if reply.is_closed() || claim.swap(true, Ordering::AcqRel) {
                return true;
            }
            let outcome = found.map_err(E::from).and_then(|(db, moment)| {
                catch_unwind(AssertUnwindSafe(|| work(db, moment)))
                    .unwrap_or_else(|_| Err(Error::Internal("the read panicked".to_owned()).into()))
            });
            // What the caller got wrong says nothing of the connection.
            let failed = |it: &E| matches!(it.row().kind, Kind::Unavailable | Kind::Internal);
            let sound = !outcome.as_ref().is_err_and(failed);
            let _ = reply.send(outcome);
            sound
        };
        if let Err(look) = self.0.looks.push(Look { of_service, work: Box::new(work) }) {
            self.0.shop.counts.turn(Turned::Reads);
            (look.work)(Err(Error::busy()));
        }
        answer
    }

    /// What was answered to an earlier request with the same key, for a request that is refused before it writes.
    pub fn kept<T>(&self, key: IdempotencyKey) -> Answer<Option<T>, Error>
    where
        T: DeserializeOwned + Send + 'static,
    {
        self.read(move |rx| {
            let read = |answer: String| serde_json::from_str(&answer);
            let kept = ledger::kept(rx.db(), &key)?.map(read).transpose();
            kept.map_err(|it| Error::unreadable("a kept answer", &it))
        })
    }

    /// Has the trail say what someone saw, or was refused, within about a second; false if there is no room.
    #[must_use]
    pub fn note(&self, note: Note) -> bool {
        self.0.notes.push(note)
    }

    /// Whether the trail can't be told what is seen now, so that no member's data may be shown (L-03).
    #[must_use]
    pub fn is_blind(&self) -> bool {
        self.0.notes.is_stuck()
    }

    /// Waits until the trail has all that was noted so far; false if that takes too long. It blocks its thread.
    #[must_use]
    pub fn drain(&self) -> bool {
        self.0.notes.drain()
    }

    /// How it is at this moment; asks the database nothing.
    #[must_use]
    pub fn gauges(&self) -> Gauges {
        Gauges::of(&self.0.shop, &self.0.jobs, &self.0.looks, &self.0.notes)
    }

    /// How many threads wait for an answer of the database that may never come; others work in their place.
    #[must_use]
    pub fn stuck(&self) -> usize {
        self.0.workers.lost()
    }

    /// How long a caller waits for what hasn't begun.
    #[must_use]
    pub fn patience(&self) -> Duration {
        self.0.patience
    }

    /// How long a caller waits in all.
    #[must_use]
    pub fn limit(&self) -> Duration {
        self.0.limit
    }

    /// Whether the database answers.
    pub fn ping(&self) -> Answer<(), Error> {
        self.read(|rx| Ok(rx.db().batch_execute("select 1")?))
    }

    /// Runs `work` in one transaction and answers once that is on disk; if `work` fails or panics, it leaves nothing.
    ///
    /// `work` does no I/O of its own, doesn't sleep and evaluates no policy: on SQLite all other writes wait for it.
    pub fn write<T, E, F>(&self, actor: &Actor, work: F) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Fault + From<Error> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        self.queue(actor, None, work)
    }

    /// Like [`write`](Self::write), but the second request with the same key gets the answer of the first.
    ///
    /// Only success is kept: a refusal leaves the key free. The work of a repeated request is done, refused by the record's
    /// own key and undone, so that the first request, which is nearly every one, pays no look-up.
    pub fn write_once<T, E, F>(&self, actor: &Actor, key: IdempotencyKey, work: F) -> Answer<Kept<T>, E>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        E: Fault + From<Error> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let once = Once {
            key,
            encode: |it: &Kept<T>| serde_json::to_string(&it.value),
            decode: |it| serde_json::from_str(it).map(|value| Kept { value, replayed: true }),
        };
        self.queue(actor, Some(once), |tx| work(tx).map(|value| Kept { value, replayed: false }))
    }

    fn queue<T, E, F>(&self, actor: &Actor, once: Option<Once<T>>, work: F) -> Answer<T, E>
    where
        T: Send + 'static,
        E: Fault + From<Error> + Send + 'static,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    {
        let (reply, answer) = self.answer(true);
        let claim = Arc::clone(&answer.claim);
        let task = Task { actor: actor.clone(), work: Some(work), once, outcome: None, reply, claim };
        if let Err(task) = self.0.jobs.push(Box::new(task)) {
            self.0.shop.counts.turn(Turned::Writes);
            task.answer(Err(Error::busy()));
        }
        answer
    }

    fn answer<T, E>(&self, writes: bool) -> (oneshot::Sender<Result<T, E>>, Answer<T, E>) {
        let (sender, reply) = oneshot::channel();
        let Inner { patience, limit, .. } = *self.0;
        let (claim, counts) = (Arc::new(AtomicBool::new(false)), Arc::clone(&self.0.shop.counts));
        (sender, Answer { reply, claim, writes, patience, counts, limit })
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

/// The last handle waits for what is queued, then for the threads and their connections.
impl Drop for Inner {
    fn drop(&mut self) {
        self.notes.close();
        // What was noted is written while there is still who writes.
        self.scribe.dismiss();
        self.jobs.close();
        self.looks.close();
        if let Some(it) = &self.checkpoints {
            it.close();
        }
        self.workers.dismiss();
    }
}

/// How often it is looked whether a batch of the trail is written.
const PAUSE: Duration = Duration::from_millis(5);

/// Writes entries of the trail as any other write, and waits for it.
fn note(jobs: &Jobs, rows: Vec<TrailRow>, again: bool, limit: Duration) -> Result<(), Error> {
    let actor =
        Actor { id: "system".into(), client: "lanyard".into(), request: "trail".into(), of_service: true };
    let (reply, mut answer) = oneshot::channel();
    let work = move |tx: &mut Tx<'_>| notes::write(tx, rows, again);
    let claim = Arc::new(AtomicBool::new(false));
    let task = Task { actor, work: Some(work), once: None, outcome: None, reply, claim };
    jobs.push(Box::new(task)).map_err(|_| Error::busy())?;
    // No longer than anyone else: its writer may be one that is never heard of again.
    for _ in 0..limit.as_millis() / PAUSE.as_millis() {
        match answer.try_recv() {
            Ok(done) => return done,
            Err(TryRecvError::Closed) => return Err(Error::busy()),
            Err(TryRecvError::Empty) => thread::park_timeout(PAUSE),
        }
    }
    Err(Error::OutcomeUnknown("the trail's writer was lost".to_owned()))
}
