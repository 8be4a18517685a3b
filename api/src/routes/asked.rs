//! What a request asks for, read against what is known, and done once for each key.

use kernel::{Draft, Fault, Flaws, Read};
use registry::Access;
use store::{Locks, Rx, Tx};

use crate::body::{Body, Open};
use crate::caller::{Caller, Permission};
use crate::headers::{IfMatch, Once};
use crate::reply::Reply;
use crate::{Problem, State, problem};

/// One request that creates or moves something, as far as it is the same for all of them.
pub(super) struct Asked<'a, P, T: Read> {
    pub(super) state: &'a State,
    pub(super) caller: &'a Caller<P>,
    pub(super) once: Once,
    pub(super) body: Body<T>,
}

impl<P: Permission, T: Read> Asked<'_, P, T>
where
    Draft<T>: Clone + Send + 'static,
{
    /// Has `gather` read what is known, `check` hold the body to it, and `work` do what it comes to.
    pub(super) async fn answered<F, C, E>(
        self,
        gather: impl FnOnce(&mut Rx<'_>, &Access, &Draft<T>) -> Result<F, E> + Send + 'static,
        check: impl FnOnce(&Draft<T>, F, &mut Flaws) -> Option<C>,
        work: impl FnOnce(&mut Tx<'_>, &Access, C) -> Result<Reply, E> + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        F: Send + 'static,
        C: Locks + Send + 'static,
        E: Fault,
    {
        self.answered_at(IfMatch::NONE, gather, check, |tx, who, it, _| work(tx, who, it)).await
    }

    /// The same, where `work` does it only to the version that `read` names, if it names one.
    pub(super) async fn answered_at<F, C, E>(
        self,
        read: IfMatch,
        gather: impl FnOnce(&mut Rx<'_>, &Access, &Draft<T>) -> Result<F, E> + Send + 'static,
        check: impl FnOnce(&Draft<T>, F, &mut Flaws) -> Option<C>,
        work: impl FnOnce(&mut Tx<'_>, &Access, C, Option<i32>) -> Result<Reply, E> + Send + 'static,
    ) -> Result<Reply, Problem>
    where
        F: Send + 'static,
        C: Locks + Send + 'static,
        E: Fault,
    {
        let Self { state, caller, once, body } = self;
        let (key, version, asked) = match body.open() {
            Ok(body) => {
                let key = once.key(caller, "", &body);
                match read.if_sent() {
                    Ok(version) => (key, version, self::read(state, caller, body, gather, check).await),
                    Err(problem) => (key, None, Err(problem)),
                }
            }
            Err(problem) => (Ok(None), None, Err(problem)),
        };
        state.write(caller, key, asked, move |tx, who, it| work(tx, who, it, version)).await
    }
}

/// The same of a change of what is there, which takes no key: it is done to the version that `at` names, and hence once.
pub(super) async fn changed<P: Permission, T: Read, F, C, E>(
    (state, caller): (&State, &Caller<P>),
    (at, body): (IfMatch, Body<T>),
    gather: impl FnOnce(&mut Rx<'_>, &Access, &Draft<T>) -> Result<F, E> + Send + 'static,
    check: impl FnOnce(&Draft<T>, F, &mut Flaws) -> Option<C>,
    work: impl FnOnce(&mut Tx<'_>, &Access, C, i32) -> Result<Reply, E> + Send + 'static,
) -> Result<Reply, Problem>
where
    Draft<T>: Clone + Send + 'static,
    F: Send + 'static,
    C: Locks + Send + 'static,
    E: Fault,
{
    let (version, asked) = match body.open().and_then(|body| Ok((body, at.version()?))) {
        Ok((body, version)) => (version, read(state, caller, body, gather, check).await),
        Err(problem) => (0, Err(problem)),
    };
    state.write(caller, Ok(None), asked, move |tx, who, it| work(tx, who, it, version)).await
}

async fn read<P: Permission, T: Read, F, C, E>(
    state: &State,
    caller: &Caller<P>,
    mut body: Open<T>,
    gather: impl FnOnce(&mut Rx<'_>, &Access, &Draft<T>) -> Result<F, E> + Send + 'static,
    check: impl FnOnce(&Draft<T>, F, &mut Flaws) -> Option<C>,
) -> Result<C, Problem>
where
    Draft<T>: Clone + Send + 'static,
    F: Send + 'static,
    E: Fault,
{
    let Some(draft) = body.draft.clone() else { return Err(body.refused()) };
    let gather = |rx: &mut Rx<'_>, who: &Access, draft| gather(rx, who, &draft);
    let facts = state.read(caller, Ok(draft), gather).await?;
    let checked = body.check(|draft, flaws| check(draft, facts, flaws));
    body.whole().and_then(|_| checked.ok_or_else(|| problem::INTERNAL.problem()))
}
