//! The diagnosis codes, kept in memory to be searched.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt;
use futures_util::lock;
use registry::{CodeIndex, CodeStamp, Diagnosis, Error};
use store::Store;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// The index of the diagnosis codes: read when it is first asked for, and again once another release was loaded.
#[derive(Default)]
pub struct Codes(Arc<Held>);

#[derive(Default)]
struct Held {
    kept: Mutex<Option<(CodeStamp, Arc<CodeIndex>)>>,
    /// Whoever has it reads; the others wait for what comes of it.
    turn: lock::Mutex<()>,
}

impl Codes {
    /// The index of the codes of the release that `stamp` names. It is read by a task of its own, which goes on and keeps it when
    /// whoever asked has waited long enough.
    ///
    /// # Errors
    /// That it took longer than `patience`, or that the database can't answer; the next one to ask tries again.
    pub async fn index(
        &self,
        store: &Store,
        stamp: CodeStamp,
        patience: Duration,
    ) -> Result<Arc<CodeIndex>, Error> {
        if let Some(index) = self.kept(stamp) {
            return Ok(index);
        }
        let (reply, answer) = oneshot::channel();
        let (codes, store) = (Self(Arc::clone(&self.0)), store.clone());
        rt::spawn(async move {
            let _turn = codes.0.turn.lock().await;
            // What no one waits for any more is read when someone does.
            if !reply.is_closed() {
                let _ = reply.send(codes.read(&store, stamp).await);
            }
        });
        match timeout(patience, answer).await {
            Ok(Ok(read)) => read,
            _ => Err(store::Error::Unavailable("the diagnosis codes are still being read".to_owned()).into()),
        }
    }

    /// The index of the codes of the release that `stamp` names, if it was read.
    #[must_use]
    pub fn kept(&self, stamp: CodeStamp) -> Option<Arc<CodeIndex>> {
        let kept = self.0.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|it| it.0 == stamp).map(|it| Arc::clone(&it.1))
    }

    /// Reads it, unless whoever was first has.
    async fn read(&self, store: &Store, stamp: CodeStamp) -> Result<Arc<CodeIndex>, Error> {
        if let Some(index) = self.kept(stamp) {
            return Ok(index);
        }
        // Were another release loaded in between, its stamp would tell.
        let stamp = store.read(registry::code_stamp).await?;
        let mut codes = Vec::<Diagnosis>::new();
        loop {
            let last = codes.last().map(|it| it.code.clone());
            let mut more = store.read(move |rx| registry::some_codes(rx, last.as_ref())).await?;
            if more.is_empty() {
                break;
            }
            codes.append(&mut more);
        }
        let built = rt::task::spawn_blocking(|| Arc::new(CodeIndex::new(codes))).await;
        let index = built.map_err(|it| store::Error::Internal(it.to_string()))?;
        *self.0.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some((stamp, Arc::clone(&index)));
        Ok(index)
    }
}
