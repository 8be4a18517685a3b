//! What every handler has at hand.

use std::sync::Arc;

use actix_web::ResponseError;
use actix_web::http::StatusCode;
use authorizations::{Decider, Policy};
use kernel::Clock;
use store::{Actor, Error, Kept, Rx, Store, Token, Tx};

use crate::cursor::Cursors;
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
    /// The plan's policy.
    pub policy: Arc<Policy>,
    /// Who rules on requests; the policy, but in some tests.
    pub decider: Arc<dyn Decider>,
    /// What signs the cursors of lists.
    pub cursors: Cursors,
}

impl State {
    /// Reads on the caller's behalf.
    ///
    /// # Errors
    /// Whatever `work` returns, or that the database can't answer.
    pub async fn read<P, T, E>(
        &self,
        caller: &Caller<P>,
        work: impl FnOnce(&mut Rx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: From<Error> + Into<Problem> + Send + 'static,
    {
        self.store.read(&caller.actor, work).await.map_err(Into::into)
    }

    /// Does `work` with what was `asked`, once for each `token`: a repeated request gets the first answer, even if by now
    /// it would break a rule.
    ///
    /// # Errors
    /// What is wrong with what was asked; whatever `work` returns; or that the database can't answer.
    pub async fn write<P, A, E>(
        &self,
        caller: &Caller<P>,
        token: Option<Token>,
        asked: Result<A, Problem>,
        work: impl FnOnce(&mut Tx<'_>, A) -> Result<Reply, E> + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        A: Send + 'static,
        E: From<Error> + Into<Problem> + Send + 'static,
    {
        let asked = match asked {
            Ok(asked) => asked,
            Err(problem) => return self.kept(caller, token, problem).await,
        };
        let work = move |tx: &mut Tx<'_>| work(tx, asked);
        let Some(token) = token else {
            return self.store.write(&caller.actor, work).await.map_err(Into::into);
        };
        let Kept { value, replayed } =
            self.store.write_once(&caller.actor, token, work).await.map_err(Into::into)?;
        Ok(if replayed { value.replayed() } else { value })
    }

    /// The answer to a repeated request that would be refused by now; else the problem that refuses it.
    async fn kept<P>(
        &self,
        caller: &Caller<P>,
        token: Option<Token>,
        problem: Problem,
    ) -> Result<Reply, Problem> {
        // Only a broken rule may have been kept before; who may not ask gets no replay.
        let Some(token) = token.filter(|_| problem.status_code() == StatusCode::UNPROCESSABLE_ENTITY) else {
            return Err(problem);
        };
        let kept = self.store.kept::<Reply>(&caller.actor, token).await?;
        kept.map(Reply::replayed).ok_or(problem)
    }

    /// Who the service itself acts as.
    #[must_use]
    pub fn system(request: &str) -> Actor {
        Actor { id: "system".into(), client: "lanyard".into(), request: request.into() }
    }
}
