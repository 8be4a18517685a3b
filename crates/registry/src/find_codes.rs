use std::sync::{Arc, Mutex, PoisonError};

use ::store::Rx;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use crate::code_index::CodeIndex;
use crate::load_codes::ICD_10_CM;
use crate::rows::DiagnosisRow;
use crate::schema::{code_releases, diagnosis_codes};
use crate::{Diagnosis, Error};

/// The last release that was loaded: from when it holds, and when it was loaded.
type Stamp = Option<(NaiveDate, NaiveDateTime)>;

/// Searches the diagnosis codes (AUT-16). They are read when they are first asked for, and again when another release was
/// loaded.
#[derive(Default)]
pub struct CodeFinder(Mutex<Option<(Stamp, Arc<CodeIndex>)>>);

impl CodeFinder {
    /// At most `limit` of the codes that hold on `day` and match `text`, the best first; none where nothing in `text` could
    /// be looked for.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn search(
        &self,
        rx: &mut Rx<'_>,
        text: &str,
        day: NaiveDate,
        limit: usize,
    ) -> Result<Option<Vec<Diagnosis>>, Error> {
        let index = self.index(rx)?;
        let found = index.search(text, day, limit);
        Ok(found.map(|it| it.into_iter().cloned().collect()))
    }

    /// Reads the codes, if that is still to be done.
    ///
    /// # Errors
    /// If the database can't answer.
    pub fn warm(&self, rx: &mut Rx<'_>) -> Result<(), Error> {
        self.index(rx).map(drop)
    }

    fn index(&self, rx: &mut Rx<'_>) -> Result<Arc<CodeIndex>, Error> {
        // Before the codes: were a release loaded in between, the next search would read them again.
        let stamp: Stamp = code_releases::table
            .filter(code_releases::code_set.eq(ICD_10_CM))
            .order(code_releases::first_on.desc())
            .select((code_releases::first_on, code_releases::loaded_at))
            .first(rx.db())
            .optional()?;
        // Whoever comes while it is read waits for it.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, index)) = kept.as_ref().filter(|it| it.0 == stamp) {
            return Ok(Arc::clone(index));
        }
        let rows: Vec<DiagnosisRow> = diagnosis_codes::table.load(rx.db())?;
        let index = Arc::new(CodeIndex::new(rows.into_iter().map(Diagnosis::from).collect()));
        *kept = Some((stamp, Arc::clone(&index)));
        Ok(index)
    }
}
