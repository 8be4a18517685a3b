use std::cmp::Reverse;

use ::store::{Number, Rx};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{DiagnosisCode, MemberId, SiteId};
use registry::SiteScope;

use crate::{Error, RequestType, Service, Status, Urgency, store};

/// What a list is narrowed to (AUT-30).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those that this site owns.
    pub site_id: Option<SiteId>,
    /// Only those for this member.
    pub member_id: Option<MemberId>,
    /// Only those with this diagnosis, primary or not.
    pub diagnosis: Option<DiagnosisCode>,
    /// Only those of this kind.
    pub request_type: Option<RequestType>,
    /// Only those that stand here.
    pub status: Option<Status>,
    /// Only those whose service ends on this day or later.
    pub service_from: Option<NaiveDate>,
    /// Only those whose service starts on this day or earlier.
    pub service_to: Option<NaiveDate>,
    /// Only those received on this day, in the plan's zone, or later.
    pub created_from: Option<NaiveDate>,
    /// Only those received on this day, in the plan's zone, or earlier.
    pub created_to: Option<NaiveDate>,
}

/// An authorization as a list shows it (AUT-30).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Its number.
    pub number: Number,
    /// The kind of request.
    pub request_type: RequestType,
    /// The service asked for.
    pub requested_service: Service,
    /// Where it stands.
    pub status: Status,
    /// How soon an answer is needed.
    pub urgency: Urgency,
    /// The member's number.
    pub member_id: MemberId,
    /// The member's name.
    pub member_name: String,
    /// The site that owns it.
    pub site_id: SiteId,
    /// The primary diagnosis.
    pub primary_diagnosis: DiagnosisCode,
    /// The first day of service.
    pub service_start: NaiveDate,
    /// The last day of service.
    pub service_end: NaiveDate,
    /// How often it has changed, from 1.
    pub version: i32,
    /// When it was received.
    pub created_at: DateTime<Utc>,
}

/// Of so many sites at most, each is asked by itself.
const MERGED: usize = 16;

/// A page of at most `limit` of the authorizations that `scope` owns, the newest number first; and, if there are more,
/// where the next page begins.
///
/// # Errors
/// If the database can't answer.
pub fn list(
    rx: &mut Rx<'_>,
    scope: &SiteScope,
    filter: &Filter,
    after: Option<Number>,
    limit: u16,
) -> Result<(Vec<Summary>, Option<Number>), Error> {
    let most = i64::from(limit) + 1;
    let mut rows = match scope.sites() {
        // An index has the order of one site's; of several, all that they own would have to be sorted first.
        Some(sites)
            if (2..=MERGED).contains(&sites.len())
                && filter.site_id.is_none()
                && filter.member_id.is_none() =>
        {
            let mut rows = Vec::new();
            for site in sites {
                let filter = Filter { site_id: Some(site.clone()), ..filter.clone() };
                rows.extend(store::page(rx, scope, &filter, after, most)?);
            }
            rows.sort_unstable_by_key(|it: &Summary| Reverse(it.number));
            rows
        }
        _ => store::page(rx, scope, filter, after, most)?,
    };
    let more = rows.len() > usize::from(limit);
    rows.truncate(limit.into());
    let next = rows.last().filter(|_| more).map(|it| it.number);
    Ok((rows, next))
}
