//! Every query on the tables of this room.

mod list;
mod look;
mod write;

use ::store::{AnyOf, Db, JsonRows, Number, Rx, Tx, both};
use diesel::prelude::*;
use kernel::Period;
use registry::{Renders, SiteScope};
use serde::de::DeserializeOwned;

pub(crate) use list::{decisions, page};
pub(crate) use look::{duplicate, has_duplicate, has_earlier, has_overlapping, units};
pub(crate) use write::{change, insert, supersede};

use crate::error::broken;
use crate::schema::{AuthorizationRow, authorizations};
use crate::{Authorization, Error};

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

/// The site that owns one.
const OWNER: &str = "authorizations.site_id";

const BELOW: &str = "c.number_day = authorizations.number_day and c.number_seq = authorizations.number_seq";

/// Reads one authorization, if `scope` sees it: its own site, and the sites of its servicing provider.
///
/// ```no_run
/// # fn find(rx: &mut store::Rx<'_>, caller: &registry::Access, number: store::Number) -> Result<(), authorizations::Error> {
/// let scope = caller.scope(kernel::Scope::AuthorizationsRead);
/// authorizations::find(rx, &scope, number)?;
/// # Ok(()) }
/// ```
///
/// A query without the scope of its caller does not compile (A-15), nor one with a scope of its own making:
///
/// ```compile_fail
/// # fn find(rx: &mut store::Rx<'_>, caller: &registry::Access, number: store::Number) -> Result<(), authorizations::Error> {
/// authorizations::find(rx, number)?;
/// # Ok(()) }
/// ```
///
/// ```compile_fail
/// # fn find(rx: &mut store::Rx<'_>, number: store::Number) -> Option<()> {
/// let scope = registry::SiteScope::of_member(kernel::MemberId::parse("MCF0000000042")?);
/// authorizations::find(rx, &scope, number).ok()?;
/// # None }
/// ```
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
        if let Some(member) = scope.member() {
            query = query.filter(authorizations::member_id.eq(member));
        } else if let Some(mine) = scope.sites() {
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
        duplicate_site: row.duplicate_site,
        re_evaluation: row.re_evaluation,
        closing: row.closing.as_deref().map(json).transpose()?,
        diagnoses: json(&diagnoses)?,
        lines: json(&lines)?,
        deadlines: json(&deadlines)?,
        created_by: row.created_by,
        created_at: row.created_at.and_utc(),
        updated_at: row.updated_at.and_utc(),
    })
}

fn json<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    // serde's own words may quote the column, which holds PHI.
    serde_json::from_str(text).map_err(|_| broken("a column holds JSON of another form"))
}
