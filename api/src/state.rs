//! What every handler has at hand.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use actix_web::http::header::WWW_AUTHENTICATE;
use authorizations::{Policies, Policy};
use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::{Clock, Fault, Kind};
use registry::Access;
use store::{Actor, Error, IdempotencyKey, Locks, Rx, Store, Tx};

use crate::caller::{Caller, Permission};

use crate::codes::Codes;
use crate::cursor::Cursors;
use crate::decisions::Decisions;
use crate::deliveries::Deliveries;
use crate::hosts::Hosts;
use crate::jobs::Checkpoints;
use crate::keys::{ClientKeys, Keys, Own, StepUp};
use crate::metrics::Metrics;
use crate::misses::Misses;
use crate::patience::Patience;
use crate::rates::Rates;
use crate::ready::Ready;
use crate::reply::Reply;
use crate::wrong::Wrong;
use crate::{Problem, problem};

/// What every handler has at hand.
pub struct State {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The keys that people's tokens are signed with.
    pub keys: Keys,
    /// Who called how often.
    pub rates: Rates,
    /// Who asked for what isn't there.
    pub misses: Misses,
    /// The keys that the tokens of system clients are signed with.
    pub own: Own,
    /// The keys that system clients publish.
    pub client_keys: ClientKeys,
    /// What login some operations take.
    pub step_up: StepUp,
    /// The names by which it is reached.
    pub hosts: Hosts,
    /// The origins whose pages may call it.
    pub cors_origins: Vec<String>,
    /// The plan's zone.
    pub zone: Tz,
    /// The plan's policies, of which one is in force.
    pub policies: Arc<Policies>,
    /// Who rules on requests.
    pub decisions: Decisions,
    /// Where the signed ends of the trail are kept.
    pub checkpoints: Checkpoints,
    /// What signs the cursors of lists.
    pub cursors: Cursors,
    /// The diagnosis codes, to be searched.
    pub codes: Codes,
    /// What those who watch it are told.
    pub metrics: Metrics,
    /// How connections are taken, and what became of them.
    pub patience: Patience,
    /// What is sent to webhooks.
    pub deliveries: Deliveries,
    /// Whether the database answered of late.
    pub ready: Ready,
}

impl State {
    /// The day in the plan's zone.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&self.zone).date_naive()
    }

    /// The policy in force.
    #[must_use]
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(self.policies.on(self.today()))
    }

    /// Does `work` with what was `asked`, if the caller may; what they may is read with it.
    ///
    /// # Errors
    /// That the caller may not; what is wrong with what was asked; whatever `work` returns; or that the database can't answer.
    pub async fn read<P, A, T, E>(
        &self,
        caller: &Caller<P>,
        asked: Result<A, Problem>,
        work: impl FnOnce(&mut Rx<'_>, &Access, A) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        P: Permission,
        A: Send + 'static,
        T: Send + 'static,
        E: Fault,
    {
        let asked = unless_unavailable(caller.asked(asked))?;
        let work = move |rx: &mut Rx<'_>, who: Access| {
            let id = &who.principal.id;
            let asked = asked.map_err(|it| Wrong::refused(it, Some(id.clone())))?;
            let done = work(rx, &who, asked).map_err(|it| Wrong::of(it).by(id))?;
            Ok((done, who))
        };
        let rest = caller.since.rest(self.store.patience());
        let (done, who) = match self.store.enter(caller.entrance(), work).within(rest).await {
            Ok(done) => done,
            Err(it) => return Err(self.told(caller, it).await),
        };
        caller.known(Some(&who.principal.id), who.emergency().map(|it| &it.0));
        Ok(done)
    }

    /// What was `asked`, if the caller may.
    ///
    /// # Errors
    /// That the caller may not, or what is wrong with what was asked.
    pub async fn admit<P: Permission, A: Send + 'static>(
        &self,
        caller: &Caller<P>,
        asked: Result<A, Problem>,
    ) -> Result<A, Problem> {
        self.read(caller, asked, |_, _, asked| Ok::<_, Error>(asked)).await
    }

    /// Does `work` with what was `asked`, if the caller may, once for each `key`: a repeated request gets the first answer, even
    /// if by now it would break a rule.
    ///
    /// # Errors
    /// That the caller may not; what is wrong with key or what was asked; whatever `work` returns; or that the database can't
    /// answer.
    pub async fn write<P, A, E>(
        &self,
        caller: &Caller<P>,
        key: Result<Option<IdempotencyKey>, Problem>,
        asked: Result<A, Problem>,
        work: impl FnOnce(&mut Tx<'_>, &Access, A) -> Result<Reply, E> + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        P: Permission,
        A: Locks + Send + 'static,
        E: Fault,
    {
        let (key, asked) = match (key, caller.asked(asked)) {
            (Ok(key), Ok(asked)) => (key, asked),
            (Ok(key), Err(problem)) => return self.refuse(caller, key, problem).await,
            (Err(problem), _) => return self.refuse(caller, None, problem).await,
        };
        let (entrance, entered) = (caller.entrance(), Arc::new(OnceLock::new()));
        let known = Arc::clone(&entered);
        let work = move |tx: &mut Tx<'_>| {
            tx.lock(&asked.keys())?;
            let who = tx.enter(|db, moment| {
                let who = entrance(db, moment)?;
                let id = who.principal.id.as_str().into();
                Ok::<_, Wrong>((who, id))
            })?;
            let _ = known.set(who.principal.id.clone());
            work(tx, &who, asked).map_err(Wrong::of)
        };
        let (actor, rest) = (caller.actor(), caller.since.rest(self.store.patience()));
        let done = match key {
            None => self.store.write(&actor, work).within(rest).await.map(|it| (it, false)),
            Some(key) => {
                let done = self.store.write_once(&actor, key, work).within(rest).await;
                done.map(|it| (it.value, it.replayed))
            }
        };
        if let Some(who) = entered.get() {
            caller.known(Some(who), None);
        }
        let (reply, replayed) = match done {
            Ok(done) => done,
            Err(it) => return Err(self.told(caller, it).await),
        };
        self.metrics.replays.inc_by(replayed.into());
        Ok(if replayed { reply.replayed() } else { reply.recorded() })
    }

    /// The answer to a repeated request that would be refused by now; else that the caller may not, or the problem that refuses
    /// it.
    async fn refuse<P: Permission>(
        &self,
        caller: &Caller<P>,
        key: Option<IdempotencyKey>,
        problem: Problem,
    ) -> Result<Reply, Problem> {
        // Who may not ask learns nothing of what they sent, and gets no replay.
        let Err(problem) = self.admit(caller, Err::<(), _>(problem)).await else {
            return Err(problem::INTERNAL.problem());
        };
        // Only a broken rule may have been kept before.
        let Some(key) = key.filter(|_| problem.status_code() == StatusCode::UNPROCESSABLE_ENTITY) else {
            return Err(problem);
        };
        let rest = caller.since.rest(self.store.patience());
        let kept = self.store.kept::<Reply>(key).within(rest).await?;
        self.metrics.replays.inc_by(kept.is_some().into());
        kept.map(Reply::replayed).ok_or(problem)
    }

    /// Counts that what a caller looked up isn't there, or not for them (I-14).
    pub async fn missed<P: Permission>(&self, caller: &Caller<P>) {
        self.misses.count(&self.store, &caller.credential.login, &caller.actor()).await;
    }

    /// Notes who was refused, if that was found out, and whether they asked for what isn't there.
    async fn told<P: Permission>(&self, caller: &Caller<P>, it: Wrong) -> Problem {
        if let Some(who) = &it.who {
            caller.known(Some(who), caller.credential.emergency.as_ref());
        }
        if it.row().kind == Kind::NotFound {
            self.missed(caller).await;
        }
        let problem = *it.problem;
        // Which login it takes, the settings say.
        let step_up = problem.slug() == problem::STEP_UP.slug;
        if step_up { problem.with(WWW_AUTHENTICATE, self.step_up.challenge()) } else { problem }
    }

    /// Reads what is searched in memory, so that the first search needn't wait for it.
    pub async fn warm(self: Arc<Self>) {
        let read = async {
            let stamp = self.store.read(registry::code_stamp).await?;
            self.codes.index(&self.store, stamp, Duration::MAX).await
        };
        if let Err(it) = read.await {
            // The first search tries again.
            ::log::warn!(target: "lanyard::fault", cause = format!("{it:?}"); "the diagnosis codes can't be read");
        }
    }

    /// Has people's keys fetched again for as long as the service runs, however few tokens come.
    pub async fn tend(self: Arc<Self>) {
        loop {
            self.keys.refresh(self.clock.now()).await;
            actix_web::rt::time::sleep(Duration::from_mins(1)).await;
        }
    }

    /// Who the service itself acts as.
    #[must_use]
    pub fn system(request: &str) -> Actor {
        Actor { id: "system".into(), client: "lanyard".into(), request: request.into(), of_service: true }
    }
}

/// What was asked. That the database can't answer is told at once, to anyone: it wasn't to be had before, and asking it again
/// who they are would only take as long once more (C-06).
fn unless_unavailable<A>(asked: Result<A, Problem>) -> Result<Result<A, Problem>, Problem> {
    match asked {
        Err(problem) if problem.status_code() == StatusCode::SERVICE_UNAVAILABLE => Err(problem),
        asked => Ok(asked),
    }
}
