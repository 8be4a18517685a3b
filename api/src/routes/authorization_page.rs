//! Lists of authorizations, as callers see them.

use authorizations::{RequestType, Service, Status, Summary, Urgency};
use chrono::{DateTime, NaiveDate, Utc};
use kernel::{DiagnosisCode, MemberId, SiteId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;
use crate::reply::Reply;

/// A page of authorizations.
#[derive(Serialize, ToSchema)]
pub(super) struct AuthorizationPage {
    data: Vec<AuthorizationRow>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// An authorization, as a list shows it.
#[derive(Serialize, ToSchema)]
struct AuthorizationRow {
    /// Its ID.
    #[schema(example = "26335R00001")]
    id: String,
    r#type: RequestType,
    requested_service: Service,
    status: Status,
    urgency: Urgency,
    member: MemberName,
    /// The site that owns it.
    site_id: SiteId,
    /// The primary diagnosis.
    primary_diagnosis: DiagnosisCode,
    /// The first day of service.
    service_start: NaiveDate,
    /// The last day of service.
    service_end: NaiveDate,
    /// How often it has changed, from 1.
    version: i32,
    /// When it was received.
    created_at: DateTime<Utc>,
}

/// A member, by number and name.
#[derive(Serialize, ToSchema)]
struct MemberName {
    id: MemberId,
    /// First and last name.
    name: String,
}

impl AuthorizationPage {
    pub(super) fn reply(
        rows: Vec<Summary>,
        next_cursor: Option<String>,
        link: Option<String>,
    ) -> Result<Reply, Problem> {
        let data: Vec<_> = rows.into_iter().map(AuthorizationRow::from).collect();
        let subjects: Vec<_> = data.iter().map(|it| it.id.clone()).collect();
        Ok(Reply::of(&Self { data, next_cursor })?.next(link).about(subjects))
    }
}

impl From<Summary> for AuthorizationRow {
    fn from(it: Summary) -> Self {
        Self {
            id: it.number.to_string(),
            r#type: it.request_type,
            requested_service: it.requested_service,
            status: it.status,
            urgency: it.urgency,
            member: MemberName { id: it.member_id, name: it.member_name },
            site_id: it.site_id,
            primary_diagnosis: it.primary_diagnosis,
            service_start: it.service_start,
            service_end: it.service_end,
            version: it.version,
            created_at: it.created_at,
        }
    }
}
