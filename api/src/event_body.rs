//! An event, as pollers and webhooks see it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use store::Told;
use utoipa::ToSchema;

/// Something that happened; ids only. What it came to is read from the subject itself.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventBody {
    /// Its id: the same each time that it is told.
    #[schema(pattern = "^evt_[0-9a-f]{32}$")]
    id: String,
    /// What happened.
    #[schema(value_type = kernel::EventType)]
    r#type: String,
    /// When.
    occurred_at: DateTime<Utc>,
    /// To what: the id of an authorization, a user, a webhook.
    subject: String,
    /// The site that owns the subject; null where it is the plan's.
    #[schema(required = true)]
    site_id: Option<String>,
    /// Where the subject stands after it.
    status: String,
    /// The subject's version after it.
    #[schema(minimum = 1)]
    version: i32,
    /// Its place among the subject's events, from 1.
    #[schema(minimum = 1)]
    sequence: i32,
}

impl From<Told> for EventBody {
    fn from(it: Told) -> Self {
        Self {
            occurred_at: it.at(),
            id: it.id,
            r#type: it.topic,
            subject: it.subject,
            site_id: it.site_id,
            status: it.status,
            version: it.version,
            sequence: it.sequence,
        }
    }
}
