//! Every query on the tables of this room.

use ::store::{AnyOf, Check, Db, JsonRows, Number, Rx, Tx, both};
use chrono::NaiveDate;
use diesel::dsl::not;
use diesel::prelude::*;
use kernel::{DiagnosisCode, MemberId, Npi, Period, SiteId};
use registry::{Renders, SiteScope};
use serde::de::DeserializeOwned;

use crate::error::broken;
use crate::schema::{
    AuthorizationRow, DiagnosisRow, LineRow, authorization_diagnoses, authorization_lines, authorizations,
};
use crate::{Authorization, Error, Filter, Service, Status, Summary};

const LINES: JsonRows = JsonRows {
    members: "'number', c.line, 'status', c.status, 'code_type', c.code_type, 'code', c.code, 'modifiers', c.modifiers, \
              'description', c.description, 'requested', c.requested, 'authorized', c.authorized, 'used', c.used",
    table: "authorization_lines",
    filter: BELOW,
    subject: None,
    order: "c.line",
};

const DIAGNOSES: JsonRows = JsonRows {
    members: "'code', c.code, 'description', c.description",
    table: "authorization_diagnoses",
    filter: BELOW,
    subject: None,
    order: "c.place",
};

const OPEN_DEADLINES: JsonRows = JsonRows {
    members: "'rule', c.rule, 'due_at', c.due_at",
    table: "deadlines",
    filter: "c.met_at is null and c.subject = ",
    subject: None,
    order: "c.due_at",
};

/// Asked the other way round, SQLite would look for all that are open in the index by status.
const ENDED: AnyOf<'static, Status> = AnyOf { column: "authorizations.status", values: Status::ENDED };

/// The site that owns one.
const OWNER: &str = "authorizations.site_id";

const BELOW: &str = "c.number_day = authorizations.number_day and c.number_seq = authorizations.number_seq";

/// The open authorizations of the same member, service and servicing provider that overlap the dates.
#[diesel::dsl::auto_type(no_type_alias)]
fn alike<'a>(member: &'a MemberId, service: Service, npi: &'a Npi, dates: Period) -> _ {
    let (start, end): (NaiveDate, NaiveDate) = (dates.start(), dates.end());
    let ended: AnyOf<'static, Status> = ENDED;
    authorizations::table
        .filter(authorizations::member_id.eq(member))
        .filter(authorizations::requested_service.eq(service))
        .filter(authorizations::servicing_npi.eq(npi))
        .filter(authorizations::service_end.ge(start))
        .filter(authorizations::service_start.le(end))
        .filter(not(ended))
}

/// Whether there is one that looks the same.
pub(crate) fn has_duplicate<'a>(
    member: &'a MemberId,
    service: Service,
    npi: &'a Npi,
    dates: Period,
) -> impl Check + use<'a> {
    diesel::dsl::exists(alike(member, service, npi, dates).select(authorizations::number_seq))
}

/// The newest of those that [`has_duplicate`] found, and who owns it.
pub(crate) fn duplicate(tx: &mut Tx<'_>, it: &Authorization) -> Result<Option<(Number, SiteId)>, Error> {
    let alike = alike(&it.parties.member.id, it.requested_service, &it.parties.refer_to.npi, it.service);
    let found: Option<(NaiveDate, i64, SiteId)> = alike
        .select((authorizations::number_day, authorizations::number_seq, authorizations::site_id))
        .order((authorizations::number_day.desc(), authorizations::number_seq.desc()))
        .first(tx.db()?)
        .optional()?;
    Ok(found.map(|(day, seq, site)| (Number { day, seq }, site)))
}

/// Reads one authorization, if `scope` sees it: its own site, and the sites of its servicing provider.
///
/// # Errors
/// [`Error::NotFound`] if there is none, or not for this scope.
pub fn find(rx: &mut Rx<'_>, scope: &SiteScope, number: Number) -> Result<Authorization, Error> {
    read(rx.db(), scope, number)
}

/// Reads one authorization in order to change it; its lock is held.
pub(crate) fn find_in(tx: &mut Tx<'_>, scope: &SiteScope, number: Number) -> Result<Authorization, Error> {
    read(tx.db()?, scope, number)
}

fn read(db: &mut Db, scope: &SiteScope, number: Number) -> Result<Authorization, Error> {
    let found: Option<(AuthorizationRow, String, String, String)> = both!(db, |db| {
        let deadlines = JsonRows { subject: Some(number.to_string()), ..OPEN_DEADLINES };
        let mut query = authorizations::table
            .find((number.day, number.seq))
            .select((AuthorizationRow::as_select(), LINES, DIAGNOSES, deadlines))
            .into_boxed();
        if let Some(mine) = scope.sites() {
            let renders = Renders {
                sites: mine,
                npi: "authorizations.servicing_npi",
                first_on: "authorizations.service_start",
                last_on: "authorizations.service_end",
            };
            query = query.filter(AnyOf { column: OWNER, values: mine }.or(renders));
        }
        query.first(db).optional()
    })?;
    let (row, lines, diagnoses, deadlines) = found.ok_or(Error::NotFound)?;
    let period =
        Period::new(row.service_start, row.service_end).ok_or_else(|| broken("an end before its start"))?;
    Ok(Authorization {
        number,
        version: row.version,
        events: row.events,
        request_type: row.request_type,
        requested_service: row.requested_service,
        site_id: row.site_id,
        parties: json(&row.parties)?,
        status: row.status,
        pend_reason: row.pend_reason,
        urgency: row.urgency,
        urgency_reason: row.urgency_reason,
        service: period,
        remarks: row.remarks,
        decision: json(&row.decision)?,
        duplicate_of: row.duplicate_of,
        closing: row.closing.as_deref().map(json).transpose()?,
        diagnoses: json(&diagnoses)?,
        lines: json(&lines)?,
        deadlines: json(&deadlines)?,
        created_by: row.created_by,
        created_at: row.created_at.and_utc(),
        updated_at: row.updated_at.and_utc(),
    })
}

/// A page of what `scope` owns, the newest number first, beginning after `after`.
pub(crate) fn page(
    rx: &mut Rx<'_>,
    scope: &SiteScope,
    filter: Filter,
    after: Option<Number>,
    limit: i64,
) -> Result<Vec<Summary>, Error> {
    type Row = (AuthorizationRow, Option<DiagnosisCode>);
    let primary = authorization_diagnoses::number_day
        .eq(authorizations::number_day)
        .and(authorization_diagnoses::number_seq.eq(authorizations::number_seq))
        .and(authorization_diagnoses::place.eq(1));
    let rows: Vec<Row> = both!(rx.db(), |db| {
        let mut query = authorizations::table
            .left_join(authorization_diagnoses::table.on(primary))
            .select((AuthorizationRow::as_select(), authorization_diagnoses::code.nullable()))
            .order((authorizations::number_day.desc(), authorizations::number_seq.desc()))
            .limit(limit)
            .into_boxed();
        if let Some(mine) = scope.sites() {
            query = query.filter(AnyOf { column: OWNER, values: mine });
        }
        if let Some(status) = filter.status {
            query = query.filter(authorizations::status.eq(status));
        }
        if let Some(Number { day, seq }) = after {
            // The first condition alone is what an index can begin at.
            let before = authorizations::number_day.lt(day).or(authorizations::number_seq.lt(seq));
            query = query.filter(authorizations::number_day.le(day)).filter(before);
        }
        query.load(db)
    })?;
    let summary = |(row, primary): Row| -> Result<Summary, Error> {
        let parties: crate::Parties = json(&row.parties)?;
        Ok(Summary {
            number: Number { day: row.number_day, seq: row.number_seq },
            request_type: row.request_type,
            requested_service: row.requested_service,
            status: row.status,
            urgency: row.urgency,
            member_id: parties.member.id,
            member_name: parties.member.name,
            site_id: row.site_id,
            primary_diagnosis: primary.ok_or_else(|| broken("an authorization without a diagnosis"))?,
            service_start: row.service_start,
            service_end: row.service_end,
            version: row.version,
            created_at: row.created_at.and_utc(),
        })
    };
    rows.into_iter().map(summary).collect()
}

/// Writes a new authorization and all below it.
pub(crate) fn insert(tx: &mut Tx<'_>, it: &Authorization) -> Result<(), Error> {
    let Number { day: number_day, seq: number_seq } = it.number;
    let text = |it: serde_json::Result<String>| it.map_err(|_| broken("a column can't be written as JSON"));
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

/// Writes that `it` and all its lines have ended, over the version that it was read at.
pub(crate) fn end(tx: &mut Tx<'_>, it: &Authorization, read: i32) -> Result<(), Error> {
    let closing = it.closing.as_ref().map(serde_json::to_string).transpose();
    let closing = closing.map_err(|_| broken("a closing can't be written"))?;
    let row =
        authorizations::table.find((it.number.day, it.number.seq)).filter(authorizations::version.eq(read));
    let changed = diesel::update(row)
        .set((
            authorizations::version.eq(it.version),
            authorizations::events.eq(it.events),
            authorizations::status.eq(it.status),
            authorizations::pend_reason.eq(it.pend_reason),
            authorizations::closing.eq(closing),
            authorizations::updated_at.eq(it.updated_at.naive_utc()),
        ))
        .execute(tx.db()?)?;
    if changed != 1 {
        return Err(Error::Stale);
    }
    let lines = authorization_lines::table
        .filter(authorization_lines::number_day.eq(it.number.day))
        .filter(authorization_lines::number_seq.eq(it.number.seq));
    diesel::update(lines).set(authorization_lines::status.eq(it.status)).execute(tx.db()?)?;
    Ok(())
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    // serde's own words may quote the column, which holds PHI.
    serde_json::from_str(text).map_err(|_| broken("a column holds JSON of another form"))
}
