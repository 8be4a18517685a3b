//! What merely is, looked up when someone asks.

use std::fmt::Write;
use std::sync::PoisonError;

use chrono::{DateTime, Utc};
use futures_util::future::join;
use prometheus::{Counter, Encoder, IntCounter, TextEncoder};
use store::{Gauges, Lag};

use super::{FAMILIES, Metrics};
use crate::patience::{Count, Late};
use crate::{State, host};

/// Seconds since 1970.
pub(super) fn seconds(at: DateTime<Utc>) -> f64 {
    (at - DateTime::UNIX_EPOCH).as_seconds_f64()
}

impl State {
    /// All that `GET /metrics` tells. That the database doesn't answer is told, too.
    pub async fn scrape(&self) -> String {
        let deliveries = self.store.read(webhooks::overdue).into_future();
        let (backlog, deliveries) = join(self.store.lag().into_future(), deliveries).await;
        let now = self.clock.now();
        let metrics = &self.metrics;
        metrics.up.set(i64::from(backlog.is_ok()));
        if let Ok(it) = deliveries {
            metrics.deliveries_due.set(it);
        }
        if let Ok(it) = backlog {
            metrics.lag(&it, now);
        }
        metrics.gauge(&self.store.gauges());
        metrics.stuck.set(self.store.stuck().try_into().unwrap_or(i64::MAX));
        metrics.callers(&self.patience.count);
        let expires = self.patience.expires().and_then(|it| DateTime::from_timestamp(it, 0));
        metrics.certificate.set(expires.map_or(0.0, seconds));
        metrics.process();
        metrics.text()
    }
}

impl Metrics {
    /// What waits to be done, by the database.
    fn lag(&self, it: &Lag, now: DateTime<Utc>) {
        let age = |at: Option<DateTime<Utc>>| at.map_or(0.0, |at| (now - at).as_seconds_f64().max(0.0));
        self.unsent.set(it.unsent);
        self.oldest_unsent.set(age(it.oldest_unsent));
        self.overdue.set(it.overdue);
        self.unsealed.set(age(it.oldest_loose));
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // A kind that has none any more is told no more.
        self.jobs_due.reset();
        self.jobs_oldest.reset();
        for it in &it.jobs {
            self.jobs_due.with_label_values(&[&it.kind]).set(it.due);
            self.jobs_oldest.with_label_values(&[&it.kind]).set(age(it.since));
        }
        self.backup.set(it.last_backup.map_or(0.0, seconds));
    }

    fn gauge(&self, it: &Gauges) {
        for (role, links) in [("read", it.readers), ("write", it.writers)] {
            self.links.with_label_values(&[role, "in_use"]).set(links.in_use.into());
            self.links.with_label_values(&[role, "idle"]).set(links.idle.into());
        }
        for (what, count) in [("reads", it.reads), ("writes", it.writes), ("trail", it.notes)] {
            self.waiting.with_label_values(&[what]).set(count.try_into().unwrap_or(i64::MAX));
        }
        self.blind.set(it.blind.into());
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for (why, count) in it.refused {
            raise(&self.refused.with_label_values(&[why]), count);
        }
        raise(&self.waits, it.waits);
        raise(&self.commits, it.commits);
        raise(&self.committed, it.committed);
        raise_to(&self.waited, it.waited.as_secs_f64());
        raise_to(&self.commit_time, it.commit_time.as_secs_f64());
    }

    /// The connections of callers.
    fn callers(&self, it: &Count) {
        self.connections.with_label_values(&["open"]).set(it.open().try_into().unwrap_or(i64::MAX));
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        for (why, count) in [("cap_address", it.refused_of_address()), ("cap_all", it.refused_in_all())] {
            raise(&self.connections_closed.with_label_values(&[why]), count);
        }
        for (late, why) in Late::ALL {
            raise(&self.connections_closed.with_label_values(&[why]), it.late(late));
        }
    }

    /// The process itself, and where its database is.
    fn process(&self) {
        for (gauge, found) in [
            (&self.resident, host::resident_bytes()),
            (&self.descriptors, host::descriptors()),
            (&self.most_descriptors, host::most_descriptors()),
        ] {
            if let Some(found) = found {
                gauge.set(found);
            }
        }
        let free = self.storage.as_deref().and_then(host::free_bytes);
        if let Some(free) = free {
            self.free.with_label_values(&["database"]).set(free);
        }
    }

    /// Prometheus's text, in which each family has its type even while nothing was counted in it.
    fn text(&self) -> String {
        let found = self.registry.gather();
        let mut text = Vec::new();
        // Writing to memory doesn't fail.
        let _ = TextEncoder::new().encode(&found, &mut text);
        let mut text = String::from_utf8(text).unwrap_or_default();
        let empty = FAMILIES.iter().filter(|it| found.iter().all(|found| found.name() != it.0));
        for (name, kind, help) in empty {
            let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", help.trim_ascii());
        }
        text
    }
}

/// Brings a counter up to what was counted elsewhere.
fn raise(counter: &IntCounter, to: u64) {
    counter.inc_by(to.saturating_sub(counter.get()));
}

fn raise_to(counter: &Counter, to: f64) {
    counter.inc_by((to - counter.get()).max(0.0));
}
