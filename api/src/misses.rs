//! How often someone may ask for what isn't there (I-14): who tries one number after another is stopped.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use kernel::{Clock, EventType, TrailAction};
use store::{Actor, Event, Key, Store, Trail};

use crate::config::Rate;
use crate::rates::too_many;
use crate::{Problem, State};

/// Who asked for what isn't there, since when and how often.
pub struct Misses {
    most: u32,
    window: TimeDelta,
    clock: Arc<dyn Clock>,
    counts: Mutex<HashMap<String, (DateTime<Utc>, u32)>>,
}

impl Misses {
    /// None counted yet. Of the rate, `burst` are let pass, in the time in which as many come back.
    #[must_use]
    pub fn new(rate: Rate, clock: &Arc<dyn Clock>) -> Self {
        let most = if rate.minute == 0 { 0 } else { rate.burst };
        let window = TimeDelta::seconds(i64::from(most) * 60 / i64::from(rate.minute.max(1)));
        Self { most, window, clock: Arc::clone(clock), counts: Mutex::default() }
    }

    /// Lets whoever hasn't missed too often look something up.
    ///
    /// # Errors
    /// 429 until the window is over that they have exhausted.
    pub fn pass(&self, login: &str) -> Result<(), Problem> {
        let counts = self.counts();
        let Some((since, count)) = counts.get(login) else { return Ok(()) };
        let left = *since + self.window - self.clock.now();
        let wait = u64::try_from(left.num_milliseconds()).unwrap_or_default().div_ceil(1000);
        if *count < self.most || wait == 0 { Ok(()) } else { Err(too_many(wait)) }
    }

    /// Counts one more; whether it is the last that is let pass.
    fn add(&self, login: &str) -> bool {
        let (mut counts, now) = (self.counts(), self.clock.now());
        counts.retain(|_, it| now < it.0 + self.window);
        let (_, count) = counts.entry(login.to_owned()).or_insert((now, 0));
        *count += 1;
        *count == self.most
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<String, (DateTime<Utc>, u32)>> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts that `who` asked for what isn't there, and tells the plan once it is too often.
    pub(crate) async fn count(&self, store: &Store, login: &str, who: &Actor) {
        if self.most == 0 || !self.add(login) {
            return;
        }
        let subject = format!("{}/misses", who.id);
        let key = Key::User(who.id.to_string());
        let told = store.write(&State::system(&who.request), move |tx| {
            tx.lock(&[key])?;
            let sequence = tx.next_event(&subject)?;
            tx.record(Trail {
                action: TrailAction::SecurityEnumerationSuspected,
                subject: subject.clone(),
                site_id: None,
                reason: None,
                before: None,
                after: None,
            });
            let status = "limited".to_owned();
            let topic = EventType::SecurityEnumerationSuspected;
            tx.emit(Event { topic, subject, site_id: None, status, version: sequence, sequence });
            Ok::<_, store::Error>(())
        });
        if let Err(it) = told.await {
            let (cause, request, caller) = (format!("{it:?}"), &*who.request, &*who.id);
            ::log::error!(target: "lanyard::fault", cause, request, caller; "too many misses can't be told");
        }
    }
}
