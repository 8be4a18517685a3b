use std::collections::HashMap;

use ::store::{AnyOf, Db, Key, Rx, Trail, Tx};
use chrono::NaiveDate;
use diesel::prelude::*;
use kernel::{DiagnosisCode, TrailAction};

use crate::rows::{CodeReleaseRow, DiagnosisRow};
use crate::schema::{code_releases, diagnosis_codes};
use crate::{Error, Release};

/// The name of the set of diagnosis codes.
pub(crate) const ICD_10_CM: &str = "icd-10-cm";

/// What a release changed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Codes that there were none of before.
    pub added: usize,
    /// Codes that mean something else now, or may be billed now, or no more.
    pub changed: usize,
    /// Codes that are no more.
    pub ended: usize,
}

/// Whether any diagnosis code is on record.
///
/// # Errors
/// If the database can't answer.
pub fn has_diagnosis_codes(rx: &mut Rx<'_>) -> Result<bool, Error> {
    Ok(last_release(rx.db())?.is_some())
}

/// The day from which the last release that was loaded holds.
fn last_release(db: &mut Db) -> Result<Option<NaiveDate>, Error> {
    let known = code_releases::table.filter(code_releases::code_set.eq(ICD_10_CM));
    Ok(known.select(diesel::dsl::max(code_releases::first_on)).get_result(db)?)
}

/// Loads the first release of the diagnosis codes into a database that has none; how many codes it has.
///
/// # Errors
/// If the database can't answer.
pub fn load_first_release(tx: &mut Tx<'_>, release: Release) -> Result<usize, Error> {
    // Two nodes may be started at once.
    tx.lock(&[Key::CodeSet(ICD_10_CM.to_owned())])?;
    if last_release(tx.db()?)?.is_some() {
        return Ok(0);
    }
    Ok(replace(tx, release)?.added)
}

/// Loads the next release of the diagnosis codes (AUT-16): what it no longer has, or has otherwise, ends the day before it
/// holds; what it has as before goes on.
///
/// # Errors
/// [`Error::ReleaseTooEarly`]; [`Error::ReleaseTooShort`] where it would end more than a twentieth of the codes and isn't `sure`;
/// or if the database can't answer.
pub fn load_release(tx: &mut Tx<'_>, release: Release, sure: bool) -> Result<Loaded, Error> {
    tx.lock(&[Key::CodeSet(ICD_10_CM.to_owned())])?;
    if let Some(last) = last_release(tx.db()?)?.filter(|last| release.first_on <= *last) {
        return Err(Error::ReleaseTooEarly(release.first_on, last));
    }
    tx.record(Trail {
        action: TrailAction::CodeSetLoad,
        subject: ICD_10_CM.to_owned(),
        site_id: None,
        reason: None,
        before: None,
        after: Some(release.first_on.to_string()),
    });
    let known = diagnosis_codes::table.filter(diagnosis_codes::last_on.is_null()).count();
    let known = usize::try_from(known.get_result::<i64>(tx.db()?)?).unwrap_or_default();
    let loaded = replace(tx, release)?;
    if !sure && loaded.ended > known / 20 {
        return Err(Error::ReleaseTooShort(loaded.ended, known));
    }
    Ok(loaded)
}

fn replace(tx: &mut Tx<'_>, Release { first_on, codes }: Release) -> Result<Loaded, Error> {
    /// As many rows as one statement takes well within its time.
    const CHUNK: usize = 10_000;
    type Meaning = (bool, String);
    let now: Vec<(DiagnosisCode, Meaning)> = diagnosis_codes::table
        .filter(diagnosis_codes::last_on.is_null())
        .select((diagnosis_codes::code, (diagnosis_codes::billable, diagnosis_codes::description)))
        .load(tx.db()?)?;
    let mut now: HashMap<_, _> = now.into_iter().collect();
    let (count, mut rows, mut ended, mut loaded) = (codes.len(), Vec::new(), Vec::new(), Loaded::default());
    for it in codes {
        match now.remove(&it.code) {
            Some((billable, description)) if (billable, &description) == (it.billable, &it.description) => {
                continue;
            }
            Some(_) => ended.push(it.code.clone()),
            None => loaded.added += 1,
        }
        rows.push(DiagnosisRow::from(it));
    }
    (loaded.changed, loaded.ended) = (ended.len(), now.len());
    ended.extend(now.into_keys());
    ended.sort_unstable();
    end(tx.db()?, &ended, first_on.pred_opt().unwrap_or(first_on))?;
    while !rows.is_empty() {
        tx.insert(rows.drain(..CHUNK.min(rows.len())).collect());
        tx.db()?;
    }
    let loaded_at = tx.now().naive_utc();
    let codes = i32::try_from(count).unwrap_or(i32::MAX);
    tx.insert(vec![CodeReleaseRow { code_set: ICD_10_CM.to_owned(), first_on, codes, loaded_at }]);
    Ok(loaded)
}

/// Ends these codes with `last_on`.
fn end(db: &mut Db, codes: &[DiagnosisCode], last_on: NaiveDate) -> Result<(), Error> {
    /// Few enough for one statement's parameters.
    const CHUNK: usize = 1_000;
    for codes in codes.chunks(CHUNK) {
        let these = diagnosis_codes::table
            .filter(AnyOf { column: "diagnosis_codes.code", values: codes })
            .filter(diagnosis_codes::last_on.is_null());
        diesel::update(these).set(diagnosis_codes::last_on.eq(last_on)).execute(db)?;
    }
    Ok(())
}
