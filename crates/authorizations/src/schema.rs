//! The tables of this room; `migrations/` describes each column.

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
        decision -> Nullable<Text>,
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
diesel::allow_tables_to_appear_in_same_query!(authorizations, authorization_diagnoses);
