//! The queries on what became of what webhooks were sent.

use ::store::Rx;
use chrono::{DateTime, Utc};
use diesel::prelude::*;
use kernel::fresh_id;

use crate::schema::{AttemptRow, webhook_attempts};
use crate::{Attempt, AttemptId, Error, WebhookId};

/// At most `limit` attempts, the latest first.
pub(crate) fn attempts_of(
    rx: &mut Rx<'_>,
    id: &WebhookId,
    after: Option<&AttemptId>,
    limit: i64,
) -> Result<Vec<Attempt>, Error> {
    let last = after.map_or("dlv`", |it| it.as_str());
    let found: Vec<AttemptRow> = webhook_attempts::table
        .filter(webhook_attempts::webhook_id.eq(id).and(webhook_attempts::id.lt(last)))
        .order(webhook_attempts::id.desc())
        .limit(limit)
        .load(rx.db())?;
    Ok(found.into_iter().map(attempt).collect())
}

fn attempt(it: AttemptRow) -> Attempt {
    Attempt {
        id: it.id,
        event_id: it.event_id,
        topic: it.topic,
        attempt: it.attempt,
        at: it.at.and_utc(),
        status: it.status,
        failure: it.failure,
        milliseconds: it.milliseconds,
        next_at: it.next_at.map(|it| it.and_utc()),
    }
}

/// A new id of an attempt.
pub(crate) fn attempt_id(now: DateTime<Utc>) -> Result<AttemptId, Error> {
    let id = fresh_id("dlv", now);
    AttemptId::parse(&id).ok_or_else(|| ::store::Error::Internal(format!("no id: {id}")).into())
}
