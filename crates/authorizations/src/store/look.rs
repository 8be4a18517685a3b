//! What is looked up before a request is received.

use ::store::{AnyOf, Check, Db, Number, Rx, Tx};
use chrono::NaiveDate;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use kernel::{MemberId, Npi, Period, SiteId};

use crate::benefit::Units;
use crate::error::broken;
use crate::schema::{authorization_lines, authorizations};
use crate::{Authorization, Error, Service, Status};

/// Asked the other way round, SQLite would look for all that are open in the index by status.
const ENDED: AnyOf<'static, Status> = AnyOf { column: "authorizations.status", values: Status::ENDED };

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
    exists(alike(member, service, npi, dates).select(authorizations::number_seq))
}

/// The first of those that [`has_duplicate`] found, and who owns it.
pub(crate) fn duplicate(tx: &mut Tx<'_>, it: &Authorization) -> Result<Option<(Number, SiteId)>, Error> {
    let alike = alike(&it.parties.member.id, it.requested_service, &it.parties.refer_to.npi, it.service);
    let found: Option<(NaiveDate, i64, SiteId)> = alike
        .select((authorizations::number_day, authorizations::number_seq, authorizations::site_id))
        .order((authorizations::number_day, authorizations::number_seq))
        .first(tx.db()?)
        .optional()?;
    Ok(found.map(|(day, seq, site)| (Number { day, seq }, site)))
}

/// Whether the member has one for this service that has not ended, whenever it is for (AUT-15).
pub(crate) fn has_earlier(member: &MemberId, service: Service) -> impl Check + use<'_> {
    let open = authorizations::table
        .filter(authorizations::member_id.eq(member))
        .filter(authorizations::requested_service.eq(service))
        .filter(not(ENDED));
    exists(open.select(authorizations::number_seq))
}

/// Whether the member has one for this service that has not ended and overlaps the dates (AUT-17).
pub(crate) fn has_overlapping(
    rx: &mut Rx<'_>,
    member: &MemberId,
    service: Service,
    dates: Period,
) -> Result<bool, Error> {
    let open = authorizations::table
        .filter(authorizations::member_id.eq(member))
        .filter(authorizations::requested_service.eq(service))
        .filter(authorizations::service_end.ge(dates.start()))
        .filter(authorizations::service_start.le(dates.end()))
        .filter(not(ENDED));
    Ok(diesel::select(exists(open.select(authorizations::number_seq))).get_result(rx.db())?)
}

/// The units of every line of the member, or of one service, whose service starts in `year`.
pub(crate) fn units(
    db: &mut Db,
    member: &MemberId,
    service: Option<Service>,
    year: i32,
) -> Result<Vec<Units>, Error> {
    let day = |year, month, day| {
        NaiveDate::from_ymd_opt(year, month, day).ok_or_else(|| broken("a year that isn't one"))
    };
    let (first, last) = (day(year, 1, 1)?, day(year, 12, 31)?);
    let below = authorization_lines::number_day
        .eq(authorizations::number_day)
        .and(authorization_lines::number_seq.eq(authorizations::number_seq));
    let of_year = authorizations::table
        .inner_join(authorization_lines::table.on(below))
        .filter(authorizations::member_id.eq(member))
        .filter(authorizations::service_start.between(first, last))
        .select((
            authorizations::requested_service,
            authorization_lines::status,
            authorization_lines::authorized,
            authorization_lines::used,
        ));
    Ok(match service {
        Some(it) => of_year.filter(authorizations::requested_service.eq(it)).load(db)?,
        None => of_year.load(db)?,
    })
}
