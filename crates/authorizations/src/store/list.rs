//! Lists.

use ::store::{AnyOf, Number, Rx, both};
use chrono::NaiveDate;
use diesel::dsl::exists;
use diesel::prelude::*;
use kernel::DiagnosisCode;
use registry::SiteScope;

use super::{OWNER, json};
use crate::error::broken;
use crate::schema::{AuthorizationRow, authorization_diagnoses, authorizations, past_decisions};
use crate::{Decision, Error, Filter, Summary};

/// A page of what `scope` owns, the newest number first, beginning after `after`.
pub(crate) fn page(
    rx: &mut Rx<'_>,
    scope: &SiteScope,
    filter: &Filter,
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
        if let Some(member) = scope.member() {
            query = query.filter(authorizations::member_id.eq(member));
        } else if let Some(mine) = scope.sites() {
            query = query.filter(AnyOf { column: OWNER, values: mine });
        }
        if let Some(it) = &filter.site_id {
            query = query.filter(authorizations::site_id.eq(it));
        }
        if let Some(it) = &filter.member_id {
            query = query.filter(authorizations::member_id.eq(it));
        }
        if let Some(it) = filter.request_type {
            query = query.filter(authorizations::request_type.eq(it));
        }
        if let Some(it) = filter.status {
            query = query.filter(authorizations::status.eq(it));
        }
        if let Some(it) = filter.service_from {
            query = query.filter(authorizations::service_end.ge(it));
        }
        if let Some(it) = filter.service_to {
            query = query.filter(authorizations::service_start.le(it));
        }
        // The day of a number is that of its receipt.
        if let Some(it) = filter.created_from {
            query = query.filter(authorizations::number_day.ge(it));
        }
        if let Some(it) = filter.created_to {
            query = query.filter(authorizations::number_day.le(it));
        }
        if let Some(it) = &filter.diagnosis {
            let any = diesel::alias!(authorization_diagnoses as any_diagnosis);
            let own = any
                .field(authorization_diagnoses::number_day)
                .eq(authorizations::number_day)
                .and(any.field(authorization_diagnoses::number_seq).eq(authorizations::number_seq))
                .and(any.field(authorization_diagnoses::code).eq(it));
            query = query.filter(exists(any.filter(own)));
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

/// The decisions of so many authorizations after `after`, the oldest number first: of each those that were superseded, and
/// the one in force.
pub(crate) fn decisions(
    rx: &mut Rx<'_>,
    after: Option<Number>,
    limit: i64,
) -> Result<Vec<(Number, Vec<Decision>)>, Error> {
    type Row = (NaiveDate, i64, String);
    let current: Vec<Row> = both!(rx.db(), |db| {
        let mut query = authorizations::table
            .select((authorizations::number_day, authorizations::number_seq, authorizations::decision))
            .order((authorizations::number_day, authorizations::number_seq))
            .limit(limit)
            .into_boxed();
        if let Some(Number { day, seq }) = after {
            let later = authorizations::number_day.gt(day).or(authorizations::number_seq.gt(seq));
            query = query.filter(authorizations::number_day.ge(day)).filter(later);
        }
        query.load(db)
    })?;
    let (Some(first), Some(last)) = (current.first(), current.last()) else { return Ok(Vec::new()) };
    let past: Vec<Row> = past_decisions::table
        .filter(past_decisions::number_day.between(first.0, last.0))
        .order((past_decisions::number_day, past_decisions::number_seq, past_decisions::version))
        .select((past_decisions::number_day, past_decisions::number_seq, past_decisions::decision))
        .load(rx.db())?;
    // Both are in the order of the numbers.
    let mut past = past.into_iter().peekable();
    let all = current.into_iter().map(|(day, seq, decision)| {
        let mut decisions = Vec::new();
        while past.next_if(|it| (it.0, it.1) < (day, seq)).is_some() {}
        while let Some((.., it)) = past.next_if(|it| (it.0, it.1) == (day, seq)) {
            decisions.push(json(&it)?);
        }
        decisions.push(json(&decision)?);
        Ok((Number { day, seq }, decisions))
    });
    all.collect()
}
