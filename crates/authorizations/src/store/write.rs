//! What is written.

use ::store::{Number, Tx};
use diesel::prelude::*;

use crate::error::broken;
use crate::schema::{
    AuthorizationRow, DiagnosisRow, LineRow, PastDecisionRow, authorization_lines, authorizations,
};
use crate::{Authorization, Error};

/// Writes a new authorization and all below it.
pub(crate) fn insert(tx: &mut Tx<'_>, it: &Authorization) -> Result<(), Error> {
    let Number { day: number_day, seq: number_seq } = it.number;
    tx.insert(vec![AuthorizationRow {
        number_day,
        number_seq,
        version: it.version,
        events: it.events,
        request_type: it.request_type,
        requested_service: it.requested_service,
        site_id: it.site_id.clone(),
        member_id: it.parties.member.id.clone(),
        servicing_npi: it.parties.refer_to.npi.clone(),
        status: it.status,
        pend_reason: it.pend_reason,
        urgency: it.urgency,
        urgency_reason: it.urgency_reason.clone(),
        parties: text(serde_json::to_string(&it.parties))?,
        service_start: it.service.start(),
        service_end: it.service.end(),
        remarks: it.remarks.clone(),
        decision: text(serde_json::to_string(&it.decision))?,
        duplicate_of: it.duplicate_of.clone(),
        duplicate_site: it.duplicate_site.clone(),
        re_evaluation: it.re_evaluation,
        closing: None,
        created_by: it.created_by.clone(),
        created_at: it.created_at.naive_utc(),
        updated_at: it.updated_at.naive_utc(),
    }]);
    let line = |it: &crate::Line| LineRow {
        number_day,
        number_seq,
        line: it.number,
        status: it.status,
        code_type: it.code_type,
        code: it.code.clone(),
        modifiers: it.modifiers.clone(),
        description: it.description.clone(),
        requested: it.requested,
        authorized: it.authorized,
        used: it.used,
    };
    tx.insert(it.lines.iter().map(line).collect());
    let diagnosis = |(it, place): (&crate::DiagnosisLine, i32)| DiagnosisRow {
        number_day,
        number_seq,
        place,
        code: it.code.clone(),
        description: it.description.clone(),
    };
    tx.insert(it.diagnoses.iter().zip(1..).map(diagnosis).collect());
    Ok(())
}

/// Writes what changed of an authorization and its lines, over the version that it was read at.
pub(crate) fn change(tx: &mut Tx<'_>, before: &Authorization, after: &Authorization) -> Result<(), Error> {
    let Number { day, seq } = after.number;
    let row = authorizations::table.find((day, seq)).filter(authorizations::version.eq(before.version));
    let changed = diesel::update(row)
        .set((
            authorizations::version.eq(after.version),
            authorizations::events.eq(after.events),
            authorizations::status.eq(after.status),
            authorizations::pend_reason.eq(after.pend_reason),
            authorizations::service_start.eq(after.service.start()),
            authorizations::service_end.eq(after.service.end()),
            authorizations::decision.eq(text(serde_json::to_string(&after.decision))?),
            authorizations::closing.eq(after
                .closing
                .as_ref()
                .map(|it| text(serde_json::to_string(it)))
                .transpose()?),
            authorizations::updated_at.eq(after.updated_at.naive_utc()),
        ))
        .execute(tx.db()?)?;
    if changed != 1 {
        return Err(Error::Stale);
    }
    for (_, line) in before.lines.iter().zip(&after.lines).filter(|(old, new)| old != new) {
        diesel::update(authorization_lines::table.find((day, seq, line.number)))
            .set((
                authorization_lines::status.eq(line.status),
                authorization_lines::code.eq(&line.code),
                authorization_lines::description.eq(&line.description),
                authorization_lines::authorized.eq(line.authorized),
            ))
            .execute(tx.db()?)?;
    }
    Ok(())
}

/// Keeps the decision in force of `it`, whose place another one takes, and the lines and dates that it was on.
pub(crate) fn supersede(tx: &mut Tx<'_>, it: &Authorization) -> Result<(), Error> {
    let Number { day: number_day, seq: number_seq } = it.number;
    tx.insert(vec![PastDecisionRow {
        number_day,
        number_seq,
        version: it.version,
        decision: text(serde_json::to_string(&it.decision))?,
        lines: text(serde_json::to_string(&it.lines))?,
        service_start: it.service.start(),
        service_end: it.service.end(),
    }]);
    Ok(())
}

fn text(it: serde_json::Result<String>) -> Result<String, Error> {
    it.map_err(|_| broken("a column can't be written as JSON"))
}
