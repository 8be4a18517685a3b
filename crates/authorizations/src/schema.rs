//! The tables of this room and their rows; `migrations/` describes each column.

use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use kernel::{CodeType, DiagnosisCode, MemberId, Npi, PrincipalId, SiteId};
use store::rows;

use crate::{PendReason, RequestType, Service, Status, Urgency};

diesel::table! {
    authorizations (number_day, number_seq) {
        number_day -> Date,
        number_seq -> BigInt,
        version -> Integer,
        events -> Integer,
        request_type -> Text,
        requested_service -> Text,
        site_id -> Text,
        member_id -> Text,
        servicing_npi -> Text,
        status -> Text,
        pend_reason -> Nullable<Text>,
        urgency -> Text,
        urgency_reason -> Nullable<Text>,
        parties -> Text,
        service_start -> Date,
        service_end -> Date,
        remarks -> Nullable<Text>,
        decision -> Text,
        duplicate_of -> Nullable<Text>,
        duplicate_site -> Nullable<Text>,
        re_evaluation -> Bool,
        closing -> Nullable<Text>,
        created_by -> Text,
        created_at -> Timestamp,
        updated_at -> Timestamp,
    }
}
diesel::table! {
    authorization_lines (number_day, number_seq, line) {
        number_day -> Date,
        number_seq -> BigInt,
        line -> Integer,
        status -> Text,
        code_type -> Text,
        code -> Text,
        modifiers -> Text,
        description -> Text,
        requested -> Integer,
        authorized -> Integer,
        used -> Integer,
    }
}
diesel::table! {
    authorization_diagnoses (number_day, number_seq, place) {
        number_day -> Date,
        number_seq -> BigInt,
        place -> Integer,
        code -> Text,
        description -> Text,
    }
}
diesel::table! {
    past_decisions (number_day, number_seq, version) {
        number_day -> Date,
        number_seq -> BigInt,
        version -> Integer,
        decision -> Text,
        lines -> Text,
        service_start -> Date,
        service_end -> Date,
    }
}
diesel::allow_tables_to_appear_in_same_query!(authorizations, authorization_diagnoses, authorization_lines);

rows! {
    pub(crate) struct PastDecisionRow for past_decisions {
        number_day: NaiveDate,
        number_seq: i64,
        version: i32,
        decision: String,
        lines: String,
        service_start: NaiveDate,
        service_end: NaiveDate,
    }
}

rows! {
    #[derive(Queryable, Selectable)]
    pub(crate) struct AuthorizationRow for authorizations {
        number_day: NaiveDate,
        number_seq: i64,
        version: i32,
        events: i32,
        request_type: RequestType,
        requested_service: Service,
        site_id: SiteId,
        member_id: MemberId,
        servicing_npi: Npi,
        status: Status,
        pend_reason: Option<PendReason>,
        urgency: Urgency,
        urgency_reason: Option<String>,
        parties: String,
        service_start: NaiveDate,
        service_end: NaiveDate,
        remarks: Option<String>,
        decision: String,
        duplicate_of: Option<String>,
        duplicate_site: Option<SiteId>,
        re_evaluation: bool,
        closing: Option<String>,
        created_by: PrincipalId,
        created_at: NaiveDateTime,
        updated_at: NaiveDateTime,
    }
}
rows! {
    pub(crate) struct LineRow for authorization_lines {
        number_day: NaiveDate,
        number_seq: i64,
        line: i32,
        status: Status,
        code_type: CodeType,
        code: String,
        modifiers: String,
        description: String,
        requested: i32,
        authorized: i32,
        used: i32,
    }
}
rows! {
    pub(crate) struct DiagnosisRow for authorization_diagnoses {
        number_day: NaiveDate,
        number_seq: i64,
        place: i32,
        code: DiagnosisCode,
        description: String,
    }
}
