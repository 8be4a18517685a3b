//! The tables of this room; `migrations/` describes each column.

diesel::table! {
    products (id) {
        id -> Text,
        name -> Text,
        my_care_family -> Bool,
    }
}
diesel::table! {
    organizations (id) {
        id -> Text,
        name -> Text,
    }
}
diesel::table! {
    sites (id) {
        id -> Text,
        organization_id -> Text,
        name -> Text,
        npi -> Text,
    }
}
diesel::table! {
    providers (npi) {
        npi -> Text,
        name -> Text,
        kind -> Text,
        pay_to_npi -> Nullable<Text>,
    }
}
diesel::table! {
    affiliations (npi, site_id, first_on) {
        npi -> Text,
        site_id -> Text,
        first_on -> Date,
        last_on -> Nullable<Date>,
    }
}
diesel::table! {
    members (id) {
        id -> Text,
        first_name -> Text,
        last_name -> Text,
        first_folded -> Text,
        last_folded -> Text,
        date_of_birth -> Date,
        pcp_npi -> Nullable<Text>,
        pcp_site_id -> Nullable<Text>,
    }
}
diesel::table! {
    coverages (member_id, first_on) {
        member_id -> Text,
        product_id -> Text,
        first_on -> Date,
        last_on -> Nullable<Date>,
    }
}
diesel::table! {
    diagnosis_codes (code, first_on) {
        code -> Text,
        first_on -> Date,
        last_on -> Nullable<Date>,
        billable -> Bool,
        description -> Text,
    }
}
diesel::table! {
    code_releases (code_set, first_on) {
        code_set -> Text,
        first_on -> Date,
        codes -> Integer,
        loaded_at -> Timestamp,
    }
}
diesel::table! {
    provider_words (word, npi) {
        word -> Text,
        npi -> Text,
    }
}
diesel::table! {
    benefits (product_id, service) {
        product_id -> Text,
        service -> Text,
        covered -> Bool,
        units_a_year -> Nullable<Integer>,
    }
}
diesel::table! {
    principals (id) {
        id -> Text,
        kind -> Text,
        login -> Text,
        person -> Text,
        name -> Text,
        contact_name -> Nullable<Text>,
        contact_phone -> Nullable<Text>,
        reports_to -> Nullable<Text>,
        ceiling -> Nullable<Text>,
        active -> Bool,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Nullable<Timestamp>,
    }
}
diesel::table! {
    grants (id) {
        id -> Text,
        principal_id -> Text,
        role -> Text,
        site_id -> Nullable<Text>,
        first_on -> Nullable<Date>,
        last_on -> Nullable<Date>,
        requested_by -> Text,
        requested_at -> Timestamp,
        approved_by -> Nullable<Text>,
        approved_at -> Nullable<Timestamp>,
        ended_by -> Nullable<Text>,
        ended_at -> Nullable<Timestamp>,
    }
}
diesel::table! {
    delegations (grant_id) {
        grant_id -> Text,
        channel -> Text,
        paper -> Text,
    }
}
diesel::table! {
    emergency_accesses (id) {
        id -> Text,
        principal_id -> Text,
        member_id -> Text,
        reason_code -> Text,
        reason -> Text,
        opened_at -> Timestamp,
        ends_at -> Timestamp,
        reviewed_by -> Nullable<Text>,
        reviewed_at -> Nullable<Timestamp>,
        finding -> Nullable<Text>,
    }
}
diesel::table! {
    clients (principal_id) {
        principal_id -> Text,
        jwks -> Nullable<Text>,
        jwks_url -> Nullable<Text>,
    }
}
diesel::table! {
    used_assertions (client_id, jti) {
        client_id -> Text,
        jti -> Text,
        expires_at -> Timestamp,
    }
}
diesel::joinable!(members -> providers (pcp_npi));
diesel::joinable!(members -> sites (pcp_site_id));
diesel::joinable!(coverages -> members (member_id));
diesel::joinable!(coverages -> products (product_id));
diesel::joinable!(grants -> principals (principal_id));
diesel::joinable!(emergency_accesses -> principals (principal_id));
diesel::joinable!(grants -> sites (site_id));
diesel::joinable!(clients -> principals (principal_id));
diesel::joinable!(delegations -> grants (grant_id));
diesel::allow_tables_to_appear_in_same_query!(
    members,
    providers,
    provider_words,
    sites,
    coverages,
    products,
    benefits,
    principals,
    grants,
    delegations,
    emergency_accesses,
    clients
);
