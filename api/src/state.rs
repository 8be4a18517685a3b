//! What every handler has at hand.

use std::sync::Arc;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use authorizations::{Decider, Policies, Policy};
use chrono::NaiveDate;
use chrono_tz::Tz;
use kernel::{Clock, Fault};
use store::{Actor, Error, IdempotencyKey, Kept, Store, Tx};

use crate::codes::Codes;
use crate::cursor::Cursors;
use crate::hosts::Hosts;
use crate::keys::Keys;
use crate::reply::Reply;
use crate::{Problem, caller::Caller};

/// What every handler has at hand.
pub struct State {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The keys that tokens are signed with.
    pub keys: Keys,
    /// The names by which it is reached.
    pub hosts: Hosts,
    /// The origins whose pages may call it.
    pub cors_origins: Vec<String>,
    /// The plan's zone.
    pub zone: Tz,
    /// The plan's policies, of which one is in force.
    pub policies: Arc<Policies>,
    /// Who rules on requests; the policy, but in some tests.
    pub decider: Arc<dyn Decider>,
    /// What signs the cursors of lists.
    pub cursors: Cursors,
    /// The diagnosis codes, to be searched.
    pub codes: Codes,
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

    /// Does `work` with what was `asked`, once for each `key`: a repeated request gets the first answer, even if by now
    /// it would break a rule.
    ///
    /// # Errors
    /// What is wrong with what was asked; whatever `work` returns; or that the database can't answer.
    pub async fn write<P, A, E>(
        &self,
        caller: &Caller<P>,
        key: Option<IdempotencyKey>,
        asked: Result<A, Problem>,
        work: impl FnOnce(&mut Tx<'_>, A) -> Result<Reply, E> + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        A: Send + 'static,
        E: Fault + From<Error> + Send + 'static,
    {
        let asked = match asked {
            Ok(asked) => asked,
            Err(problem) => return self.kept(key, problem).await,
        };
        let work = move |tx: &mut Tx<'_>| work(tx, asked);
        let Some(key) = key else {
            return self.store.write(&caller.actor, work).await.map_err(Problem::from);
        };
        let Kept { value, replayed } =
            self.store.write_once(&caller.actor, key, work).await.map_err(Problem::from)?;
        Ok(if replayed { value.replayed() } else { value })
    }

    /// The answer to a repeated request that would be refused by now; else the problem that refuses it.
    async fn kept(&self, key: Option<IdempotencyKey>, problem: Problem) -> Result<Reply, Problem> {
        // Only a broken rule may have been kept before; who may not ask gets no replay.
        let Some(key) = key.filter(|_| problem.status_code() == StatusCode::UNPROCESSABLE_ENTITY) else {
            return Err(problem);
        };
        let kept = self.store.kept::<Reply>(key).await?;
        kept.map(Reply::replayed).ok_or(problem)
    }

    /// Reads what is searched in memory, so that the first search needn't wait for it.
    pub async fn warm(self: Arc<Self>) {
        let read = async {
            let stamp = self.store.read(registry::code_stamp).await?;
            self.codes.index(&self.store, stamp).await
        };
        if let Err(it) = read.await {
            // The first search tries again.
            ::log::warn!(target: "lanyard::fault", cause = format!("{it:?}"); "the diagnosis codes can't be read");
        }
    }

    /// Who the service itself acts as.
    #[must_use]
    pub fn system(request: &str) -> Actor {
        Actor { id: "system".into(), client: "lanyard".into(), request: request.into() }
    }
}
