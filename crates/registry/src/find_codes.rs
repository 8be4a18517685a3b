use ::store::Rx;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use kernel::DiagnosisCode;

use crate::load_codes::ICD_10_CM;
use crate::rows::DiagnosisRow;
use crate::schema::{code_releases, diagnosis_codes};
use crate::{Diagnosis, Error};

/// How many codes are read at once, so that no one waits long for the connection that reads them.
const PAGE: i64 = 8192;

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

/// Some of the diagnosis codes (AUT-16), in order from the one after `after` on; none once all were read.
///
/// # Errors
/// If the database can't answer.
pub fn some_codes(rx: &mut Rx<'_>, after: Option<&DiagnosisCode>) -> Result<Vec<Diagnosis>, Error> {
    let mut rows: Vec<DiagnosisRow> = diagnosis_codes::table
        .filter(diagnosis_codes::code.gt(after.map_or("", DiagnosisCode::as_str)))
        .order((diagnosis_codes::code, diagnosis_codes::first_on))
        .limit(PAGE)
        .load(rx.db())?;
    if i64::try_from(rows.len()).is_ok_and(|it| it == PAGE) {
        // Of the last code there may be more than these, and all of it comes next.
        let last = rows.last().map(|it| it.code.clone());
        rows.retain(|it| Some(&it.code) != last.as_ref());
    }
    Ok(rows.into_iter().map(Diagnosis::from).collect())
}
