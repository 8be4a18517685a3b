//! The tables of this room.

use chrono::NaiveDateTime;
use diesel::prelude::*;
use kernel::{PrincipalId, SiteId};
use store::rows;

use crate::{AttemptId, DeliveryFailure, DisabledFor, WebhookId, WebhookStatus};

rows! {
    #[derive(Queryable)]
    pub(crate) struct WebhookRow for webhooks {
        id: WebhookId,
        owner_id: PrincipalId,
        url: String,
        description: Option<String>,
        types: String,
        status: WebhookStatus,
        disabled_for: Option<DisabledFor>,
        public_key: String,
        secrets: String,
        old_secrets: Option<String>,
        old_until: Option<NaiveDateTime>,
        replay_after: Option<i64>,
        replay_until: Option<i64>,
        held_until: Option<NaiveDateTime>,
        failing_since: Option<NaiveDateTime>,
        leased_by: Option<String>,
        leased_until: NaiveDateTime,
        version: i32,
        created_at: NaiveDateTime,
        updated_at: NaiveDateTime,
        all_sites: bool,
    }
}
rows! {
    pub(crate) struct SiteRow for webhook_sites {
        webhook_id: WebhookId,
        site_id: SiteId,
    }
}
rows! {
    #[derive(Queryable)]
    pub(crate) struct QueueRow for webhook_queue {
        webhook_id: WebhookId,
        position: i64,
        event_id: String,
        subject: String,
        attempts: i32,
        next_at: NaiveDateTime,
    }
}
rows! {
    #[derive(Queryable)]
    pub(crate) struct AttemptRow for webhook_attempts {
        id: AttemptId,
        webhook_id: WebhookId,
        event_id: String,
        topic: String,
        attempt: i32,
        at: NaiveDateTime,
        status: Option<i32>,
        failure: Option<DeliveryFailure>,
        milliseconds: i32,
        next_at: Option<NaiveDateTime>,
    }
}

diesel::table! {
    webhooks (id) {
        id -> Text,
        owner_id -> Text,
        url -> Text,
        description -> Nullable<Text>,
        types -> Text,
        status -> Text,
        disabled_for -> Nullable<Text>,
        public_key -> Text,
        secrets -> Text,
        old_secrets -> Nullable<Text>,
        old_until -> Nullable<Timestamp>,
        replay_after -> Nullable<BigInt>,
        replay_until -> Nullable<BigInt>,
        held_until -> Nullable<Timestamp>,
        failing_since -> Nullable<Timestamp>,
        leased_by -> Nullable<Text>,
        leased_until -> Timestamp,
        version -> Integer,
        created_at -> Timestamp,
        updated_at -> Timestamp,
        all_sites -> Bool,
    }
}
diesel::table! {
    webhook_sites (webhook_id, site_id) {
        webhook_id -> Text,
        site_id -> Text,
    }
}
diesel::table! {
    webhook_queue (webhook_id, position) {
        webhook_id -> Text,
        position -> BigInt,
        event_id -> Text,
        subject -> Text,
        attempts -> Integer,
        next_at -> Timestamp,
    }
}
diesel::table! {
    webhook_attempts (id) {
        id -> Text,
        webhook_id -> Text,
        event_id -> Text,
        topic -> Text,
        attempt -> Integer,
        at -> Timestamp,
        status -> Nullable<Integer>,
        failure -> Nullable<Text>,
        milliseconds -> Integer,
        next_at -> Nullable<Timestamp>,
    }
}
diesel::joinable!(webhook_sites -> webhooks (webhook_id));
diesel::allow_tables_to_appear_in_same_query!(webhooks, webhook_sites, webhook_queue, webhook_attempts);
