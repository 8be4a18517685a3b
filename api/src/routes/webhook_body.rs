//! Webhooks, as callers see them.

use chrono::{DateTime, Utc};
use kernel::{PrincipalId, SiteId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use webhooks::{Attempt, AttemptId, DeliveryFailure, DisabledFor, Webhook, WebhookId, WebhookStatus};

use crate::deliveries::Deliveries;
use crate::event_body::EventBody;
use crate::reply::Reply;
use crate::{Problem, problem};

/// A page of events, the oldest first.
#[derive(Serialize, ToSchema)]
pub(super) struct EventPage {
    pub(super) data: Vec<EventBody>,
    /// Send it as `after` to read on, at once or later; it is never null, and where the page is empty nothing has happened since.
    pub(super) next_cursor: String,
}

/// A page of webhooks.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookPage {
    pub(super) data: Vec<WebhookBody>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    pub(super) next_cursor: Option<String>,
}

/// A page of attempts, the latest first.
#[derive(Serialize, ToSchema)]
pub(super) struct AttemptPage {
    pub(super) data: Vec<AttemptBody>,
    /// Send it as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    pub(super) next_cursor: Option<String>,
}

/// A webhook: where someone is told of events.
#[derive(Serialize, ToSchema)]
pub(super) struct WebhookBody {
    id: WebhookId,
    /// Who made it.
    owner_id: PrincipalId,
    /// Where it is.
    url: String,
    /// What it is for.
    #[schema(required = true)]
    description: Option<String>,
    /// The types of events that it is told of (`EventType`); all, where there is none.
    types: Vec<String>,
    /// The sites whose events it is told; null for all of its owner's.
    #[schema(required = true)]
    site_ids: Option<Vec<SiteId>>,
    status: WebhookStatus,
    /// Why it is disabled.
    #[schema(required = true)]
    disabled_for: Option<DisabledFor>,
    /// Verifies its signatures `v1a`: `whpk_` and an Ed25519 key in base64.
    public_key: String,
    /// Verifies its signatures `v1`: `whsec_` and a secret in base64. Shown when it is made or rotated; else null.
    #[schema(required = true)]
    secret: Option<String>,
    /// Until when the secrets of before sign, too.
    #[schema(required = true)]
    rotated_until: Option<DateTime<Utc>>,
    /// Since when nothing succeeded; null where the last attempt did.
    #[schema(required = true)]
    failing_since: Option<DateTime<Utc>>,
    /// How often it was changed, from 1; a test and a replay change nothing of it.
    #[schema(minimum = 1)]
    version: i32,
    /// When it was made.
    created_at: DateTime<Utc>,
    /// When it was changed last.
    updated_at: DateTime<Utc>,
}

/// An attempt to send an event to a webhook.
#[derive(Serialize, ToSchema)]
pub(super) struct AttemptBody {
    id: AttemptId,
    /// The event.
    event_id: String,
    /// The event's type.
    #[schema(value_type = kernel::EventType)]
    r#type: String,
    /// Which attempt it was, from 1.
    #[schema(minimum = 1)]
    attempt: i32,
    /// When.
    at: DateTime<Utc>,
    /// The status that was answered; null where nothing was.
    #[schema(required = true)]
    status: Option<i32>,
    /// Why nothing was answered.
    #[schema(required = true)]
    failure: Option<DeliveryFailure>,
    /// How long it took.
    #[schema(minimum = 0)]
    milliseconds: i32,
    /// When it is tried again; null where it isn't.
    #[schema(required = true)]
    next_attempt_at: Option<DateTime<Utc>>,
}

impl WebhookBody {
    /// The answer that shows a webhook; sealed secrets that it shows are opened by [`opened`].
    pub(super) fn reply(it: Webhook, sealed: Option<String>) -> Result<Reply, store::Error> {
        let (id, site, version) = (it.id.clone(), it.site_ids.first().cloned(), it.version);
        let body = Self { secret: sealed, ..Self::from(it) };
        let reply = Reply::versioned(version, &body)?.about([id]);
        Ok(match &site {
            Some(site) => reply.owned_by(site),
            None => reply,
        })
    }
}

/// The same answer with the secret as the receiver needs it. As it is kept for a repeated request, it is sealed.
pub(super) fn opened(deliveries: &Deliveries, reply: Reply) -> Result<Reply, Problem> {
    let shown = |text: &str| {
        let mut body: Value = serde_json::from_str(text).ok()?;
        let secrets = deliveries.open(body["id"].as_str()?, body["secret"].as_str()?)?;
        body["secret"] = secrets.shared().into();
        serde_json::to_string(&body).ok()
    };
    reply.rewritten(shown).ok_or_else(|| problem::INTERNAL.problem())
}

impl From<Webhook> for WebhookBody {
    fn from(it: Webhook) -> Self {
        Self {
            id: it.id,
            owner_id: it.owner_id,
            url: it.url,
            description: it.description,
            types: it.types,
            site_ids: (!it.all_sites).then_some(it.site_ids),
            status: it.status,
            disabled_for: it.disabled_for,
            public_key: it.public_key,
            secret: None,
            rotated_until: it.old_until,
            failing_since: it.failing_since,
            version: it.version,
            created_at: it.created_at,
            updated_at: it.updated_at,
        }
    }
}

impl From<Attempt> for AttemptBody {
    fn from(it: Attempt) -> Self {
        Self {
            id: it.id,
            event_id: it.event_id,
            r#type: it.topic,
            attempt: it.attempt,
            at: it.at,
            status: it.status,
            failure: it.failure,
            milliseconds: it.milliseconds,
            next_attempt_at: it.next_at,
        }
    }
}
