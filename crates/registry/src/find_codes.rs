use ::store::Rx;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;

use crate::load_codes::ICD_10_CM;
use crate::rows::DiagnosisRow;
use crate::schema::{code_releases, diagnosis_codes};
use crate::{CodeIndex, Diagnosis, Error};

/// Which release of the diagnosis codes is the last one: from when it holds, and when it was loaded; none where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeStamp(Option<(NaiveDate, NaiveDateTime)>);

/// Which release was loaded last. What was read of the codes is good while this stays the same.
///
/// # Errors
/// If the database can't answer.
pub fn code_stamp(rx: &mut Rx<'_>) -> Result<CodeStamp, Error> {
    let last = code_releases::table
        .filter(code_releases::code_set.eq(ICD_10_CM))
        .order(code_releases::first_on.desc())
        .select((code_releases::first_on, code_releases::loaded_at))
        .first(rx.db())
        .optional()?;
    Ok(CodeStamp(last))
}

/// An index of all diagnosis codes (AUT-16), and the release that was the last one before they were read.
///
/// # Errors
/// If the database can't answer.
pub fn code_index(rx: &mut Rx<'_>) -> Result<(CodeStamp, CodeIndex), Error> {
    // Were another one loaded in between, its stamp would tell.
    let stamp = code_stamp(rx)?;
    let rows: Vec<DiagnosisRow> = diagnosis_codes::table.load(rx.db())?;
    Ok((stamp, CodeIndex::new(rows.into_iter().map(Diagnosis::from).collect())))
}
