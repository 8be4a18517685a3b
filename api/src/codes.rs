//! The diagnosis codes, kept in memory to be searched.

use std::sync::Arc;

use futures_util::lock::Mutex;
use registry::{CodeIndex, CodeStamp, Error};
use store::Store;

/// The index of the diagnosis codes: read when it is first asked for, and again once another release was loaded.
#[derive(Default)]
pub struct Codes(Mutex<Option<(CodeStamp, Arc<CodeIndex>)>>);

impl Codes {
    /// The index of the codes of the release that `stamp` names. Whoever asks while it is read waits for it, and holds up
    /// no one else.
    ///
    /// # Errors
    /// If the database can't answer; the next one to ask tries again.
    pub async fn index(&self, store: &Store, stamp: CodeStamp) -> Result<Arc<CodeIndex>, Error> {
        let mut kept = self.0.lock().await;
        if let Some((_, index)) = kept.as_ref().filter(|it| it.0 == stamp) {
            return Ok(Arc::clone(index));
        }
        let (stamp, index) = store.read(registry::code_index).await?;
        let index = Arc::new(index);
        *kept = Some((stamp, Arc::clone(&index)));
        Ok(index)
    }
}
