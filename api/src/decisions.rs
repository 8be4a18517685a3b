//! Rulings in real time, and what happens where none can be had (AUT-04, AUT-24).

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::task::spawn_blocking;
use actix_web::rt::time::timeout;
use authorizations::{Decider, NoRuling, PendReason, Policy, Question, Ruled, Ruling};
use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio::sync::Semaphore;

/// How soon a request is looked at again that could not be decided in real time.
const AGAIN: TimeDelta = TimeDelta::minutes(1);

/// The most that may wait for a decider at once: one that hangs must not take every thread.
const MOST: usize = 32;

/// Who rules on requests, and for how long that is waited for.
pub struct Decisions {
    decider: Arc<dyn Decider>,
    limit: Duration,
    maintained: bool,
    free: Arc<Semaphore>,
}

impl Decisions {
    /// By `decider`, which is waited for until `limit`; whether there are maintenance windows is for `maintained` to say.
    #[must_use]
    pub fn new(decider: Arc<dyn Decider>, limit: Duration, maintained: bool) -> Self {
        Self { decider, limit, maintained, free: Arc::new(Semaphore::new(MOST)) }
    }

    /// When the maintenance window ends in which `now` is, if it is in one (AUT-04).
    pub(crate) fn window(&self, policy: &Policy, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        policy.maintenance.as_ref().filter(|_| self.maintained).and_then(|it| it.ends(now, zone))
    }

    /// How a request is ruled on that comes at `now`: later, in the maintenance window and where no answer comes in time.
    pub(crate) async fn real_time(
        &self,
        question: Question,
        policy: &Policy,
        now: DateTime<Utc>,
        zone: Tz,
    ) -> Ruled {
        let window = self.window(policy, now, zone);
        let (why, not_before) = match window {
            Some(ends) => (PendReason::MaintenanceWindow, ends),
            None => (PendReason::NoAnswer, now + AGAIN),
        };
        if window.is_none() {
            let twin = Question { duplicate: true, ..question.clone() };
            let both = vec![question.clone(), twin];
            if let Ok(rulings) = self.rule(both, self.limit).await
                && let Ok([it, twin]) = <[Ruling; 2]>::try_from(rulings)
            {
                return Ruled::Now(Box::new((it, twin)));
            }
        }
        Ruled::Later { why, not_before, question: Box::new(question) }
    }

    /// What is ruled on each of `questions`, if that can be had within `limit`.
    ///
    /// # Errors
    /// That it can't: the decider failed, panicked, or takes too long, or too many wait for it.
    pub(crate) async fn rule(
        &self,
        questions: Vec<Question>,
        limit: Duration,
    ) -> Result<Vec<Ruling>, NoRuling> {
        let all = |decider: &dyn Decider| questions.into_iter().map(|it| decider.decide(it)).collect();
        if self.decider.is_prompt() {
            return all(&*self.decider);
        }
        let seat = Arc::clone(&self.free).try_acquire_owned().map_err(|_| NoRuling)?;
        let decider = Arc::clone(&self.decider);
        let work = spawn_blocking(move || {
            // It is held for as long as the thread is, whoever still waits.
            let _seat = seat;
            all(&*decider)
        });
        timeout(limit, work).await.map_err(|_| NoRuling)?.map_err(|_| NoRuling)?
    }
}
