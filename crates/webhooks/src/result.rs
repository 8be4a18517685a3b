//! What became of an attempt.

use ::store::Tx;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

use crate::attempts::attempt_id;
use crate::change::give_up;
use crate::schedule::{GIVES_UP, delay};
use crate::schema::{AttemptRow, webhook_queue, webhooks};
use crate::store::webhook;
use crate::turn::renew;
use crate::{DeliveryFailure, DisabledFor, Due, Error, Turn, WebhookId};

/// What came of sending an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// What was answered, or why nothing was.
    pub answer: Result<u16, DeliveryFailure>,
    /// After how many seconds to come again, if it said.
    pub retry_after: Option<u32>,
    /// How long it took.
    pub milliseconds: i32,
    /// By how much the next attempt is earlier or later than it would be, in thousandths.
    pub jitter: i32,
}

impl Outcome {
    /// Whether it was taken.
    #[must_use]
    pub fn is_taken(&self) -> bool {
        matches!(self.answer, Ok(200..=299))
    }

    /// What it asked for by 429 or 503: that nothing is sent for so many seconds.
    fn pause(&self) -> Option<u32> {
        matches!(self.answer, Ok(429 | 503)).then(|| self.retry_after.unwrap_or(PAUSE))
    }
}

/// What keeping an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The turn goes on.
    Yes,
    /// The webhook was given up.
    GivenUp,
    /// The turn is another's by now, or the webhook is disabled: the attempt isn't kept, but what was taken isn't sent again.
    Lost,
}

/// How long a webhook is left alone that says it has too much to do and not for how long.
const PAUSE: u32 = 5;

/// Keeps what became of an attempt: it leaves the queue, or is tried again later; the webhook may be given up.
///
/// # Errors
/// If the database can't answer.
pub fn record(tx: &mut Tx<'_>, turn: &Turn, due: &Due, it: Outcome) -> Result<Kept, Error> {
    let id = &turn.id;
    tx.lock(&[::store::Key::Webhook(id.to_string())])?;
    let row = webhook_queue::table.find((id, due.event.position()));
    if !renew(tx, turn)? {
        if it.is_taken() {
            diesel::delete(row).execute(tx.db()?)?;
        }
        return Ok(Kept::Lost);
    }
    let (now, attempts) = (tx.now(), due.attempts + 1);
    let again = !it.is_taken() && !matches!(it.answer, Ok(410) | Err(DeliveryFailure::NotPermitted));
    let next = if again { delay(attempts, it.jitter, it.pause()).map(|it| now + it) } else { None };
    tx.insert(vec![AttemptRow {
        id: attempt_id(now)?,
        webhook_id: id.clone(),
        event_id: due.event.id.clone(),
        topic: due.event.topic.clone(),
        attempt: attempts,
        at: now.naive_utc(),
        status: it.answer.ok().map(i32::from),
        failure: it.answer.err(),
        milliseconds: it.milliseconds,
        next_at: next.map(|it| it.naive_utc()),
    }]);
    match next {
        None => diesel::delete(row).execute(tx.db()?)?,
        Some(next) => {
            let set = (webhook_queue::attempts.eq(attempts), webhook_queue::next_at.eq(next.naive_utc()));
            diesel::update(row).set(set).execute(tx.db()?)?
        }
    };
    if it.is_taken() {
        return succeeded(tx, id);
    }
    if it.answer == Err(DeliveryFailure::NotPermitted) {
        return Ok(Kept::Yes);
    }
    failed(tx, id, it, next.is_none())
}

fn succeeded(tx: &mut Tx<'_>, id: &WebhookId) -> Result<Kept, Error> {
    let failing = webhooks::table.filter(webhooks::id.eq(id).and(webhooks::failing_since.is_not_null()));
    let none = webhooks::failing_since.eq(None::<NaiveDateTime>);
    diesel::update(failing).set(none).execute(tx.db()?)?;
    Ok(Kept::Yes)
}

fn failed(tx: &mut Tx<'_>, id: &WebhookId, it: Outcome, last: bool) -> Result<Kept, Error> {
    let (now, day) = (tx.now(), tx.today());
    let Some((mut found, _)) = webhook(tx.db()?, day, id)? else { return Ok(Kept::Lost) };
    let since = *found.failing_since.get_or_insert(now);
    if it.answer == Ok(410) {
        return give_up(tx, found, DisabledFor::Gone).map(|()| Kept::GivenUp);
    }
    if last && now - since >= GIVES_UP {
        return give_up(tx, found, DisabledFor::Failing).map(|()| Kept::GivenUp);
    }
    let pause = it.pause().map(|it| (now + TimeDelta::seconds(it.min(86_400).into())).naive_utc());
    let row = webhooks::table.find(id);
    let since = webhooks::failing_since.eq(Some(since.naive_utc()));
    match pause {
        Some(_) => diesel::update(row).set((since, webhooks::held_until.eq(pause))).execute(tx.db()?)?,
        None => diesel::update(row).set(since).execute(tx.db()?)?,
    };
    Ok(Kept::Yes)
}
